"""Approximate search against exact search: the recall asked for, nobody one's own neighbour, no order of rows."""

import numpy as np
import pytest

import graphmml as gm
from graphmml.graph import approximate
from graphmml.graph.approximate import searched
from graphmml.graph.points import vectors_of
from graphmml.graph.search import strongest

METRICS = ("cosine", "euclidean", "correlation")


@pytest.fixture
def few(monkeypatch):
    """Search approximately however few the patients are."""
    monkeypatch.setattr(approximate, "FEW", 0)


def clustered(patients=2500, columns=12, clusters=12, seed=0):
    random = np.random.default_rng(seed)
    return 4 * random.normal(size=(clusters, columns))[random.integers(0, clusters, patients)] + random.normal(
        size=(patients, columns)
    )


def share_found(found, true):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), true.tolist(), strict=True)])


@pytest.mark.parametrize("metric", METRICS)
def test_the_measured_recall_is_the_recall(few, numbers, metric):
    base = vectors_of(numbers({"a": clustered()}), ["a"], metric)
    true, _ = strongest(base, base, 10)
    found = searched(base, 10, 0.95)
    assert found.recall >= 0.95
    assert share_found(found.position, true) == pytest.approx(found.recall, abs=0.02)


def test_who_is_alone_in_a_cell_is_given_k_neighbours_too(few, numbers):
    matrix = clustered(3000, 5, clusters=3)
    matrix[::500] = 1000 * np.random.default_rng(1).normal(size=(6, 5))
    base = vectors_of(numbers({"a": matrix}), ["a"], "euclidean")
    assert (searched(base, 10, 0.3).position >= 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_similarities_are_those_of_the_pairs_in_falling_order_and_nobody_is_its_own(few, numbers, metric):
    base = vectors_of(numbers({"a": clustered()}), ["a"], metric)
    found = searched(base, 8, 0.9)
    rows = np.repeat(np.arange(len(base)), 8)
    assert (found.position >= 0).all()
    np.testing.assert_allclose(found.score.ravel(), base.pairs(rows, base, found.position.ravel()), atol=1e-6)
    assert (np.diff(found.score, axis=1) <= 0).all()
    assert (found.position != np.arange(len(base))[:, None]).all()
    assert all(len(set(row)) == 8 for row in found.position.tolist())


def test_neighbours_depend_on_neither_the_order_of_rows_nor_the_run(few, numbers):
    people = numbers({"a": clustered()})
    order = np.random.default_rng(1).permutation(len(people))
    links = gm.Neighbours("a", k=8, recall=0.9)
    pairs = []
    for one in (people, people[np.arange(len(people))], people[order]):
        edges = links.link(one, one)["a"].edges
        pairs.append(set(zip(one.ids[edges[0]], one.ids[edges[1]], strict=True)))
    assert pairs[0] == pairs[1] == pairs[2]


def test_a_recall_that_is_not_reached_is_reached_by_searching_wider_and_at_last_exactly(few, numbers, monkeypatch):
    base = vectors_of(numbers({"a": np.random.default_rng(0).normal(size=(1500, 60))}), ["a"], "cosine")
    wider = searched(base, 5, 0.99)
    assert wider.recall >= 0.99
    monkeypatch.setattr(approximate, "limit_of", lambda *_: -np.inf)  # within cells alone
    exact = searched(base, 6, 0.99)
    assert exact.recall == 1.0
    assert np.array_equal(exact.position, strongest(base, base, 6)[0])


@pytest.mark.parametrize("metric", METRICS)
def test_gaps_are_searched_too_over_what_two_patients_share(few, numbers, metric):
    random = np.random.default_rng(0)
    people = numbers({"a": clustered(), "b": clustered(seed=1)}, random.random((2500, 2)) > 0.3)
    people = people[people.present.any(axis=1)]
    base = vectors_of(people, ["a", "b"], metric)
    found = searched(base, 10, 0.9)
    assert found.index is not None
    assert 0.9 <= found.recall < 1
    assert share_found(found.position, strongest(base, base, 10)[0]) == pytest.approx(found.recall, abs=0.03)


def test_many_neighbours_have_room_in_a_cell(few, numbers):
    base = vectors_of(numbers({"a": clustered(4000, 6, clusters=4)}), ["a"], "cosine")
    found = searched(base, 100, 0.8)
    assert found.index is not None
    assert found.index.cells.size.mean() > 100


def test_the_recall_of_a_rare_modality_is_that_of_an_exact_search(few, numbers):
    have = np.zeros((200, 3), dtype=bool)
    have[:, 0], have[:1, 1] = True, True
    people = numbers({name: clustered(200) for name in "abc"}, have)
    assert gm.Neighbours(("a", "b"), k=4, each=True, recall=0.5).measured_recall(people) >= 0.5
    assert gm.Neighbours(("b", "c"), k=4, each=True, recall=0.5).measured_recall(people) == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_newcomers_are_given_most_of_their_neighbours_and_all_of_them_where_patients_are_few(
    monkeypatch, numbers, metric
):
    everybody = numbers({"a": clustered(4000)})
    people, new = everybody[:3000], everybody[3000:]
    exact = gm.Neighbours("a", k=6, metric=metric).link(people, new)["a"].edges
    near = gm.Neighbours("a", k=6, metric=metric, recall=0.8).link(people, new)["a"].edges
    assert np.array_equal(near, exact)
    monkeypatch.setattr(approximate, "FEW", 0)
    again = people[np.arange(3000)]
    near = gm.Neighbours("a", k=6, metric=metric, recall=0.8).link(again, new)["a"].edges
    assert near.shape == exact.shape
    assert 0.8 <= share_found(near[0].reshape(-1, 6), exact[0].reshape(-1, 6)) < 1


def test_few_patients_are_searched_exactly(numbers):
    people = numbers({"a": clustered(300)})
    links = gm.Neighbours("a", k=6, recall=0.5)
    assert links.measured_recall(people) == 1.0
    assert np.array_equal(
        links.link(people, people)["a"].edges, gm.Neighbours("a", k=6).link(people, people)["a"].edges
    )


def test_what_cannot_be_searched_so_is_refused(numbers):
    random = np.random.default_rng(0)
    people = numbers({"a": random.normal(size=(50, 3)), "b": random.normal(size=(50, 3))}, random.random((50, 2)) > 0.3)
    for links in (gm.Neighbours(k=3, overlap=2, recall=0.9), gm.Neighbours("a", k=3, metric="gower", recall=0.9)):
        with pytest.raises(gm.GraphError, match="approximate search needs encoded columns"):
            links.link(people, people)
