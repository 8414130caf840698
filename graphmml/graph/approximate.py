"""Approximate nearest patients: compared within cells and across near borders, as far as a sample's recall asks."""

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from graphmml.errors import GraphError
from graphmml.graph.borders import Borders
from graphmml.graph.cells import Cells, cells_of
from graphmml.graph.points import Vectors
from graphmml.graph.search import Points, strongest

SAMPLE = 1000
"""So many patients are searched exactly: half say how far to look, half measure what share of neighbours is found."""
FEW = 20_000
"""Fewer patients are searched exactly, which takes seconds."""
ENOUGH = 3
"""Cells of so many times k patients hold k neighbours of most."""
AIMS = (0.2, 0.5, 0.8)
"""Aims above the recall asked for, as a share of what is left to 1, one after the other until it is reached."""


@dataclass(frozen=True, eq=False)
class Index:
    """Patients laid out in cells (`order` are their rows), and how near a border others must be to look behind it."""

    laid: Vectors
    order: np.ndarray
    cells: Cells
    limit: float

    @cached_property
    def place(self) -> np.ndarray:
        """Where each row stands in `laid`."""
        return np.argsort(self.order)

    def nearest(self, query: Vectors, k: int, own: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return most of the k most similar of each patient from elsewhere: what one is given depends on no other."""
        cell = self.cells.nearest(query.embedded())
        by_cell = np.argsort(cell, kind="stable")
        start = np.searchsorted(cell[by_cell], np.arange(len(self.cells) + 1))
        place = np.full(len(query), -1, dtype=np.int64)
        if own is not None:
            known = own >= 0
            place[known] = self.place[own[known]]
        borders = Borders.within(query[by_cell], start, self.laid, self.cells, place[by_cell], k)
        pairs = borders.nearer(self.limit)
        if pairs is not None:
            borders.across(pairs)
        return self.in_rows(*borders.found(), by_cell)

    def in_rows(self, near: np.ndarray, score: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what was found by cell as rows of the patients, in the order of those who asked."""
        position, similar = np.empty_like(near), np.empty_like(score)
        position[rows], similar[rows] = np.where(near >= 0, self.order[near], -1), score
        return position, similar


@dataclass(frozen=True, eq=False)
class Found:
    """The k nearest of every patient, positions int64 and similarities float64 [patient, k], and a sample's recall.

    `index` finds those of others; None where the search was exact.
    """

    position: np.ndarray
    score: np.ndarray
    recall: float
    index: Index | None = None


_FOUND: WeakKeyDictionary[Vectors, dict[tuple[int, float], Found]] = WeakKeyDictionary()


def approximately(
    query: Points, base: Points, k: int, recall: float, own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return most of the k most similar of `base` for each of `query`, as `search.strongest` returns all of them."""
    found = searched(base, k, recall)
    if query is base:
        return found.position, found.score
    if found.index is None or not isinstance(query, Vectors):
        return strongest(query, base, k, own)
    return found.index.nearest(query, k, own)


def searched(base: Points, k: int, recall: float) -> Found:
    """Return the neighbours of these patients with a measured recall of at least `recall`, searched once."""
    if not isinstance(base, Vectors):
        raise GraphError(
            "approximate search needs encoded columns: choose cosine, euclidean or correlation without overlap, or "
            "leave recall out for exact search"
        )
    known = _FOUND.setdefault(base, {})
    if (k, recall) not in known:
        known[k, recall] = widened(base, k, recall)
    return known[k, recall]


def widened(base: Vectors, k: int, recall: float) -> Found:
    """Search wider and wider; exactly where patients are few, or where that is less work.

    The cells of an inverted file (Sivic and Zisserman, ICCV 2003; Jegou, Douze and Schmid, TPAMI 2011), where we
    look behind the borders that are near a patient instead of into a fixed number of cells, and use each similarity
    for both its patients. The cells are drawn in an order that ids decide, not rows.
    """
    if len(base) < FEW:
        return Found(*strongest(base, base, k), 1.0)
    by_id = np.argsort(np.ascontiguousarray(base.ties[:, :2]).view(np.uint64)[:, 0])  # two columns as one number
    cells = cells_of(base.embedded()[by_id], ENOUGH * k)
    order = by_id[cells.order]
    laid = base[order]
    sample = np.flatnonzero(cells.order % -(-len(base) // SAMPLE) == 0)  # by their ids, again
    true, _ = strongest(laid[sample], laid, k, sample)
    deciding, measuring = np.arange(len(sample)) % 2 == 0, np.arange(len(sample)) % 2 == 1
    everybody = np.arange(len(base))
    for aim in AIMS:
        borders = Borders.within(laid, cells.start, laid, cells, everybody, k)
        pairs, aimed = pairs_of(sample[deciding], true[deciding]), recall + aim * (1 - recall)
        limit = limit_of(borders.between(*pairs), aimed)
        bordering = borders.nearer(limit, most=len(base) ** 2 / 4)
        if bordering is None:
            break
        borders.across(bordering)
        near, score = borders.found()
        share = share_of(true[measuring], near[sample[measuring]])
        if share >= recall:
            index = Index(laid, order, cells, limit_of(borders.looking(*pairs), aimed))
            return Found(*index.in_rows(near, score, order), share, index)
    return Found(*strongest(base, base, k), 1.0)


def pairs_of(sample: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return some patients and their neighbours [patient, k], pair by pair."""
    row, place = np.nonzero(true >= 0)
    return sample[row], true[row, place]


def limit_of(near: np.ndarray, aim: float) -> float:
    """Return how near a border must be to be looked behind, for so many pairs of true neighbours to be compared.

    Above zero: those with fewer than k in their cell, whose reach is infinite, look everywhere.
    """
    return max(float(np.quantile(near, aim, method="higher")), float(np.finfo(np.float32).tiny))


def share_of(true: np.ndarray, near: np.ndarray) -> float:
    """Return what share of true neighbours [patient, k] was found."""
    hit = (true[:, :, None] == near[:, None, :]).any(axis=2)
    return float(hit[true >= 0].mean()) if (true >= 0).any() else 1.0
