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

WIDTH = 64
"""Columns of a panel of all pairs."""
SPREAD = 32
"""Patients whose row of the first product of candidate pairs is spread out over everybody at a time."""
ROWS = 1024
SINGLE_FROM = 1000
"""From so many patients on similarities are single precision; below, double."""


class Pairs(Protocol):
    """The pairs of patients whose similarity is followed: all of them, or those of a list."""

    def start(self, kernel: Kernel, mu: float) -> np.ndarray:
        """Return how alike each pair is in one modality, before any fusion."""

    def shared(self, kernels: Sequence[Kernel]) -> np.ndarray | int:
        """Return how many modalities both of each pair have; one number if everybody has all."""

    def step(self, kernel: Kernel, others: np.ndarray, out: np.ndarray) -> None:
        """Write S (1/2 on the diagonal, others / 2c off it) S^T into out, as multiples of the row's average.

        `others` may be overwritten.
        """

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Return P: the `keep` most alike of each patient, as shares of one half: csr [n, n]."""


@dataclass(frozen=True)
class AllPairs:
    """Every pair: exact, with n x n numbers a modality.

    A matrix is laid out as panels of WIDTH columns, each panel row by row: [panel, row, column of the panel], rows
    and columns filled up with zeros to whole panels. A panel fits in the cache of a processor, from which its rows
    are gathered k times.
    """

    size: int

    @property
    def panels(self) -> int:
        """How many panels there are."""
        return -(-self.size // WIDTH)

    def start(self, kernel: Kernel, mu: float) -> np.ndarray:
        """Return alike in panels; zero for who lacks the modality."""
        alike = np.zeros((self.panels, self.panels * WIDTH, WIDTH), dtype=precision(self.size))
        rows = np.flatnonzero(kernel.has)
        values, reach = kernel.values[rows], kernel.reach[rows].astype(alike.dtype)

        def some(block: slice) -> None:
            squared = squared_between(values[block], values).astype(alike.dtype)
            log = log_affinity(squared, reach[block, None], reach, alike.dtype.type(mu))
            log[np.arange(len(log)), np.arange(len(rows))[block]] = -np.inf
            weight = np.exp(log - log.max(axis=1, keepdims=True))
            strip = np.zeros((len(weight), alike.shape[1]), dtype=alike.dtype)
            strip[:, rows] = weight * ((len(rows) - 1) / weight.sum(axis=1, keepdims=True))
            alike[:, rows[block]] = strip.reshape(len(strip), -1, WIDTH).transpose(1, 0, 2)

        at_once(some, blocks(len(rows), WIDTH))
        return alike

    def square(self, panels: np.ndarray) -> np.ndarray:
        """Return a matrix by rows: [n, n]."""
        return panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[: self.size, : self.size]

    def shared(self, kernels: Sequence[Kernel]) -> np.ndarray | int:
        """Return counts in panels."""
        if all(kernel.has.all() for kernel in kernels):
            return len(kernels)
        has = np.zeros((len(kernels), self.panels * WIDTH), dtype=np.int8)
        has[:, : self.size] = [kernel.has for kernel in kernels]
        return np.asarray(np.einsum("mr,mpc->prc", has, has.reshape(len(has), -1, WIDTH)))

    def step(self, kernel: Kernel, others: np.ndarray, out: np.ndarray) -> None:
        """Gather the rows of M, which makes S M, then of its transpose, which makes S (S M)^T = (S M S^T)^T."""
        count = float(kernel.has.sum() - 1)
        listed, weight = self.tiled(kernel, others.dtype)
        diagonal = torch.arange(self.size)
        on = diagonal // WIDTH, diagonal, diagonal % WIDTH
        known = torch.from_numpy(others)
        known[on] = count  # 1/2 in the units of alike / 2c; the common factor falls out with the average
        half = gathered(listed, weight, known)
        tiles(known).copy_(turned(half))
        whole = gathered(listed, weight, known)
        whole[on] = 0
        sums = whole.sum(dim=1)
        scale = count / torch.where(sums > 0, sums, 1.0)
        torch.mul(turned(whole), scale[None, :, :, None], out=tiles(torch.from_numpy(out)))

    def tiled(self, kernel: Kernel, dtype: np.dtype) -> tuple[Tensor, Tensor]:
        """Return the lists of a kernel once for each panel: rows of all panels one after the other, and weights."""
        rows = self.panels * WIDTH
        filled = [np.pad(part, ((0, rows - self.size), (0, 0))) for part in kernel.lists]
        listed, weight = torch.from_numpy(filled[0]), torch.from_numpy(filled[1].astype(dtype))
        start = rows * torch.arange(self.panels, dtype=torch.int32)
        return (start[:, None, None] + listed).flatten(end_dim=1), weight.repeat(self.panels, 1)

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Keep the largest of each row."""
        keep, alike = min(keep, self.size - 1), self.square(alike)
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
        """One sparse product, then the second for the listed pairs alone.

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


def gathered(listed: Tensor, weight: Tensor, panels: Tensor) -> Tensor:
    """Return weighted sums of the listed rows of panels: S times a matrix, in panels."""
    rows = functional.embedding_bag(listed, panels.flatten(end_dim=1), mode="sum", per_sample_weights=weight)
    return rows.view(panels.shape)


def tiles(panels: Tensor) -> Tensor:
    """See panels as squares: [panel, square of the panel, row, column]."""
    return panels.view(len(panels), -1, WIDTH, WIDTH)


def turned(panels: Tensor) -> Tensor:
    """See the transpose of panels, as squares."""
    return tiles(panels).permute(1, 0, 3, 2)


def averaged(weight: np.ndarray, one: np.ndarray, having: np.ndarray) -> np.ndarray:
    """Scale the weights of each patient's pairs to a mean of one over the candidates who have the modality."""
    sums, count = np.bincount(one, weight), np.bincount(one, having)
    return np.asarray(weight * (count / np.where(sums > 0, sums, 1))[one])


def precision(size: int) -> type[np.floating]:
    """Return the type that similarities of so many patients are held in."""
    return np.float32 if size >= SINGLE_FROM else np.float64
