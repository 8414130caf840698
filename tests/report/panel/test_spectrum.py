"""Eigenvalues are those of dense algebra and of worked examples."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

from graphmml.report.panel import spectrum as module
from graphmml.report.panel.linked import both_ways
from graphmml.report.panel.spectrum import giant_rows, smallest, spectrum


def of(graph):
    return both_ways(csr_array(nx.to_scipy_sparse_array(graph)))


@pytest.mark.parametrize("dense", [0, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_eigenvalues_are_those_of_networkx(seed, dense, monkeypatch):
    monkeypatch.setattr(module, "DENSE", dense)
    graph = nx.connected_watts_strogatz_graph(80, 6, 0.2, seed=seed)
    expected = np.sort(np.linalg.eigvalsh(nx.normalized_laplacian_matrix(graph).toarray()))[:6]
    np.testing.assert_allclose(smallest(of(graph), 6, 0), expected, atol=1e-5)


def test_worked_gaps():
    # complete graph: n / (n - 1); ring: 1 - cos(2 pi / n)
    assert spectrum(of(nx.complete_graph(6)), 0)["gap"] == pytest.approx(6 / 5)
    assert spectrum(of(nx.cycle_graph(10)), 0)["gap"] == pytest.approx(1 - np.cos(2 * np.pi / 10))


def test_cliques_on_a_string_are_as_many_slow_parts():
    assert spectrum(of(nx.connected_caveman_graph(5, 12)), 0)["parts"] == 5


def test_what_cannot_be_asked_says_why(monkeypatch):
    assert spectrum(of(nx.path_graph(2)), 0)["why_not"]
    monkeypatch.setattr(module, "LARGEST", 5)
    found = spectrum(of(nx.cycle_graph(10)), 0)
    assert found["why_not"]
    assert np.isnan(found["gap"])


def test_the_giant_component_is_the_largest():
    graph = nx.disjoint_union(nx.path_graph(3), nx.cycle_graph(5))
    assert giant_rows(of(graph)).tolist() == [3, 4, 5, 6, 7]
