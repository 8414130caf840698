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
Apart = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Cells:
    """One modality of some patients: all float32 [patient, column].

    `items` are 0/1 columns (levels of names, or what a patient has), `asked` says which items are known, `codes`
    number the levels of long names (NaN missing), `numbers` are scaled (NaN missing), `filled` and `square` the
    same numbers and their squares with zeros for gaps, `known` says which column is filled.
    """

    items: np.ndarray
    asked: np.ndarray
    codes: np.ndarray
    numbers: np.ndarray
    filled: np.ndarray
    square: np.ndarray
    known: np.ndarray

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

        mean = self.mean([cells[rows] for cells in self.cells], [cells[columns] for cells in other.cells], dot, outer)
        return np.asarray(mean + self.ties[rows] @ other.ties[columns].T, dtype=np.float32)

    def pairs(self, rows: np.ndarray, other: "Gapped", columns: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair: float64, the same alone and among others."""
        similar = np.empty(len(rows))
        step = max(1, PAIRS // (4 + sum(cells.items.shape[1] + cells.known.shape[1] for cells in self.cells)))
        for start in range(0, len(rows), step):
            mine, theirs = rows[start : start + step], columns[start : start + step]
            mean = self.mean(
                [part[mine] for part in self.cells], [part[theirs] for part in other.cells], inner, aligned
            )
            similar[start : start + step] = mean + inner(self.ties[mine], other.ties[theirs])
        return similar

    def mean(self, mine: Sequence[Cells], theirs: Sequence[Cells], dot: Dot, apart: Apart) -> np.ndarray:
        """Average over the modalities in which enough is shared; -inf where there is none."""
        total, count = np.zeros(1), np.zeros(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            for one, two in zip(mine, theirs, strict=True):
                similar = FORMULAS[self.metric](one, two, dot, apart)
                enough = (dot(one.known, two.known) >= self.overlap) & np.isfinite(similar)
                if len(mine) == 1:
                    return np.asarray(np.where(enough, similar, -np.inf))
                total = total + np.where(enough, similar, 0.0)
                count = count + enough
            return np.asarray(np.where(count > 0, total / count, -np.inf))


def inner(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the inner product of each two rows: float64 [pair]."""
    return np.asarray(np.einsum("pd,pd->p", one.astype(np.float64), two.astype(np.float64)))


def outer(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the difference of every two values: [row, column]."""
    return np.asarray(np.subtract.outer(one, two))


def aligned(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the difference of each two values: float64 [pair]."""
    return np.asarray(one.astype(np.float64) - two)


def gower(one: Cells, two: Cells, dot: Dot, apart: Apart) -> np.ndarray:
    """Mean over shared columns of: equal names 1, numbers 1 - difference / range (Gower, Biometrics 1971)."""
    alike = dot(one.items, two.items)
    for at in range(one.numbers.shape[1]):
        near = apart(one.numbers[:, at], two.numbers[:, at])
        np.abs(near, out=near)
        np.subtract(1.0, near, out=near)
        alike += np.fmax(near, 0.0, out=near)  # a gap is NaN and counts nothing
    for at in range(one.codes.shape[1]):
        alike += apart(one.codes[:, at], two.codes[:, at]) == 0
    return np.asarray(alike / dot(one.known, two.known))


def jaccard(one: Cells, two: Cells, dot: Dot, apart: Apart) -> np.ndarray:
    """What both have, over what either has, among the items known of both (Jaccard 1901)."""
    both = dot(one.items, two.items)
    return np.asarray(both / (dot(one.items, two.asked) + dot(one.asked, two.items) - both))


def cosine(one: Cells, two: Cells, dot: Dot, apart: Apart) -> np.ndarray:
    """Cosine over shared columns."""
    length = dot(one.square, two.known) * dot(one.known, two.square)
    return np.asarray(dot(one.filled, two.filled) / np.sqrt(length))


def euclidean(one: Cells, two: Cells, dot: Dot, apart: Apart) -> np.ndarray:
    """Minus half the squared distance per shared column."""
    squared = dot(one.square, two.known) + dot(one.known, two.square) - 2.0 * dot(one.filled, two.filled)
    return np.asarray(-0.5 * squared / dot(one.known, two.known))


def correlation(one: Cells, two: Cells, dot: Dot, apart: Apart) -> np.ndarray:
    """Pearson's correlation over shared columns; none where one of the two does not vary over them."""
    n = dot(one.known, two.known)
    mine, theirs = dot(one.filled, two.known), dot(one.known, two.filled)
    vary = dot(one.square, two.known) - mine * mine / n
    vary_too = dot(one.known, two.square) - theirs * theirs / n
    similar = (dot(one.filled, two.filled) - mine * theirs / n) / np.sqrt(vary * vary_too)
    return np.asarray(np.where((vary > FLAT) & (vary_too > FLAT), similar, np.nan))


FORMULAS: Mapping[str, Callable[[Cells, Cells, Dot, Apart], np.ndarray]] = {
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
    named = [column for column in there if column not in numeric]
    if metric in ("cosine", "euclidean", "correlation") and not numeric:
        raise GraphError(f"'{modality}' has no column of numbers for {metric} over shared cells; choose gower")
    items, asked, codes = [], [], []
    if metric == "jaccard":
        for column in numeric:
            items.append((here[column].to_numpy() > 0)[:, None])
            asked.append(here[column].notna().to_numpy()[:, None])
    for column in [*named, *(numeric if metric == "hamming" else [])] if metric in LEVELS else []:
        level, number, known = levels_of(there[column], here[column])
        if number <= FEW or metric == "jaccard":
            # one column more, for what the source never had: shared with nobody, yet part of what either has
            items.append(np.where(known & (level < 0), number, level)[:, None] == np.arange(number + 1))
            asked.append(np.repeat(known[:, None], number + 1, axis=1))
        else:
            codes.append(np.where(level >= 0, level, np.nan)[:, None])
    numbers = scaled(there[numeric], here[numeric], metric)
    # names count as shared cells only where they are compared
    compared = here if metric in LEVELS else here[numeric]
    filled = np.nan_to_num(numbers)
    return Cells(
        items=joined(items, len(here)),
        asked=joined(asked, len(here)),
        codes=joined(codes, len(here)),
        numbers=numbers if metric == "gower" else numbers[:, :0],
        filled=filled,
        square=filled**2,
        known=compared.notna().to_numpy().astype(np.float32),
    )


LEVELS = ("gower", "hamming", "jaccard")


def levels_of(there: pd.Series, here: pd.Series) -> tuple[np.ndarray, int, np.ndarray]:
    """Return each patient's level among the source's (-1 missing or new), how many there are, and who has one."""
    known = there.dropna().unique()
    levels = pd.Index(np.sort(known.astype(np.float64)) if is_number(there) else np.sort(known.astype(str)))
    some = here.notna().to_numpy()
    values = here if is_number(here) else here.astype("str")
    return np.where(some, levels.get_indexer(values), -1), len(levels), some


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
