"""Every measure of links and labels equals a naive second implementation, or a published number."""

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from torch_geometric.utils import homophily as pyg_homophily

from graphmml.report.homophily import homophily
from graphmml.report.panel.hops import hop_homophily
from graphmml.report.panel.label_smoothness import label_smoothness
from graphmml.report.panel.rewired import label_table, layered_homophily, rewired_p
from graphmml.report.panel.similarity import (
    class_similarity,
    distance_by_chance,
    neighbourhoods,
    similarity_distance,
    votes,
)


def directed(seed: int, patients: int = 50, density: float = 0.12) -> np.ndarray:
    random = np.random.default_rng(seed)
    links = (random.random((patients, patients)) < density).astype(np.float64)
    np.fill_diagonal(links, 0)
    return links


def labels_of(seed: int, patients: int = 50, count: int = 3, unknown: bool = False) -> np.ndarray:
    return np.random.default_rng(seed + 100).integers(-1 if unknown else 0, count, patients)


def dgl_example() -> tuple[csr_array, np.ndarray]:
    """Return the graph of DGL's doctests of label informativeness."""
    links = np.zeros((6, 6))
    links[[1, 2, 0, 3, 4, 5], [0, 1, 2, 2, 3, 4]] = 1
    return csr_array(links), np.array([0, 0, 0, 0, 1, 1])


def test_label_informativeness_is_that_of_dgls_doctests():
    links, labels = dgl_example()
    found = homophily(links, labels)
    assert found.informativeness == pytest.approx(0.25177598, abs=1e-6)
    assert found.informativeness_node == pytest.approx(0.33818728, abs=1e-6)


def test_homophily_is_that_of_pygs_doctests():
    edges = np.array([[0, 1, 2, 3], [1, 2, 0, 4]])
    labels = np.array([0, 0, 0, 0, 1])
    adjacency = csr_array((np.ones(4), (edges[1], edges[0])), shape=(5, 5))
    found = homophily(adjacency, labels)
    assert found.edge == 0.75
    assert found.node * 4 / 5 == pytest.approx(0.6)  # PyG counts the patient without a neighbour as zero
    assert found.insensitive == pytest.approx(0.2)


@pytest.mark.parametrize("seed", range(4))
def test_class_insensitive_homophily_is_that_of_pyg(seed):
    links, labels = directed(seed), labels_of(seed)
    edges = torch.from_numpy(np.stack(np.nonzero(links))[::-1].copy())
    expected = pyg_homophily(edges, torch.from_numpy(labels), method="edge_insensitive")
    assert homophily(csr_array(links), labels).insensitive == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_node_informativeness_draws_a_patient_and_then_a_link(seed):
    links, labels = directed(seed), labels_of(seed)
    both = links + links.T
    joint, own, ends = np.zeros((3, 3)), np.zeros(3), np.zeros(3)
    linked = [at for at in range(50) if both[at].sum() > 0]
    for one in linked:
        own[labels[one]] += 1 / len(linked)
        ends[labels[one]] += both[one].sum() / both.sum()
        for other in range(50):
            joint[labels[one], labels[other]] += both[one, other] / both[one].sum() / len(linked)
    mutual = (joint * np.log(joint / np.outer(own, ends))).sum()
    found = homophily(csr_array(links), labels).informativeness_node
    assert found == pytest.approx(-mutual / (own * np.log(own)).sum())


@pytest.mark.parametrize("seed", range(4))
def test_unbiased_homophily_is_the_sum_over_pairs_of_classes(seed):
    links, labels = directed(seed) * np.random.default_rng(seed).random((50, 50)), labels_of(seed, count=4)
    shares = np.zeros((4, 4))
    for one, other in zip(*np.nonzero(links), strict=True):
        shares[labels[one], labels[other]] += links[one, other] / links.sum() / 2
        shares[labels[other], labels[one]] += links[one, other] / links.sum() / 2
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    above = sum(np.sqrt(shares[a, a] * shares[b, b]) - shares[a, b] for a, b in pairs)
    total = sum(np.sqrt(shares[a, a] * shares[b, b]) + shares[a, b] for a, b in pairs)
    assert homophily(csr_array(links), labels).unbiased == pytest.approx(above / total)


def test_unbiased_homophily_has_the_properties_of_its_paper():
    apart = np.kron(np.eye(3), np.ones((4, 4)))
    three = np.repeat([0, 1, 2], 4)
    assert homophily(csr_array(apart), three).unbiased == pytest.approx(1.0)
    unequal = np.repeat([0, 1, 2], [6, 4, 2])
    found = homophily(csr_array((unequal[:, None] != unequal).astype(float)), unequal)
    assert found.unbiased == pytest.approx(-1.0)
    assert found.adjusted > -1.0  # what adjusted homophily lacks: a least value
    everybody = np.repeat([0, 1], [90, 10])
    independent = csr_array(np.outer([0.9, 0.1], [0.9, 0.1])[everybody][:, everybody])
    assert abs(homophily(independent, everybody).unbiased) < 0.1
    relabelled = homophily(csr_array(apart), np.array([0, 2, 5])[three])
    assert relabelled.unbiased == pytest.approx(1.0)  # labels nobody has change nothing


def by_hand(power: np.ndarray, labels: np.ndarray) -> float:
    known = labels >= 0
    power = power - np.diag(np.diag(power))
    many = nx.from_numpy_array(power[np.ix_(known, known)].astype(int), parallel_edges=True, create_using=nx.MultiGraph)
    nx.set_node_attributes(many, dict(enumerate(labels[known].tolist())), "label")
    return nx.attribute_assortativity_coefficient(many, "label")


@pytest.mark.parametrize("seed", range(3))
def test_hops_are_newmans_assortativity_of_the_powers_without_loops(seed):
    links, labels = directed(seed, density=0.06), labels_of(seed, unknown=True)
    both = links + links.T
    found = hop_homophily(csr_array(links), labels)
    powers = {"1": both, "2": both @ both, "3": both @ both @ both}
    assert {hop: by_hand(power, labels) for hop, power in powers.items()} == pytest.approx(found)


def test_walks_from_a_sample_are_near_those_from_all(monkeypatch):
    labels = np.repeat([0, 1], 150)
    links = csr_array(directed(0, 300, 0.03) * np.where(labels[:, None] == labels, 1.0, 0.3).round())
    whole = hop_homophily(links, labels)
    monkeypatch.setattr("graphmml.report.panel.hops.LARGE", 100)
    monkeypatch.setattr("graphmml.report.panel.hops.SAMPLE", 200)
    assert hop_homophily(links, labels) == pytest.approx(whole, abs=0.05)


def test_a_bipartite_graph_is_unlike_at_one_hop_and_alike_at_two():
    found = hop_homophily(csr_array(np.kron([[0, 1], [1, 0]], np.ones((4, 4)))), np.repeat([0, 1], 4))
    assert found == pytest.approx({"1": -1.0, "2": 1.0, "3": -1.0})


def test_without_links_hops_are_nan():
    assert np.isnan(list(hop_homophily(csr_array((4, 4)), np.array([0, 1, 0, 1])).values())).all()


@pytest.mark.parametrize("seed", range(3))
def test_class_similarity_is_the_mean_cosine_over_all_pairs(seed):
    links, labels = directed(seed), labels_of(seed, unknown=True)
    heard = np.array([[(links[at] * (labels == label)).sum() for label in range(3)] for at in range(50)])
    some = [at for at in range(50) if labels[at] >= 0 and heard[at].sum() > 0]
    total, pairs = np.zeros((3, 3)), np.zeros((3, 3))
    for one in some:
        for other in some:
            cosine = heard[one] @ heard[other] / np.linalg.norm(heard[one]) / np.linalg.norm(heard[other])
            total[labels[one], labels[other]] += cosine
            pairs[labels[one], labels[other]] += 1
    found = class_similarity(neighbourhoods(csr_array(links), labels), labels)
    np.testing.assert_allclose(found, total / pairs)
    assert similarity_distance(found) == pytest.approx(np.abs(total / pairs - np.eye(3)).mean())


def test_classes_apart_are_at_distance_zero_and_classes_by_chance_at_that_of_chance():
    labels = np.repeat([0, 1], 30)
    apart = csr_array((labels[:, None] == labels).astype(float))
    similarity = class_similarity(neighbourhoods(apart, labels), labels)
    assert similarity_distance(similarity) == pytest.approx(0.0)
    assert distance_by_chance(apart, labels) > 0.3
    assert np.isnan(similarity_distance(class_similarity(np.zeros((60, 2)), labels)))


@pytest.mark.parametrize("seed", range(3))
def test_votes_are_counted_by_hand(seed):
    links, labels = directed(seed), labels_of(seed)
    right, share = {0: [], 1: [], 2: []}, {}
    for at in range(50):
        counts = [sum(links[at, other] * (labels[other] == label) for other in range(50)) for label in range(3)]
        if sum(counts):
            best = [label for label in range(3) if counts[label] == max(counts)]
            right[labels[at]].append((labels[at] in best) / len(best))
            share[at] = np.array(counts) / sum(counts)
    areas = []
    for label in range(3):
        won = [
            float(share[one][label] > share[other][label]) + 0.5 * (share[one][label] == share[other][label])
            for one in share
            for other in share
            if labels[one] == label != labels[other]
        ]
        areas.append(np.mean(won))
    found = votes(neighbourhoods(csr_array(links), labels), labels)
    assert found["accuracy"] == pytest.approx(np.mean([np.mean(right[label]) for label in range(3)]))
    assert found["auroc"] == pytest.approx(np.mean(areas))
    assert found["majority"] == pytest.approx(max(map(len, right.values())) / len(share))


@pytest.mark.parametrize("seed", range(3))
def test_smoothness_is_the_quadratic_form_of_networkxs_laplacian(seed):
    links, labels = directed(seed), labels_of(seed, unknown=True)
    both = links + links.T
    known = np.flatnonzero(labels >= 0)
    inner = both[np.ix_(known, known)]
    linked = known[inner.sum(axis=1) > 0]
    laplacian = nx.normalized_laplacian_matrix(nx.from_numpy_array(both[np.ix_(linked, linked)])).toarray()
    random = np.random.default_rng(0)
    for label, found in enumerate(label_smoothness(csr_array(links), labels)):
        own = (labels[linked] == label).astype(float)
        assert found["smoothness"] == pytest.approx(own @ laplacian @ own / own.sum())
        drawn = np.array([random.permutation(own) for _ in range(3000)])
        by_chance = np.einsum("ri,ij,rj->r", drawn, laplacian, drawn) / own.sum()
        assert found["chance"] == pytest.approx(by_chance.mean(), abs=5 * by_chance.std() / np.sqrt(3000))
        assert found["p"] == pytest.approx((by_chance <= found["smoothness"]).mean(), abs=0.15)


def test_labels_along_the_links_are_smooth_and_p_says_so():
    labels = np.repeat([0, 1], 30)
    found = label_smoothness(csr_array((labels[:, None] == labels).astype(float)), labels)
    assert [row["smoothness"] for row in found] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert [row["p"] for row in found] == [1 / 100, 1 / 100]
    assert np.isnan(label_smoothness(csr_array((60, 60)), labels)[0]["smoothness"])


def test_random_tables_are_those_of_speakers_exchanged_among_links():
    links, labels = directed(1), labels_of(1)
    random = np.random.default_rng(3)
    one, other = np.nonzero(links)
    observed = homophily(csr_array(links), labels).adjusted
    drawn = []
    for _ in range(2000):
        table = np.zeros((3, 3))
        np.add.at(table, (labels[one], labels[random.permutation(other)]), 1)
        table = (table + table.T) / table.sum() / 2
        chance = (table.sum(axis=0) ** 2).sum()
        drawn.append((np.trace(table) - chance) / (1 - chance))
    expected = (np.array(drawn) >= observed).mean()
    assert rewired_p([csr_array(links)], labels, rounds=2000) == pytest.approx(expected, abs=0.05)
    assert layered_homophily([csr_array(links)], labels) == pytest.approx(observed)


def test_a_layer_that_joins_one_label_alone_says_nothing():
    labels = np.repeat([0, 1], 25)
    within = csr_array(np.where((labels[:, None] == 0) & (labels == 0), 1.0, 0.0))
    other = csr_array(directed(5))
    assert layered_homophily([within, other], labels) == pytest.approx(layered_homophily([other], labels))
    assert np.isnan(layered_homophily([within], labels))
    assert np.isnan(rewired_p([within], labels, rounds=9))
    assert label_table(other, labels).sum() == other.nnz


def test_links_within_labels_are_beyond_what_degrees_explain():
    labels = np.repeat([0, 1], 25)
    same = csr_array(directed(6) * (labels[:, None] == labels))
    assert rewired_p([same], labels, rounds=199) == 1 / 200
