"""How unevenly links fall, and how two columns go together: small statistics of arrays."""

import numpy as np
from scipy import stats


def gini(values: np.ndarray) -> float:
    """Return how unequal non-negative values are: 0 all alike, towards 1 one has everything; NaN if all are 0."""
    ordered = np.sort(values.astype(np.float64))
    total = ordered.sum()
    if not total:
        return float("nan")
    rank = np.arange(1, len(ordered) + 1)
    return float(2.0 * (rank * ordered).sum() / (len(ordered) * total) - (len(ordered) + 1) / len(ordered))


def skewness(values: np.ndarray) -> float:
    """Return the third standardised moment; 0 where all values are the same."""
    return float(stats.skew(values)) if len(values) and np.ptp(values) > 0 else 0.0


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rho, ties sharing ranks; NaN where one of the two does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(stats.rankdata(one), stats.rankdata(other))[0, 1])


def cramers_v(one: np.ndarray, other: np.ndarray) -> float:
    """Return the bias-corrected V of two labellings (Bergsma 2013), -1 unknown; 0 independent, 1 determined."""
    known = (one >= 0) & (other >= 0)
    rows, columns = (np.unique(labels[known], return_inverse=True)[1] for labels in (one, other))
    size = int(known.sum())
    if size < 2 or not rows.max() or not columns.max():
        return float("nan")
    wide = int(columns.max()) + 1
    cells, seen = np.unique(rows.astype(np.int64) * wide + columns, return_counts=True)
    expected = np.bincount(rows)[cells // wide] * np.bincount(columns)[cells % wide] / size
    # chi-squared over all cells equals n (sum of seen^2 / (row total x column total) - 1): only seen cells count
    squared = float((seen**2 / expected).sum()) / size - 1.0
    r, c = int(rows.max()) + 1, wide
    corrected = max(0.0, squared - (r - 1) * (c - 1) / (size - 1))
    smaller = min(r - (r - 1) ** 2 / (size - 1), c - (c - 1) ** 2 / (size - 1)) - 1
    return min(1.0, float(np.sqrt(corrected / smaller))) if smaller > 1e-12 else float("nan")
