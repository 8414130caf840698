"""Exact search in blocks against sorting everything, and approximate search against exact."""

import numpy as np
import pytest

import graphmml as gm
from graphmml.graph import approximate, search
from graphmml.graph.approximate import indexed
from graphmml.graph.cells import partition_of
from graphmml.graph.points import Vectors, vectors_of
from graphmml.graph.search import above, strongest


def points_of(patients, columns=8, seed=0, clusters=None):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(patients, columns))
    if clusters:
        rows += 4 * random.normal(size=(clusters, columns))[random.integers(0, clusters, patients)]
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Vectors(rows, rows, None, 1e-6)


def sorted_out(mine, theirs, k, own):
    product = mine.rows.astype(float) @ theirs.rows.astype(float).T
    if own is not None:
        product[np.arange(len(own))[own >= 0], own[own >= 0]] = -np.inf
    order = np.argsort(-product, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(product, order, axis=1)


@pytest.mark.parametrize("block", [16, 64, 1024])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_strongest_are_those_of_a_full_sort_whatever_the_blocks(monkeypatch, block, k):
    monkeypatch.setattr(search, "BLOCK", block)
    monkeypatch.setattr(search, "FIRST", block // 2)
    people = points_of(230)
    found, similar = strongest(people, people, k)
    order, true = sorted_out(people, people, k, np.arange(230))
    assert similar == pytest.approx(true, abs=1e-6)
    assert (found == order).mean() > 0.99
    some = points_of(37, seed=1)
    found, similar = strongest(some, people, k)
    assert similar == pytest.approx(sorted_out(some, people, k, None)[1], abs=1e-6)


def test_crowds_of_ties_and_rows_in_rising_order_overflow_no_buffer(monkeypatch):
    monkeypatch.setattr(search, "BLOCK", 32)
    monkeypatch.setattr(search, "FIRST", 8)
    angle = np.linspace(0, 1, 400)
    rising = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    for rows in (rising, rising[::-1].copy(), np.repeat(rising[:2], 200, axis=0)):
        people = Vectors(rows, rows, None, 1e-6)
        found, similar = strongest(people, people, 7)
        assert similar == pytest.approx(sorted_out(people, people, 7, np.arange(400))[1], abs=1e-6)
        assert (found != np.arange(400)[:, None]).all()
        assert all(len(set(row)) == 7 for row in found.tolist())


def test_fewer_than_k_leave_the_rest_empty():
    people = points_of(4)
    found, similar = strongest(people, people, 6)
    assert np.array_equal(np.sort(found, axis=1)[:, 3:], np.array([np.delete(np.arange(4), at) for at in range(4)]))
    assert (found[:, 3:] == -1).all()
    assert np.isneginf(similar[:, 3:]).all()


def test_all_above_a_bar_are_found_and_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(search, "BLOCK", 32)
    people = points_of(150)
    product = people.rows.astype(float) @ people.rows.astype(float).T
    np.fill_diagonal(product, -1)
    rows, columns, similar = above(people, people, 0.6, 10_000)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == set(
        zip(*map(list, np.nonzero(product >= 0.6)), strict=True)
    )
    assert similar == pytest.approx(product[rows, columns], abs=1e-6)
    assert above(people, people, 0.6, 10) is None


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(approximate, "CHUNK", 700)


def test_the_measured_recall_is_the_recall(small_chunks):
    people = points_of(4000, 16, clusters=30)
    for wanted in (0.5, 0.9, 0.99):
        index = indexed(people, 10, wanted)
        assert index.recall >= wanted
        found, _ = approximate.approximately(people, people, 10, wanted, None)
        true, _ = strongest(people, people, 10)
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), true.tolist(), strict=True)])
        assert recall == pytest.approx(index.recall, abs=0.03)
    assert indexed(people, 10, 0.5).reach < indexed(people, 10, 0.99).reach


def test_approximate_neighbours_are_mostly_the_exact_ones_and_never_oneself(numbers):
    people = numbers({"a": points_of(1500, 12, clusters=10).rows})
    exact = gm.Neighbours("a", k=8).link(people, people)["a"]
    near = gm.Neighbours("a", k=8, recall=0.9).link(people, people)["a"]
    pairs = [set(map(tuple, relation.edges.T.tolist())) for relation in (exact, near)]
    assert len(pairs[0] & pairs[1]) / len(pairs[0]) > 0.85
    assert (near.edges[0] != near.edges[1]).all()


def test_what_an_index_cannot_hold_is_refused(numbers):
    random = np.random.default_rng(0)
    people = numbers({"a": random.normal(size=(50, 3)), "b": random.normal(size=(50, 3))}, random.random((50, 2)) > 0.3)
    for links in (gm.Neighbours(k=3, recall=0.9), gm.Neighbours("a", k=3, metric="gower", recall=0.9)):
        with pytest.raises(gm.GraphError, match="approximate search needs one modality"):
            links.link(people, people)


@pytest.mark.parametrize("recall", [0.8, 0.95])
def test_patients_from_elsewhere_find_as_large_a_share_and_each_by_itself(recall):
    everybody = points_of(4300, 16, clusters=30)
    people, others = (
        Vectors(everybody.rows[part], everybody.rows[part], None, 1e-6) for part in (slice(4000), slice(4000, None))
    )
    found, similar = approximate.approximately(others, people, 10, recall, None)
    true, _ = strongest(others, people, 10)
    share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), true.tolist(), strict=True)])
    assert share > recall - 0.03
    for at in range(0, 300, 30):
        alone = Vectors(others.rows[at : at + 1], others.rows[at : at + 1], None, 1e-6)
        its, score = approximate.approximately(alone, people, 10, recall, None)
        assert np.array_equal(its[0], found[at])
        assert np.array_equal(score[0], similar[at])


def test_one_who_is_in_the_index_is_not_its_own_neighbour():
    people = points_of(2000, 16, clusters=30)
    some = Vectors(people.rows[:50], people.rows[:50], None, 1e-6)
    found, _ = approximate.approximately(some, people, 10, 0.95, np.arange(50))
    assert (found != np.arange(50)[:, None]).all()
    assert (found >= 0).all()


def test_nobody_is_found_twice_and_no_pair_that_either_end_can_see_is_missed():
    people = points_of(3000, 16, clusters=20)
    index = indexed(people, 10, 0.9)
    found, _ = approximate.approximately(people, people, 10, 0.9, None)
    assert all(len(set(row)) == 10 for row in found.tolist())
    true, _ = strongest(people, people, 10)
    cells = index.cells
    cell = np.empty(3000, dtype=int)
    cell[cells.order] = cells.cell
    rows = np.repeat(np.arange(3000), 10)
    there = approximate.gaps(cells, people, rows, cell, true.ravel())
    back = approximate.gaps(cells, people, true.ravel(), cell, rows)
    seen = np.minimum(there, back) <= index.reach * (1 - 1e-5)
    hit = (true[:, :, None] == found[:, None, :]).any(axis=2).ravel()
    assert hit[seen].mean() > 0.999


def test_every_patient_is_in_the_nearest_of_the_cells_and_borders_are_halfway():
    people = points_of(1000, 6, clusters=5)
    cells = partition_of(people, 50, 1000)
    assert np.array_equal(np.sort(cells.order), np.arange(1000))
    centres = cells.centres.rows
    far = ((people.rows[cells.order][:, None] - centres[None]) ** 2).sum(axis=2)
    assert (far[np.arange(1000), cells.cell] <= far.min(axis=1) + 1e-6).all()
    at = int(cells.cell[0])
    border = cells.border(people.rows[cells.order[:1]], at)[0]
    for other, measured in zip(cells.beside[at], border, strict=True):
        middle, across = (centres[at] + centres[other]) / 2, centres[at] - centres[other]
        assert measured == pytest.approx(
            (people.rows[cells.order[0]] - middle) @ across / np.linalg.norm(across), abs=1e-6
        )


def test_cells_of_euclidean_patients_are_those_of_their_distances(numbers):
    people = numbers({"a": np.random.default_rng(0).normal(size=(900, 5))})
    points = vectors_of(people, ("a",), "euclidean")
    cells = partition_of(points, 60, 1000)
    plain = points.rows[:, :5].astype(float)
    far = ((plain[cells.order][:, None] - cells.centres.rows[None, :, :5]) ** 2).sum(axis=2)
    assert far[np.arange(900), cells.cell] == pytest.approx(far.min(axis=1), abs=1e-3)


def test_where_cells_do_not_help_everything_is_compared(monkeypatch):
    monkeypatch.setattr(approximate, "BESIDE", 2)
    people = points_of(3000, 60)
    index = indexed(people, 10, 0.99)
    assert index.cells is None
    assert index.recall == 1.0
    _, similar = approximate.approximately(people, people, 10, 0.99, None)
    assert np.array_equal(similar, strongest(people, people, 10)[1])


def test_neighbours_do_not_depend_on_row_order(numbers):
    rows = points_of(1500, 12, clusters=10).rows
    people = numbers({"a": rows})
    turned = people[np.arange(1500)[::-1]]
    links = gm.Neighbours("a", k=8, recall=0.9)
    pairs = [
        set(zip(one.ids[edges[0]], one.ids[edges[1]], strict=True))
        for one in (people, turned)
        for edges in [links.link(one, one)["a"].edges]
    ]
    assert len(pairs[0] & pairs[1]) > 0.999 * len(pairs[0])
