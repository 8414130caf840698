"""Networks trained as one program against the same trained one after the other."""

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import GraphNorm

import graphmml as gm
from graphmml.model.edges import EdgeTensors
from graphmml.model.tensors import GraphTensors
from graphmml.train import members
from graphmml.train.batches import Part
from graphmml.train.loop import Stopped, train_network
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


def lessons(device=CPU, double=True, cohort=None, **settings):
    """Five untrained networks of a model without chance, and what each learns from and stops by."""
    settings = {"links": gm.Neighbours(each=True, k=4), "conv": partial(gm.SAGEStack, dropout=0.0)} | settings
    settings = {"encoder": STEADY} | settings
    model = gm.GraphClassifier(width=8, training=gm.Training(epochs=1), **settings)
    model.fit(gm.make_cohort(130, seed=2) if cohort is None else cohort)
    networks, parts = [], []
    torch.manual_seed(0)
    for member in model.members_:
        others = np.setdiff1d(np.arange(len(model.codes_)), member.rows)
        one = lesson(model, len(networks), (member.rows, others), device)
        network = model.network(one.schema).to(device)
        networks.append(network.double() if double else network)
        parts.append((doubled(one.train), doubled(one.stop)) if double else (one.train, one.stop))
    return networks, ClassTask(tuple(model.classes_)), parts


def assert_alike(together, apart, far):
    """The same epochs and, as near as that, losses."""
    assert [one.loss for one in together] == pytest.approx([one.loss for one in apart], abs=far)
    assert [one.epochs for one in together] == [one.epochs for one in apart]


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
    stopped = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert may_train_together(networks, parts, how)
    assert_alike(train_together(networks, task, parts, how), stopped, 1e-8)
    for one, other in zip(networks, apart, strict=True):
        for weight, expected in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.allclose(weight, expected, atol=1e-6)


def test_classes_that_count_alike_do_so_in_each():
    networks, task, parts = lessons(double=False)
    apart, how = copy.deepcopy(networks), gm.Training(epochs=3, balanced=True)
    stopped = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert_alike(train_together(networks, task, parts, how), stopped, 1e-4)
    plain = train_together(copy.deepcopy(networks), task, parts, replace(how, balanced=False))
    assert [one.loss for one in plain] != pytest.approx([one.loss for one in stopped], abs=1e-4)


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
    stopped = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert_alike(train_together(networks, task, parts, how), stopped, 1e-8)


FUSIONS = {name: getattr(gm, name) for name in gm.__all__ if name.endswith("Fusion")}


@pytest.mark.parametrize("fusion", FUSIONS.values(), ids=FUSIONS)
def test_every_fusion_of_ours_is_the_same_together_also_for_who_has_nothing(fusion):
    cohort = gm.make_cohort(130, seed=2)
    tables = {name: table.copy() for name, table in cohort.tables.items()}
    for table in tables.values():
        table.iloc[:3] = np.nan
    networks, task, parts = lessons(cohort=replace(cohort, tables=tables), fusion=fusion)
    apart, how = copy.deepcopy(networks), gm.Training(epochs=4)
    stopped = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert may_train_together(networks, parts, how)
    assert_alike(train_together(networks, task, parts, how), stopped, 1e-8)


def test_encoders_of_ours_and_the_one_vector_of_early_fusion_too():
    deep = partial(gm.MLPEncoder, dropout=0.0)
    for settings in (
        {"encoder": deep},
        {"fusion": gm.Early()},
        {"conv": partial(gm.SAGEStack, dropout=0.0, norm=nn.LayerNorm)},
    ):
        networks, task, parts = lessons(**settings)
        apart, how = copy.deepcopy(networks), gm.Training(epochs=4)
        stopped = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
        assert may_train_together(networks, parts, how)
        assert_alike(train_together(networks, task, parts, how), stopped, 1e-8)


class Mine(nn.Module):
    """A fusion of somebody's own, of which nobody knows whom it looks at."""

    def __init__(self, width, modalities):
        super().__init__()
        self.map = nn.Linear(width, width)

    def forward(self, x, present):
        return self.map(x.sum(dim=1) - x.sum(dim=1).mean(dim=0))


def test_a_relation_that_only_some_graphs_have_counts_in_none_of_the_others():
    networks, _, parts = lessons()
    how, (train, stop) = gm.Training(), parts[0]
    bare = replace(train.graph.edges[0], index=torch.zeros(2, 0, dtype=torch.int64), weight=torch.zeros(0))
    less = GraphTensors(train.graph.features, train.graph.present, [bare, *train.graph.edges[1:]])
    assert may_train_together(networks, parts, how)
    assert not may_train_together(networks, [(Part(less, train.codes), stop), *parts[1:]], how)


def test_a_network_that_learns_nothing_together_learns_alone(monkeypatch):
    cohort = gm.make_cohort(80, seed=1)
    model = gm.GraphClassifier(gm.Neighbours(each=True, k=4), members=2, training=gm.Training(epochs=3))
    apart = model.fit(cohort).predict_proba(cohort)
    monkeypatch.setattr(members, "idle", lambda device, patients: True)
    monkeypatch.setattr(members, "train_together", lambda *_: [Stopped(0.5, 3), Stopped(float("inf"), 0)])
    assert (model.fit(cohort).predict_proba(cohort) == apart).all()
    monkeypatch.setattr(members, "ROOM", 0)
    monkeypatch.setattr(members, "train_together", lambda *_: pytest.fail("too large to lay out side by side"))
    assert (model.fit(cohort).predict_proba(cohort) == apart).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"fusion": gm.Hybrid()},
        {"fusion": gm.Late()},
        {"fusion": Mine},
        {"conv": partial(gm.SAGEStack, norm=nn.BatchNorm1d)},
        {"conv": partial(gm.SAGEStack, norm=lambda width: nn.BatchNorm1d(width, track_running_stats=False))},
        {"conv": partial(gm.SAGEStack, norm=GraphNorm)},
        {"fusion": gm.Intermediate(drop=0.3)},
        {"fusion": gm.Intermediate(complete=gm.NeighbourCompletion)},
        {"fusion": gm.Intermediate(auxiliary=gm.Contrast)},
        {"links": gm.Concepts("codes")},
        {"links": gm.ModalityNodes(k=4)},
    ],
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
    stopped = [train_network(one, task, *part, how) for one, part in zip(apart, parts, strict=True)]
    assert_alike(train_together(networks, task, parts, how), stopped, 1e-4)
