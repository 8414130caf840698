"""Cells of patients, and what is found across their borders, against exact search."""

from dataclasses import replace

import numpy as np
import pytest

from graphmml.graph.approximate import Index
from graphmml.graph.borders import Borders
from graphmml.graph.cells import Cells, cells_of, nearest_centre
from graphmml.graph.points import vectors_of
from graphmml.graph.search import strongest

METRICS = ("cosine", "euclidean", "correlation")


def scattered(patients=1500, columns=8, seed=0):
    random = np.random.default_rng(seed)
    inner = 2 * random.normal(size=(30, columns))[random.integers(0, 30, patients)]
    return (inner + random.normal(size=(patients, columns))).astype(np.float32)


def laid_out(numbers, metric, matrix=None):
    base = vectors_of(numbers({"a": scattered() if matrix is None else matrix}), ["a"], metric)
    cells = cells_of(base.embedded())
    return base[cells.order], cells


def compared_within(laid, cells, k):
    return Borders.within(laid, cells.start, laid, cells, np.arange(len(laid)), k)


@pytest.mark.parametrize("metric", METRICS)
def test_behind_a_border_farther_than_the_last_neighbour_nobody_is_nearer(numbers, metric):
    laid, cells = laid_out(numbers, metric)
    borders = compared_within(laid, cells, 6)
    borders.across(borders.nearer(1.01))
    position, score = borders.found()
    true, most = strongest(laid, laid, 6)
    assert np.array_equal(position, true)
    assert score == pytest.approx(most, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_newcomers_are_given_their_true_neighbours_from_behind_all_near_borders(numbers, metric):
    matrix = scattered(1500)
    base, cells = laid_out(numbers, metric, matrix[:1200])
    query = vectors_of(numbers({"a": matrix}), ["a"], metric)[np.arange(1100, 1500)]
    index = Index(base, cells.order, cells, 1.01)
    rows = vectors_of(numbers({"a": matrix[:1200]}), ["a"], metric)
    own = np.concatenate([np.arange(1100, 1200), np.full(300, -1)])  # a hundred are in the base themselves
    position, score = index.nearest(query, 6, own)
    true, most = strongest(query, rows, 6, own)
    assert np.array_equal(position, true)
    assert score == pytest.approx(most, abs=1e-12)


def test_what_a_newcomer_is_given_does_not_depend_on_who_else_asks(numbers):
    matrix = scattered(1400)
    base, cells = laid_out(numbers, "cosine", matrix[:1000])
    query = vectors_of(numbers({"a": matrix}), ["a"], "cosine")[np.arange(1000, 1400)]
    index = Index(base, cells.order, cells, 0.2)
    position, score = index.nearest(query, 5, None)
    for rows in (np.array([17]), np.arange(300, 310), np.arange(399, -1, -1)):
        alone, same = index.nearest(query[rows], 5, None)
        assert np.array_equal(alone, position[rows])
        assert np.array_equal(same, score[rows])


@pytest.mark.parametrize("limit", [-1.0, 0.1, 0.3])
def test_all_pairs_within_the_limit_are_compared_once_and_no_others(numbers, limit):
    laid, cells = laid_out(numbers, "cosine")
    everybody = len(laid) - 1  # no neighbour is let go
    reach = compared_within(laid, cells, 6).reach
    borders = compared_within(laid, cells, everybody)
    borders = replace(borders, reach=reach)
    borders.across(borders.nearer(limit))
    position, _ = borders.found()
    compared = np.zeros((len(laid), len(laid)), dtype=int)
    row, rank = np.nonzero(position >= 0)
    np.add.at(compared, (row, position[row, rank]), 1)
    one, other = np.nonzero(~np.eye(len(laid), dtype=bool))
    near = borders.between(one, other)
    unsure = np.abs(near - limit) < 1e-4
    assert np.array_equal(compared[one, other][~unsure], (near <= limit)[~unsure].astype(int))
    assert unsure.mean() < 0.01


def test_more_comparisons_than_may_be_are_not_even_listed(numbers):
    laid, cells = laid_out(numbers, "cosine")
    borders = compared_within(laid, cells, 6)
    patient, behind = borders.nearer(0.3)
    count = cells.size[behind].sum()
    assert borders.nearer(0.3, most=count - 1) is None
    assert np.array_equal(borders.nearer(0.3, most=count)[0], patient)


def test_cells_hold_everybody_once_around_their_means(numbers):
    place = scattered()
    cells = cells_of(place)
    assert np.array_equal(np.sort(cells.order), np.arange(len(place)))
    assert np.array_equal(cells.of(np.arange(len(place))), np.repeat(np.arange(len(cells)), cells.size))
    for cell, centre in enumerate(cells.centre):
        assert centre == pytest.approx(place[cells.order[cells.rows(cell)]].mean(axis=0), abs=1e-5)
    rough = np.sqrt(len(place))
    assert rough / 2 < len(cells) < 2 * rough
    within = np.mean((place[cells.order] - np.repeat(cells.centre, cells.size, axis=0)) ** 2)
    assert within < 0.5 * place.var(axis=0).mean()


def test_a_dense_cell_is_cut_again_and_the_same_rows_evenly(numbers):
    same = np.zeros((2000, 3), dtype=np.float32)
    assert cells_of(same).size.max() <= 50
    dense = np.concatenate([np.random.default_rng(0).normal(size=(1800, 3)) * 1e-3, 100 * scattered(200, 3)])
    assert cells_of(dense.astype(np.float32)).size.max() < 1800


def test_the_nearest_centre_is_that_of_all_distances():
    place, centre = scattered(500), scattered(20, seed=1)
    far = ((place[:, None] - centre[None]) ** 2).sum(axis=2)
    assert np.array_equal(nearest_centre(place, centre), far.argmin(axis=1))


def test_how_far_a_border_is_agrees_with_its_definition_and_between_its_two_forms():
    place = scattered(300).astype(np.float64)
    cells = cells_of(place)
    cell = 3
    rows = place[cells.order[slice(*cells.start[cell : cell + 2])]]
    far, lengths = cells.beyond_all(rows, cell)
    assert (np.abs(np.delete(far, cell, axis=1)) <= lengths[:, None] + 1e-9).all()
    assert np.isinf(far[:, cell]).all()
    for other in np.delete(np.arange(len(cells)), cell):
        both = np.full(len(rows), cell), np.full(len(rows), other)
        assert far[:, other] == pytest.approx(cells.beyond(rows, *both))
        here, there = cells.centre[cell], cells.centre[other]
        middle, normal = (here + there) / 2, (there - here) / np.linalg.norm(there - here)
        assert far[:, other] == pytest.approx((middle - rows) @ normal)


def test_the_nearest_cell_is_that_of_all_distances_alone_and_among_others():
    place = scattered(400)
    cells = cells_of(place)
    far = ((place[:, None].astype(float) - cells.centre[None]) ** 2).sum(axis=2)
    found = cells.nearest(place)
    assert np.array_equal(found, far.argmin(axis=1))
    assert np.array_equal(cells.nearest(place[5:6]), found[5:6])


def test_one_cell_has_no_border():
    cells = Cells(np.arange(3), np.array([0, 3]), np.zeros((1, 2)))
    assert np.isinf(cells.beyond_all(np.ones((3, 2)), 0)[0]).all()
