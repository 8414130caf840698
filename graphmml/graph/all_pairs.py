"""Similarity network fusion over all pairs of patients: exact, with n x n numbers a modality."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import joblib
import numpy as np
import torch
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits
from torch import Tensor

from graphmml.graph.affinity import Kernel, at_once, blocks, log_affinity, squared_between
from graphmml.graph.diffusion import precision

WIDTH = 64
"""Columns of a panel: it fits in the cache of a processor, from which its rows are gathered k + 1 times."""


@dataclass(frozen=True, eq=False)
class Panels:
    """How alike all are in one modality, filled up with zeros to whole squares of WIDTH patients.

    `tiles`, times `scale`, is [panel, square of the panel, row, column]: a panel is WIDTH columns. `listed` and
    `weight` hold S, `starts` where each of its rows starts; `has` is [panel, column], `count` what a row sums to.
    """

    listed: Tensor
    weight: Tensor
    starts: Tensor
    has: Tensor
    count: float
    tiles: Tensor
    scale: Tensor

    @classmethod
    def of(cls, kernel: Kernel, mu: float) -> "Panels":
        """Lay out S, and how alike all are before any fusion."""
        size, dtype = len(kernel.has), precision(len(kernel.has))
        fill = -size % WIDTH
        listed, weight = (np.pad(part, ((0, fill), (0, 0))) for part in kernel.lists)
        tiles = torch.from_numpy(started(kernel, fill, dtype(mu)))
        return cls(
            torch.from_numpy(listed.ravel()),
            torch.from_numpy(weight.ravel().astype(dtype)),
            torch.arange(0, listed.size, listed.shape[1], dtype=torch.int32),
            torch.from_numpy(np.pad(kernel.has, (0, fill)).astype(dtype)).view(-1, WIDTH),
            float(kernel.has.sum() - 1),
            tiles,
            torch.ones((), dtype=tiles.dtype).expand_as(tiles),
        )

    def alike(self, panel: int) -> Tensor:
        """Return a panel to scale: [square, row, column]."""
        return self.tiles[panel] * self.scale[panel]

    def times(self, panel: Tensor) -> Tensor:
        """Return S times a panel."""
        table = panel.view(-1, WIDTH)
        rows, *_ = torch.embedding_bag(table, self.listed, self.starts, mode=0, per_sample_weights=self.weight)
        return rows.view(panel.shape)

    def first(self, panel: int, middle: Tensor) -> None:
        """Put S M in the place of a panel, M being the `middle` and 1/2, in units of alike / 2c, on its diagonal."""
        middle[panel].diagonal().fill_(self.count)
        self.tiles[panel] = self.times(middle)

    def second(self, panel: int, over: tuple[int, ...]) -> Tensor:
        """Put S (S M)^T in the place of a panel across those of S M; return its sums."""
        whole = self.times(self.tiles[:, panel].transpose(1, 2).contiguous())
        whole[panel].diagonal().zero_()
        self.tiles[:, panel] = whole
        return whole.sum(dim=over, keepdim=True)

    def across(self, sums: Tensor) -> "Panels":
        """Return the same by the panels across, scaled to the average."""
        scale = self.count / torch.where(sums > 0, sums, 1.0)
        return replace(self, tiles=self.tiles.transpose(0, 1), scale=scale.expand_as(self.tiles))


@dataclass(frozen=True)
class AllPairs:
    """Every pair of so many patients."""

    size: int

    def diffused(self, kernels: Sequence[Kernel], *, mu: float, iterations: int) -> np.ndarray:
        """Return how alike all are: [n, n].

        Panels hold M^T at first. The second product has its panels across those of the first, so that it turns
        S M without moving it, and makes the transpose of S M S^T. From M^T it makes S M S^T likewise: with every
        iteration the panels change direction.
        """
        views, turned = [Panels.of(kernel, mu) for kernel in kernels], True
        panels = range(-(-self.size // WIDTH))
        with ThreadPoolExecutor(joblib.cpu_count(), initializer=alone) as pool:
            for _ in range(iterations):
                list(pool.map(partial(first, views), panels))
                sums = pool.map(partial(second, views, (2,) if turned else (0, 1)), panels)
                parts = [torch.stack(own) for own in zip(*sums, strict=True)]
                # what a patient's row sums to is spread over all panels, or whole in one
                views = [
                    view.across(part.sum(dim=0, keepdim=True) if turned else part)
                    for view, part in zip(views, parts, strict=True)
                ]
                turned = not turned
            square = torch.empty((len(panels), WIDTH, len(panels), WIDTH), dtype=views[0].tiles.dtype)
            into = square.permute((0, 2, 3, 1) if turned else (2, 0, 1, 3))
            list(pool.map(partial(mean, views, into), panels))
        return square.numpy().reshape(len(panels) * WIDTH, -1)[: self.size, : self.size]

    def sparse(self, alike: np.ndarray, keep: int) -> csr_array:
        """Keep the largest of each row."""
        keep = min(keep, self.size - 1)
        columns = np.empty((self.size, keep), dtype=np.int32)
        data = np.empty((self.size, keep))

        def some(block: slice) -> None:
            columns[block] = np.argpartition(-alike[block], keep - 1, axis=1)[:, :keep]
            data[block] = np.take_along_axis(alike[block], columns[block], axis=1)

        at_once(some, blocks(self.size, WIDTH))
        data /= 2 * (self.size - 1)
        starts = np.arange(0, self.size * keep + 1, keep)
        kept = csr_array((data.ravel(), columns.ravel(), starts), shape=alike.shape)
        kept.eliminate_zeros()
        kept.sort_indices()
        return kept


def started(kernel: Kernel, fill: int, mu: np.floating) -> np.ndarray:
    """Return how alike each is to all before any fusion, one patient a column; zero for who lacks the modality."""
    has, reach = np.pad(kernel.has, (0, fill)), np.pad(kernel.reach, (0, fill)).astype(mu.dtype)
    values = np.where(has[:, None], np.pad(kernel.values, ((0, fill), (0, 0))), 0)
    absent = np.where(has, 0, -np.inf).astype(mu.dtype)[:, None]
    tiles = np.empty((len(has) // WIDTH, len(has), WIDTH), dtype=mu.dtype)

    def some(block: slice) -> None:
        squared = squared_between(values, values[block]).astype(mu.dtype)
        log = log_affinity(squared, reach[:, None], reach[block], float(mu))
        log += absent
        np.fill_diagonal(log[block], -np.inf)
        log -= log.max(axis=0)
        weight = np.exp(log, out=log)
        weight *= has[block] * ((has.sum() - 1) / weight.sum(axis=0))
        tiles[block.start // WIDTH] = weight

    at_once(some, blocks(len(has), WIDTH))
    return tiles.reshape(len(tiles), -1, WIDTH, WIDTH)


def first(views: Sequence[Panels], panel: int) -> None:
    """Do the first product of every modality for one panel."""
    for view, middle in zip(views, others(views, panel), strict=True):
        view.first(panel, middle)


def second(views: Sequence[Panels], over: tuple[int, ...], panel: int) -> list[Tensor]:
    """Do the second product of every modality for one panel."""
    return [view.second(panel, over) for view in views]


def others(views: Sequence[Panels], panel: int) -> list[Tensor]:
    """Return the mean over the other modalities that both of a pair have; a modality's own where there is none."""
    own = [view.alike(panel) for view in views]
    if len(own) == 1:
        return own
    total, both = summed(own), shared(views, panel)
    if isinstance(both, int):
        return [torch.sub(total, part, out=part).div_(both - 1) for part in own]
    more = (both - 1).clamp_(min=1)
    return [torch.where(both > 1, (total - part).div_(more), part) for part in own]


def mean(views: Sequence[Panels], into: Tensor, panel: int) -> None:
    """Write the mean over the modalities that both of a pair have."""
    both = shared(views, panel)
    total = summed([view.alike(panel) for view in views])
    into[panel] = total.div_(both if isinstance(both, int) else both.clamp_(min=1))


def shared(views: Sequence[Panels], panel: int) -> Tensor | int:
    """Return how many modalities both of each pair of a panel have; one number if the same patients have each."""
    if all(torch.equal(view.has, views[0].has) for view in views[1:]):
        return len(views)
    return summed([view.has[:, :, None] * view.has[panel] for view in views])


def summed(parts: Sequence[Tensor]) -> Tensor:
    """Return the sum, without first stacking the parts."""
    total = parts[0].clone()
    for part in parts[1:]:
        total += part
    return total


def alone() -> None:
    """Have torch use this thread and no others of its own: theirs would wait for each other."""
    torch.get_num_threads()  # at its first use in a thread torch sets the number, which would undo the limit
    threadpool_limits(1, user_api="openmp")
