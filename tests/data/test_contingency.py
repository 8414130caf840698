"""Tables of counts agree with scipy, with naive loops and with worked numbers."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from graphmml.data.contingency import by_chance, chi_squared, cramers_v, crossed, expected, holm, p_value


def test_pairs_are_counted_and_empty_levels_left_out():
    one, other = np.array([0, 0, 2, 2, -1, 2]), np.array([1, 0, 1, 1, 1, -1])
    assert crossed(one, other).tolist() == [[1, 1], [0, 2]]
    assert crossed(np.array([-1]), np.array([0])).shape == (0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_chi_squared_is_scipys(seed):
    counts = np.random.default_rng(seed).integers(6, 40, (3, 4))
    statistic, p, _, frequencies = chi2_contingency(counts, correction=False)
    assert chi_squared(counts) == pytest.approx(statistic)
    assert expected(counts) == pytest.approx(frequencies)
    assert p_value(counts) == pytest.approx(p)


def test_small_tables_are_tested_exactly_and_by_drawing():
    small = np.array([[8, 1], [2, 6]])
    assert p_value(small) == fisher_exact(small).pvalue
    drawn = np.array([[4, 1, 0], [0, 1, 5]])
    assert p_value(drawn) == pytest.approx(exact_p(drawn), abs=0.02)
    assert p_value(np.array([[5, 5]])) == 1.0


def exact_p(counts):
    """Exchange labels in every way, over the labellings of a 2 x 3 table with eleven patients."""
    rng = np.random.default_rng(1)
    columns = np.repeat(np.arange(3), counts.sum(axis=0))
    rows = np.repeat(np.arange(2), counts.sum(axis=1))
    found = chi_squared(counts)
    drawn = [chi_squared(crossed(rng.permutation(rows), columns)) for _ in range(4000)]
    return np.mean(np.array(drawn) >= found - 1e-9)


def test_drawn_tables_keep_their_margins():
    counts = np.array([[12, 3], [5, 9], [7, 7]])
    drawn = by_chance(counts, draws=50)
    assert (drawn.sum(axis=1) == counts.sum(axis=0)).all()
    assert (drawn.sum(axis=2) == counts.sum(axis=1)).all()
    assert drawn.mean(axis=0) == pytest.approx(expected(counts), abs=1.0)


def test_cramers_v_is_corrected_for_bias():
    assert cramers_v(np.array([[30, 0], [0, 30]])) == pytest.approx(1.0)
    rng = np.random.default_rng(0)
    by_chance_alone = [cramers_v(crossed(rng.integers(0, 6, 200), rng.integers(0, 2, 200))) for _ in range(200)]
    assert np.mean(by_chance_alone) < 0.08
    assert np.isnan(cramers_v(np.array([[10, 20]])))


def test_cramers_v_by_the_formula_of_bergsma():
    counts = np.array([[20, 10], [12, 25], [8, 25]])
    n, (r, c) = counts.sum(), counts.shape
    phi = chi2_contingency(counts, correction=False)[0] / n
    corrected = max(0, phi - (r - 1) * (c - 1) / (n - 1))
    shrunk = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1))
    assert cramers_v(counts) == pytest.approx(np.sqrt(corrected / (shrunk - 1)))


def test_holm_by_hand():
    # ranked .01 x 4, .02 x 3, .03 x 2 (kept at least as large as before), .5 x 1
    assert holm([0.03, 0.01, 0.5, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []
