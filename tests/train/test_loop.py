import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import network_for
from graphmml.train.batches import Part
from graphmml.train.loop import Best, cost_of, step, train_network
from graphmml.train.tasks import ClassTask

CPU = torch.device("cpu")


@pytest.fixture
def make(cohort):
    """Make an untrained network of a fusion or strategy, its task, and what it learns from and stops by."""
    encoded = gm.CohortEncoder().fit(cohort[:45]).transform(cohort)
    train, held_out = encoded[:45], encoded[45:]
    task = ClassTask.of(cohort[:45])
    codes = torch.from_numpy(task.codes(cohort))

    def made(fusion, links=gm.Neighbours(k=3)):  # noqa: B008 -- a constructor is frozen
        graph, attached = gm.build_graph(links, train), gm.build_graph(links, train, held_out)
        torch.manual_seed(0)
        columns = {name: len(columns) for name, columns in encoded.columns.items()}
        parts = {"encoder": gm.LinearEncoder, "conv": gm.SAGEStack}
        network = network_for(columns, graph.schema, outputs=2, width=8, fusion=fusion, **parts)
        stop = codes.clone()
        stop[:45] = -1
        learn = Part(GraphTensors.of(graph, train, device=CPU), codes[:45])
        return network, task, learn, Part(GraphTensors.of(attached, train, held_out, device=CPU), stop)

    return made


@pytest.fixture
def setting(make):
    return make(gm.GatedFusion)


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
    assert lowest.loss == min(losses)
    assert lowest.epochs == 1 + int(np.argmin(losses))
    assert held_out_loss(network, task, stop) == pytest.approx(lowest.loss, rel=1e-6)
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


def weights_of(network):
    return {name: weight.detach().clone() for name, weight in network.named_parameters()}


LOSSES = [
    gm.Intermediate(auxiliary=gm.Contrast),
    gm.Intermediate(auxiliary=gm.DeepCCA, own_graphs=True),
    gm.Hybrid(auxiliary=gm.Reconstruction),
    gm.Hybrid(auxiliary=gm.Contrast, balance="gradients"),
    gm.Intermediate(complete=gm.ExpertCompletion),
]


@pytest.mark.parametrize("strategy", LOSSES, ids=repr)
def test_pretraining_learns_penalties_alone(strategy, make):
    """Whatever the outcome is, and nothing of what only the outcome teaches."""
    seen = []
    for flipped in (False, True):
        network, task, learn, _ = make(strategy)
        learn = Part(learn.graph, 1 - learn.codes if flipped else learn.codes)
        before = weights_of(network)
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.05)
        torch.manual_seed(1)
        with torch.no_grad():
            penalty = copy.deepcopy(network).train().answer(learn.graph).penalty
        torch.manual_seed(1)
        losses = [step(network, optimizer, task, learn, None, pretraining=True) for _ in range(30)]
        assert torch.allclose(losses[0], penalty, rtol=1e-5)  # singular values have another last digit with a gradient
        assert np.mean(losses[-5:]) < np.mean(losses[:5])
        after = weights_of(network)
        seen.append(after)
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        assert any("encoders" in name for name in moved)
        assert not any(name.startswith(("head.", "heads.")) for name in moved)
    assert all(torch.equal(seen[0][name], seen[1][name]) for name in seen[0])


def test_epochs_of_pretraining_come_before_and_neither_stop_nor_count(make):
    network, task, learn, stop = make(gm.Intermediate(auxiliary=gm.Contrast))
    seen, heads = [], []

    def watch(epoch):
        seen.append(epoch)
        heads.append(network.head.weight.detach().clone())

    start = network.head.weight.detach().clone()
    how = gm.Training(pretraining=6, epochs=4, patience=1, learning_rate=0.01)
    lowest = train_network(network, task, learn, stop, how, watch)
    assert [epoch.number for epoch in seen] == list(range(len(seen)))
    assert 6 < len(seen) <= 10
    assert all(torch.equal(weight, start) for weight in heads[:6])
    assert not torch.equal(heads[6], start)
    losses = [epoch.validation for epoch in seen[6:]]
    assert (lowest.loss, lowest.epochs) == (min(losses), 1 + int(np.argmin(losses)))


@pytest.mark.parametrize(
    "fusion", [gm.GatedFusion, gm.Late(), gm.Early(), gm.Hybrid(complete=gm.NeighbourCompletion)], ids=repr
)
def test_pretraining_is_refused_where_there_is_nothing_to_learn_without_outcomes(fusion, make):
    network, task, learn, stop = make(fusion)
    with pytest.raises(gm.GraphmmlError, match="pretraining wants something to learn without outcomes"):
        train_network(network, task, learn, stop, gm.Training(pretraining=1))


def test_a_negative_number_of_epochs_of_pretraining_is_refused():
    with pytest.raises(gm.GraphmmlError, match="not usable"):
        gm.Training(pretraining=-1)


@pytest.mark.parametrize("patience", [3, 60])
def test_each_model_of_late_fusion_is_restored_to_its_own_best_epoch(make, monkeypatch, patience):
    network, task, learn, stop = make(gm.Late(), gm.Neighbours(k=3, each=True))
    seen = []

    def held_out(answer, present, cost):
        losses = type(network).held_out(network, answer, present, cost)
        seen.append({name: float(loss) for name, loss in losses.items()})
        return losses

    monkeypatch.setattr(network, "held_out", held_out)
    lowest = train_network(network, task, learn, stop, gm.Training(epochs=60, patience=patience, learning_rate=0.1))
    best = {}
    for name in network.towers():
        losses = [one[name] for one in seen if name in one]
        assert patience == 60 or len(losses) - 1 - int(np.argmin(losses)) <= patience, "trained on though done"
        until = next(
            (at for at in range(len(losses)) if at - int(np.argmin(losses[: at + 1])) >= patience), len(losses) - 1
        )
        best[name] = int(np.argmin(losses[: until + 1]))
    assert len(set(best.values())) > 1, "all are best at one epoch: draw other weights"
    assert lowest.loss == pytest.approx(np.mean([seen[at][name] for name, at in best.items()]))
    assert lowest.epochs == 1 + max(best.values())
    with torch.no_grad():
        now = type(network).held_out(
            network, network.answer(stop.graph), stop.graph.present, cost_of(task, stop.codes, None)
        )
    for name, at in best.items():
        assert float(now[name]) == pytest.approx(seen[at][name], rel=1e-6)


def test_a_tower_that_has_waited_too_long_is_done_even_if_its_loss_falls_again():
    tower = torch.nn.Linear(1, 1, bias=False)
    best = Best(tower)
    going = []
    for number, loss in enumerate([3.0, 2.0, 2.5, 2.5, 1.0, 0.5]):
        with torch.no_grad():
            tower.weight.fill_(number)
        going.append(best.goes_on(torch.tensor(loss), patience=2))
    assert going == [True, True, True, False, False, False]
    best.restore()
    assert tower.weight.item() == 1
    assert best.lowest == 2.0


def test_a_model_that_nobody_can_stop_learns_as_long_as_the_others(make):
    """No validation patient has labs: the labs model is neither stopped at once nor counted in the value."""
    network, task, learn, stop = make(gm.Late(), gm.Neighbours(k=3, each=True))
    at = network.modalities.index("labs")
    present = stop.graph.present.clone()
    present[45:, at] = False
    stop = Part(replace(stop.graph, present=present), stop.codes)
    start = weights_of(network.towers()["labs"])
    seen = []
    how = gm.Training(epochs=60, patience=5, learning_rate=0.05)
    lowest = train_network(network, task, learn, stop, how, seen.append)
    assert np.isfinite([epoch.validation for epoch in seen]).all()
    assert 0 < lowest.loss < 1
    with torch.no_grad():
        cost = cost_of(task, learn.codes, None)
        after = network.eval().losses(network.answer(learn.graph), learn.graph.present, cost)["labs"]
        network.towers()["labs"].load_state_dict(start, strict=False)
        before = network.losses(network.answer(learn.graph), learn.graph.present, cost)["labs"]
    assert after < 0.9 * before


def test_the_cost_is_of_those_picked_out_whose_class_is_known_and_nothing_for_nobody(setting):
    network, task, learn, _ = setting
    codes = learn.codes.clone()
    codes[::4] = -1
    part, logits = Part(learn.graph, codes), network.eval()(learn.graph).detach().requires_grad_()
    cost = cost_of(task, part.codes, None)
    who = torch.arange(45) % 3 == 0
    counted = who & (codes >= 0)
    expected = -logits.log_softmax(dim=1)[counted, codes[counted]].mean()
    assert torch.allclose(cost(logits, who), expected)
    assert torch.allclose(cost(logits, None), cost(logits, torch.ones(45, dtype=torch.bool)))
    nobody = cost(logits, torch.arange(45) % 4 == 0)
    assert float(nobody.detach()) == 0
    nobody.backward()
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_leads_are_slowed_between_the_backward_pass_and_the_step(make, monkeypatch):
    """With plain descent, an encoder slowed to a quarter moves a quarter as far."""
    moves = []
    for factor in (1.0, 0.25):
        network, task, learn, _ = make(gm.Hybrid(balance="gradients"))
        monkeypatch.setattr(network.heads, "factors", lambda *_, factor=factor: {"labs": factor})
        before = weights_of(network)
        torch.manual_seed(1)
        step(network, torch.optim.SGD(network.parameters(), lr=0.1), task, learn, None, pretraining=False)
        moves.append({name: weight - before[name] for name, weight in weights_of(network).items()})
    for name, move in moves[0].items():
        slower = 0.25 if "encoders.:labs" in name else 1.0
        assert torch.allclose(moves[1][name], slower * move, atol=1e-6), name
        assert move.any() or name.endswith("score.bias"), name
