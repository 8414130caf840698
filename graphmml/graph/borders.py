"""Comparing patients in cells: all within a cell, and those near a border with the cell behind it."""

from dataclasses import dataclass

import numpy as np

from graphmml.graph.cells import Cells
from graphmml.graph.points import Vectors
from graphmml.graph.search import BLOCK, Strongest, above_bar, hide, in_threads, offer_columns, offer_rows, runs


@dataclass(frozen=True, eq=False)
class Borders:
    """Patients laid out by cell, compared within their cells: `place` are their rows, `kept` what was found so far.

    A border is as far from a patient as the plane half way between two centres, in units of `reach`, the distance to
    the k-th most alike of its own cell: behind a border at 1 or more nobody is nearer (triangle inequality).
    """

    laid: Vectors
    place: np.ndarray
    cells: Cells
    kept: Strongest
    reach: np.ndarray

    @classmethod
    def within(cls, laid: Vectors, cells: Cells, k: int) -> "Borders":
        """Compare everybody with all of its own cell."""
        kept, everybody = Strongest(len(laid), k, laid.margin, room=k), np.arange(len(laid))

        def compare(cell: slice) -> None:
            similar = laid.block(cell, laid, cell)
            hide(similar, everybody, cell, cell)
            offer_rows(kept, similar, everybody[cell], cell)

        in_threads(compare, cells.slices())
        in_threads(lambda cell: kept.tidy(everybody[cell]), cells.slices())
        own = laid.pairs(everybody, laid, everybody)
        return cls(laid, laid.embedded(), cells, kept, np.sqrt(np.maximum(2 * (own - kept.bar), 0)))

    def between(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return how near a border must count for each pair of patients to be compared: -inf within a cell."""
        here, there = self.cells.of(one), self.cells.of(other)
        with np.errstate(divide="ignore", invalid="ignore"):
            first = self.cells.beyond(self.place[one], here, there) / self.reach[one]
            second = self.cells.beyond(self.place[other], there, here) / self.reach[other]
        return np.where(here == there, -np.inf, np.fmin(first, second))

    def nearer(self, limit: float) -> tuple[np.ndarray, np.ndarray]:
        """Return patients and the cells whose border is nearer than `limit` to them: int64 [pair], by patient."""
        found: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, np.int64),) * 2] * len(self.cells)

        def look(cell: int) -> None:
            here = slice(*self.cells.start[cell : cell + 2].tolist())
            near = -self.cells.beyond_all(self.place[here], cell)
            row, column = above_bar(near, -limit * self.reach[here, None])
            found[cell] = row + here.start, column

        in_threads(look, iter(range(len(self.cells))))
        return np.concatenate([rows for rows, _ in found]), np.concatenate([cells for _, cells in found])

    def across(self, patient: np.ndarray, behind: np.ndarray) -> None:
        """Compare patients (ascending) with all of a cell behind a border; each of two is offered the other."""
        order = np.argsort(behind, kind="stable")
        start, count = runs(behind[order])
        listed = np.searchsorted(patient, self.cells.start)

        def compare(task: tuple[np.ndarray, int]) -> None:
            rows, cell = task
            columns = slice(*self.cells.start[cell : cell + 2].tolist())
            similar = self.laid.block(rows, self.laid, columns)
            back = slice(*listed[cell : cell + 2].tolist())
            own = self.cells.of(rows)
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
