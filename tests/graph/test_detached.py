"""Detached: a newcomer hears nobody, the source stays as it was."""

import numpy as np
import torch

import graphmml as gm
from graphmml.model.tensors import GraphTensors


def same_relations(one, other):
    assert [item.kind for item in one] == [item.kind for item in other]
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.edges, b.edges)
        assert np.array_equal(a.weight, b.weight)


def test_the_source_is_linked_as_before_and_newcomers_not_at_all(encoded):
    links = gm.Layers((gm.Neighbours("labs", k=4), gm.Concepts("codes", most=0.9)))
    source, target = encoded[:40], encoded[40:]
    same_relations(gm.Detached(links).link(source, source), links.link(source, source))
    attached, inner = gm.Detached(links).link(source, target), links.link(source, target)
    assert [item.kind for item in attached] == [item.kind for item in inner]
    assert inner.edges > 0
    assert attached.edges == 0


def test_a_newcomer_keeps_the_edges_among_its_own_parts(encoded):
    links = gm.ModalityNodes(k=3)
    attached, inner = (one.link(encoded[:40], encoded[40:]) for one in (gm.Detached(links), links))
    assert any(len(item) for item in inner if item.own)
    assert any(len(item) for item in inner if not item.own)
    for before, after in zip(inner, attached, strict=True):
        assert len(after) == (len(before) if before.own else 0)


def test_a_masked_prediction_is_that_of_the_same_network_where_nobody_hears_anybody(cohort):
    model = gm.GraphClassifier(
        gm.Neighbours(k=5), members=1, width=8, training=gm.Training(epochs=6), device="cpu"
    ).fit(cohort[:45])
    usual = model.predict_proba(cohort[45:])
    masked = model.set_params(links=gm.Detached(model.links)).predict_proba(cohort[45:])
    member, target = model.members_[0], model.encoder_.transform(cohort[45:])
    kinds = gm.build_graph(gm.Neighbours(k=5), member.source).relations
    empty = tuple(gm.Relation.of(item.name, *np.zeros((2, 0), dtype=np.int64)) for item in kinds)
    alone = gm.PatientGraph(target.ids, len(target), empty)
    with torch.no_grad():
        logits = member.network.eval()(GraphTensors.of(alone, target, device=torch.device("cpu")))
    assert np.allclose(masked, logits.double().softmax(dim=1).numpy(), atol=1e-6)
    assert np.abs(usual - masked).max() > 1e-3
