"""Label propagation against a dense loop; neighbours' vote against counting."""

import numpy as np
import pytest

import graphmml as gm
from graphmml.graph.patient_graph import build_graph
from graphmml.train.propagation import LabelPropagation


def dense(matrix):
    """Rows that sum to one, zero where nobody is heard."""
    total = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)


@pytest.mark.parametrize("weight", ["binary", "rbf"])
def test_propagation_is_the_dense_recursion(weight):
    cohort = gm.make_cohort(60, seed=3)
    links = gm.Neighbours("labs", k=4, weight=weight)
    model = LabelPropagation(links, alpha=0.7, steps=6).fit(cohort[:45])
    source, target = model.source_, model.encoder_.transform(cohort[45:])
    graph = build_graph(links, source, target)
    matrix = dense(graph.matrix(graph.relations[0]).toarray().astype(float))
    y, state = model.happened_, model.happened_.copy()
    inner = matrix[:45, :45]
    lonely = inner.sum(axis=1) == 0
    for _ in range(6):
        state = 0.7 * np.where(lonely[:, None], state, inner @ state) + 0.3 * y
    assert model.states_ == pytest.approx(state)
    assert model.predict_proba(cohort[45:]) == pytest.approx(matrix[45:, :45] @ state)


def test_a_vote_counts_the_outcomes_of_neighbours():
    cohort = gm.make_cohort(60, seed=4)
    links = gm.Neighbours("labs", k=5)
    model = LabelPropagation(links, alpha=0.0).fit(cohort[:40])
    graph = build_graph(links, model.source_, model.encoder_.transform(cohort[40:]))
    sources, targets = graph.relations[0].edges
    p = model.predict_proba(cohort[40:])
    for at in range(20):
        mine = sources[targets == 40 + at]
        assert p[at] == pytest.approx(model.happened_[mine].mean(axis=0))


def test_codes_are_heard_through_their_patients():
    cohort = gm.make_cohort(80, seed=2)
    model = LabelPropagation(gm.Concepts("clinical"), alpha=0.0).fit(cohort[:60])
    p = model.predict_proba(cohort[60:])
    graph = build_graph(model.constructor, model.source_, model.encoder_.transform(cohort[60:]))
    inward = [r for r in graph.relations if r.target == "patient"]
    outward = {
        (r.target): dense(graph.matrix(r).toarray().astype(float)) for r in graph.relations if r.source == "patient"
    }
    told = []
    for relation in inward:
        states = outward[relation.source][:, :60] @ model.happened_
        told.append(dense(graph.matrix(relation).toarray().astype(float))[60:] @ states)
    assert p == pytest.approx(np.mean(told, axis=0), abs=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.9])
def test_who_hears_nobody_gets_the_shares_of_training(alpha):
    cohort = gm.make_cohort(50, seed=1)
    model = LabelPropagation(gm.NoEdges(), alpha=alpha).fit(cohort[:40])
    share = (cohort[:40].outcome.values == "case").mean()
    assert model.predict_proba(cohort[40:])[:, list(model.classes_).index("case")] == pytest.approx(share)


def test_predictions_do_not_depend_on_who_else_is_predicted():
    cohort = gm.make_cohort(60, seed=3)
    model = LabelPropagation(gm.Neighbours(each=True, k=4)).fit(cohort[:45])
    together = model.predict_proba(cohort[45:])
    alone = np.concatenate([model.predict_proba(cohort[at : at + 1]) for at in range(45, 60)])
    assert together == pytest.approx(alone)
    assert together.sum(axis=1) == pytest.approx(1.0)


def test_settings_that_hand_nothing_on_are_refused():
    for settings in ({"alpha": 1.0}, {"alpha": -0.1}, {"steps": 0}):
        with pytest.raises(gm.GraphError, match="alpha"):
            LabelPropagation(gm.NoEdges(), **settings).fit(gm.make_cohort(30))
    with pytest.raises(gm.NotFittedError):
        LabelPropagation().predict_proba(gm.make_cohort(30))
