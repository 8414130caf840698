"""Roughness is the quotient of dense algebra, 1 by chance and 0 where neighbours are the same."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.report.diagnose import diagnose
from graphmml.report.panel.linked import both_ways
from graphmml.report.panel.smoothness import smoothness


def of(graph):
    return both_ways(csr_array(nx.to_scipy_sparse_array(graph)))


def columns(values, has=None):
    has = np.ones(len(values), dtype=bool) if has is None else has
    return (has, values[has] - values[has].mean(axis=0))


@pytest.mark.parametrize("seed", range(3))
def test_roughness_is_the_quotient_of_networkx_laplacian(seed):
    random = np.random.default_rng(seed)
    graph = nx.connected_watts_strogatz_graph(50, 6, 0.3, seed=seed)
    one, other = random.normal(size=(50, 3)), random.normal(size=(50, 2))
    has = random.random(50) < 0.7
    found = smoothness(of(graph), {"one": columns(one), "other": columns(other, has)}, 0)
    laplacian = nx.normalized_laplacian_matrix(graph).toarray()
    for name, values, there in (("one", one, np.ones(50, dtype=bool)), ("other", other, has)):
        laid = np.zeros_like(values)
        laid[there] = values[there] - values[there].mean(axis=0)
        assert found[name]["roughness"] == pytest.approx(np.trace(laid.T @ laplacian @ laid) / np.trace(laid.T @ laid))


def test_what_follows_the_links_is_smooth_and_noise_is_as_by_chance():
    graph = of(nx.circulant_graph(100, [1, 2, 3]))
    turn = 2 * np.pi * np.arange(100) / 100
    smooth, noise = np.stack([np.cos(turn), np.sin(turn)], axis=1), np.random.default_rng(0).normal(size=(100, 4))
    found = smoothness(graph, {"smooth": columns(smooth), "noise": columns(noise)}, 0)
    assert found["smooth"]["roughness"] < 0.05
    assert found["smooth"]["p"] == 0.02
    assert found["noise"]["p"] > 0.05
    assert found["noise"]["chance"] == pytest.approx(1.0, abs=0.05)


def test_random_links_follow_no_modality_and_neighbours_do():
    cohort = gm.make_cohort(150, seed=0)
    for links, expected in ((gm.RandomEdges(k=5, seed=2), "warn"), (gm.Neighbours(), "pass")):
        assert next(item for item in diagnose(cohort, links).findings if item.code == "GM209").status == expected


def test_a_modality_that_links_do_not_follow_is_named_without_alarm():
    cohort = gm.make_cohort(200, signal=0.0, seed=0)
    finding = next(item for item in diagnose(cohort, gm.Neighbours("labs")).findings if item.code == "GM209")
    assert finding.status == "pass"
    assert "blurs" in finding.message
