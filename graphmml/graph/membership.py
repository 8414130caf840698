"""Which patients have which concepts: codes, levels, bins of numbers, and numbers as weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from graphmml.graph.hierarchy import Hierarchy, lineage

BLOCK = 256
"""Columns of counts that are laid side by side at a time."""


@dataclass(frozen=True, eq=False)
class Membership:
    """Patient `patients[i]` has the concept `concepts[i]`, which is worth `values[i]`; each pair once.

    `names` are the concepts', in order. `codes` are the ends of the names that a hierarchy may read: "250.83" of
    "diag_1=250.83", "" of what is no code. A value is 1, or below it where a number says how much.
    """

    names: tuple[str, ...]
    codes: tuple[str, ...]
    patients: np.ndarray
    concepts: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Part:
    """The concepts of one column or several, numbered from zero."""

    names: Sequence[str]
    codes: Sequence[str]
    patients: np.ndarray
    concepts: np.ndarray
    values: np.ndarray | None = None


def scales(table: pd.DataFrame, numbers: str | int) -> dict[str, np.ndarray]:
    """Learn what each column of numbers is read by: the cuts between its bins, or its values in order."""
    if numbers == "present":
        return {}
    learned = {column: table[column].to_numpy() for column in table.columns[numeric(table)]}
    if isinstance(numbers, str):
        return {column: np.sort(values[~np.isnan(values)]) for column, values in learned.items()}
    return {column: cuts(values, numbers) for column, values in learned.items()}


def held(table: pd.DataFrame, learned: Mapping[str, np.ndarray], numbers: str | int, *, shared: bool) -> Membership:
    """Return who in a table has what; columns of numbers are read by the scales `learned` from the source."""
    number = numeric(table)
    counts = [column for column in table.columns[number] if column not in learned]
    return united(
        [
            *(counted(table, counts[start : start + BLOCK]) for start in range(0, len(counts), BLOCK)),
            *(levels(str(column), table[column], shared=shared) for column in table.columns[~number]),
            *(graded(str(column), table[column].to_numpy(), scale, numbers) for column, scale in learned.items()),
        ]
    )


def numeric(table: pd.DataFrame) -> np.ndarray:
    """Return which columns hold numbers, as `is_number` says of one, without taking out each: bool [column]."""
    return np.array([pd.api.types.is_float_dtype(kind) for kind in table.dtypes], dtype=bool)


def counted(table: pd.DataFrame, columns: Sequence[str]) -> Part:
    """Return the columns of counts that are above zero for anybody."""
    patients, concepts = np.nonzero(table[columns].to_numpy() > 0)
    some, number = np.unique(concepts, return_inverse=True)
    names = [str(columns[at]) for at in some]
    return Part(names, names, patients, number)


def levels(name: str, values: pd.Series, *, shared: bool) -> Part:
    """Return the levels of a column of names."""
    codes, found = values.factorize()
    patients = np.flatnonzero(codes >= 0)
    words = [str(level) for level in found]
    return Part(words if shared else [f"{name}={word}" for word in words], words, patients, codes[patients])


def graded(name: str, values: np.ndarray, scale: np.ndarray, numbers: str | int) -> Part:
    """Return a number's bins as concepts, or the number itself as one concept that each patient has by its rank."""
    patients = np.flatnonzero(~np.isnan(values))
    if isinstance(numbers, str):
        return Part([name], [""], patients, np.zeros(len(patients), dtype=np.int64), ranks(values[patients], scale))
    if not len(scale):  # one value says nothing about anybody
        return Part([], [], patients[:0], patients[:0])
    return Part(
        bin_names(name, scale), [""] * (len(scale) + 1), patients, np.searchsorted(scale, values[patients], "right")
    )


def cuts(learned: np.ndarray, bins: int) -> np.ndarray:
    """Return the values, at most `bins - 1`, at which the bins above begin: as evenly filled as ties allow.

    Each quantile's cut is moved to the nearest place between two values, so that a column that is mostly zero is
    cut into zero and more.
    """
    levels, counts = np.unique(learned[~np.isnan(learned)], return_counts=True)
    if len(levels) < 2:
        return np.zeros(0)
    below = np.cumsum(counts)[:-1]
    wanted = np.arange(1, bins) / bins * counts.sum()
    nearest = [int(np.abs(below - share).argmin()) for share in wanted]
    return np.asarray(levels[1:][np.unique(nearest)])


def bin_names(name: str, at: np.ndarray) -> list[str]:
    """Write bins as a reader would: age < 40, age in [40, 55), age >= 55."""
    edges = [repr(float(cut)).removesuffix(".0") for cut in at]
    within = [f"{name} in [{low}, {high})" for low, high in pairwise(edges)]
    return [f"{name} < {edges[0]}", *within, f"{name} >= {edges[-1]}"]


def ranks(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return each value's place among those in order, in (0, 1): the mean rank over one more than there are."""
    lower, upto = np.searchsorted(scale, values, "left"), np.searchsorted(scale, values, "right")
    return np.asarray((lower + upto + 1) / 2 / (len(scale) + 1))


def united(columns: Sequence[Part]) -> Membership:
    """Join parts to one membership; concepts of one name are one concept, which a patient has once."""
    names: list[str] = []
    codes: list[str] = []
    patients, concepts, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for part in columns:
        patients.append(part.patients)
        concepts.append(part.concepts + len(names))
        values.append(np.ones(len(part.patients)) if part.values is None else part.values)
        names.extend(part.names)
        codes.extend(part.codes)
    labels, first, number = np.unique(np.array(names, dtype=object), return_index=True, return_inverse=True)
    pair = np.concatenate(patients) * max(len(labels), 1) + number[np.concatenate(concepts)]
    pairs, kept = np.unique(pair, return_index=True)
    return Membership(
        names=tuple(labels),
        codes=tuple(codes[at] for at in first),
        patients=pairs // max(len(labels), 1),
        concepts=pairs % max(len(labels), 1),
        values=np.concatenate(values)[kept],
    )


def rolled_up(members: Membership, hierarchy: Hierarchy) -> Membership:
    """Return the membership in which whoever has a code has its ancestors too."""
    lines = [lineage(code, hierarchy) if code else ("",) for code in members.codes]
    heads = [name.removesuffix(code) for name, code in zip(members.names, members.codes, strict=True)]
    count = np.array([len(line) for line in lines], dtype=np.int64)
    repeats = count[members.concepts]
    each = np.repeat(np.arange(len(repeats)), repeats)
    step = np.arange(len(each)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return united(
        [
            Part(
                names=[head + code for head, line in zip(heads, lines, strict=True) for code in line],
                codes=[code for line in lines for code in line],
                patients=members.patients[each],
                concepts=(np.cumsum(count) - count)[members.concepts[each]] + step,
                values=members.values[each],
            )
        ]
    )
