"""Exact search in blocks against sorting everything."""

import numpy as np
import pytest

from graphmml.graph import search
from graphmml.graph.points import Vectors
from graphmml.graph.search import Strongest, above, offer_columns, strongest


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
    monkeypatch.setattr(search, "GROUPS", block // 2)
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
    monkeypatch.setattr(search, "GROUPS", 8)
    angle = np.linspace(0, 1, 400)
    rising = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    for rows in (rising, rising[::-1].copy(), np.repeat(rising[:2], 200, axis=0)):
        people = Vectors(rows, rows, None, 1e-6)
        found, similar = strongest(people, people, 7)
        assert similar == pytest.approx(sorted_out(people, people, 7, np.arange(400))[1], abs=1e-6)
        assert (found != np.arange(400)[:, None]).all()
        assert all(len(set(row)) == 7 for row in found.tolist())


def test_a_few_and_then_a_crowd_lose_none_of_the_strongest():
    kept = Strongest(50, 60, 0.0)
    width, random = kept.value.shape[1], np.random.default_rng(0)
    values = np.stack([random.permutation(2 * width) for _ in range(50)]).astype(np.float32)
    values[:, :30] += 1000
    for part in (np.arange(30), np.arange(30, width + 30), np.arange(width + 30, 2 * width)):
        rows = np.repeat(np.arange(50), len(part))
        kept.offer((rows, np.tile(part, 50).astype(np.int32), values[:, part].ravel()))
    rows, columns = kept.found(slice(0, 50))
    for row in range(50):
        assert set(np.argsort(-values[row])[:60]) <= set(columns[rows == row])


def test_columns_of_a_wide_block_are_offered_their_own_rows():
    similar = np.random.default_rng(0).random((5, 70_000), dtype=np.float32)
    kept = Strongest(70_005, 3, 1e-6)
    offer_columns(kept, similar.copy(), np.arange(70_000, 70_005), slice(0, 70_000))
    rows, columns = kept.found(slice(0, 70_000))
    wanted = 70_000 + np.sort(np.argsort(-similar, axis=0)[:3], axis=0).T
    assert np.array_equal(rows, np.repeat(np.arange(70_000), 3))
    assert np.array_equal(np.sort(columns.reshape(-1, 3), axis=1), wanted)


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
