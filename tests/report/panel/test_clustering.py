"""Clustering is that of networkx, and cliques are warned of."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.graph.phenotype import SharedPhenotype
from graphmml.report.diagnose import diagnose
from graphmml.report.panel import clustering as module
from graphmml.report.panel.clustering import clustering, sample, triangles
from graphmml.report.panel.linked import both_ways

GRAPHS = [nx.barabasi_albert_graph(60, 4, seed=1), nx.random_geometric_graph(70, 0.2, seed=1), nx.caveman_graph(4, 5)]


def of(graph):
    return both_ways(csr_array(nx.to_scipy_sparse_array(graph)))


@pytest.mark.parametrize("graph", GRAPHS)
def test_clustering_is_that_of_networkx(graph):
    links = of(graph)
    every = np.arange(links.shape[0])
    found = clustering(links, every)
    assert found["global"] == pytest.approx(nx.transitivity(graph))
    assert found["local"] == pytest.approx(nx.average_clustering(graph))
    assert triangles(links, every).tolist() == [nx.triangles(graph, node) for node in graph]


def test_cliques_are_all_closed_and_a_ring_is_not():
    cliques, ring = of(nx.caveman_graph(4, 5)), of(nx.cycle_graph(9))
    assert clustering(cliques, np.arange(20)) == {"global": 1.0, "local": 1.0, "in_cliques": 1.0}
    assert clustering(ring, np.arange(9)) == {"global": 0.0, "local": 0.0, "in_cliques": 0.0}
    assert np.isnan(clustering(of(nx.empty_graph(3)), np.arange(3))["global"])


def test_a_sample_is_near_the_whole(monkeypatch):
    links = of(nx.random_geometric_graph(800, 0.08, seed=2))
    whole = clustering(links, np.arange(800))
    monkeypatch.setattr(module, "SAMPLE", 300)
    monkeypatch.setattr(module, "WORK", 10)
    rows = sample(links, 0)
    assert len(rows) == 300
    assert clustering(links, rows)["global"] == pytest.approx(whole["global"], abs=0.03)


def test_links_by_phenotype_alone_are_a_graph_of_cliques():
    cohort = gm.make_cohort(60, seed=0)
    finding = next(item for item in diagnose(cohort, SharedPhenotype("site", k=50)).findings if item.code == "GM205")
    assert finding.status == "warn"
    assert next(item for item in diagnose(cohort).findings if item.code == "GM205").status == "pass"
