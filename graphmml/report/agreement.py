"""Do two graphs link the same patients? Shared pairs beside what they would share by chance."""

from dataclasses import dataclass

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
