"""Links by chance keep everybody's number of links; communities are as good as networkx's."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

from graphmml.report.panel.linked import both_ways, degrees, rewired
from graphmml.report.panel.louvain import louvain, modularity

GRAPHS = [
    nx.barabasi_albert_graph(120, 4, seed=0),
    nx.random_regular_graph(8, 60, seed=0),
    nx.erdos_renyi_graph(40, 0.5, seed=0),
    nx.empty_graph(5),
]


def of(graph):
    return both_ways(csr_array(nx.to_scipy_sparse_array(graph)))


def blocks(seed, size=30, count=5, inside=0.4, outside=0.02):
    random = np.random.default_rng(seed)
    label = np.repeat(np.arange(count), size)
    upper = np.triu(random.random((len(label),) * 2) < np.where(label[:, None] == label, inside, outside), 1)
    return both_ways(csr_array(upper.astype(float))), label


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("seed", range(3))
def test_rewiring_keeps_degrees_and_draws_no_loop_and_no_link_twice(graph, seed):
    links = of(graph)
    drawn = rewired(links, seed)
    assert (degrees(drawn) == degrees(links)).all()
    assert not drawn.diagonal().any()
    assert set(np.unique(drawn.data)) <= {1.0}
    assert (drawn != drawn.T).nnz == 0


def test_rewiring_forgets_who_was_linked():
    links, _ = blocks(0)
    kept = links.multiply(rewired(links, 1)).sum() / links.nnz
    assert kept < 3 * links.nnz / links.shape[0] ** 2


def test_a_complete_graph_can_only_be_left_as_it_is_or_lose_links():
    links = of(nx.complete_graph(8))
    assert (degrees(rewired(links, 0)) <= 7).all()


def test_a_link_either_way_is_one_link():
    adjacency = csr_array(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]]))
    assert both_ways(adjacency).toarray().tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("seed", range(4))
def test_modularity_is_that_of_networkx(seed):
    links, _ = blocks(seed)
    label = np.random.default_rng(seed).integers(4, size=links.shape[0])
    sets = [set(np.flatnonzero(label == at).tolist()) for at in range(4)]
    expected = nx.community.modularity(nx.from_scipy_sparse_array(links), sets)
    assert modularity(links, label) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("graph", [*GRAPHS[:3], nx.random_geometric_graph(150, 0.15, seed=1)])
def test_communities_are_as_modular_as_those_of_networkx(graph, seed):
    theirs = nx.community.modularity(graph, nx.community.louvain_communities(graph, seed=seed))
    assert modularity(of(graph), louvain(of(graph), seed)) >= theirs - 0.03


@pytest.mark.parametrize("seed", range(4))
def test_planted_communities_are_found_numbered_by_size(seed):
    links, planted = blocks(seed)
    found = louvain(links, seed)
    assert len(set(zip(found.tolist(), planted.tolist(), strict=True))) == 5
    assert (np.diff(np.bincount(found)) <= 0).all()


def test_cliques_joined_by_one_link_are_two_communities():
    graph = nx.disjoint_union(nx.complete_graph(6), nx.complete_graph(5))
    graph.add_edge(0, 6)
    assert louvain(of(graph), 0).tolist() == [0] * 6 + [1] * 5


def test_without_links_everybody_is_alone():
    assert louvain(of(nx.empty_graph(4)), 0).max() == 3
    assert np.isnan(modularity(of(nx.empty_graph(4)), np.arange(4)))
