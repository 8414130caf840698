"""Who agrees with whom on phenotypes: exactly, within a tolerance, and never where a value is missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd

from graphmml.data.columns import is_number
from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import number
from graphmml.errors import GraphError


@dataclass(frozen=True, eq=False)
class Phenotype:
    """One phenotype of both sides: the place of each source value, and the places each target agrees with.

    `place` is int64 [source], -1 where missing; `low` and `high` are int64 [target] and close the interval of
    places within the tolerance, empty (0, -1) where missing. Places count the values of the source in order.
    """

    place: np.ndarray
    low: np.ndarray
    high: np.ndarray
    places: int
    exact: bool

    def agreed(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return which of the given pairs agree; both broadcast against each other: bool."""
        place = self.place[sources]
        if self.exact:
            return np.asarray((place == self.low[targets]) & (self.high[targets] >= 0))
        return np.asarray((place >= self.low[targets]) & (place <= self.high[targets]))


def phenotypes(
    source: EncodedCohort, target: EncodedCohort, columns: Sequence[str], tolerance: Sequence[float]
) -> list[Phenotype]:
    """Return each named column as both sides have it; a tolerance says nothing about names."""
    return [
        phenotype(source.column(column), target.column(column), spread)
        for column, spread in zip(columns, tolerance, strict=True)
    ]


def phenotype(there: pd.Series, here: pd.Series, tolerance: float) -> Phenotype:
    """Return one phenotype of source values and target values."""
    number = is_number(there)
    values, wanted = comparable(there, number=number), comparable(here, number=number)
    known = np.unique(values[~pd.isna(values)])
    lacking = pd.isna(wanted)
    place = np.asarray(pd.Index(known).get_indexer(pd.Index(values)), dtype=np.int64)
    place[pd.isna(values)] = -1
    if number and tolerance > 0:
        low = np.searchsorted(known, wanted - tolerance, side="left")
        high = np.searchsorted(known, wanted + tolerance, side="right") - 1
    else:
        low = high = np.asarray(pd.Index(known).get_indexer(pd.Index(wanted)), dtype=np.int64)
    none = lacking | (high < 0) | (low < 0)
    return Phenotype(
        place, np.where(none, 0, low), np.where(none, -1, high), len(known), exact=not (number and tolerance > 0)
    )


def comparable(values: pd.Series, *, number: bool) -> np.ndarray:
    """Return a column as float64, or as text with None where missing, so that 1 in two files is one name."""
    if number:
        return np.asarray(pd.to_numeric(values, errors="coerce"), dtype=np.float64)
    text = values.astype("object").astype(str).to_numpy(dtype=object)
    return np.asarray(np.where(values.isna().to_numpy(), None, text), dtype=object)


@dataclass(frozen=True, eq=False)
class Stretches:
    """For each target the source patients who agree with it on all of some phenotypes.

    They are `candidates[first : first + width]`; `further` phenotypes are still to be held against each of them.
    """

    candidates: np.ndarray
    first: np.ndarray
    width: np.ndarray
    further: tuple[Phenotype, ...] = ()

    @classmethod
    def of(cls, parts: Sequence[Phenotype], order: np.ndarray) -> "Stretches":
        """Sort the source by the exact phenotypes, then by the first with a tolerance, then as in `order`."""
        near = [part for part in parts if not part.exact]
        there, here = group_codes([part for part in parts if part.exact], len(order))
        span = near[0].places + 1 if near else 1
        place = near[0].place if near else np.zeros(len(order), dtype=np.int64)
        known = order[(there[order] >= 0) & (place[order] >= 0)]
        key = there[known] * span + place[known]
        sorting = np.argsort(key, kind="stable")
        key = key[sorting]
        low, high = (near[0].low, near[0].high) if near else (np.zeros_like(here), np.zeros_like(here))
        first = np.searchsorted(key, here * span + low, side="left")
        last = np.searchsorted(key, here * span + high, side="right")
        width = np.where(here >= 0, np.maximum(last - first, 0), 0)
        return cls(known[sorting], first, width, tuple(near[1:]))

    def among(self, rows: np.ndarray) -> "Stretches":
        """Return the stretches of some targets, narrowed to who agrees on the further phenotypes too."""
        first, width = self.first[rows], self.width[rows]
        if not self.further:
            return Stretches(self.candidates, first, width)
        kept = [np.zeros(0, dtype=np.int64)]
        for row, start, count in zip(rows, first, width, strict=True):
            window = self.candidates[start : start + count]
            for part in self.further:
                window = window[part.agreed(window, row)]
            kept.append(window)
        left = np.array([len(part) for part in kept[1:]], dtype=np.int64)
        return Stretches(np.concatenate(kept), np.cumsum(left) - left, left)


def group_codes(exact: Sequence[Phenotype], sources: int) -> tuple[np.ndarray, np.ndarray]:
    """Number the combinations of exact values on both sides, -1 where one is missing: int64 [source], [target]."""
    there: np.ndarray = np.zeros(sources, dtype=np.int64)
    here: np.ndarray = np.zeros(1, dtype=np.int64)
    for part in exact:
        missing, lacking = (there < 0) | (part.place < 0), (here < 0) | (part.high < 0)
        there, here = there * part.places + part.place, here * part.places + part.low
        levels = np.unique(there[~missing])  # numbered anew each time, or many columns would overflow
        there = np.where(missing, -1, np.searchsorted(levels, there))
        at = np.searchsorted(levels, here)
        seen = at < len(levels)
        seen[seen] = levels[at[seen]] == here[seen]
        here = np.where(lacking | ~seen, -1, at)
    return there, here


def agreement(
    parts: Sequence[Phenotype], weights: Sequence[float], sources: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """Return the summed weights of the phenotypes that given pairs agree on: float64 [pair]."""
    total = np.zeros(np.broadcast(sources, targets).shape)
    for part, weight in zip(parts, weights, strict=True):
        total += weight * part.agreed(sources, targets)
    return total


def by_column(
    columns: str | Sequence[str], given: float | Sequence[float], what: str, *, zero: bool
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return columns and one number for each, or raise GraphError; one number stands for all columns."""
    names = (columns,) if isinstance(columns, str) else tuple(columns) if isinstance(columns, Iterable) else ()
    if any(not isinstance(name, str) for name in names):
        raise GraphError("a phenotype is named by no word; give columns or groups, for instance ('sex', 'age')")
    for one in given if isinstance(given, (tuple, list)) else (given,):
        number(what, one, 1.0)
    numbers = tuple(map(float, given)) if isinstance(given, (tuple, list)) else (float(given),) * len(names)  # type: ignore[arg-type]
    fine = all(isfinite(number) and (number > 0 or (zero and number == 0)) for number in numbers)
    if not names or len(numbers) != len(names) or not fine or len(set(names)) < len(names):
        raise GraphError(
            f"{len(names)} phenotypes and {len(numbers)} {what} were given; give at least one phenotype, each once, "
            f"and for each a number {'of zero or more' if zero else 'above zero'}"
        )
    return names, numbers
