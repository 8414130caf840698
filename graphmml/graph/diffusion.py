"""Similarity network fusion: the diffusion over candidate pairs only.

Similarities are held as multiples of the patient's average ("alike", a row has mean one over those who have the
modality), not as the probabilities P of Wang et al.: P = alike / 2c off the diagonal, c the number of others who
have it, and 1/2 on it. With every modality complete the two are the same; with gaps, multiples of the average can
be compared between modalities that many and that few patients have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array, diags_array

from graphmml.graph.affinity import Kernel, at_once, blocks, log_affinity, squared_apart

SPREAD = 32
"""Patients whose row of the first product of candidate pairs is spread out over everybody at a time."""
ROWS = 1024
SINGLE_FROM = 1000
"""From so many patients on similarities are single precision; below, double."""


class Pairs(Protocol):
    """The pairs of patients whose similarity is followed: all of them, or those of a list."""

    def diffused(self, kernels: Sequence[Kernel], *, mu: float, iterations: int) -> np.ndarray:
        """Let every modality diffuse through the mean of the others, then average: how alike each pair is.

        A modality's step is S (1/2 on the diagonal, others / 2c off it) S^T, as multiples of the row's average. A
        pair is averaged over the modalities that both have; where they share no other, a modality diffuses
        through itself.
        """

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Return P: the `keep` most alike of each patient, as shares of one half: csr [n, n]."""


@dataclass(frozen=True, eq=False)
class CandidatePairs:
    """Pairs of a list, csr [n, n] without its diagonal: memory grows with patients x candidates."""

    pairs: csr_array

    @classmethod
    def of(cls, near: Iterable[tuple[np.ndarray, np.ndarray]], size: int) -> "CandidatePairs":
        """Join lists of (patients [p], their candidates [p, count])."""
        joined = csr_array((size, size), dtype=np.int8)
        for rows, listed in near:
            edges = (np.repeat(rows, listed.shape[1]), listed.ravel())
            joined = joined + csr_array((np.ones(listed.size, dtype=np.int8), edges), shape=(size, size))
        joined.sort_indices()
        return cls(joined)

    @property
    def size(self) -> int:
        """How many patients there are."""
        return int(self.pairs.shape[0])

    def ends(self, block: slice) -> tuple[slice, np.ndarray, np.ndarray]:
        """Return where the pairs of some patients stand, the patient of each counted from the block, its candidate."""
        starts = self.pairs.indptr[block.start : block.stop + 1]
        here = slice(int(starts[0]), int(starts[-1]))
        return here, np.repeat(np.arange(len(starts) - 1), np.diff(starts)), self.pairs.indices[here]

    def diffused(self, kernels: Sequence[Kernel], *, mu: float, iterations: int) -> np.ndarray:
        """Return how alike each pair is: [pair]."""
        alike = [self.start(kernel, mu) for kernel in kernels]
        shared = self.shared(kernels)
        for _ in range(iterations):
            total = np.add.reduce(alike)
            for kernel, own in zip(kernels, alike, strict=True):
                self.step(kernel, others(total, own, shared), own)
        return np.asarray(np.add.reduce(alike) / np.maximum(shared, 1).astype(alike[0].dtype))

    def start(self, kernel: Kernel, mu: float) -> np.ndarray:
        """Return alike [pair]; zero where not both have the modality."""
        alike = np.zeros(self.pairs.nnz, dtype=precision(self.size))

        def rows(block: slice) -> None:
            here, one, other = self.ends(block)
            mine = one + block.start
            both = kernel.has[mine] & kernel.has[other]
            squared = squared_apart(kernel.values[mine], kernel.values[other])
            log = np.where(both, log_affinity(squared, kernel.reach[mine], kernel.reach[other], mu), -np.inf)
            best = np.full(block.stop - block.start, -np.inf)
            np.maximum.at(best, one, log)
            weight = np.exp(log - np.where(np.isfinite(best), best, 0)[one])
            alike[here] = averaged(weight, one, both)

        at_once(rows, blocks(self.size))
        return alike

    def shared(self, kernels: Sequence[Kernel]) -> np.ndarray | int:
        """Return how many modalities both of each pair have [pair]; one number if everybody has all."""
        if all(kernel.has.all() for kernel in kernels):
            return len(kernels)
        one, other = np.repeat(np.arange(self.size), np.diff(self.pairs.indptr)), self.pairs.indices
        return np.asarray(np.add.reduce([(kernel.has[one] & kernel.has[other]).astype(np.int8) for kernel in kernels]))

    def step(self, kernel: Kernel, others: np.ndarray, out: np.ndarray) -> None:
        """Write S M S^T into out by one sparse product, then the second for the listed pairs alone.

        For the second, a few rows of the first at a time are spread out over everybody, in a vector that is small
        enough to stay in the cache and is emptied by taking back what was put in.
        """
        listed, weight = kernel.lists[0], kernel.lists[1].astype(others.dtype)
        having = np.append(0, np.cumsum(kernel.has[self.pairs.indices]))
        part = 0.5 / np.maximum(np.diff(having[self.pairs.indptr]), 1)
        share = csr_array(kernel.share.astype(others.dtype) @ diags_array(part, dtype=others.dtype))
        between = csr_array((others, self.pairs.indices, self.pairs.indptr), shape=self.pairs.shape)
        offset = self.size * np.arange(SPREAD, dtype=np.int32)

        def rows(block: slice) -> None:
            half = share[block] @ between
            place = half.indices + np.repeat(offset[np.arange(half.shape[0]) % SPREAD], np.diff(half.indptr))
            spread = np.zeros(offset.size * self.size, dtype=others.dtype)
            for some in blocks(half.shape[0], SPREAD):
                mine = slice(block.start + some.start, block.start + some.stop)
                held = slice(half.indptr[some.start], half.indptr[some.stop])
                here, one, other = self.ends(mine)
                own = listed[mine] + offset[: len(listed[mine]), None]
                spread[place[held]] = half.data[held]
                spread[own] += weight[mine] / 2
                columns = listed[other] + offset[one, None]
                starts = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
                apart = csr_array((weight[other].ravel(), columns.ravel(), starts), shape=(len(other), spread.size))
                out[here] = averaged(apart @ spread, one, kernel.has[other])
                spread[place[held]], spread[own] = 0, 0

        at_once(rows, blocks(self.size, ROWS))

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Keep the whole list."""
        count = np.repeat(np.diff(self.pairs.indptr), np.diff(self.pairs.indptr))
        data = alike.astype(np.float64) / (2 * count)
        return csr_array((data, self.pairs.indices, self.pairs.indptr), shape=self.pairs.shape)


def others(total: np.ndarray, own: np.ndarray, shared: np.ndarray | int) -> np.ndarray:
    """Return the mean over the other modalities that both of a pair have; its own where there is none."""
    more = np.maximum(shared - 1, 1).astype(own.dtype)
    return np.where(np.asarray(shared) > 1, (total - own) / more, own)


def averaged(weight: np.ndarray, one: np.ndarray, having: np.ndarray) -> np.ndarray:
    """Scale the weights of each patient's pairs to a mean of one over the candidates who have the modality."""
    sums, count = np.bincount(one, weight), np.bincount(one, having)
    return np.asarray(weight * (count / np.where(sums > 0, sums, 1))[one])


def precision(size: int) -> type[np.floating]:
    """Return the type that similarities of so many patients are held in."""
    return np.float32 if size >= SINGLE_FROM else np.float64
