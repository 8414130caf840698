"""How alike two patients are in one modality, by distances scaled to each one's surroundings: pure functions."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import joblib
import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from graphmml.data.encode import EncodedCohort
from graphmml.graph.chance import uniform
from graphmml.graph.similarity import nearest

BLOCK = 256
STRIP = 64
"""So many rows of all distances stay in the cache of a processor."""
ROUNDING = 1e-12
"""A squared distance below this share of the squared lengths is rounding of a difference of equals: zero."""
TIE = 1e-9
"""Squared distances closer than about this are ties, ordered by a hash of both ids."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """One modality of n patients: its values, and whom each patient counts among its neighbours.

    `reach` is the mean distance to the k nearest, float64 [n]. `share` is the local kernel S of Wang et al.:
    csr [n, n], a row sums to one over the patient itself and its k nearest; empty for who lacks the modality.
    """

    values: np.ndarray
    has: np.ndarray
    reach: np.ndarray
    share: csr_array

    @cached_property
    def lists(self) -> tuple[np.ndarray, np.ndarray]:
        """The same as lists of equal length, at weight zero for who lacks the modality: int32, float64 [n, k + 1]."""
        length = np.diff(self.share.indptr)
        listed, weight = np.zeros((2, len(length), int(length.max(initial=0))))
        listed[length > 0] = self.share.indices.reshape(-1, listed.shape[1])
        weight[length > 0] = self.share.data.reshape(-1, listed.shape[1])
        return listed.astype(np.int32), weight

    @cached_property
    def listed_by(self) -> csr_array:
        """S^T by rows, kept because every new patient needs it: csr [n, n]."""
        return csr_array(self.share.T)


def kernel_of(cohort: EncodedCohort, modality: str, near: np.ndarray, mu: float) -> Kernel:
    """Make the kernel from the nearest of those who have the modality, positions int64 [having, k]."""
    values, has = cohort.features[modality].astype(np.float64), cohort.has(modality)
    rows = np.flatnonzero(has)
    squared = squared_apart(values[rows, None], values[near])
    reach = np.zeros(len(cohort))
    reach[rows] = np.sqrt(squared).mean(axis=1)
    weight = np.exp(log_affinity(squared, reach[rows, None], reach[near], mu))
    weight = np.concatenate([np.ones((len(rows), 1)), weight], axis=1)  # a patient's affinity to itself is exp(0)
    weight /= weight.sum(axis=1, keepdims=True)
    columns = np.concatenate([rows[:, None], near], axis=1)
    return Kernel(values, has, reach, csr_rows(rows, columns, weight, (len(cohort), len(cohort))))


def csr_rows(rows: np.ndarray, columns: np.ndarray, weight: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """Lay out equally long lists of some rows as a sparse matrix."""
    length = np.zeros(shape[0] + 1, dtype=np.int64)
    length[rows + 1] = columns.shape[1]
    matrix = csr_array((weight.ravel(), columns.ravel().astype(np.int32), np.cumsum(length)), shape=shape)
    matrix.sort_indices()
    return matrix


def log_affinity(squared: np.ndarray, reach: np.ndarray, other: np.ndarray, mu: float) -> np.ndarray:
    """Return log W = -d^2 / (mu e), e the mean of both reaches and of d (Wang et al. 2014)."""
    scale = (reach + other + np.sqrt(squared)) / 3
    return np.asarray(-squared / (mu * np.maximum(scale, np.finfo(scale.dtype).tiny)))


def squared_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the mean squared difference over the columns, so that wide modalities are not farther apart."""
    return np.asarray(np.square(one - other).mean(axis=-1))


def squared_between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the same for every row of one against every row of the other, by one matrix product."""
    lengths = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)[None, :]
    squared = one @ other.T
    squared *= -2
    squared += lengths
    lengths *= ROUNDING
    squared *= squared >= lengths
    squared /= one.shape[1]
    return np.asarray(squared)


def ties(keys: np.ndarray) -> np.ndarray:
    """Return one random direction a patient; inner products order who would otherwise be tied: float64 [n, 4]."""
    drawn = np.stack([uniform(keys, salt) for salt in range(4)], axis=1) - 0.5
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def nearest_of_all(cohort: EncodedCohort, modality: str, k: int) -> np.ndarray:
    """Return the k nearest of each who has the modality, by all distances: positions int64 [having, k]."""
    rows = np.flatnonzero(cohort.has(modality))
    values, noise = cohort.features[modality][rows].astype(np.float64), ties(cohort.keys[rows])
    near = np.empty((len(rows), k), dtype=np.int64)

    def some(block: slice) -> None:
        apart = squared_between(values[block], values)
        apart -= (TIE * noise[block]) @ noise.T
        apart[np.arange(len(apart)), np.arange(len(rows))[block]] = np.inf
        near[block] = rows[np.argpartition(apart, k - 1, axis=1)[:, :k]]

    at_once(some, blocks(len(rows), STRIP))
    return near


def nearest_of_list(cohort: EncodedCohort, modality: str, near: np.ndarray, k: int) -> np.ndarray:
    """Return the k nearest among listed candidates [having, candidate]: positions int64 [having, k]."""
    rows = np.flatnonzero(cohort.has(modality))
    values, noise = cohort.features[modality].astype(np.float64), ties(cohort.keys)
    chosen = np.empty((len(rows), k), dtype=np.int64)

    def some(block: slice) -> None:
        apart = squared_apart(values[rows[block], None], values[near[block]])
        apart -= TIE * np.einsum("rt,rct->rc", noise[rows[block]], noise[near[block]])
        order = np.argpartition(apart, k - 1, axis=1)[:, :k]
        chosen[block] = np.take_along_axis(near[block], order, axis=1)

    at_once(some, blocks(len(rows)))
    return chosen


def candidates_of(cohort: EncodedCohort, modality: str, count: int) -> np.ndarray:
    """Return the nearest of each who has the modality by a search: positions int64 [having, count]."""
    having = cohort[np.flatnonzero(cohort.has(modality))]
    near, _ = nearest(having, having, [modality], k=count, metric="euclidean")
    return np.asarray(np.flatnonzero(cohort.has(modality))[near])


def blocks(total: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices that cover range(total)."""
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def at_once(work: Callable[[slice], None], parts: Iterable[slice]) -> None:
    """Do the parts in threads; each writes its own rows, so that their order decides nothing."""
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(joblib.cpu_count()) as pool:
        list(pool.map(work, parts))
