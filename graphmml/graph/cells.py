"""Cells of patients like each other, and how far a patient is from the cells around its own."""

from dataclasses import dataclass
from math import isqrt

import numpy as np

from graphmml.graph.points import Vectors
from graphmml.graph.search import in_threads, strongest

DRAWN = 50
"""So many patients a cell decide where its centre is."""
ROUNDS = 5
"""So many times the centres move."""
LARGE = 8
"""A cell so many times larger than meant is cut again."""
STEP = 4096


@dataclass(frozen=True, eq=False)
class Cells:
    """Patients sorted by cell: those of `cell` are start[cell] to start[cell + 1] of `order`, around centre[cell]."""

    order: np.ndarray
    start: np.ndarray
    centre: np.ndarray

    def __len__(self) -> int:
        return len(self.centre)

    @property
    def size(self) -> np.ndarray:
        """How many patients each cell has: int64 [cell]."""
        return np.diff(self.start)

    def rows(self, cell: int) -> slice:
        """Where the patients of a cell stand in `order`."""
        return slice(*self.start[cell : cell + 2].tolist())

    def of(self, places: np.ndarray) -> np.ndarray:
        """Return the cell of places in `order`."""
        return np.searchsorted(self.start, places, side="right") - 1

    def nearest(self, place: np.ndarray) -> np.ndarray:
        """Return the cell whose centre is nearest to each row, the same alone and among others: int64 [row]."""
        half = np.concatenate([self.centre, -squares(self.centre)[:, None] / 2], axis=1)
        rows = np.concatenate([place, np.ones((len(place), 1), dtype=place.dtype)], axis=1)
        margin = 1e-5 * (1.0 + float(np.abs(half[:, -1]).max()))
        return strongest(Vectors(rows, rows, None, margin), Vectors(half, half, None, margin), 1)[0][:, 0]

    def beyond(self, rows: np.ndarray, own: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Return how far each row is from where a cell begins to be nearer than its own: float64 [pair]."""
        here, there = self.centre[own].astype(np.float64), self.centre[cell].astype(np.float64)
        shift, half = direction(here, there)
        return np.asarray(half - np.einsum("pd,pd->p", rows - here, shift))

    def beyond_all(self, rows: np.ndarray, own: int) -> tuple[np.ndarray, np.ndarray]:
        """Return `beyond` of the rows of one cell for every cell, infinite for their own: float32 [row, cell].

        And the largest of the lengths that it is a difference of: [row].
        """
        shift, half = direction(self.centre[own], self.centre)
        out = self.centre[own] - rows
        far = out @ shift.T
        far += half
        far[:, own] = np.inf
        return far, np.sqrt(squares(out)) + half.max()


def direction(here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit vectors from one centre to others (zeros from itself), and half the way."""
    shift = there - here
    length = np.sqrt(squares(shift))
    return shift / np.where(length > 0, length, 1)[:, None], length / 2


def squares(rows: np.ndarray) -> np.ndarray:
    """Return the squared length of each row."""
    return np.asarray(np.einsum("...d,...d->...", rows, rows))


def cells_of(place: np.ndarray, least: int = 1) -> Cells:
    """Put rows (float32 [patient, column]) in about as many cells as each then has patients, by k-means on some.

    Cells are meant to have `least` patients or more.
    """
    meant = max(isqrt(len(place)), least)
    parts = cut(place, np.arange(len(place)), meant)
    start = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return Cells(np.concatenate(parts), start, np.stack([place[part].mean(axis=0) for part in parts]))


def cut(place: np.ndarray, rows: np.ndarray, meant: int) -> list[np.ndarray]:
    """Cut rows into cells of about `meant`, where they are dense again; evenly where nothing tells them apart."""
    count = -(-len(rows) // meant)
    if count < 2:
        return [rows]
    here = place[rows] if len(rows) < len(place) else place
    label = nearest_centre(here, centres_of(here, count))
    size = np.bincount(label, minlength=count)
    parts = np.split(rows[np.argsort(label, kind="stable")], np.cumsum(size)[:-1])
    if size.max() == len(rows):
        return np.array_split(rows, count)
    large = LARGE * meant
    return [cell for part in parts if len(part) for cell in (cut(place, part, meant) if len(part) > large else [part])]


def centres_of(place: np.ndarray, count: int) -> np.ndarray:
    """Return the centres of some rows after a few rounds of k-means (Lloyd 1982): float32 [count, column]."""
    chosen = np.random.default_rng(0).choice(len(place), min(len(place), count * DRAWN), replace=False)
    centre, some = place[chosen[:count]], place[np.sort(chosen)]
    for _ in range(ROUNDS):
        label = nearest_centre(some, centre)
        size = np.bincount(label, minlength=count)
        total = np.add.reduceat(some[np.argsort(label, kind="stable")], np.cumsum(size[size > 0]) - size[size > 0])
        centre[size > 0] = total / size[size > 0, None]
    return centre


def nearest_centre(place: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return which centre each row is nearest to: int64 [row]."""
    label, half = np.empty(len(place), dtype=np.int64), squares(centre) / 2

    def label_part(part: slice) -> None:
        near = place[part] @ centre.T
        near -= half
        near.argmax(axis=1, out=label[part])

    in_threads(label_part, (slice(at, min(at + STEP, len(place))) for at in range(0, len(place), STEP)))
    return label
