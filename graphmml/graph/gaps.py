"""Patients compared by the cells that both have: Gower, Jaccard, Hamming, and gap-aware cosine, euclid, correlation.

Every measure is a formula of a few sums over shared cells, and such a sum is an inner product of masked columns, so
that gaps cost a matrix product more and no loop over pairs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphmml.data.columns import is_number
from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.points import PAIRS, tie_columns

FEW = 32
"""A name of up to so many levels is laid out as columns of 0 and 1; one of more is compared code by code."""
FLAT = 0.01
"""A sum of squares, in deviations, up to which cells are called constant: below it float32 has no correlation left."""
Dot = Callable[[np.ndarray, np.ndarray], np.ndarray]
Over = Callable[[np.ufunc, np.ndarray, np.ndarray], np.ndarray]
STRIP = 128
"""So many rows are compared at a time, so that what is in work stays near the processor."""


@dataclass(frozen=True, eq=False)
class Cells:
    """One modality of some patients: all float32 [patient, column].

    Names: `items` are 0/1 columns of their levels, `codes` number the levels of long ones (NaN missing or new),
    `named` says which are filled. Numbers: `numbers` are scaled by range (NaN missing), `filled` standardised (or,
    for Jaccard, whether above zero) with zeros for gaps, `square` their squares, `counted` says which are filled.
    """

    items: np.ndarray
    codes: np.ndarray
    named: np.ndarray
    numbers: np.ndarray
    filled: np.ndarray
    square: np.ndarray
    counted: np.ndarray

    def __getitem__(self, rows: slice | np.ndarray) -> "Cells":
        return Cells(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Gapped:
    """Patients of one or several modalities, compared pairwise by what both have."""

    cells: Sequence[Cells]
    ties: np.ndarray
    metric: str
    overlap: int
    margin: float

    def __len__(self) -> int:
        return len(self.ties)

    def block(self, rows: slice, other: "Gapped", columns: slice) -> np.ndarray:
        """Return similarities: float32 [row, column], -inf where too little is shared."""

        def dot(one: np.ndarray, two: np.ndarray) -> np.ndarray:
            return np.asarray(one @ two.T)

        similar = self.ties[rows] @ other.ties[columns].T
        theirs = [cells[columns] for cells in other.cells]
        for start in range(0, len(similar), STRIP):
            strip = slice(rows.start + start, min(rows.start + start + STRIP, rows.stop))
            similar[start : start + STRIP] += self.mean([cells[strip] for cells in self.cells], theirs, dot, outer)
        return np.asarray(similar)

    def pairs(self, rows: np.ndarray, other: "Gapped", columns: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair: float64, the same alone and among others."""
        similar = np.empty(len(rows))
        step = max(1, PAIRS // (4 + sum(cells.items.shape[1] + 4 * cells.counted.shape[1] for cells in self.cells)))
        for start in range(0, len(rows), step):
            mine, theirs = rows[start : start + step], columns[start : start + step]
            mean = self.mean(
                [part[mine] for part in self.cells], [part[theirs] for part in other.cells], inner, aligned
            )
            similar[start : start + step] = mean + inner(self.ties[mine], other.ties[theirs])
        return similar

    def mean(self, mine: Sequence[Cells], theirs: Sequence[Cells], dot: Dot, over: Over) -> np.ndarray:
        """Average over the modalities in which enough is shared; -inf where there is none."""
        total, count = np.zeros(1), np.zeros(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            for one, two in zip(mine, theirs, strict=True):
                shared = dot(one.named, two.named) + dot(one.counted, two.counted)
                similar = FORMULAS[self.metric](one, two, shared, dot, over)
                few = ~((shared >= self.overlap) & np.isfinite(similar))
                np.copyto(similar, 0.0 if len(mine) > 1 else -np.inf, where=few)
                if len(mine) == 1:
                    return similar
                total = total + similar
                count = count + ~few
            return np.asarray(np.where(count > 0, total / count, -np.inf))


def inner(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the inner product of each two rows: float64 [pair]."""
    return np.asarray(np.einsum("pd,pd->p", one.astype(np.float64), two.astype(np.float64)))


def outer(work: np.ufunc, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return what a ufunc makes of every two values: [row, column]."""
    return np.asarray(work.outer(one, two))


def aligned(work: np.ufunc, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return what a ufunc makes of each two values, in float64: [pair]."""
    return np.asarray(work(one.astype(np.float64), two))


def equal(one: Cells, two: Cells, dot: Dot, over: Over) -> np.ndarray:
    """Return how many names are equal."""
    alike = dot(one.items, two.items)
    for at in range(one.codes.shape[1]):
        alike += over(np.equal, one.codes[:, at], two.codes[:, at])
    return alike


def gower(one: Cells, two: Cells, shared: np.ndarray, dot: Dot, over: Over) -> np.ndarray:
    """Mean over shared columns of: equal names 1, numbers 1 - difference / range (Gower, Biometrics 1971)."""
    alike = equal(one, two, dot, over)
    for at in range(one.numbers.shape[1]):
        near = over(np.subtract, one.numbers[:, at], two.numbers[:, at])
        np.abs(near, out=near)
        np.subtract(1.0, near, out=near)
        alike += np.fmax(near, 0.0, out=near)  # a gap is NaN and counts nothing
    return np.asarray(alike / shared)


def jaccard(one: Cells, two: Cells, shared: np.ndarray, dot: Dot, over: Over) -> np.ndarray:
    """What both have, over what either has, among the cells known of both (Jaccard 1901).

    A number above zero is had, and so is each patient's level of a name: two different levels are two things.
    """
    both, names = dot(one.filled, two.filled), equal(one, two, dot, over)
    either = dot(one.filled, two.counted) + dot(one.counted, two.filled) - both
    return np.asarray((both + names) / (either + 2.0 * dot(one.named, two.named) - names))


def cosine(one: Cells, two: Cells, shared: np.ndarray, dot: Dot, over: Over) -> np.ndarray:
    """Cosine over shared columns."""
    length = dot(one.square, two.counted) * dot(one.counted, two.square)
    return np.asarray(dot(one.filled, two.filled) / np.sqrt(length))


def euclidean(one: Cells, two: Cells, shared: np.ndarray, dot: Dot, over: Over) -> np.ndarray:
    """Minus half the squared distance per shared column."""
    squared = dot(one.square, two.counted) + dot(one.counted, two.square) - 2.0 * dot(one.filled, two.filled)
    return np.asarray(-0.5 * squared / shared)


def correlation(one: Cells, two: Cells, shared: np.ndarray, dot: Dot, over: Over) -> np.ndarray:
    """Pearson's correlation over shared columns; none where one of the two does not vary over them."""
    n = shared
    mine, theirs = dot(one.filled, two.counted), dot(one.counted, two.filled)
    vary = dot(one.square, two.counted) - mine * mine / n
    vary_too = dot(one.counted, two.square) - theirs * theirs / n
    similar = (dot(one.filled, two.filled) - mine * theirs / n) / np.sqrt(vary * vary_too)
    return np.asarray(np.where((vary > FLAT) & (vary_too > FLAT), similar, np.nan))


FORMULAS: Mapping[str, Callable[[Cells, Cells, np.ndarray, Dot, Over], np.ndarray]] = {
    "gower": gower,
    "hamming": gower,
    "jaccard": jaccard,
    "cosine": cosine,
    "euclidean": euclidean,
    "correlation": correlation,
}


def gapped_of(
    source: EncodedCohort, cohort: EncodedCohort, modalities: Sequence[str], metric: str, overlap: int
) -> Gapped:
    """Lay out a cohort's raw tables by the ranges, levels and scales of the source."""
    cells = [cells_of(source.tables[name], cohort.tables[name], name, metric) for name in modalities]
    margin = 1e-4 if metric == "correlation" else 1e-5
    return Gapped(cells, tie_columns(cohort), metric, overlap, margin)


def cells_of(there: pd.DataFrame, here: pd.DataFrame, modality: str, metric: str) -> Cells:
    """Lay out one table by what another one, the source's, holds."""
    numeric = [column for column in there if is_number(there[column])]
    if metric in ENCODED and not numeric:
        raise GraphError(f"'{modality}' has no column of numbers for {metric} over shared cells; choose gower")
    named = [] if metric in ENCODED else [column for column in there if column not in numeric]
    if metric == "hamming":
        named, numeric = [*named, *numeric], []
    items, codes = [], []
    for column in named:
        level, number = levels_of(there[column], here[column])
        if number <= FEW:
            items.append(level[:, None] == np.arange(number))
        else:
            codes.append(np.where(level >= 0, level, np.nan)[:, None])
    numbers = scaled(there[numeric], here[numeric], metric)
    filled = np.nan_to_num(numbers)
    if metric == "jaccard":
        filled = (here[numeric].to_numpy(dtype=np.float64) > 0).astype(np.float32)
    return Cells(
        items=joined(items, len(here)),
        codes=joined(codes, len(here)),
        named=here[named].notna().to_numpy().astype(np.float32),
        numbers=numbers,
        filled=filled,
        square=filled**2,
        counted=here[numeric].notna().to_numpy().astype(np.float32),
    )


ENCODED = ("cosine", "euclidean", "correlation")
"""Metrics of numbers alone, which are standardised; the others compare names too."""


def levels_of(there: pd.Series, here: pd.Series) -> tuple[np.ndarray, int]:
    """Return each patient's level among the source's (-1 missing or new), and how many there are."""
    known = there.dropna().unique()
    levels = pd.Index(np.sort(known.astype(np.float64)) if is_number(there) else np.sort(known.astype(str)))
    values = here if is_number(here) else here.astype("str")
    return np.where(here.notna().to_numpy(), levels.get_indexer(values), -1), len(levels)


def scaled(there: pd.DataFrame, here: pd.DataFrame, metric: str) -> np.ndarray:
    """Divide numbers by the source's range (Gower), or standardise them by its mean and deviation: float32."""
    values, other = here.to_numpy(dtype=np.float64), there.to_numpy(dtype=np.float64)
    if not len(other) or not other.shape[1]:
        return np.zeros((len(here), here.shape[1]), dtype=np.float32)
    low, high, mean, deviation = (np.zeros(other.shape[1]) for _ in range(4))
    some = ~np.isnan(other).all(axis=0)
    low[some], high[some] = np.nanmin(other[:, some], axis=0), np.nanmax(other[:, some], axis=0)
    mean[some], deviation[some] = np.nanmean(other[:, some], axis=0), np.nanstd(other[:, some], axis=0)
    shift, width = (low, high - low) if metric == "gower" else (mean, deviation)
    return np.asarray((values - shift) / np.where(width > 0, width, 1.0), dtype=np.float32)


def joined(columns: Sequence[np.ndarray], patients: int) -> np.ndarray:
    """Put columns side by side: float32 [patient, column]."""
    return np.concatenate([np.zeros((patients, 0)), *columns], axis=1).astype(np.float32)
