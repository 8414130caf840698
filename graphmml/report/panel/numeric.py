"""Are numbers alike along the links? Moran's I, assortativity and regression homophily, each beside chance."""

import numpy as np
from scipy.sparse import coo_array, csr_array, triu

from graphmml.report.homophily import undirected, without_loops
from graphmml.report.permutation import CACHED, Chance, chance_of, in_blocks, likeness, rounds_for


def linked_values(adjacency: csr_array, values: np.ndarray) -> tuple[csr_array, np.ndarray]:
    """Return the undirected links between patients whose value is known, and their values less the mean."""
    known = np.flatnonzero(~np.isnan(values))
    own = values[known].astype(np.float64)
    return undirected(adjacency)[known][:, known].astype(np.float64), own - own.mean() if len(own) else own


def morans_i(adjacency: csr_array, values: np.ndarray) -> float:
    """Return Moran's I of values (NaN unknown): 1 alike along links, -1 / (n - 1) by chance; NaN if nothing varies."""
    links, own = linked_values(adjacency, values)
    total, scatter = float(links.sum()), float(own @ own)
    if total <= 0 or scatter <= 1e-12:
        return float("nan")
    return float(own @ (links @ own)) / total * len(own) / scatter


def assortativity(adjacency: csr_array, values: np.ndarray) -> float:
    """Return the correlation of the values at the two ends of a link (Newman 2003), each link taken both ways."""
    links, own = linked_values(adjacency, values)
    degree = np.asarray(links.sum(axis=1)).ravel()
    total = float(degree.sum())
    if total <= 0:
        return float("nan")
    mean = float(degree @ own) / total
    own = own - mean
    scatter = float(degree @ own**2) / total
    return float(own @ (links @ own)) / total / scatter if scatter > 1e-12 else float("nan")


def regression_homophily(adjacency: csr_array, values: np.ndarray) -> float:
    """Return 1 - mean_i sum_j w_ij |y_i - y_j| / sum_j w_ij of those i listens to, y scaled to 0..1.

    Mueller et al. (arXiv 2307.10112). Patients who listen to nobody of known value take no part.
    """
    own = scaled(values)
    entries = coo_array(without_loops(adjacency))
    known = ~np.isnan(own[entries.row]) & ~np.isnan(own[entries.col])
    row, weight = entries.row[known], entries.data[known].astype(np.float64)
    apart = np.bincount(row, weight * np.abs(own[row] - own[entries.col[known]]), len(own))
    heard = np.bincount(row, weight, len(own))
    some = heard > 0
    return 1.0 - float((apart[some] / heard[some]).mean()) if some.any() else float("nan")


def regression_by_chance(values: np.ndarray) -> float:
    """Return the regression homophily to be expected if values were exchanged: 1 - the mean difference of two."""
    own = np.sort(scaled(values))
    own = own[~np.isnan(own)]
    if len(own) < 2:
        return float("nan")
    rank = np.arange(len(own))
    return 1.0 - float(2.0 * ((2 * rank - len(own) + 1) * own).sum() / (len(own) * (len(own) - 1)))


def scaled(values: np.ndarray) -> np.ndarray:
    """Return values moved to 0..1; all NaN where they do not vary."""
    known = values[~np.isnan(values)]
    width = float(np.ptp(known)) if len(known) else 0.0
    return (values - known.min()) / width if width > 0 else np.full(len(values), np.nan)


def moran_chance(
    adjacency: csr_array,
    values: np.ndarray,
    *,
    strata: np.ndarray | None = None,
    rounds: int | None = None,
    seed: int = 0,
) -> Chance:
    """Return p and z of Moran's I: values exchanged among patients, or within `strata` alone (int [patient])."""
    links, own = linked_values(adjacency, values)
    if not links.nnz or float(own @ own) <= 1e-12:
        return Chance()
    own = own / np.sqrt(float(own @ own))
    known = ~np.isnan(values)
    within = np.zeros(len(own), dtype=np.int64) if strata is None else strata[known]
    upper = csr_array(triu(links))
    blocks = in_blocks(own, within, rounds or rounds_for(len(values)), CACHED * len(own), np.random.default_rng(seed))
    drawn = np.concatenate([likeness(upper, block) for block in blocks])
    return chance_of(likeness(upper, own[None, :]), drawn[None, :])


def moran_within(adjacency: csr_array, values: np.ndarray, strata: np.ndarray) -> float:
    """Return Moran's I less its exact mean over exchanges within strata: what the strata do not explain."""
    links, own = linked_values(adjacency, values)
    total, scatter = float(links.sum()), float(own @ own)
    if total <= 0 or scatter <= 1e-12:
        return float("nan")
    _, member, sizes = np.unique(strata[~np.isnan(values)], return_inverse=True, return_counts=True)
    mean = np.bincount(member, own) / sizes
    square = np.bincount(member, own**2)
    # two different members of a stratum: (the square of the sum less the sum of squares) / (n (n - 1))
    among = ((mean * sizes) ** 2 - square) / np.maximum(sizes * (sizes - 1), 1)
    ends = coo_array(links)
    one, other = member[ends.row], member[ends.col]
    expected = np.where(one == other, among[one], mean[one] * mean[other])
    return (float(own @ (links @ own)) - float(ends.data @ expected)) / total * len(own) / scatter
