"""Approximate nearest patients: cells of patients compared with each other as far as a measured recall demands.

An inverted file (Sivic and Zisserman, ICCV 2003; Jegou, Douze and Schmid, PAMI 2011) whose cells are searched by
products of whole blocks. Where an inverted file probes as many cells for every patient, here a patient is compared
with the cells whose border is near enough, as in the ball-within-bounds test of a k-d tree (Friedman, Bentley and
Finkel, 1977); how near is enough is not a bound but read off a sample's true neighbours. And a patient looking into a
cell is looked at by its patients, so that a pair is missed only if neither of the two looks into the other's cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from graphmml.errors import GraphError
from graphmml.graph.cells import STEP, Partition, partition_of, parts
from graphmml.graph.points import Vectors
from graphmml.graph.search import Points, Strongest, above_bar, hide, in_threads, ranked, runs, strongest

SAMPLE = 1000
"""So many patients are searched exactly, to measure what share of their neighbours is found."""
BESIDE = 64
"""A cell knows so many others beside it at first; twice as many, and again, where these do not suffice."""
CHUNK = 131_072
LARGEST = 2**22
"""So many similarities are computed at a time."""


@dataclass(frozen=True, eq=False)
class Index:
    """Patients in cells, or None where only exact search finds enough.

    Cells are searched whose border is within `reach` of a patient; `reach_new` for patients from elsewhere, whom the
    index's own do not look at. Both find at least `recall` of a sample's neighbours.
    """

    cells: Partition | None
    reach: float
    reach_new: float
    recall: float


_INDEXED: WeakKeyDictionary[Vectors, dict[tuple[int, float], Index]] = WeakKeyDictionary()


def approximately(
    query: Points, base: Points, k: int, recall: float, own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return most of the k most similar of `base` for each of `query`, as `search.strongest` returns all of them."""
    index = indexed(base, k, recall)
    if not isinstance(query, Vectors) or not isinstance(base, Vectors):
        raise GraphError("approximate search needs encoded columns")
    if index.cells is None:
        return strongest(query, base, k, own)
    if query is base:
        own = np.arange(len(base))
        position, score = among(index.cells, base, k, index.reach)
    else:
        position, score = attached(index.cells, query, base, k, index.reach_new, own)
    lacking = np.flatnonzero(position[:, -1] < 0)  # whoever saw fewer than k is compared with everybody
    if len(lacking):
        part = Vectors(query.rows[lacking], query.turned[lacking], None, query.margin)
        position[lacking], score[lacking] = strongest(part, base, k, None if own is None else own[lacking])
    return position, score


def indexed(base: Points, k: int, recall: float) -> Index:
    """Return the index of these patients with a measured recall of at least `recall`, made once."""
    if not isinstance(base, Vectors) or base.present is not None:
        raise GraphError(
            "approximate search needs one modality (each=True draws one relation a modality) and encoded columns: "
            "choose cosine, euclidean or correlation without overlap, or leave recall out for exact search"
        )
    known = _INDEXED.setdefault(base, {})
    if (k, recall) not in known:
        known[k, recall] = built(base, k, recall)
    return known[k, recall]


def built(base: Vectors, k: int, recall: float) -> Index:
    """Cut the patients into cells, and see how far from the borders a sample's true neighbours are."""
    size = int(np.clip(np.sqrt(len(base)) / 4, 32, 1024))
    cells = partition_of(base, size, BESIDE)
    order = np.lexsort(base.turned[:, -2:].T)
    sample = order[:: max(1, len(base) // SAMPLE)][:SAMPLE]
    true, _ = strongest(Vectors(base.rows[sample], base.turned[sample], None, base.margin), base, k, sample)
    mine, theirs = np.repeat(sample, k)[true.ravel() >= 0], true[true >= 0]
    cell = np.empty(len(base), dtype=np.int64)
    cell[cells.order] = cells.cell
    while True:
        there, back = gaps(cells, base, mine, cell, theirs), gaps(cells, base, theirs, cell, mine)
        reach, reach_new = (shortest(far, recall) for far in (np.minimum(there, back), there))
        if np.isfinite(reach_new):
            found = min((np.minimum(there, back) <= reach).mean(), (there <= reach_new).mean()) if len(there) else 1.0
            return Index(cells, reach, reach_new, float(found))
        if 2 * cells.beside.shape[1] > len(cells.centres) // 2:
            return Index(None, np.inf, np.inf, 1.0)
        cells = cells.widened(2 * cells.beside.shape[1])


def gaps(cells: Partition, base: Vectors, rows: np.ndarray, cell: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how far each patient is from the border of the other's cell; infinite if that is not beside its own."""
    far = np.full(len(rows), np.inf)
    for at in np.unique(cell[rows]):
        here = np.flatnonzero(cell[rows] == at)
        hit, place = np.nonzero(cells.beside[at] == cell[others[here], None])
        far[here[hit]] = cells.border(base.rows[rows[here]], at)[hit, place]
        far[here[cell[others[here]] == at]] = 0.0
    return far


def shortest(far: np.ndarray, share: float) -> float:
    """Return the least reach that takes in this share; a little more, for the last bits."""
    if not len(far):
        return 0.0
    last = max(int(np.ceil(share * len(far))) - 1, 0)
    return max(float(np.partition(far, last)[last]), 0.0) * (1 + 1e-6) + 1e-9


def among(cells: Partition, base: Vectors, k: int, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Search the patients of the cells among themselves."""
    kept = Strongest(len(base), k, base.margin)  # by place in the cells, so that neighbours lie near in memory
    looks = np.zeros((len(base), -(-cells.beside.shape[1] // 8)), dtype=np.uint8)
    everyone = np.arange(len(base))

    def look(at: int) -> None:
        here = slice(cells.start[at], cells.start[at + 1])
        looks[here] = np.packbits(cells.border(base.rows[cells.order[here]], at) <= reach, axis=1)

    in_threads(look, iter(range(len(cells.centres))))
    visit = Visit(cells, base, base, cells.order, everyone, kept, looks)
    in_threads(visit, jobs(cells, everyone, cells.cell))
    for part in parts(len(base), CHUNK):
        row, place = np.nonzero(np.unpackbits(looks[part], axis=1))
        row += part.start
        in_threads(visit, jobs(cells, row, cells.beside[cells.cell[row], place]))
    found, similar = ranked(kept, lambda rows, columns: base.pairs(cells.order[rows], base, cells.order[columns]))
    position, score = np.empty_like(found), np.empty_like(similar)
    position[cells.order], score[cells.order] = np.where(found >= 0, cells.order[found], -1), similar
    return position, score


def attached(
    cells: Partition, query: Vectors, base: Vectors, k: int, reach: float, own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Search patients from elsewhere, each by itself, in the cells."""
    kept = Strongest(len(query), k, query.margin)
    itself = np.full(len(query), -1)
    if own is not None:
        place = np.empty(len(base), dtype=np.int64)
        place[cells.order] = np.arange(len(base))
        itself[own >= 0] = place[own[own >= 0]]
    visit = Visit(cells, query, base, np.arange(len(query)), itself, kept, None)
    for part in parts(len(query), CHUNK):
        row = np.arange(part.start, part.stop)
        few = [query.rows[here.start + part.start : here.stop + part.start] for here in parts(len(row), STEP)]
        cell = np.concatenate([cells.centres.near(rows).argmax(axis=1) for rows in few])
        in_threads(visit, jobs(cells, row, cell))
        in_threads(visit, jobs(cells, *beyond(cells, query, row, cell, reach)))
    found, similar = ranked(kept, lambda rows, columns: query.pairs(rows, base, cells.order[columns]))
    return np.where(found >= 0, cells.order[found], -1), similar


def beyond(
    cells: Partition, query: Vectors, row: np.ndarray, cell: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return patients and the cells beside their own that are within reach, one pair each."""
    by = np.argsort(cell, kind="stable")
    rows, there = [row[:0]], [cell[:0]]
    for start, many in zip(*runs(cell[by]), strict=True):
        here = row[by[start : start + many]]
        own = int(cell[by[start]])
        at, place = np.nonzero(cells.border(query.rows[here], own) <= reach)
        rows.append(here[at])
        there.append(cells.beside[own][place])
    return np.concatenate(rows), np.concatenate(there)


Job = tuple[np.ndarray, int, slice]
"""Who visits, which cell, and the places in the cells that are compared."""


def jobs(cells: Partition, rows: np.ndarray, there: np.ndarray) -> Iterator[Job]:
    """Group visits by cell, in blocks of a bounded size."""
    by = np.argsort(there.astype(np.uint16) if len(cells.centres) < 2**16 else there, kind="stable")
    rows, there = rows[by], there[by]
    for at, many in zip(*runs(there), strict=True):
        cell = int(there[at])
        start, stop = int(cells.start[cell]), int(cells.start[cell + 1])
        for to in range(at, at + many, max(1, LARGEST // max(stop - start, 1))):
            yield rows[to : min(to + max(1, LARGEST // max(stop - start, 1)), at + many)], cell, slice(start, stop)


@dataclass(frozen=True, eq=False)
class Visit:
    """Compares those who visit a cell with those who live there."""

    cells: Partition
    query: Vectors
    base: Vectors
    order: np.ndarray
    itself: np.ndarray
    kept: Strongest
    looks: np.ndarray | None

    def __call__(self, job: Job) -> None:
        """Compare, and offer what passes the bar of either side."""
        rows, cell, there = job
        if there.start == there.stop:
            return
        similar = self.query.block(self.order[rows], self.base, self.cells.order[there])
        hide(similar, self.itself[rows], slice(0, len(rows)), there)
        self.kept.start(rows, similar)
        row, column = above_bar(similar, self.kept.bar[rows][:, None])
        self.kept.offer((rows[row], (column + there.start).astype(np.int32), similar[row, column]))
        if self.looks is not None and self.cells.cell[rows[0]] != cell:
            self.back(job, similar, self.looks)

    def back(self, job: Job, similar: np.ndarray, looks: np.ndarray) -> None:
        """Offer the visitors to those who live there and do not visit them anyhow."""
        rows, cell, there = job
        row, column = above_bar(similar, self.kept.bar[there][None, :])
        slot = np.full(len(self.cells.centres), -1)
        slot[self.cells.beside[cell]] = np.arange(self.cells.beside.shape[1])
        at = slot[self.cells.cell[rows[row]]]
        known = np.maximum(at, 0)
        bits = looks[column + there.start, known // 8] >> (7 - known % 8).astype(np.uint8)
        fresh = (at < 0) | (bits & 1 == 0)
        row, column = row[fresh], column[fresh]
        order = np.argsort(column, kind="stable")
        row, column = row[order], column[order]
        self.kept.offer((column + there.start, rows[row].astype(np.int32), similar[row, column]))
