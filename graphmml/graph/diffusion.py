"""Similarity network fusion: the diffusion, over all pairs of patients or over candidate pairs only.

Similarities are held as multiples of the patient's average ("alike", a row has mean one over those who have the
modality), not as the probabilities P of Wang et al.: P = alike / 2c off the diagonal, c the number of others who
have it, and 1/2 on it. With every modality complete the two are the same; with gaps, multiples of the average can
be compared between modalities that many and that few patients have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.sparse import csr_array, diags_array
from torch import Tensor
from torch.nn import functional

from graphmml.graph.affinity import Kernel, at_once, blocks, log_affinity, squared_apart, squared_between

STRIP = 256
SINGLE_FROM = 1000
"""From so many patients on similarities are single precision; below, double."""


class Pairs(Protocol):
    """The pairs of patients whose similarity is followed: all of them, or those of a list."""

    def start(self, kernel: Kernel, mu: float) -> np.ndarray:
        """Return how alike each pair is in one modality, before any fusion."""

    def shared(self, kernels: Sequence[Kernel]) -> np.ndarray | int:
        """Return how many modalities both of each pair have; one number if everybody has all."""

    def step(self, kernel: Kernel, others: np.ndarray, out: np.ndarray) -> None:
        """Write S (1/2 on the diagonal, others / 2c off it) S^T into out, as multiples of the row's average."""

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Return P: the `keep` most alike of each patient, as shares of one half: csr [n, n]."""


@dataclass(frozen=True)
class AllPairs:
    """Every pair: exact, with n x n numbers a modality."""

    size: int

    def start(self, kernel: Kernel, mu: float) -> np.ndarray:
        """Return alike [n, n]; zero for who lacks the modality."""
        alike = np.zeros((self.size, self.size), dtype=precision(self.size))
        rows = np.flatnonzero(kernel.has)
        values, reach = kernel.values[rows], kernel.reach[rows].astype(alike.dtype)

        def some(block: slice) -> None:
            squared = squared_between(values[block], values).astype(alike.dtype)
            log = log_affinity(squared, reach[block, None], reach, alike.dtype.type(mu))
            log[np.arange(len(log)), np.arange(len(rows))[block]] = -np.inf
            weight = np.exp(log - log.max(axis=1, keepdims=True))
            alike[np.ix_(rows[block], rows)] = weight * ((len(rows) - 1) / weight.sum(axis=1, keepdims=True))

        at_once(some, blocks(len(rows)))
        return alike

    def shared(self, kernels: Sequence[Kernel]) -> np.ndarray | int:
        """Return counts [n, n]."""
        if all(kernel.has.all() for kernel in kernels):
            return len(kernels)
        return np.asarray(np.add.reduce([np.outer(kernel.has, kernel.has).astype(np.int8) for kernel in kernels]))

    def step(self, kernel: Kernel, others: np.ndarray, out: np.ndarray) -> None:
        """Two products with a matrix of k + 1 numbers a row, a strip of patients at a time.

        A product gathers k + 1 rows for each of its own, which torch does twice as fast as scipy.
        """
        count = float(kernel.has.sum() - 1)
        share, known, written = kernel.share.astype(others.dtype), torch.from_numpy(others), torch.from_numpy(out)
        known.fill_diagonal_(count)  # 1/2 in the units of alike / 2c; the common factor falls out with the average
        for strip in blocks(self.size, STRIP):
            half = gathered(share[strip], known).t().contiguous()
            whole = gathered(share, half)
            whole[strip].fill_diagonal_(0)
            sums = whole.sum(dim=0)
            whole *= count / torch.where(sums > 0, sums, 1.0)
            written[strip] = whole.t()

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Keep the largest of each row."""
        keep = min(keep, self.size - 1)
        columns = np.argpartition(-alike, keep - 1, axis=1)[:, :keep]
        data = np.take_along_axis(alike, columns, axis=1).astype(np.float64) / (2 * (self.size - 1))
        starts = np.arange(0, self.size * keep + 1, keep)
        kept = csr_array((data.ravel(), columns.ravel().astype(np.int32), starts), shape=alike.shape)
        kept.eliminate_zeros()
        kept.sort_indices()
        return kept


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
        """Return counts [pair]."""
        if all(kernel.has.all() for kernel in kernels):
            return len(kernels)
        one, other = np.repeat(np.arange(self.size), np.diff(self.pairs.indptr)), self.pairs.indices
        return np.asarray(np.add.reduce([(kernel.has[one] & kernel.has[other]).astype(np.int8) for kernel in kernels]))

    def step(self, kernel: Kernel, others: np.ndarray, out: np.ndarray) -> None:
        """One sparse product, then the second for the listed pairs alone."""
        share = kernel.share.astype(others.dtype)
        having = csr_array((kernel.has[self.pairs.indices], self.pairs.indices, self.pairs.indptr), self.pairs.shape)
        count = having.sum(axis=1).astype(np.float64)
        halved = share * others.dtype.type(0.5)
        scaled = csr_array(share @ diags_array(0.5 / np.maximum(count, 1), dtype=others.dtype))
        between = csr_array((others, self.pairs.indices, self.pairs.indptr), shape=self.pairs.shape)

        def rows(block: slice) -> None:
            here, one, other = self.ends(block)
            half = added((scaled[block] @ between).toarray(), halved[block])
            theirs = share[other]
            # one long vector of all the rows of half, so that each pair takes its products from its own row
            columns = theirs.indices + np.repeat(one * self.size, np.diff(theirs.indptr))
            apart = csr_array((theirs.data, columns, theirs.indptr), shape=(len(other), half.size))
            out[here] = averaged(apart @ half.ravel(), one, kernel.has[other])

        at_once(rows, blocks(self.size))

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Keep the whole list."""
        count = np.repeat(np.diff(self.pairs.indptr), np.diff(self.pairs.indptr))
        data = alike.astype(np.float64) / (2 * count)
        return csr_array((data, self.pairs.indices, self.pairs.indptr), shape=self.pairs.shape)


def diffused(kernels: Sequence[Kernel], pairs: Pairs, *, mu: float, iterations: int) -> np.ndarray:
    """Let every modality diffuse through the mean of the others, then average: alike, laid out as `pairs` does.

    A pair is averaged over the modalities that both have; where they share no other, a modality diffuses
    through itself.
    """
    alike = [pairs.start(kernel, mu) for kernel in kernels]
    shared, work = pairs.shared(kernels), np.empty_like(alike[0])
    for _ in range(iterations):
        total = summed(alike)
        for kernel, own in zip(kernels, alike, strict=True):
            pairs.step(kernel, others(total, own, shared, work), own)
    return np.asarray(summed(alike) / np.maximum(shared, 1).astype(alike[0].dtype))


def summed(alike: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sum, without first stacking the parts."""
    total = torch.from_numpy(alike[0].copy())
    for more in alike[1:]:
        total += torch.from_numpy(more)
    return np.asarray(total.numpy())


def others(total: np.ndarray, own: np.ndarray, shared: np.ndarray | int, work: np.ndarray) -> np.ndarray:
    """Return the mean over the other modalities that both of a pair have, in `work`; its own where there is none."""
    if isinstance(shared, int):
        if shared < 2:
            return own.copy()
        torch.sub(torch.from_numpy(total), torch.from_numpy(own), out=torch.from_numpy(work))
        torch.from_numpy(work).div_(shared - 1)
        return work
    more = np.maximum(shared - 1, 1).astype(own.dtype)
    return np.where(shared > 1, (total - own) / more, own)


def gathered(share: csr_array, rows: Tensor) -> Tensor:
    """Return share @ rows: [share's rows, columns]."""
    index, start = torch.from_numpy(share.indices), torch.from_numpy(share.indptr)
    return functional.embedding_bag(
        index, rows, start, mode="sum", per_sample_weights=torch.from_numpy(share.data), include_last_offset=True
    )


def added(dense: np.ndarray, few: csr_array) -> np.ndarray:
    """Add a sparse matrix to a dense one in place."""
    dense[np.repeat(np.arange(len(dense)), np.diff(few.indptr)), few.indices] += few.data
    return dense


def averaged(weight: np.ndarray, one: np.ndarray, having: np.ndarray) -> np.ndarray:
    """Scale the weights of each patient's pairs to a mean of one over the candidates who have the modality."""
    sums, count = np.bincount(one, weight), np.bincount(one, having)
    return np.asarray(weight * (count / np.where(sums > 0, sums, 1))[one])


def precision(size: int) -> type[np.floating]:
    """Return the type that similarities of so many patients are held in."""
    return np.float32 if size >= SINGLE_FROM else np.float64
