"""Curvature is that of worked graphs and of a transport solved otherwise."""

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.report.panel.curvature import CURVATURE, affordable, forman, ollivier
from graphmml.report.panel.linked import both_ways


def of(graph):
    return both_ways(csr_array(nx.to_scipy_sparse_array(graph)))


@pytest.mark.parametrize("seed", range(2))
def test_formans_is_degrees_and_triangles_of_networkx(seed):
    graph = nx.random_geometric_graph(40, 0.3, seed=seed)
    one, other = map(np.array, zip(*graph.edges, strict=True))
    expected = [
        4 - graph.degree(u) - graph.degree(v) + 3 * len(list(nx.common_neighbors(graph, u, v))) for u, v in graph.edges
    ]
    assert forman(of(graph), one, other).tolist() == expected


@pytest.mark.parametrize("size", [3, 5, 8])
def test_ollivier_of_a_clique(size):
    # n - 2 shared neighbours stay; the one left over moves one link
    assert ollivier(of(nx.complete_graph(size)), 0, 1) == pytest.approx(1 - 1 / (size - 1))


def test_ollivier_of_a_ring_a_bridge_and_a_hypercube():
    assert ollivier(of(nx.cycle_graph(8)), 0, 1) == pytest.approx(0.0)
    assert ollivier(of(nx.path_graph(2)), 0, 1) == pytest.approx(0.0)
    assert ollivier(of(nx.hypercube_graph(3)), 0, 1) == pytest.approx(0.0)
    # two stars of three leaves joined at their centres: 3/4 of each mass moves 3, centre moves 1, at the least
    tree = nx.Graph([(0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (1, 6), (1, 7)])
    assert ollivier(of(tree), 0, 1) == pytest.approx(2 / 4 + 2 / 4 - 2)


@pytest.mark.parametrize("seed", range(3))
def test_ollivier_is_the_best_matching_where_degrees_are_equal(seed):
    graph = nx.random_regular_graph(5, 24, seed=seed)
    apart = dict(nx.all_pairs_shortest_path_length(graph))
    for u, v in list(graph.edges)[:10]:
        cost = np.array([[apart[a][b] for b in graph[v]] for a in graph[u]])
        rows, columns = linear_sum_assignment(cost)
        assert ollivier(of(graph), u, v) == pytest.approx(1 - cost[rows, columns].mean())


def test_work_is_bounded_and_nothing_is_undefined(asked):
    links = of(nx.complete_graph(30))
    one = np.zeros(29, dtype=int)
    assert affordable(links, one, np.arange(1, 30)) == 29
    measures, _ = asked(CURVATURE, gm.make_cohort(60, seed=0), gm.Neighbours(k=4))
    assert measures["curvature"]["ollivier_links"] == 100
    nothing, _ = asked(CURVATURE, gm.make_cohort(60, seed=0), gm.NoEdges())
    assert np.isnan(nothing["curvature"]["ollivier_mean"])
