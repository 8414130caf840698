"""Networks trained as one program against the same trained one after the other."""

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import graphmml as gm
from graphmml.model.edges import EdgeTensors
from graphmml.model.tensors import GraphTensors
from graphmml.train import members
from graphmml.train.batches import Part
from graphmml.train.loop import train_network
from graphmml.train.members import lesson
from graphmml.train.tasks import ClassTask
from graphmml.train.together import may_train_together, train_together

CPU = torch.device("cpu")
STEADY = partial(gm.LinearEncoder, dropout=0.0)


def doubled(part):
    """A part in double precision, in which sums in another order stay the same for long."""
    graph = part.graph
    edges = [EdgeTensors(item.kind, item.index, item.weight.double(), item.shape) for item in graph.edges]
    features = {name: matrix.double() for name, matrix in graph.features.items()}
    return Part(GraphTensors(features, graph.present, edges, graph.parts), part.codes)


def lessons(device=CPU, double=True, **settings):
    """Five untrained networks of a model without chance, and what each learns from and stops by."""
    settings = {"links": gm.Neighbours(each=True, k=4), "conv": partial(gm.SAGEStack, dropout=0.0)} | settings
    model = gm.GraphClassifier(encoder=STEADY, width=8, training=gm.Training(epochs=1), **settings)
    model.fit(gm.make_cohort(130, seed=2))
    networks, parts = [], []
    torch.manual_seed(0)
    for member in model.members_:
        others = np.setdiff1d(np.arange(len(model.codes_)), member.rows)
        one = lesson(model, model.codes_, member.rows, others, device)
        network = model.network(one.schema).to(device)
        networks.append(network.double() if double else network)
        parts.append((doubled(one.train), doubled(one.stop)) if double else (one.train, one.stop))
    return networks, ClassTask(tuple(model.classes_)), parts


CONVS = {
    "sage": partial(gm.SAGEStack, dropout=0.0, depth=2),
    "gcn": partial(gm.GCNStack, dropout=0.0),
    "gat": partial(gm.GATStack, dropout=0.0),
}


@pytest.mark.parametrize("conv", CONVS.values(), ids=CONVS)
def test_together_is_one_after_the_other(conv):
    networks, task, parts = lessons(conv=conv)
    how = gm.Training(epochs=12, patience=2, learning_rate=0.03)
    apart = copy.deepcopy(networks)
    lowest = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert may_train_together(networks, parts, how)
    assert train_together(networks, task, parts, how).tolist() == pytest.approx(lowest, abs=1e-8)
    for one, other in zip(networks, apart, strict=True):
        for weight, expected in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.allclose(weight, expected, atol=1e-6)


def test_classes_that_count_alike_do_so_in_each():
    networks, task, parts = lessons(double=False)
    apart, how = copy.deepcopy(networks), gm.Training(epochs=3, balanced=True)
    lowest = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert train_together(networks, task, parts, how).tolist() == pytest.approx(lowest, abs=1e-4)
    plain = train_together(copy.deepcopy(networks), task, parts, replace(how, balanced=False))
    assert plain.tolist() != pytest.approx(lowest, abs=1e-4)


def test_each_stops_by_its_own_loss_and_keeps_its_best():
    networks, task, parts = lessons()
    apart, epochs, seen = copy.deepcopy(networks), [], []
    how = gm.Training(epochs=200, patience=3, learning_rate=0.1)
    for one, part in zip(apart, parts, strict=True):
        own = []
        train_network(one, task, *part, how, own.append)
        epochs.append(len(own))
    train_together(networks, task, parts, how, seen.append)
    assert len(set(epochs)) > 1
    assert len(seen) == max(epochs)


def test_without_an_edge_it_is_the_same_too():
    networks, task, parts = lessons(links=gm.NoEdges())
    apart, how = copy.deepcopy(networks), gm.Training(epochs=5)
    lowest = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert train_together(networks, task, parts, how).tolist() == pytest.approx(lowest, abs=1e-8)


class Averaged(nn.Module):
    """A fusion with running statistics, which no vectors side by side can have."""

    def __init__(self, width, modalities):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x, present):
        return self.norm(x.sum(dim=1))


@pytest.mark.parametrize(
    "settings",
    [
        {"fusion": gm.Hybrid()},
        {"fusion": gm.Late()},
        {"fusion": Averaged},
        {"fusion": gm.Intermediate(drop=0.3)},
        {"fusion": gm.Intermediate(complete=gm.NeighbourCompletion)},
        {"fusion": gm.Intermediate(auxiliary=gm.Contrast)},
        {"links": gm.Concepts("codes")},
        {"links": gm.ModalityNodes(k=4)},
    ],
    ids=lambda settings: str(next(iter(settings.values())))[:30],
)
def test_what_looks_at_other_patients_is_trained_apart(settings):
    if "codes" in str(settings):
        settings = {"links": gm.Concepts("clinical")}
    networks, _, parts = lessons(**settings)
    assert not may_train_together(networks, parts, gm.Training())


@pytest.mark.parametrize("how", [gm.Training(batch=20), gm.Training(pretraining=2), gm.Training(reweigh="site")])
def test_batches_pretraining_and_reweighing_are_apart(how):
    networks, _, parts = lessons()
    assert not may_train_together(networks, parts, how)
    assert not may_train_together(networks[:1], parts[:1], gm.Training())


def test_a_fit_where_the_device_is_idle_trains_together_and_repeats_itself(monkeypatch):
    cohort = gm.make_cohort(150, seed=1)
    model = gm.GraphClassifier(gm.Neighbours(each=True, k=5), width=16, training=gm.Training(epochs=30))
    apart = model.fit(cohort).predict_proba(cohort)
    asked = []
    monkeypatch.setattr(members, "idle", lambda device, patients: asked.append((device.type, patients)) or True)
    together = model.fit(cohort).predict_proba(cohort)
    assert asked == [("cpu", 150)]
    assert not (together == apart).all()  # dropout draws otherwise
    assert abs(together - apart).mean() < 0.05
    assert (model.fit(cohort).predict_proba(cohort) == together).all()
    late = gm.GraphClassifier(fusion=gm.Late(), training=gm.Training(epochs=3)).fit(cohort).predict_proba(cohort)
    monkeypatch.undo()
    assert (
        gm.GraphClassifier(fusion=gm.Late(), training=gm.Training(epochs=3)).fit(cohort).predict_proba(cohort) == late
    ).all()


def test_every_network_drops_other_numbers():
    networks, task, parts = lessons()
    same = [copy.deepcopy(networks[0]) for _ in range(3)]
    for one in same:
        one.passing.conv.layers[0].dropout.p = 0.5
    how = gm.Training(epochs=1)
    train_together(same, task, [parts[0]] * 3, how)
    weights = [one.head.weight for one in same]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_a_gpu_together_is_one_after_the_other():
    networks, task, parts = lessons(device=torch.device("cuda"))
    apart, how = copy.deepcopy(networks), gm.Training(epochs=5)
    lowest = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert train_together(networks, task, parts, how).tolist() == pytest.approx(lowest, abs=1e-4)
