"""Energy and cosine distance are those of loops over links; forecasts end where they must."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.report.diagnose import diagnose
from graphmml.report.panel.smoothing import LAYERS, averaging, first_below, forecast


def directed(seed, patients=40):
    links = (np.random.default_rng(seed).random((patients, patients)) < 0.1).astype(float)
    np.fill_diagonal(links, 0.0)
    return links


@pytest.mark.parametrize("seed", range(3))
def test_energy_and_distance_are_those_of_a_naive_loop(seed):
    links = directed(seed)
    features = np.random.default_rng(seed).normal(size=(40, 5))
    features -= features.mean(axis=0)
    energy, distance = forecast(csr_array(links), features)
    for layer in range(LAYERS + 1):
        pairs = list(zip(*np.nonzero(links), strict=True))
        apart = [((features[i] - features[j]) ** 2).sum() for i, j in pairs]
        cosine = [
            features[i] @ features[j] / np.linalg.norm(features[i]) / np.linalg.norm(features[j]) for i, j in pairs
        ]
        assert energy[layer] == pytest.approx(sum(apart) / 40, abs=1e-10)
        assert distance[layer] == pytest.approx(1 - np.mean(cosine), abs=1e-8)
        means = [np.mean([features[i], *(features[j] for j in np.flatnonzero(links[i]))], axis=0) for i in range(40)]
        features = np.array(means)
        features -= features.mean(axis=0)


def test_a_complete_graph_is_flat_after_one_layer_and_no_links_never():
    features = np.random.default_rng(0).normal(size=(10, 3))
    energy, _ = forecast(csr_array(nx.to_numpy_array(nx.complete_graph(10))), features)
    assert first_below(energy, 0.01) == 1
    nothing, distance = forecast(csr_array((10, 10)), features)
    assert nothing == [0.0] * (LAYERS + 1)
    assert np.isnan(distance[0])
    assert first_below(nothing, 0.01) is None


def test_two_cliques_keep_what_differs_between_them():
    two = np.kron(np.eye(2), np.ones((5, 5)))
    bridged = two.copy()
    bridged[0, 5] = 1.0
    features = np.repeat([[0.0], [1.0]], 5, axis=0)
    energy, _ = forecast(csr_array(bridged), features)
    assert energy[1] > 0.1 * energy[0]


def test_rows_of_the_average_sum_to_one():
    assert averaging(csr_array(directed(0))).sum(axis=1) == pytest.approx(np.ones(40))


def test_the_complete_graph_is_warned_of_and_a_usual_one_is_not():
    cohort = gm.make_cohort(60, seed=0)
    flat = next(item for item in diagnose(cohort, gm.RandomEdges(k=59)).findings if item.code == "GM207")
    usual = next(item for item in diagnose(cohort, gm.Neighbours(k=5)).findings if item.code == "GM207")
    assert (flat.status, usual.status) == ("warn", "pass")
    assert "1 layer " in flat.message
