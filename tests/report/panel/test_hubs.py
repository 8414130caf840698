"""Hubness agrees with naive counts and other implementations."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

import graphmml as gm
from graphmml.graph.relations import Relations
from graphmml.report.panel.hubness import (
    auroc,
    degree_assortativity,
    hub_occurrence,
    rank_correlation_p,
    robin_hood,
    times_mean,
)
from graphmml.report.panel.hubs import HUBS
from graphmml.report.panel.linked import both_ways


def test_indices_of_hubness_are_those_of_a_naive_count():
    heard = np.random.default_rng(0).poisson(6, 50) ** 2
    mean, total = heard.sum() / 50, heard.sum()
    assert robin_hood(heard) == pytest.approx(sum(abs(n - mean) for n in heard) / 2 / total)
    assert hub_occurrence(heard) == pytest.approx(sum(n for n in heard if n > 2 * mean) / total)
    assert times_mean(heard) == pytest.approx(max(heard) / mean)


def test_worked_example_of_hubness():
    # four lists of two places: one patient is in all of the others', one in none
    heard = np.array([5, 2, 1, 0])
    assert robin_hood(heard) == pytest.approx((3 + 0 + 1 + 2) / 2 / 8)
    assert hub_occurrence(heard) == pytest.approx(5 / 8)
    assert times_mean(heard) == 2.5


def test_nobody_listened_to_is_undefined():
    nobody = np.zeros(4, dtype=int)
    assert np.isnan([robin_hood(nobody), hub_occurrence(nobody), times_mean(nobody)]).all()


@pytest.mark.parametrize("seed", range(3))
def test_auroc_of_degree_is_that_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    values, case = random.poisson(3, 80), random.random(80) < 0.3
    area, p = auroc(values, case)
    assert area == pytest.approx(roc_auc_score(case, values))
    # p as by exchange
    drawn = np.array([roc_auc_score(random.permutation(case), values) for _ in range(500)])
    assert p == pytest.approx((abs(drawn - 0.5) >= abs(area - 0.5) - 1e-9).mean(), abs=0.09)


def test_auroc_of_one_class_is_undefined():
    assert np.isnan(auroc(np.arange(4), np.ones(4, dtype=bool))).all()


def test_exchange_finds_a_correlation_and_calls_chance_chance():
    random = np.random.default_rng(1)
    one = random.normal(size=60)
    assert rank_correlation_p(one, one + random.normal(size=60), 0) == 0.01
    against = [rank_correlation_p(random.normal(size=60), random.normal(size=60), seed) for seed in range(40)]
    assert 0.3 < np.mean(against) < 0.7
    assert spearmanr(one, -one).statistic < 0
    assert rank_correlation_p(one, -one, 0) == 0.01


@pytest.mark.parametrize("seed", range(3))
def test_degree_assortativity_is_that_of_networkx(seed):
    graph = nx.barabasi_albert_graph(60, 3, seed=seed)
    links = both_ways(csr_array(nx.to_scipy_sparse_array(graph)))
    assert degree_assortativity(links) == pytest.approx(nx.degree_pearson_correlation_coefficient(graph))


def test_a_star_is_all_hub_and_a_ring_has_none():
    star = both_ways(csr_array(nx.to_scipy_sparse_array(nx.star_graph(9))))
    ring = both_ways(csr_array(nx.to_scipy_sparse_array(nx.cycle_graph(9))))
    assert degree_assortativity(star) == pytest.approx(-1.0)
    assert np.isnan(degree_assortativity(ring))


def given(cohort, mask):
    return gm.PatientGraph(cohort.ids, len(cohort), Relations.from_mask("known", mask).items)


@pytest.mark.parametrize(("links", "expected"), [("star", "warn"), ("ring", "pass"), ("nothing", "n.a.")])
def test_hubs_are_warned_of_and_their_absence_is_not(asked, links, expected):
    cohort = gm.make_cohort(60, seed=0)
    mask = nx.to_numpy_array(nx.circulant_graph(60, [1, 2])) if links == "ring" else np.zeros((60, 60))
    if links == "star":
        mask[:2] = 1.0 - np.eye(60)[:2]
    measures, found = asked(HUBS, cohort, graph=given(cohort, mask > 0))
    assert found["GM203"].status == expected
    if links == "star":
        assert measures["listened_to"]["times_mean"] == pytest.approx(59 / (2 * 59 / 60))


def test_who_is_listened_to_is_told_by_class(asked):
    found = asked(HUBS, gm.make_cohort(80, seed=1), gm.Neighbours())[0]["listened_to_by_class"]
    assert set(found) == {"case", "control"}
    assert found["case"]["auroc"] == pytest.approx(1 - found["control"]["auroc"])
