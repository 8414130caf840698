import copy

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.model.tensors import GraphTensors
from graphmml.train.loop import Part, train_network
from graphmml.train.tasks import ClassTask

CPU = torch.device("cpu")


@pytest.fixture
def setting(cohort):
    """An untrained network, its task, and what it learns from and stops by."""
    encoded = gm.CohortEncoder().fit(cohort[:45]).transform(cohort)
    train, held_out = encoded[:45], encoded[45:]
    task = ClassTask.of(cohort[:45])
    codes = torch.from_numpy(task.codes(cohort))
    graph, attached = gm.build_graph(gm.Neighbours(k=3), train), gm.build_graph(gm.Neighbours(k=3), train, held_out)
    torch.manual_seed(0)
    network = gm.GraphNetwork(
        {name: len(columns) for name, columns in encoded.columns.items()},
        graph.schema,
        outputs=2,
        width=8,
        encoder=gm.LinearEncoder,
        fusion=gm.GatedFusion,
        conv=gm.SAGEStack,
    )
    stop = codes.clone()
    stop[:45] = -1
    learn = Part(GraphTensors.of(graph, train, device=CPU), codes[:45])
    return network, task, learn, Part(GraphTensors.of(attached, train, held_out, device=CPU), stop)


def held_out_loss(network, task, part):
    with torch.no_grad():
        return float(task.loss(network.eval()(part.graph), part.codes))


def test_the_weights_of_the_best_epoch_are_kept(setting):
    network, task, learn, stop = setting
    seen = []
    lowest = train_network(
        network, task, learn, stop, gm.Training(epochs=60, patience=60, learning_rate=0.1), seen.append
    )
    losses = [epoch.validation for epoch in seen]
    assert len(losses) == 60
    assert losses[-1] > min(losses), "nothing to restore: train longer"
    assert lowest == min(losses)
    assert held_out_loss(network, task, stop) == pytest.approx(lowest, rel=1e-6)
    assert not network.training


def test_training_stops_once_patience_is_used_up(setting):
    network, task, learn, stop = setting
    seen = []
    train_network(network, task, learn, stop, gm.Training(epochs=500, patience=4, learning_rate=0.1), seen.append)
    losses = [epoch.validation for epoch in seen]
    assert len(losses) < 500
    assert len(losses) == int(np.argmin(losses)) + 1 + 4
    assert [epoch.number for epoch in seen] == list(range(len(seen)))


def test_the_training_loss_falls(setting):
    network, task, learn, stop = setting
    seen = []
    train_network(network, task, learn, stop, gm.Training(epochs=40, patience=40, learning_rate=0.05), seen.append)
    assert np.mean([epoch.loss for epoch in seen[-5:]]) < 0.8 * seen[0].loss


def test_nobody_whose_class_is_unknown_counts(setting):
    """Codes of -1 neither teach nor stop; what is known of the others decides alone."""
    network, task, learn, _ = setting
    logits = network.eval()(learn.graph)
    hidden = learn.codes.clone()
    hidden[::2] = -1
    assert torch.allclose(task.loss(logits, hidden), task.loss(logits[1::2], learn.codes[1::2]))


def test_balanced_weights_make_every_class_count_the_same():
    task = ClassTask(("a", "b", "c"))
    codes = torch.tensor([0] * 6 + [1] * 3 + [2] + [-1] * 5)
    weight = task.balanced(codes)
    totals = weight * torch.tensor([6.0, 3.0, 1.0])
    assert torch.allclose(totals, totals[0].expand(3))
    assert float(totals.sum()) == pytest.approx(10)


def test_balanced_training_differs_from_plain_where_classes_are_uneven(setting):
    network, task, learn, stop = setting
    uneven = learn.codes.clone()
    uneven[torch.nonzero(uneven == 1).flatten()[4:]] = -1
    seen = {}
    for balanced in (False, True):
        epochs = seen[balanced] = []
        how = gm.Training(epochs=2, balanced=balanced)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            train_network(copy.deepcopy(network), task, Part(learn.graph, uneven), stop, how, epochs.append)
    assert seen[True][0].loss != seen[False][0].loss


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"patience": 0}, {"learning_rate": 0.0}, {"learning_rate": -1.0}, {"weight_decay": -0.1}]
)
def test_settings_that_cannot_train_are_refused(wrong):
    with pytest.raises(gm.GraphmmlError, match="must be above zero"):
        gm.Training(**wrong)


def test_classes_are_numbered_with_the_positive_one_last(cohort):
    task = ClassTask.of(cohort)
    assert task.classes == ("control", "case")
    values = cohort.outcome.values.to_numpy()
    assert [task.classes[code] for code in task.codes(cohort)] == list(values)
    assert (task.codes(cohort.with_outcome_of(range(10)))[10:] == -1).all()
    assert ClassTask(("control", "other")).codes(cohort).max() == 0
