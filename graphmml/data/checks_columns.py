"""Findings on single columns: spellings, sentinels, too many levels."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from graphmml.data.checks_dates import date_share
from graphmml.data.checks_formats import numeric_share
from graphmml.data.checks_words import Asked, setting, some
from graphmml.data.cohort import Cohort, name_columns, number_columns
from graphmml.data.columns import is_number
from graphmml.data.findings import Finding

SENTINELS = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, 9.0, 99.0, 888.0, 999.0, 8888.0, 9999.0, 99999.0})


def spellings(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM109: levels, or columns of a long table, that differ only by case or blanks."""
    found = []
    for modality, table in cohort.tables.items():
        chosen = [str(column) for column in name_columns(table) if two_spellings(table[column].dropna().unique())]
        if chosen:
            message = f"modality '{modality}': levels that differ only by case or blanks in {some(chosen)}"
            found.append(Finding("GM109", "warn", message, "write each level one way in the file"))
        pairs = two_spellings(table.columns)
        if pairs:
            message = (
                f"modality '{modality}': {pairs} column name(s) or code(s) differ from another only by case or blanks"
            )
            found.append(Finding("GM109", "warn", message, "write each code one way in the file"))
    if cohort.outcome is not None and two_spellings(cohort.outcome.classes):
        message = f"classes of outcome '{cohort.outcome.name}' differ only by case or blanks"
        found.append(Finding("GM109", "fail", message, "write each class one way in the file"))
    return found


def two_spellings(values: Iterable[object]) -> int:
    """Count the values that are another value once case and blanks are set aside."""
    text = pd.Series(list(values), dtype="str")
    return int(text.str.casefold().str.replace(r"[\s_-]+", " ", regex=True).str.strip().duplicated().sum())


def sentinels(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM110: numbers that stand for missing: -9, 999, impossible zeros."""
    found = []
    for modality, table in cohort.tables.items():
        numbers = number_columns(table)
        cells = table[numbers].to_numpy(dtype=np.float64)
        marks = {column: suspects(cells[:, at], asked) for at, column in enumerate(numbers)}
        marked = [column for column in numbers if marks[column]]
        if marked:
            said = [
                f"{column} = {shown(value, times, asked)} in {asked.counted(times)} patients"
                for column in marked
                for value, times in marks[column]
            ]
            message = f"modality '{modality}': values far from all others that may mean missing: {some(said)}"
            values = sorted({value for column in marked for value, _ in marks[column]})
            true = [column for column in table if column not in marked and holds(table[column], values)]
            found.append(Finding("GM110", "warn", message, sentinel_fix(values, marked, true, modality)))
    return found


def shown(value: float, times: int, asked: Asked) -> str:
    """Show a usual mark of missing, or a value that many patients have; never one patient's own."""
    public = value in SENTINELS or value == 0 or times >= asked.min_cell
    return f"{value:g}" if public else "a value at the end"


def holds(column: pd.Series, values: list[float]) -> bool:
    """Whether any of these numbers stands in the column, as a number or as a name."""
    return bool(column.isin(values if is_number(column) else [f"{value:g}" for value in values]).any())


def sentinel_fix(values: list[float], marked: list[str], true: list[str], modality: str) -> str:
    """Offer `na`, which acts on the whole modality, unless another column holds the same number truly."""
    if not true:
        return setting("na", [f"{value:g}" for value in values], modality)
    return (
        f"empty these cells of {some(marked)} in the file (na under [modality.{modality}] would also empty "
        f"{some(true[:1])}, where the number seems to be true)"
    )


def suspects(values: np.ndarray, asked: Asked) -> list[tuple[float, int]]:
    """Return the values of a column that may mean missing, each with how often it stands there."""
    levels, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if len(levels) < 3:
        return []
    whole = levels == np.round(levels)
    ends = np.isin(np.arange(len(levels)), (0, len(levels) - 1))
    tried = np.flatnonzero(whole & (ends | np.isin(levels, list(SENTINELS)))).tolist()
    return [(float(levels[at]), int(counts[at])) for at in tried if means_missing(levels, counts, at, asked)]


def means_missing(levels: np.ndarray, counts: np.ndarray, at: int, asked: Asked) -> bool:
    """Whether one value lies beyond the fence of the rest, apart from it, and often enough for what it is."""
    usual, unusual = asked.limit("GM110", "fence_usual"), asked.limit("GM110", "fence_unusual")
    whole = bool((levels == np.round(levels)).all())
    value, often = levels[at], counts[at] >= max(asked.limit("GM110", "patients"), 0.005 * counts.sum())
    rest, times = np.delete(levels, at), np.delete(counts, at)
    low, high = rest[np.searchsorted(np.cumsum(times), np.array([0.25, 0.75]) * times.sum())]
    spread = (high - low) or (rest[-1] - rest[0])
    apart = np.abs(rest - value).min() >= spread
    beyond = max(low - value, value - high) / spread
    if value in SENTINELS:
        return bool(beyond > usual and (apart or (often and abs(value) > 9)) and (often or abs(value) > 9))
    if value == 0 and whole and len(rest) >= 10:
        return bool(beyond > unusual and apart and rest[0] > 0)
    return bool(often and apart and beyond > unusual and len(rest) >= 10)


def many_levels(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM113: columns of names with more levels than can be learned from, but for dates and what GM108 warns of."""
    found = []
    numeric = asked.limit("GM108", "share")
    for modality, table in cohort.tables.items():
        text = [column for column in name_columns(table) if date_share(table[column]) < 0.5]
        names = table[[column for column in text if numeric_share(table[column]) < numeric]]
        levels, known = names.nunique(), names.notna().sum()
        free = [name for name in names if levels[name] > max(20, asked.limit("GM113", "distinct") * known[name])]
        most = int(asked.limit("GM113", "levels"))
        wide = [name for name in names if levels[name] > most and name not in free]
        if free:
            message = f"modality '{modality}': free text or an id, hardly a value twice: {with_levels(free, levels)}"
            found.append(Finding("GM113", "warn", message, setting("drop", free, modality)))
        if wide:
            message = f"modality '{modality}': more than {most} levels in {with_levels(wide, levels)}"
            fix = f"shorten the codes (for instance to three characters) or {setting('drop', wide, modality)}"
            found.append(Finding("GM113", "warn", message, fix + "; else only the most frequent levels count"))
    return found


def with_levels(columns: list[str], levels: pd.Series) -> str:
    """Name columns with their number of levels."""
    return some([f"{column} ({int(levels[column])} levels)" for column in columns])
