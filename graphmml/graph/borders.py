"""Comparing patients in cells: all within a cell, and those near a border with the cell behind it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graphmml.graph.cells import Cells
from graphmml.graph.points import Vectors
from graphmml.graph.search import (
    BLOCK,
    Strongest,
    above_bar,
    hide,
    in_threads,
    offer_columns,
    offer_rows,
    ranked,
    runs,
)

UNSURE = 1e-5
"""Distances of float32 are asked again in float64 where a limit is so near, as a share of what they are made of."""


@dataclass(frozen=True, eq=False)
class Borders:
    """Patients laid out by cell, compared so far with those of their own cell in `base`, which is laid out likewise.

    `start` says where the patients of each cell begin and end, `own` where each stands in `base` (-1: nowhere). A
    border is as far from a patient as the plane half way between two centres, in units of `reach`, the distance to
    the k-th most alike of its own cell: behind a border at 1 or more nobody is nearer (triangle inequality, where all
    have the same modalities).
    """

    mine: Vectors
    start: np.ndarray
    base: Vectors
    cells: Cells
    own: np.ndarray
    kept: Strongest
    reach: np.ndarray

    @classmethod
    def within(
        cls, mine: Vectors, start: np.ndarray, base: Vectors, cells: Cells, own: np.ndarray, k: int
    ) -> "Borders":
        """Compare everybody with all of its own cell."""
        everybody = np.arange(len(mine))
        made = cls(mine, start, base, cells, own, Strongest(len(mine), k, mine.margin, room=k), np.zeros(len(mine)))

        def compare(cell: int) -> None:
            rows, columns = made.rows(cell), cells.rows(cell)
            similar = mine.block(rows, base, columns)
            hide(similar, own, rows, columns)
            offer_rows(made.kept, similar, everybody[rows], columns)

        in_threads(compare, made.filled)
        in_threads(lambda cell: made.kept.tidy(everybody[made.rows(cell)]), made.filled)
        # in float64, as what is within reach of a patient must not depend on who else is asked about
        last = made.kept.bar if mine is base else made.found()[1][:, -1]
        made.reach[:] = np.sqrt(np.maximum(2 * (mine.pairs(everybody, mine, everybody) - last), 0))
        return made

    @property
    def filled(self) -> Iterator[int]:
        """The cells that any patient is in."""
        return iter(np.flatnonzero(np.diff(self.start)).tolist())

    def rows(self, cell: int) -> slice:
        """Where the patients of a cell stand."""
        return slice(*self.start[cell : cell + 2].tolist())

    def found(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the k most similar of those compared so far: places in `base` int64 [patient, k] and float64."""
        return ranked(self.kept, lambda rows, columns: self.mine.pairs(rows, self.base, columns))

    def looking(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return how near a border must count for `one` to be compared with `other`: -inf within a cell, [pair].

        Both are places in `base`, which is compared with itself.
        """
        here, there = self.cells.of(one), self.cells.of(other)
        with np.errstate(divide="ignore", invalid="ignore"):
            near = self.cells.beyond(self.base.embedded()[one], here, there) / self.reach[one]
        return np.where(here == there, -np.inf, near)

    def between(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return the same where either of the two may look at the other."""
        return np.asarray(np.fmin(self.looking(one, other), self.looking(other, one)))

    def nearer(self, limit: float, most: float = np.inf) -> tuple[np.ndarray, np.ndarray] | None:
        """Return patients and the cells whose border is nearer than `limit` to them: int64 [pair], by patient.

        None as soon as more than `most` comparisons lie behind them.
        """
        place = self.mine.embedded()
        found: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, np.int64),) * 2] * len(self.cells)
        size, behind = self.cells.size, np.zeros(len(self.cells), dtype=np.int64)

        def look(cell: int) -> None:
            if behind.sum() > most:
                return
            here = self.rows(cell)
            far, unsure = self.cells.beyond_all(place[here], cell)
            unsure *= 0.0 if self.mine is self.base else UNSURE
            np.negative(far, out=far)
            row, column = above_bar(far, -(limit * self.reach[here] + unsure)[:, None].astype(np.float32))
            row += here.start
            if self.mine is not self.base:  # what one is given must not depend on who else asks
                sure = self.cells.beyond(place[row], np.full(len(row), cell), column) < limit * self.reach[row]
                row, column = row[sure], column[sure]
            found[cell], behind[cell] = (row, column), size[column].sum()

        in_threads(look, self.filled)
        if behind.sum() > most:
            return None
        return np.concatenate([rows for rows, _ in found]), np.concatenate([cells for _, cells in found])

    def across(self, pairs: tuple[np.ndarray, np.ndarray]) -> None:
        """Compare patients (ascending) with all of a cell behind a border; two of `base` are offered each other."""
        patient, behind = pairs
        order = np.argsort(behind, kind="stable")
        start, count = runs(behind[order])
        both, listed = self.mine is self.base, np.searchsorted(patient, self.cells.start)

        def compare(task: tuple[np.ndarray, int]) -> None:
            rows, cell = task
            columns = self.cells.rows(cell)
            similar = self.mine.block(rows, self.base, columns)
            if not both:
                hide(similar, self.own, rows, columns)
                offer_rows(self.kept, similar, rows, columns)
                return
            back, own = slice(*listed[cell : cell + 2].tolist()), self.cells.of(rows)
            for first, many in zip(*runs(own), strict=True):
                if own[first] < cell:  # those who look back are compared there
                    column = patient[back][behind[back] == own[first]] - columns.start
                    similar[first : first + many, column] = -np.inf
            offer_rows(self.kept, similar, rows, columns)
            offer_columns(self.kept, similar, rows, columns)

        tasks = (
            (patient[order[at : min(at + BLOCK, first + many)]], int(behind[order[first]]))
            for first, many in zip(start.tolist(), count.tolist(), strict=True)
            for at in range(first, first + many, BLOCK)
        )
        in_threads(compare, tasks)
