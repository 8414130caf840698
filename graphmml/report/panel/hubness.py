"""How unevenly patients are listened to: the indices of hubness, and who the hubs are."""

from typing import Any

import numpy as np
from scipy import stats
from scipy.sparse import csr_array

from graphmml.report.association import rank_correlation
from graphmml.report.panel.linked import degrees

ROUNDS = 99


def robin_hood(heard: np.ndarray) -> float:
    """Return the share of places in lists that would have to be given away for all to be listened to alike.

    Feldbauer et al. 2018 (after Hoover): half of the summed distances from the mean over the sum; NaN without a link.
    """
    total = float(heard.sum())
    return float(np.abs(heard - heard.mean()).sum() / (2.0 * total)) if total else float("nan")


def hub_occurrence(heard: np.ndarray) -> float:
    """Return the share of places in lists held by patients who are listened to over twice as often as the mean.

    Feldbauer et al. 2018, with the mean for their k; NaN without a link.
    """
    total = float(heard.sum())
    return float(heard[heard > 2.0 * heard.mean()].sum() / total) if total else float("nan")


def times_mean(heard: np.ndarray) -> float:
    """Return how many times the mean the most listened-to patient has; NaN without a link."""
    return float(heard.max() / heard.mean()) if heard.any() else float("nan")


def auroc(values: np.ndarray, case: np.ndarray) -> tuple[float, float]:
    """Return how likely a case has the higher value, and the chance of as much by exchange of cases.

    Mann and Whitney's test, its normal approximation corrected for ties, which are half each way. NaN where one
    of the two sides is empty or values do not vary.
    """
    if case.all() or not case.any() or not np.ptp(values):
        return float("nan"), float("nan")
    test = stats.mannwhitneyu(values[case], values[~case], method="asymptotic")
    return float(test.statistic / (case.sum() * (~case).sum())), float(test.pvalue)


def rank_correlation_p(one: np.ndarray, other: np.ndarray, seed: int) -> float:
    """Return the chance of a rank correlation as far from 0 if one column were exchanged among patients.

    p = (b + 1) / (B + 1), never 0 (Phipson and Smyth 2010); NaN where one of the two does not vary.
    """
    observed = rank_correlation(one, other)
    if np.isnan(observed):
        return float("nan")
    random = np.random.default_rng(seed)
    ranks, others = stats.rankdata(one), stats.rankdata(other)
    ranks, others = ranks - ranks.mean(), others - others.mean()
    scale = float(np.linalg.norm(ranks) * np.linalg.norm(others))
    beyond = sum(abs(random.permutation(ranks) @ others) / scale >= abs(observed) - 1e-12 for _ in range(ROUNDS))
    return float((beyond + 1) / (ROUNDS + 1))


def degree_assortativity(links: csr_array) -> float:
    """Return the correlation of the degrees at the two ends of a link (Newman 2002); NaN where degrees are equal."""
    degree = degrees(links).astype(np.float64)
    ends = np.repeat(degree, degrees(links))
    other = degree[links.indices]
    if not len(ends) or not np.ptp(ends):
        return float("nan")
    return float(np.corrcoef(ends, other)[0, 1])


def of_missing(heard: np.ndarray, missing: np.ndarray, seed: int) -> dict[str, Any]:
    """Return how being listened to goes with the share of missing cells."""
    return {"rho": rank_correlation(heard, missing), "p": rank_correlation_p(heard, missing, seed)}
