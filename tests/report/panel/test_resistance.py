"""Resistance is networkx's, Foster's theorem holds, and the sampled way gives the exact one."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array, triu

import graphmml as gm
from graphmml.report.panel import resistance as module
from graphmml.report.panel.linked import both_ways
from graphmml.report.panel.resistance import RESISTANCE, pair_resistance, pseudo_inverse, resistances, times_floor


def of(graph):
    return both_ways(csr_array(nx.to_scipy_sparse_array(graph)))


GRAPHS = [nx.path_graph(6), nx.connected_watts_strogatz_graph(30, 4, 0.3, seed=0), nx.connected_caveman_graph(4, 5)]


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_total_is_networkx_effective_resistance_and_the_sum_over_eigenvalues(graph):
    links, size = of(graph), len(graph)
    one, other = np.triu_indices(size, k=1)
    total = resistances(pseudo_inverse(links), one, other).sum()
    assert total == pytest.approx(nx.effective_graph_resistance(graph, invert_weight=False))
    assert total == pytest.approx(size * (1 / nx.laplacian_spectrum(graph)[1:]).sum())


@pytest.mark.parametrize("graph", GRAPHS)
def test_resistances_of_links_sum_to_one_less_than_patients(graph):
    links = of(graph)
    ends = triu(links, k=1).tocoo()
    assert resistances(pseudo_inverse(links), ends.row, ends.col).sum() == pytest.approx(len(graph) - 1)


@pytest.mark.parametrize("graph", GRAPHS)
def test_conjugate_gradients_give_the_exact_resistance(graph):
    inner = pseudo_inverse(of(graph))
    for u, v in ((0, 5), (1, 3)):
        exact = resistances(inner, np.array([u]), np.array([v]))[0]
        assert pair_resistance(of(graph), u, v) == pytest.approx(exact, rel=1e-3)


def test_a_path_is_a_row_of_ohms_and_a_clique_has_no_bottleneck():
    assert pair_resistance(of(nx.path_graph(7)), 1, 5) == pytest.approx(4.0)
    links = of(nx.complete_graph(20))
    one, other = np.triu_indices(20, k=1)
    between = resistances(pseudo_inverse(links), one, other)
    assert between == pytest.approx(np.full(190, 2 / 20))
    assert times_floor(between, one, other, links) == pytest.approx((2 / 20) / (2 / 19))


def test_links_between_two_sites_are_the_bridges(asked):
    cohort = gm.make_cohort(80, sites=2, seed=0)
    cohort = cohort[cohort.sorted_rows]
    site = cohort.groups["site"].to_numpy()
    mask = (site[:, None] == site[None, :]) & ~np.eye(80, dtype=bool)
    one, other = np.flatnonzero(site == "site 1")[0], np.flatnonzero(site == "site 2")[0]
    mask[one, other] = True
    graph = gm.PatientGraph(cohort.ids, 80, gm.Relations.from_mask("known", mask).items)
    found = asked(RESISTANCE, cohort, graph=graph)[0]["resistance"]
    few = found["bridges_across"]["site"]
    assert few["bridges"] > 10 * few["links"]
    assert few["bridges"] == pytest.approx(1 / max(1, int(0.01 * mask[np.triu_indices(80, k=1)].sum())), abs=0.05)


def test_a_sample_is_near_the_exact_median(asked, monkeypatch):
    cohort = gm.make_cohort(120, seed=0)
    exact = asked(RESISTANCE, cohort, gm.Neighbours())[0]["resistance"]
    monkeypatch.setattr(module, "EXACT", 50)
    drawn = asked(RESISTANCE, cohort, gm.Neighbours())[0]["resistance"]
    assert drawn["pairs"] == 50
    assert drawn["times_floor"] == pytest.approx(exact["times_floor"], rel=0.1)


def test_without_links_it_is_undefined(asked):
    assert np.isnan(asked(RESISTANCE, gm.make_cohort(60, seed=0), gm.NoEdges())[0]["resistance"]["times_floor"])
