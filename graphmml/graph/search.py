"""The strongest pairs between two sets of patients, by exact search in blocks that never hold patients x patients."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, Protocol, TypeVar

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

BLOCK = 1536
GROUPS = 64
"""The highest of so many groups of a row's first block set the bar that the others must pass."""


class Points(Protocol):
    """Patients laid out for comparison; `other` is always of the same kind, laid out likewise."""

    @property
    def margin(self) -> float:
        """How far a similarity of `block` may be from that of `pairs`."""

    def __len__(self) -> int:
        """How many patients there are."""

    def block(self, rows: slice, other: Any, columns: slice) -> np.ndarray:
        """Return similarities, -inf where two share nothing: float32 [row, column], a fresh array."""

    def pairs(self, rows: np.ndarray, other: Any, columns: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair, the same in whatever company it is asked for: float64 [pair]."""


Job = TypeVar("Job")
Hits = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows (ascending), columns and float32 similarities of some pairs."""


class Strongest:
    """The k strongest columns of every row, offered in any order; those within `margin` of the last are kept too.

    `room` (columns) is for what is offered before the weakest are let go.
    """

    def __init__(self, rows: int, k: int, margin: float, room: int | None = None) -> None:
        self.k, self.margin = k, margin
        self.kept = 2 * k + 16
        self.value = np.full((rows, self.kept + (3 * k + 16 if room is None else room)), -np.inf, dtype=np.float32)
        self.column = np.empty(self.value.shape, dtype=np.int32)  # said where there is a value
        self.fill = np.zeros(rows, dtype=np.int64)
        self.bar = np.full(rows, -np.inf, dtype=np.float32)
        self.lock = Lock()

    def start(self, rows: np.ndarray, similar: np.ndarray) -> None:
        """Set the bar of rows that have none: k columns of [row, column] or more pass the k-th highest group."""
        cold = np.flatnonzero(np.isneginf(self.bar[rows]))
        groups = min(max(GROUPS, 4 * self.k), similar.shape[1])
        if groups > self.k and len(cold):
            some = (similar if len(cold) == len(rows) else similar[cold])[:, : similar.shape[1] // groups * groups]
            highest = some.reshape(len(cold), -1, groups).max(axis=1)
            self.bar[rows[cold]] = np.partition(highest, groups - self.k, axis=1)[:, groups - self.k] - self.margin

    def offer(self, hits: Hits) -> None:
        """Take those that pass the bar; one thread at a time."""
        with self.lock:
            rows, columns, values = passing(hits, self.bar)
            start, count = runs(rows)
            crowded = rows[start][self.fill[rows[start]] + count > self.value.shape[1]]
            if len(crowded):
                self.tidy(crowded)
                rows, columns, values = passing((rows, columns, values), self.bar)
            while len(rows):  # in rounds that fit: almost always one
                start, count = runs(rows)
                rank = np.arange(len(rows)) - np.repeat(start, count)
                place = self.fill[rows] + rank
                fits = place < self.value.shape[1]
                self.value[rows[fits], place[fits]] = values[fits]
                self.column[rows[fits], place[fits]] = columns[fits]
                self.fill[rows[start]] = np.minimum(self.fill[rows[start]] + count, self.value.shape[1])
                rows, columns, values = rows[~fits], columns[~fits], values[~fits]
                if len(rows):
                    self.tidy(np.unique(rows))
                    rows, columns, values = passing((rows, columns, values), self.bar)

    def tidy(self, rows: np.ndarray) -> None:
        """Keep the strongest of these rows and raise their bar."""
        value, column = self.value[rows], self.column[rows]
        order = np.argsort(-value, axis=1)[:, : self.kept]  # what there is comes first
        value, column = np.take_along_axis(value, order, axis=1), np.take_along_axis(column, order, axis=1)
        # beyond `kept` near ties are let go: the bar is at least the last value that is still here
        bar = np.maximum(value[:, self.k - 1] - self.margin, value[:, -1])
        self.value[rows, : self.kept], self.column[rows, : self.kept] = value, column
        self.value[rows, self.kept :] = -np.inf
        self.fill[rows] = np.minimum((value > -np.inf).sum(axis=1), self.kept)
        self.bar[rows] = np.maximum(bar, self.bar[rows])

    def found(self, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns of every pair of some rows that may be among the k strongest of its row."""
        self.tidy(np.arange(part.start, part.stop))
        value, column = self.value[part, : self.kept], self.column[part, : self.kept]
        rows, place = np.nonzero((value >= self.bar[part, None]) & (value > -np.inf))
        return rows + part.start, column[rows, place].astype(np.int64)


def passing(hits: Hits, bar: np.ndarray) -> Hits:
    """Return the hits above the bar of their row."""
    rows, columns, values = hits
    kept = values > bar[rows]
    return (rows, columns, values) if kept.all() else (rows[kept], columns[kept], values[kept])


def runs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each run of equal rows starts, and how long it is."""
    start = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]])) if len(rows) else np.zeros(0, np.int64)
    return start, np.diff(np.append(start, len(rows)))


def strongest(mine: Points, theirs: Points, k: int, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the k most similar of theirs for each of mine: positions int64 [mine, k] (-1 where fewer), float64.

    `own` says where each of mine stands among theirs (-1: nowhere), for nobody is a neighbour of itself. If both
    are the same object, every similarity is computed once and serves both its ends.
    """
    kept = Strongest(len(mine), k, mine.margin)
    collect(mine, theirs, own, kept)
    return ranked(kept, lambda rows, columns: mine.pairs(rows, theirs, columns))


def ranked(kept: Strongest, pairs: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the k strongest that were kept, by the similarity of their pairs: columns int64 [row, k] and float64."""
    position = np.full((len(kept.fill), kept.k), -1, dtype=np.int64)
    score = np.full(position.shape, -np.inf)

    def rank(part: slice) -> None:
        rows, columns = kept.found(part)
        start, count = runs(rows)
        place = np.arange(len(rows)) - np.repeat(start, count)
        similar = np.full((part.stop - part.start, max(kept.k, int(count.max(initial=0)))), -np.inf)
        column = np.full(similar.shape, -1, dtype=np.int64)
        similar[rows - part.start, place] = pairs(rows, columns)
        column[rows - part.start, place] = columns
        order = np.argsort(-similar, axis=1, kind="stable")[:, : kept.k]
        score[part] = np.take_along_axis(similar, order, axis=1)
        position[part] = np.where(np.isfinite(score[part]), np.take_along_axis(column, order, axis=1), -1)

    count = len(kept.fill)
    in_threads(rank, (slice(at, min(at + BLOCK, count)) for at in range(0, count, BLOCK)))
    return position, score


class Above:
    """All pairs above one bar; gives up, by `full`, when there are more than `most`."""

    def __init__(self, rows: int, bar: float, most: int) -> None:
        self.bar = np.full(rows, bar, dtype=np.float32)
        self.most, self.count, self.full = most, 0, False
        self.parts: list[Hits] = []
        self.lock = Lock()

    def start(self, rows: np.ndarray, similar: np.ndarray) -> None:
        """Do nothing: the bar stands."""

    def offer(self, hits: Hits) -> None:
        """Take all, until there are too many."""
        with self.lock:
            self.count += len(hits[0])
            self.full = self.count > self.most
            if not self.full:
                self.parts.append(hits)

    def found(self) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns of the pairs."""
        rows = [np.zeros(0, dtype=np.int64), *(part[0] for part in self.parts)]
        columns = [np.zeros(0, dtype=np.int64), *(part[1].astype(np.int64) for part in self.parts)]
        return np.concatenate(rows), np.concatenate(columns)


def above(
    mine: Points, theirs: Points, bar: float, most: int, own: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return rows, columns and similarities (float64) of all pairs of at least `bar`; None if more than `most`."""
    kept = Above(len(mine), bar - mine.margin, most)
    collect(mine, theirs, own, kept)
    if kept.full:
        return None
    rows, columns = kept.found()
    similar = mine.pairs(rows, theirs, columns)
    there = similar >= bar
    return rows[there], columns[there], similar[there]


def collect(mine: Points, theirs: Points, own: np.ndarray | None, kept: Strongest | Above) -> None:
    """Compare all of mine with all of theirs, block by block, and offer what passes the bar."""
    both = mine is theirs
    own = np.arange(len(mine)) if both and own is None else own

    def compare(task: tuple[slice, slice]) -> None:
        rows, columns = task
        if isinstance(kept, Above) and kept.full:
            return
        similar = mine.block(rows, theirs, columns)
        hide(similar, own, rows, columns)
        offer_rows(kept, similar, np.arange(rows.start, rows.stop), columns)
        if both and rows != columns:
            offer_columns(kept, similar, np.arange(rows.start, rows.stop), columns)

    in_threads(compare, tasks(len(mine), len(theirs), both=both))


def offer_rows(kept: Strongest | Above, similar: np.ndarray, rows: np.ndarray, columns: slice) -> None:
    """Offer the columns of a block of similarities to its rows."""
    kept.start(rows, similar)
    row, column = above_bar(similar, kept.bar[rows][:, None])
    kept.offer((rows[row], (column + columns.start).astype(np.int32), similar[row, column]))


def offer_columns(kept: Strongest | Above, similar: np.ndarray, rows: np.ndarray, columns: slice) -> None:
    """Offer the rows of a block of similarities to its columns."""
    kept.start(np.arange(columns.start, columns.stop), similar.T)
    row, column = above_bar(similar, kept.bar[columns][None, :])
    order = np.argsort(column.astype(np.min_scalar_type(similar.shape[1])), kind="stable")  # of 16 bits: a radix sort
    row, column = row[order], column[order]
    kept.offer((column + columns.start, rows[row].astype(np.int32), similar[row, column]))


def tasks(mine: int, theirs: int, *, both: bool) -> Iterator[tuple[slice, slice]]:
    """Yield pairs of blocks; of equal sides only those on and above the diagonal."""
    wide = BLOCK if both else max(BLOCK, BLOCK * BLOCK // max(min(mine, BLOCK), 1))
    for at in range(0, mine, BLOCK):
        for to in range(at if both else 0, theirs, wide):
            yield slice(at, min(at + BLOCK, mine)), slice(to, min(to + wide, theirs))


def hide(similar: np.ndarray, own: np.ndarray | None, rows: slice | np.ndarray, columns: slice) -> None:
    """Make nobody similar to itself, in place."""
    if own is not None:
        place = own[rows] - columns.start
        here = np.flatnonzero((place >= 0) & (place < similar.shape[1]))
        similar[here, place[here]] = -np.inf


def above_bar(similar: np.ndarray, bar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of what is above the bar, row by row."""
    mask = (similar > bar).ravel()
    if mask.size % 8:
        flat = np.flatnonzero(mask)
    else:  # eight at a time, for few pass
        eight = np.flatnonzero(mask.view(np.uint64) != 0)
        some, which = np.nonzero(mask.reshape(-1, 8)[eight])
        flat = 8 * eight[some] + which
    row = flat // similar.shape[1]
    return row, flat - row * similar.shape[1]


def in_threads(work: Callable[[Job], None], jobs: Iterator[Job]) -> None:
    """Share out work over as many threads as numpy's matrix product may use here."""
    waiting = list(jobs)
    pools = threadpool_info() if len(waiting) > 1 else []  # asking takes longer than comparing one patient
    threads = max([pool["num_threads"] for pool in pools if pool["user_api"] == "blas"], default=1)
    if threads == 1:
        for job in waiting:
            work(job)
        return
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, waiting):
            pass
