"""Findings on single columns: text that should be numbers, spellings, sentinels, too many levels."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Counted, setting, some
from graphmml.data.cohort import Cohort, name_columns, number_columns
from graphmml.data.columns import is_number
from graphmml.data.findings import Finding

NUMERIC = (
    r"[<>≤≥=~]{0,2}\s*[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?\s*(?:%|\s[A-Za-zµ/%^0-9]{1,10}|[a-zµ]{2,4}(?:/[A-Za-z]{1,3})?)?"
)
CODE = r"[A-Za-z]\d[\w.]*"
MOSTLY = 0.8
MANY_LEVELS = 50
SENTINELS = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, 9.0, 99.0, 888.0, 999.0, 8888.0, 9999.0, 99999.0})
SPIKE = 5


def almost_numbers(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM108: columns of names of which most look like numbers."""
    found = []
    for modality, table in cohort.tables.items():
        columns = {column: numeric_share(table[column]) for column in name_columns(table)}
        chosen = [column for column, share in columns.items() if share >= MOSTLY]
        if chosen:
            shares = some([f"{column} ({100 * columns[column]:.0f} %)" for column in chosen])
            message = f"modality '{modality}' has {len(chosen)} column(s) of text that look numeric: {shares}"
            found.append(Finding("GM108", "warn", message, numeric_fix(table[chosen], counted, modality)))
    return found


def numeric_share(column: pd.Series) -> float:
    """Return the share of values that look like numbers; 0 for plain numbers (declared names) and for codes."""
    known = column.dropna()
    levels = known.value_counts()
    text = levels.index.to_series().astype("str")
    plain = pd.to_numeric(text, errors="coerce").notna().to_numpy()
    rest = text[~plain]
    if rest.empty or bool(rest.str.fullmatch(CODE).mean() > 0.5):
        return 0.0
    looks = plain | text.str.fullmatch(NUMERIC).to_numpy(dtype=bool)
    return float(levels.to_numpy()[looks].sum() / len(known))


def numeric_fix(table: pd.DataFrame, counted: Counted, modality: str) -> str:
    """Offer the words that stand in the way as spellings of missing; a word of few patients is not shown."""
    levels = pd.concat([table[column] for column in table]).value_counts()
    frequent = [str(level) for level, times in levels.items() if counted(int(times)) == str(times)]
    words = [word for word in frequent if not any(sign.isdigit() for sign in word)]
    clean = f"write plain numbers without units or signs, or {setting('categorical', list(table.columns), modality)}"
    return f"{setting('na', words, modality)}; else {clean}" if words else clean


def spellings(cohort: Cohort, counted: Counted) -> list[Finding]:
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


def sentinels(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM110: numbers that stand for missing: -9, 999, impossible zeros."""
    found = []
    for modality, table in cohort.tables.items():
        numbers = number_columns(table)
        marks = {column: suspects(table[column].dropna().to_numpy()) for column in numbers}
        marked = [column for column in numbers if marks[column]]
        if marked:
            said = [
                f"{column} = {value:g} in {counted(times)} patients"
                for column in marked
                for value, times in marks[column]
            ]
            message = f"modality '{modality}': values far from all others that may mean missing: {some(said)}"
            values = sorted({value for column in marked for value, _ in marks[column]})
            true = [column for column in table if column not in marked and holds(table[column], values)]
            found.append(Finding("GM110", "warn", message, sentinel_fix(values, marked, true, modality)))
    return found


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


def suspects(values: np.ndarray) -> list[tuple[float, int]]:
    """Return the values of a column that may mean missing, each with how often it stands there."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) < 3:
        return []
    whole = levels == np.round(levels)
    ends = np.isin(np.arange(len(levels)), (0, len(levels) - 1))
    tried = np.flatnonzero(whole & (ends | np.isin(levels, list(SENTINELS)))).tolist()
    return [(float(levels[at]), int(counts[at])) for at in tried if means_missing(levels, counts, at, whole.all())]


def means_missing(levels: np.ndarray, counts: np.ndarray, at: int, whole: bool) -> bool:
    """Whether one value lies beyond the fence of the rest, apart from it, and often enough for what it is."""
    value, often = levels[at], counts[at] >= max(SPIKE, 0.005 * counts.sum())
    rest, times = np.delete(levels, at), np.delete(counts, at)
    low, high = rest[np.searchsorted(np.cumsum(times), np.array([0.25, 0.75]) * times.sum())]
    spread = (high - low) or (rest[-1] - rest[0])
    apart = np.abs(rest - value).min() >= spread
    beyond = max(low - value, value - high) / spread
    if value in SENTINELS:
        return bool(beyond > 1.5 and (apart or (often and abs(value) > 9)) and (often or abs(value) > 9))
    if value == 0 and whole and len(rest) >= 10:
        return bool(beyond > 3 and apart and rest[0] > 0)
    return bool(often and apart and beyond > 3 and len(rest) >= 10)


def many_levels(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM113: columns of names with more levels than can be learned from."""
    found = []
    for modality, table in cohort.tables.items():
        names = table[name_columns(table)]
        levels, known = names.nunique(), names.notna().sum()
        free = [name for name in names if levels[name] > 20 and levels[name] > 0.5 * known[name]]
        wide = [name for name in names if levels[name] > MANY_LEVELS and name not in free]
        if free:
            message = f"modality '{modality}': free text or an id, hardly a value twice: {with_levels(free, levels)}"
            found.append(Finding("GM113", "warn", message, setting("drop", free, modality)))
        if wide:
            message = f"modality '{modality}': more than {MANY_LEVELS} levels in {with_levels(wide, levels)}"
            fix = f"shorten the codes (for instance to three characters) or {setting('drop', wide, modality)}"
            found.append(Finding("GM113", "warn", message, fix + "; else only the most frequent levels count"))
    return found


def with_levels(columns: list[str], levels: pd.Series) -> str:
    """Name columns with their number of levels."""
    return some([f"{column} ({int(levels[column])} levels)" for column in columns])
