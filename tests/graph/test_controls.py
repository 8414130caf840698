import numpy as np
import pytest

import graphmml as gm
from graphmml.graph.relations import PATIENT


def pairs(relation):
    return set(map(tuple, relation.edges.T.tolist()))


@pytest.fixture
def many(numbers):
    return numbers({"a": np.random.default_rng(0).normal(size=(300, 6))})


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("links", [gm.Neighbours(k=8), gm.Neighbours(k=5, edges="union")], ids=repr)
def test_shuffling_keeps_who_is_heard_how_often_and_who_hears_how_many(many, links, seed):
    (before,) = links.link(many, many)
    (after,) = gm.Shuffled(links, seed=seed).link(many, many)
    dropped = len(before) - len(after)
    assert 0 <= dropped <= 0.01 * len(before)
    for row in (0, 1):
        lost = np.bincount(before.edges[row], minlength=300) - np.bincount(after.edges[row], minlength=300)
        assert (lost >= 0).all()
        assert lost.sum() == dropped


def test_shuffling_changes_most_edges(many):
    links = gm.Neighbours(k=8)
    before, after = (pairs(item.link(many, many)["neighbours"]) for item in (links, gm.Shuffled(links)))
    assert len(before & after) < 0.1 * len(before)


def test_another_seed_shuffles_otherwise_and_the_same_seed_the_same(many):
    one, again, other = (
        pairs(gm.Shuffled(gm.Neighbours(k=8), seed=seed).link(many, many)["neighbours"]) for seed in (0, 0, 1)
    )
    assert one == again
    assert len(one & other) < 0.1 * len(one)


def test_shuffling_forgets_what_the_links_meant(many):
    """Neighbours are alike, shuffled neighbours are not."""
    matrix = many.features["a"]
    close, far = (
        np.linalg.norm(matrix[edges[0]] - matrix[edges[1]], axis=1).mean()
        for edges in (
            item.link(many, many)["neighbours"].edges for item in (gm.Neighbours(k=8), gm.Shuffled(gm.Neighbours(k=8)))
        )
    )
    assert far > 1.3 * close


def test_an_attached_patient_hears_as_many_as_before_from_those_who_are_heard(many):
    source, new = many[:250], many[250:]
    links = gm.Neighbours(k=8)
    (before,), (after,) = links.link(source, new), gm.Shuffled(links).link(source, new)
    lost = np.bincount(before.edges[1], minlength=50) - np.bincount(after.edges[1], minlength=50)
    assert (lost >= 0).all()
    assert lost.sum() < 0.1 * len(before)
    (within,) = links.link(source, source)
    assert np.isin(after.edges[0], within.edges[0]).all()
    assert len(pairs(before) & pairs(after)) < 0.15 * len(before)


def test_shuffled_concepts_keep_their_sizes_and_their_vocabulary(encoded):
    links = gm.Concepts("codes", most=0.9)
    before, after = links.link(encoded, encoded), gm.Shuffled(links).link(encoded, encoded)
    assert after.concepts == before.concepts
    for name, end in (("has_codes", 1), ("of_codes", 0)):
        held = [np.bincount(part[name].edges[end], minlength=7) for part in (before, after)]
        assert np.abs(held[0] - held[1]).sum() < 0.15 * held[0].sum()
    assert pairs(before["has_codes"]) != pairs(after["has_codes"])


@pytest.mark.parametrize("k", [1, 7, 59])
def test_random_edges_are_k_each_and_never_to_oneself(encoded, k):
    (relation,) = gm.RandomEdges(k=k).link(encoded, encoded)
    assert (np.bincount(relation.edges[1], minlength=60) == k).all()
    assert len(pairs(relation)) == len(relation)
    assert (relation.edges[0] != relation.edges[1]).all()
    assert (relation.source, relation.target) == (PATIENT, PATIENT)


def test_random_edges_do_not_know_the_features(many):
    matrix = many.features["a"]
    (relation,) = gm.RandomEdges(k=10).link(many, many)
    linked = np.linalg.norm(matrix[relation.edges[0]] - matrix[relation.edges[1]], axis=1).mean()
    anybody = np.linalg.norm(matrix[:, None] - matrix[None], axis=2).mean()
    assert linked == pytest.approx(anybody, rel=0.05)


def test_random_edges_among_too_few_are_refused(encoded):
    with pytest.raises(gm.GraphError, match="k is 60 but the cohort has 60 patients; choose k below 60"):
        gm.RandomEdges(k=60).link(encoded, encoded)
    with pytest.raises(gm.GraphError, match="k is 0"):
        gm.RandomEdges(k=0)


def test_no_edges_is_a_graph_of_patients_alone(encoded):
    graph = gm.build_graph(gm.NoEdges(), encoded[:40], encoded[40:])
    assert (graph.patients, graph.trained, graph.edges, graph.relations) == (60, 40, 0, ())
