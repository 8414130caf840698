"""How two labellings go together: tables of counts, what chance would make of them, and many tests at once."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2, fisher_exact, random_table

DRAWS = 1999
SMALL = 5.0
"""Cells that chance would fill with fewer are too few for chi-squared's curve."""


def crossed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Count the pairs of two labellings, -1 unknown, without empty rows and columns: int [one, other]."""
    known = (one >= 0) & (other >= 0)
    if not known.any():
        return np.zeros((0, 0), dtype=np.int64)
    wide = int(other.max()) + 1
    cells = one[known].astype(np.int64) * wide + other[known]
    counts = np.bincount(cells, minlength=(int(one.max()) + 1) * wide).reshape(-1, wide)
    return np.asarray(counts[counts.any(axis=1)][:, counts.any(axis=0)])


def expected(counts: np.ndarray) -> np.ndarray:
    """Return what independence would put into each cell."""
    return np.asarray(np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum())


def chi_squared(counts: np.ndarray) -> float:
    """Return Pearson's chi-squared."""
    by_chance = expected(counts)
    return float(((counts - by_chance) ** 2 / by_chance).sum())


def cramers_v(counts: np.ndarray) -> float:
    """Return the bias-corrected V (Bergsma 2013): 0 independent, 1 determined; NaN where one side does not vary."""
    size, (rows, columns) = int(counts.sum()), counts.shape
    if min(rows, columns) < 2 or size < 2:
        return float("nan")
    corrected = max(0.0, chi_squared(counts) / size - (rows - 1) * (columns - 1) / (size - 1))
    smaller = min(rows - (rows - 1) ** 2 / (size - 1), columns - (columns - 1) ** 2 / (size - 1)) - 1
    return min(1.0, float(np.sqrt(corrected / smaller))) if smaller > 1e-12 else float("nan")


def by_chance(counts: np.ndarray, seed: int = 0, draws: int = DRAWS) -> np.ndarray:
    """Draw tables with the same margins, as exchanging the labels among the patients would: int [draw, one, other]."""
    table = random_table(counts.sum(axis=1), counts.sum(axis=0))
    return np.asarray(table.rvs(draws, random_state=np.random.default_rng(seed)))


def p_value(counts: np.ndarray) -> float:
    """Return the probability of so uneven a table by chance: chi-squared, Fisher's exact test, or drawn tables."""
    if min(counts.shape) < 2:
        return 1.0
    if expected(counts).min() >= SMALL:
        freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
        return float(chi2.sf(chi_squared(counts), freedom))
    if counts.shape == (2, 2):
        return float(fisher_exact(counts).pvalue)
    drawn = ((by_chance(counts) - expected(counts)) ** 2 / expected(counts)).sum(axis=(1, 2))
    return float((drawn >= chi_squared(counts) - 1e-9).sum() + 1) / (DRAWS + 1)


def holm(values: Sequence[float]) -> np.ndarray:
    """Return p-values of several tests, so that the chance of any false alarm is kept (Holm 1979): float [test]."""
    p = np.asarray(values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
