"""Patients in cells around centres, two layers of k-means deep, and how far each is from the borders of other cells."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from graphmml.graph.points import Vectors
from graphmml.graph.search import in_threads

ROUNDS = 5
LEARNERS = 40
"""So many patients a centre are enough to place it."""
STEP = 8192


@dataclass(frozen=True, eq=False)
class Centres:
    """Means of patients, laid out as they are: float64 [cell, column], and half their inner product with themselves."""

    rows: np.ndarray
    turned: np.ndarray
    level: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, turned: np.ndarray) -> "Centres":
        """Take these rows as centres."""
        rows, turned = rows.astype(np.float64), turned.astype(np.float64)
        return cls(rows, turned, 0.5 * np.einsum("cd,cd->c", rows, turned))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, cells: np.ndarray | slice) -> "Centres":
        return Centres(self.rows[cells], self.turned[cells], self.level[cells])

    def near(self, rows: np.ndarray) -> np.ndarray:
        """Return minus half the squared distance to each centre, up to a constant a row: float64 [row, cell]."""
        return np.asarray(rows.astype(np.float64) @ self.turned.T - self.level)

    def apart(self, other: "Centres") -> np.ndarray:
        """Return the distances of centres: float64 [cell, other]."""
        inner = self.rows @ other.turned.T
        return np.asarray(np.sqrt(np.maximum(2.0 * (self.level[:, None] + other.level - inner), 1e-18)))


@dataclass(frozen=True, eq=False)
class Partition:
    """Patients in cells: `order` lists their positions cell by cell, `start` says where each cell begins in it.

    `cell` is the cell of each place in `order`. `beside` are the cells whose centres are nearest to each one's: int64
    [cell, some], and `apart` how far they are.
    """

    centres: Centres
    order: np.ndarray
    start: np.ndarray
    cell: np.ndarray
    beside: np.ndarray
    apart: np.ndarray

    def border(self, rows: np.ndarray, cell: int) -> np.ndarray:
        """Return how far rows of one cell are from the border of each cell beside it: float64 [row, some].

        The border of two cells is the plane halfway between their centres; below zero lies the other's side.
        """
        beside = self.beside[cell]
        own = self.centres[np.array([cell])].near(rows)
        return np.asarray((own - self.centres[beside].near(rows)) / self.apart[cell])

    def widened(self, count: int) -> "Partition":
        """Return the same cells with so many others beside each."""
        count = min(count, len(self.centres) - 1)
        beside = np.empty((len(self.centres), count), dtype=np.int64)
        apart = np.empty(beside.shape)
        for start in range(0, len(beside), 512):
            part = slice(start, start + 512)
            far = self.centres[part].apart(self.centres)
            own = np.arange(start, start + len(far))
            far[np.arange(len(far)), own] = np.inf
            chosen = np.argpartition(far, max(count - 1, 0), axis=1)[:, :count]
            beside[part], apart[part] = chosen, np.take_along_axis(far, chosen, axis=1)
        return replace(self, beside=beside, apart=apart)


def partition_of(points: Vectors, size: int, beside: int) -> Partition:
    """Part patients into cells of about so many by k-means, first into few, then each of these into its share.

    The patients are taken in an order that the points decide, not their rows: the clustering depends on it.
    """
    order = np.lexsort(points.turned[:, -2:].T)
    many = -(-len(order) // size)
    outer = centres_of(points, order, max(1, round(many**0.5)))
    coarse = assigned(points, order, outer)
    groups = [order[coarse == at] for at in range(len(outer))]
    inner: list[tuple[Centres, np.ndarray]] = [(outer, order)] * len(groups)

    def part(at: int) -> None:
        few = centres_of(points, groups[at], -(-len(groups[at]) // size))
        inner[at] = (few, assigned(points, groups[at], few))

    in_threads(part, iter(range(len(groups))))
    begin = np.cumsum([0, *(len(few) for few, _ in inner)])
    cell = np.concatenate([own + at for (_, own), at in zip(inner, begin, strict=False)])
    rows, turned = (np.concatenate([getattr(few, name) for few, _ in inner]) for name in ("rows", "turned"))
    first = sorted_into(Centres.of(rows, turned), np.concatenate(groups), cell).widened(beside)
    return settled(points, first)


def settled(points: Vectors, first: Partition) -> Partition:
    """Move each patient to the nearest centre among its own and those beside."""
    cell = first.cell.copy()

    def move(at: int) -> None:
        here = slice(first.start[at], first.start[at + 1])
        border = first.border(points.rows[first.order[here]], at)
        if border.size:
            # whether it is nearer to another is a matter of sides, to which of them one of distances
            near = border * first.apart[at]
            best = near.argmin(axis=1)
            there = near[np.arange(len(near)), best] < 0
            cell[here] = np.where(there, first.beside[at][best], at)

    in_threads(move, iter(range(len(first.centres))))
    second = sorted_into(first.centres, first.order, cell)
    return replace(second, beside=first.beside, apart=first.apart)


def sorted_into(centres: Centres, order: np.ndarray, cell: np.ndarray) -> Partition:
    """Sort patients by their cells."""
    by = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[by], np.arange(len(centres) + 1))
    none = np.zeros((len(centres), 0))
    return Partition(centres, order[by], start, cell[by], none.astype(np.int64), none)


def centres_of(points: Vectors, order: np.ndarray, count: int) -> Centres:
    """Place centres by k-means (Lloyd 1982) on some of these patients, every so many-th of them."""
    chosen = order[:: max(1, len(order) // (LEARNERS * max(count, 1)))]
    begin = chosen[:: max(1, len(chosen) // max(count, 1))][:count]
    centres = Centres.of(points.rows[begin], points.turned[begin])
    rows, turned = points.rows[chosen], points.turned[chosen]
    for _ in range(ROUNDS if len(centres) > 1 else 0):
        own = assigned(points, chosen, centres)
        size = np.bincount(own, minlength=len(centres))[:, None]
        sums = csr_matrix((np.ones(len(own), np.float32), (own, np.arange(len(own)))), (len(centres), len(own)))
        means = ((sums @ side) / np.maximum(size, 1) for side in (rows, turned))
        before = (centres.rows, centres.turned)
        mine, theirs = (np.where(size > 0, mean, old) for mean, old in zip(means, before, strict=True))
        centres = Centres.of(mine, theirs)
    return centres


def assigned(points: Vectors, order: np.ndarray, centres: Centres) -> np.ndarray:
    """Return the nearest centre of each of these patients: int64."""
    turned, level = centres.turned.T.astype(np.float32), centres.level.astype(np.float32)
    own = np.zeros(len(order), dtype=np.int64)
    for part in parts(len(order), STEP) if len(centres) > 1 else ():
        own[part] = (points.rows[order[part]] @ turned - level).argmax(axis=1)
    return own


def parts(count: int, step: int) -> Iterator[slice]:
    """Yield slices of up to so many."""
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
