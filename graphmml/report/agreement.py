"""Do two graphs link the same patients? Shared pairs beside what they would share by chance."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.sparse import csr_array, triu


@dataclass(frozen=True)
class Agreement:
    """How far two graphs of the same patients draw the same pairs, whatever the direction.

    `jaccard` is the share of all pairs of either that both have, `overlap` the share of the smaller graph's pairs
    that the larger has too (1: one lies within the other). Each stands beside its level by chance: patients
    whom both graphs link, exchanged among themselves. Where both link everybody and draw the share rho of all
    pairs, that is rho / (2 - rho) for `jaccard` and rho for `overlap`.
    """

    one: str
    other: str
    shared: int
    jaccard: float
    chance: float
    overlap: float
    overlap_chance: float

    @property
    def lift(self) -> float:
        """How many times chance the Jaccard index is; NaN where chance is 0."""
        return self.jaccard / self.chance if self.chance else float("nan")


def pairs_of(adjacency: csr_array) -> csr_array:
    """Return who is linked with whom in either direction: csr [patient, patient], ones above the diagonal."""
    pairs = csr_array(triu(adjacency + adjacency.T, k=1))
    pairs.eliminate_zeros()
    pairs.data = np.ones(pairs.nnz, dtype=np.int8)
    pairs.sort_indices()
    return pairs


def degrees(pairs: csr_array) -> np.ndarray:
    """Return with how many patients each is linked: int [patient]."""
    return np.asarray(np.diff(pairs.indptr) + np.bincount(pairs.indices, minlength=pairs.shape[0]))


def agreement(names: tuple[str, str], one: csr_array, other: csr_array) -> Agreement:
    """Compare two graphs as `pairs_of` lays them out; both draw at least one pair."""
    linked = (degrees(one) > 0) & (degrees(other) > 0)
    count = int(linked.sum())
    possible = count * (count - 1) / 2
    shared = int(one.multiply(other).nnz)
    by_chance = inside(one, linked) * inside(other, linked) / possible if possible else 0.0
    either, smaller = one.nnz + other.nnz, min(one.nnz, other.nnz)
    return Agreement(
        *names,
        shared=shared,
        jaccard=shared / (either - shared),
        chance=by_chance / (either - by_chance),
        overlap=shared / smaller,
        overlap_chance=by_chance / smaller,
    )


def inside(pairs: csr_array, chosen: np.ndarray) -> int:
    """Return how many pairs have both ends among the chosen (bool [patient])."""
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    return int((chosen[rows] & chosen[pairs.indices]).sum())


@dataclass(frozen=True)
class Correlation:
    """How two graphs of the same patients go together, pair by pair: 0 is chance, 1 the same pairs.

    `r` is the correlation of the two rows of zeros and ones over all pairs of patients; `z` is how many standard
    deviations the shared pairs lie above their mean when patients of one graph are exchanged (the quadratic
    assignment procedure: Krackhardt 1988, Social Networks). Mean and deviation are those of all exchanges, worked
    out from the degrees as Mantel (1967) does, not of some that were drawn. NaN where nothing can vary.
    """

    r: float
    z: float


def correlation(one: csr_array, other: csr_array) -> Correlation:
    """Correlate two graphs, as `pairs_of` lays them out, over the patients that both link."""
    linked = np.flatnonzero((degrees(one) > 0) & (degrees(other) > 0))
    size = len(linked)
    if size < 4:
        return Correlation(float("nan"), float("nan"))
    one, other = one[linked][:, linked], other[linked][:, linked]
    shared, possible = int(one.multiply(other).nnz), size * (size - 1) / 2
    mean = one.nnz * other.nnz / possible
    spread = one.nnz * (1 - one.nnz / possible) * other.nnz * (1 - other.nnz / possible)
    deviation = sqrt(max(second_moment(one, other, size) - mean**2, 0.0))
    return Correlation(
        r=(shared - mean) / sqrt(spread) if spread > 0 else float("nan"),
        z=(shared - mean) / deviation if deviation > 1e-9 * max(mean, 1.0) else float("nan"),
    )


def second_moment(one: csr_array, other: csr_array, size: int) -> float:
    """Return the mean square of the number of shared pairs over all exchanges of patients (Mantel 1967).

    Two pairs of one graph are the same, meet in a patient, or have nothing in common; each kind falls on pairs of
    the other graph with its own probability.
    """
    possible = size * (size - 1) / 2
    meeting = size * (size - 1.0) * (size - 2.0)
    apart = possible**2 - possible - meeting
    of_kind = []
    for pairs in (one, other):
        degree = degrees(pairs).astype(np.float64)
        meet = float((degree * (degree - 1)).sum())
        of_kind.append((float(pairs.nnz), meet, float(pairs.nnz) ** 2 - pairs.nnz - meet))
    (same, meet, rest), (same_other, meet_other, rest_other) = of_kind
    return float(same * same_other / possible + meet * meet_other / meeting + rest * rest_other / apart)


def overlap_at_k(one: csr_array, other: csr_array) -> tuple[float, float]:
    """Return which share of the shorter of a patient's two lists is in the longer, and what chance gives.

    `one` and `other` are [listener, speaker] without anybody's link to itself; patients with a list in both
    count, each as much as its list is long. By chance: lists as long as these, each drawn anew among the patients
    who have a list in both.
    """
    lengths = np.stack([np.diff(csr_array(matrix).indptr) for matrix in (one, other)])
    both = np.flatnonzero((lengths > 0).all(axis=0))
    total = float(lengths[:, both].min(axis=0).sum()) if len(both) > 1 else 0.0
    if not total:
        return float("nan"), float("nan")
    within = [csr_array(matrix)[both][:, both] for matrix in (one, other)]
    inside = [np.diff(matrix.indptr).astype(np.float64) for matrix in within]
    shared = within[0].astype(bool).multiply(within[1].astype(bool)).nnz
    return shared / total, float((inside[0] * inside[1]).sum()) / (len(both) - 1) / total
