"""Homophily agrees with independent references, and with what the words promise."""

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from torch_geometric.utils import homophily as pyg_homophily

from graphmml.report.association import gini, rank_correlation
from graphmml.report.homophily import homophily


def random_graph(seed: int, patients: int = 60, density: float = 0.1) -> np.ndarray:
    random = np.random.default_rng(seed)
    upper = np.triu(random.random((patients, patients)) < density, 1)
    return (upper | upper.T).astype(np.float64)


def labels_of(seed: int, patients: int = 60, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed + 100).choice(count, patients, p=np.array([6, 3, 1])[:count] / 10)


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_homophily_is_newmans_assortativity(seed):
    links, labels = random_graph(seed), labels_of(seed)
    graph = nx.from_numpy_array(links)
    nx.set_node_attributes(graph, dict(enumerate(labels.tolist())), "label")
    expected = nx.attribute_assortativity_coefficient(graph, "label")
    assert homophily(csr_array(links), labels).adjusted == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["edge", "node"])
def test_edge_and_node_homophily_are_those_of_pyg(method):
    # PyG's own doctest graph, and one without isolated patients, which PyG counts as zeros
    cases = [(np.array([[0, 1, 2, 3], [1, 2, 0, 4]]), np.array([0, 0, 0, 0, 1]))]
    dense = random_graph(1, density=0.3)
    cases.append((np.stack(np.nonzero(dense)), labels_of(1)))
    for edges, labels in cases:
        adjacency = csr_array((np.ones(edges.shape[1]), (edges[1], edges[0])), shape=(len(labels),) * 2)
        ours = getattr(homophily(adjacency, labels), method)
        theirs = pyg_homophily(torch.from_numpy(edges), torch.from_numpy(labels), method=method)
        if method == "node" and len(labels) == 5:
            theirs *= 5 / 4  # patient 3 listens to nobody: PyG divides by 5, the definition by 4
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_informativeness_is_mutual_information_over_entropy():
    links, labels = random_graph(2), labels_of(2)
    joint = np.zeros((3, 3))
    for one, other in zip(*np.nonzero(links), strict=True):
        joint[labels[one], labels[other]] += 1 / links.sum()
    ends = joint.sum(axis=1)
    seen = joint > 0
    mutual = (joint[seen] * np.log(joint / np.outer(ends, ends), where=seen, out=np.zeros((3, 3)))[seen]).sum()
    assert homophily(csr_array(links), labels).informativeness == pytest.approx(mutual / -(ends * np.log(ends)).sum())


def test_a_perfectly_heterophilous_graph_is_informative_and_below_chance():
    links = csr_array(np.kron([[0, 1], [1, 0]], np.ones((4, 4))))
    found = homophily(links, np.repeat([0, 1], 4))
    assert (found.edge, found.chance) == (0.0, 0.5)
    assert found.adjusted == pytest.approx(-1.0)
    assert found.informativeness == pytest.approx(1.0)


def test_separate_cliques_are_perfectly_homophilous():
    found = homophily(csr_array(np.kron(np.eye(3), np.ones((4, 4)))), np.repeat([0, 1, 2], 4))
    assert (found.edge, found.node) == (1.0, 1.0)
    assert found.adjusted == pytest.approx(1.0)


def test_weights_count_as_repeated_links():
    links = random_graph(3)
    weights = links * np.random.default_rng(0).integers(1, 4, links.shape)
    repeated = (weights + weights.T).astype(int)
    graph = nx.from_numpy_array(repeated, parallel_edges=True, create_using=nx.MultiGraph)
    labels = labels_of(3)
    nx.set_node_attributes(graph, dict(enumerate(labels.tolist())), "label")
    expected = nx.attribute_assortativity_coefficient(graph, "label")
    assert homophily(csr_array(weights), labels).adjusted == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("extra", ["unlabelled", "isolated", "loops"])
def test_who_has_no_known_neighbour_and_who_listens_to_itself_changes_nothing(extra):
    links, labels = random_graph(4), labels_of(4)
    plain = homophily(csr_array(links), labels)
    if extra == "loops":
        links = links + 5 * np.eye(60)
    else:
        links = np.pad(links, (0, 40), constant_values=float(extra == "unlabelled"))
        labels = np.concatenate([labels, np.full(40, -1) if extra == "unlabelled" else labels_of(5)[:40]])
    found = homophily(csr_array(links), labels)
    for name in ("edge", "chance", "adjusted", "informativeness", "node"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name))
    np.testing.assert_allclose(found.node_of, plain.node_of)


@pytest.mark.parametrize("seed", range(3))
def test_renumbering_patients_changes_no_measure(seed):
    links, labels = random_graph(seed) * np.random.default_rng(9).random((60, 60)), labels_of(seed)
    order = np.random.default_rng(seed).permutation(60)
    one = homophily(csr_array(links), labels)
    other = homophily(csr_array(links[order][:, order]), labels[order])
    assert (one.adjusted, one.node) == pytest.approx((other.adjusted, other.node))


def test_nothing_to_measure_is_nan_not_zero():
    nobody = homophily(csr_array((4, 4)), np.array([0, 1, 0, 1]))
    unknown = homophily(csr_array(np.ones((4, 4))), np.full(4, -1))
    alike = homophily(csr_array(np.ones((4, 4))), np.zeros(4, dtype=int))
    assert np.isnan([nobody.edge, nobody.adjusted, nobody.node, unknown.edge, unknown.node, alike.adjusted]).all()
    assert alike.edge == 1.0


def test_gini_is_zero_for_equals_and_nears_one_for_a_monopoly():
    assert gini(np.full(10, 3)) == pytest.approx(0.0)
    assert gini(np.eye(1, 1000)[0]) == pytest.approx(0.999)


def test_rank_correlation_sees_order_alone():
    values = np.random.default_rng(0).normal(size=50)
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1.0)
    assert np.isnan(rank_correlation(values, np.ones(50)))
