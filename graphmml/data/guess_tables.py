"""Which column identifies patients, which tables hold one row an event, and where the outcome may stand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from graphmml.data.guess_columns import (
    EVENT_SEEN,
    EVENT_VALUES,
    FEW,
    TIME_TO_EVENT,
    Column,
    column_of,
    group_kind,
    id_rank,
    is_row_name,
    outcome_rank,
    split_sides,
)
from graphmml.data.tables import LARGEST_WIDE, times
from graphmml.errors import CohortError

LABELS = re.compile(r"label|outcome|target|endpoint")
CODES = re.compile(
    r"code|cd|icd|icd9|icd10|drug|medication|atc|ndc|itemid|item|cpt|test|analyte|loinc|gene|variable"
    r"|feature|procedure|organism|product|concept|phenotype|hpo|parameter"
)
VALUES = ("valuenum", "value", "result", "val", "measurement", "amount")
TIMES = ("charttime", "time", "date", "timestamp", "datetime", "day", "chartdate")
CROWD = 50
"""In a table of more columns than this a name that sounds like an outcome is chance."""
STRAY = 0.05
"""Up to this share of repeated ids a table is taken for one row a patient, with mistakes in it."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as opened, what it is called, and which of its columns is the id, if any."""

    name: str
    path: str
    cells: pd.DataFrame
    id: str = ""

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column but the id, by name."""
        return {name: column_of(name, self.cells[name]) for name in self.cells.columns if name != self.id}

    @cached_property
    def repeated(self) -> int:
        """How many rows bear an id that an earlier row bears."""
        return int(self.cells[self.id].duplicated().sum()) if self.id else 0

    @property
    def long(self) -> bool:
        """Whether the table has one row an event rather than one row a patient."""
        return self.repeated > STRAY * len(self.cells)

    @property
    def labels(self) -> bool:
        """Whether the name of the file says that it holds outcomes."""
        return len(self.columns) <= FEW and LABELS.search(self.path.lower().rsplit("/", 1)[-1]) is not None

    @property
    def splits(self) -> bool:
        """Whether all it holds is an official split."""
        return all(split_sides(column) is not None for column in self.columns.values()) and bool(self.columns)


@dataclass(frozen=True)
class Candidate:
    """A possible outcome: the table, its column (for survival also the event), and how likely it is."""

    sheet: Sheet
    column: Column
    rank: int
    event: Column | None = None


def choose_id(sheets: Sequence[Sheet]) -> tuple[str, list[str]]:
    """Return the column that seems to identify patients, and the others that might.

    First comes the column that most tables share, then one without repeats in some table, then the one whose
    name sounds like an id.
    """
    names = dict.fromkeys(name for sheet in sheets for name in sheet.cells.columns)
    ranked = {name: rank for name in names if (rank := rank_as_id(name, sheets)) is not None}
    if not ranked:
        raise CohortError(
            f"none of {len(sheets)} table(s) has a column that could identify patients; "
            "add a column patient_id with one value a patient, the same in every table"
        )
    order = sorted(ranked, key=lambda name: ranked[name], reverse=True)
    others = [name for name in order[1:] if ranked[name][0] == ranked[order[0]][0] and ranked[name][2] > 0]
    return order[0], others


def rank_as_id(name: str, sheets: Sequence[Sheet]) -> tuple[int, bool, int, int, int] | None:
    """Rank a column name as the id of the tables that have it; None where it cannot be one."""
    holders = [sheet for sheet in sheets if name in sheet.cells.columns]
    rank = max(id_rank(sheet.columns[name]) for sheet in holders)
    whole = all(sheet.columns[name].whole or not sheet.columns[name].numbers for sheet in holders)
    unique = sum(not sheet.cells[name].duplicated().any() for sheet in holders)
    if rank < 0 or not whole or (rank == 0 and unique == 0):
        return None
    place = min(list(sheet.cells.columns).index(name) for sheet in holders)
    return len(holders), unique > 0, rank, unique, -place


def with_ids(sheets: Sequence[Sheet], identifier: str) -> list[Sheet]:
    """Give each table its id column: the common one, or another that holds the same ids under another name."""
    holders = [sheet for sheet in sheets if identifier in sheet.cells.columns]
    known = {value for sheet in holders for value in sheet.cells[identifier].unique()}
    return [
        replace(sheet, id=identifier if identifier in sheet.cells.columns else same_ids(sheet, known))
        for sheet in sheets
    ]


def same_ids(sheet: Sheet, known: set[str]) -> str:
    """Return the column that sounds like an id and holds mostly known ids; "" where there is none."""
    for name, column in sheet.columns.items():
        if id_rank(column) > 0 and sheet.cells[name].isin(known).mean() > 0.5:
            return name
    return ""


def code_column(sheet: Sheet) -> str | None:
    """Return the column of a long table that says what the event was."""
    patients = sheet.cells[sheet.id].nunique()
    ranked = {}
    for at, (name, column) in enumerate(sheet.columns.items()):
        named = 3 if CODES.fullmatch(column.plain) else 2 if column.has(CODES) else 0
        words = not column.numbers and not column.dates
        fits = 2 <= column.distinct < column.known and column.distinct * patients <= LARGEST_WIDE
        if fits and not is_row_name(column) and (named or (words and "id" not in column.words)):
            ranked[name] = (named, column.known > column.rows / 2, -at)
    return max(ranked, key=lambda name: ranked[name], default=None)


def value_column(sheet: Sheet) -> str | None:
    """Return the column of a long table that holds the measured number, where every value is one."""
    by_name = {column.plain: column for column in sheet.columns.values()}
    found = [by_name[name] for name in VALUES if name in by_name]
    for column in found:
        cells = sheet.cells[column.name].str.strip()
        blank = cells == ""
        if column.numbers and column.known == int((~blank).sum()) and column.known > column.rows / 2:
            return column.name
    return None


def time_column(sheet: Sheet) -> str | None:
    """Return the column of a long table that says when, where every row has a time that sorts."""
    by_name = {column.plain: column for column in sheet.columns.values()}
    for column in (by_name[name] for name in TIMES if name in by_name):
        if column.known == column.rows and (column.numbers or sorts(sheet.cells[column.name], sheet, column)):
            return column.name
    return None


def sorts(cells: pd.Series, sheet: Sheet, column: Column) -> bool:
    """Whether the reader would take these times."""
    try:
        times(cells, Path(sheet.path), column.name)
    except CohortError:
        return False
    return True


def outcomes(sheets: Sequence[Sheet]) -> list[Candidate]:
    """Return what might be the outcome, the most likely first."""
    found = [survival for sheet in sheets if not sheet.long for survival in survivals(sheet)]
    for sheet in sheets:
        if sheet.long or not sheet.id:
            continue
        for column in sheet.columns.values():
            rank = outcome_rank(column, labels=sheet.labels)
            if rank > 2 or (rank and len(sheet.columns) <= CROWD):
                found.append(Candidate(sheet, column, rank + int(column.distinct == 2)))
    return sorted(found, key=lambda candidate: -candidate.rank)


def survivals(sheet: Sheet) -> list[Candidate]:
    """Return the pair of a time and an event, where a table has both."""
    spans = [
        column
        for column in sheet.columns.values()
        if TIME_TO_EVENT.fullmatch(column.plain) and column.numbers and column.distinct > min(FEW, column.known / 2)
    ]
    events = [
        column
        for column in sheet.columns.values()
        if EVENT_SEEN.fullmatch(column.plain) and column.levels and set(map(str.lower, column.levels)) <= EVENT_VALUES
    ]
    if not spans or not events or (pd.to_numeric(sheet.cells[spans[0].name], errors="coerce") < 0).any():
        return []
    return [Candidate(sheet, spans[0], 10 if sheet.labels else 6, events[0])]


def groups_of(sheets: Sequence[Sheet], outcome: Sequence[Column | None]) -> dict[str, Sheet]:
    """Return the columns that seem to group patients, each with the first table of one row a patient that has it."""
    found: dict[str, Sheet] = {}
    for sheet in sheets:
        for name, column in sheet.columns.items() if sheet.id and not sheet.long else ():
            if group_kind(column) is not None and column not in outcome:
                found.setdefault(name, sheet)
    return found
