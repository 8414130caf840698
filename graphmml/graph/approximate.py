"""Approximate nearest patients: compared within cells and across near borders, as far as a sample's recall asks."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from graphmml.errors import GraphError
from graphmml.graph.borders import Borders
from graphmml.graph.cells import cells_of
from graphmml.graph.points import Vectors
from graphmml.graph.search import Points, ranked, strongest

SAMPLE = 1000
"""So many patients are searched exactly: half say how far to look, half measure what share of neighbours is found."""
FEW = 20_000
"""Fewer patients are searched exactly, which takes seconds."""
AIMS = (0.2, 0.5, 0.8)
"""Aims above the recall asked for, as a share of what is left to 1, one after the other until it is reached."""


@dataclass(frozen=True, eq=False)
class Found:
    """The k nearest of every patient, positions int64 and similarities float64 [patient, k], and a sample's recall."""

    position: np.ndarray
    score: np.ndarray
    recall: float


_FOUND: WeakKeyDictionary[Vectors, dict[tuple[int, float], Found]] = WeakKeyDictionary()


def approximately(
    query: Points, base: Points, k: int, recall: float, own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return most of the k most similar of `base` for each of `base`, as `search.strongest` returns all of them.

    Patients from elsewhere are few, and are given their true neighbours.
    """
    if query is not base:
        return strongest(query, base, k, own)
    found = searched(base, k, recall)
    return found.position, found.score


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
    cells = cells_of(base.embedded()[by_id])
    order = by_id[cells.order]
    laid = base[order]
    sample = np.flatnonzero(cells.order % -(-len(base) // SAMPLE) == 0)  # by their ids, again
    true, _ = strongest(laid[sample], laid, k, sample)
    deciding, measuring = np.arange(len(sample)) % 2 == 0, np.arange(len(sample)) % 2 == 1
    for aim in AIMS:
        borders = Borders.within(laid, cells, k)
        limit = limit_of(borders, sample[deciding], true[deciding], recall + aim * (1 - recall))
        patient, behind = borders.nearer(limit)
        if cells.size[behind].sum() > len(base) ** 2 / 4:
            break
        borders.across(patient, behind)
        near, score = ranked(borders.kept, lambda rows, columns: laid.pairs(rows, laid, columns))
        share = share_of(true[measuring], near[sample[measuring]])
        if share >= recall:
            found = Found(np.empty_like(near), np.empty_like(score), share)
            found.position[order], found.score[order] = np.where(near >= 0, order[near], -1), score
            return found
    return Found(*strongest(base, base, k), 1.0)


def limit_of(borders: Borders, sample: np.ndarray, true: np.ndarray, aim: float) -> float:
    """Return how near a border must be to be looked behind, for so many of some true neighbours to be found.

    Above zero: those with fewer than k in their cell, whose reach is infinite, look everywhere.
    """
    row, place = np.nonzero(true >= 0)
    limit = np.quantile(borders.between(sample[row], true[row, place]), aim, method="higher")
    return max(float(limit), float(np.finfo(np.float32).tiny))


def share_of(true: np.ndarray, near: np.ndarray) -> float:
    """Return what share of true neighbours [patient, k] was found."""
    hit = (true[:, :, None] == near[:, None, :]).any(axis=2)
    return float(hit[true >= 0].mean()) if (true >= 0).any() else 1.0
