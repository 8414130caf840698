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
