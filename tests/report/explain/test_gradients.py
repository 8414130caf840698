"""Integrated gradients are complete, agree with a plain sum, and begin where they say they do."""

from functools import partial

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.errors import GraphmmlError
from graphmml.report.explain import gradients
from graphmml.report.explain.altered import without
from graphmml.report.explain.gates import Gates
from graphmml.report.explain.subject import Subject

MODELS = {
    "sage": {},
    "sage, depth 2": {"conv": partial(gm.SAGEStack, depth=2)},
    "gcn": {"conv": gm.GCNStack},
    "gat": {"conv": gm.GATStack},
    "own graphs": {"fusion": gm.Intermediate(own_graphs=True)},
    "hybrid": {"fusion": gm.Hybrid()},
    "early": {"fusion": gm.Early()},
    "late": {"fusion": gm.Late()},
    "concepts": {"links": gm.Layers((gm.Concepts("clinical", most=0.9), gm.Neighbours("labs", k=4)))},
    "modality nodes": {"links": gm.ModalityNodes(k=3), "conv": partial(gm.SAGEStack, depth=2)},
    "learned structure": {"structure": partial(gm.NeighbourEdges, k=2), "links": gm.Neighbours("labs", k=5)},
}


@pytest.mark.parametrize("name", MODELS)
def test_shares_sum_to_the_rise_from_nothing_known(people, make, name):
    model = make(**MODELS[name])
    subject = Subject.of(model, people[[82]])
    told = gm.IntegratedGradients(steps=96).attribute(subject)
    atoms = [item.effect for item in told.attributions if item.part.atom]
    p = model.predict_proba(people[[82]])[0, subject.target]
    assert sum(atoms) == pytest.approx(p - told.baseline, abs=3e-3)
    assert told.gap == pytest.approx(sum(atoms) - (p - told.baseline), abs=1e-5)
    for whole, part in (("modality", "feature"), ("relation", "link")):
        for item in told.of_kind(whole):
            mine = [each.effect for each in told.of_kind(part) if each.part.through == item.part.name]
            assert item.effect == pytest.approx(sum(mine), abs=1e-6)


def test_open_gates_are_the_prediction_and_closed_ones_are_nobody_heard(people, fitted):
    subject = Subject.of(fitted, people[[82]])
    gates = Gates.of(subject, "typical")
    features, links = torch.ones(1, len(subject.features)), torch.ones(1, len(subject.links))
    with torch.no_grad():
        opened = gates.mean(features, links).numpy()
        silent = gates.mean(features, 0 * links).numpy()
        half = torch.ones(2, len(subject.features))
        half[0, 3], half[1, :5] = 0.0, 0.0
        fewer = gates.mean(half, links.expand(2, -1)).numpy()
    np.testing.assert_allclose(opened[0], fitted.predict_proba(people[[82]])[0], atol=1e-6)
    nobody = subject.held(subject.person, np.zeros((1, len(subject.links)), dtype=bool)).mean(axis=0)
    np.testing.assert_allclose(silent, nobody, atol=1e-6)
    hard = subject.held(without(subject, half.numpy() == 0, "typical")).mean(axis=0)
    np.testing.assert_allclose(fewer, hard, atol=1e-5)  # columns add up in what they are encoded to


def test_a_plain_sum_over_small_steps_says_the_same(people, fitted):
    subject = Subject.of(fitted, people[[83]])
    gates = Gates.of(subject, "typical")
    sizes = [len(subject.features), len(subject.links)]
    total = torch.zeros(sum(sizes))
    for step in range(80):
        gate = torch.full((1, sum(sizes)), (step + 0.5) / 80, requires_grad=True)
        gates.mean(*gate.split(sizes, dim=1))[0, subject.target].backward()
        total += gate.grad[0] / 80
    told = gm.IntegratedGradients(steps=80).attribute(subject)
    effect = {item.part: item.effect for item in told.attributions}
    found = [effect[part] for part in (*subject.features, *subject.edges)]
    np.testing.assert_allclose(found, total.numpy(), atol=3e-3)


def test_a_member_alone_has_no_spread_and_two_differ(people, fitted, make):
    subject = Subject.of(fitted, people[[82]])
    assert gm.IntegratedGradients(8).attribute(subject).attributions[0].spread > 0
    alone = Subject.of(make(members=1), people[[82]])
    assert np.isnan(gm.IntegratedGradients(8).attribute(alone).attributions[0].spread)


def test_what_has_no_gradient_is_refused_with_what_to_do(people, make):
    subject = Subject.of(make(fusion=gm.Late(gm.Stacked())), people[[82]])
    with pytest.raises(GraphmmlError, match=r"Stacked joins finished predictions.*Occlusion"):
        gm.IntegratedGradients().attribute(subject)
    assert gm.Occlusion().attribute(subject).attributions
    with pytest.raises(GraphmmlError, match="64 is usual"):
        gm.IntegratedGradients(steps=1)


def test_without_captum_the_extra_is_named(people, fitted, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(gradients, "import_module", absent)
    with pytest.raises(GraphmmlError, match=r"graphmml\[explain\]"):
        gm.IntegratedGradients().attribute(Subject.of(fitted, people[[82]]))
