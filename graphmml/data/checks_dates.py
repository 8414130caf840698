"""Findings on dates: read as names, in the future, after the outcome."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Asked, setting, some
from graphmml.data.cohort import Cohort, name_columns
from graphmml.data.findings import Finding, Status

FEWEST = 10
"""A column of fewer dates is no column of dates."""

TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
FORMATS: tuple[tuple[str, str], ...] = (
    (r"(\d{4})-(\d{1,2})-(\d{1,2})" + TIME, "ymd"),
    (r"(\d{4})/(\d{1,2})/(\d{1,2})" + TIME, "ymd"),
    (r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + TIME, "dmy"),
    (r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})" + TIME, "dmy"),
    (r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?[ -](\d{4})" + TIME, "dby"),
)
"""How dates are written -> the order of day, month and year; day and month may be the other way round (USA)."""
ANY_DATE = "|".join(f"(?:{pattern})" for pattern, _ in FORMATS)
SHORTEST = len("1.1.1970")

MONTHS = {name: at + 1 for at, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"))}
INDEX = re.compile(
    r"(?:^|_)(?:outcome|index|event|diagnosis|dx|label|death|endpoint|relapse|recurrence)_?(?:date|day|dt|time)?$"
    r"|(?:^|_)date_?(?:of_?)?(?:outcome|index|event|diagnosis|dx|label|death|endpoint|relapse|recurrence)$"
)


class Dates(NamedTuple):
    """One column of dates."""

    modality: str
    column: str
    days: np.ndarray  # days since 1970, NaN where missing or not read: [patient]
    unread: int


def date_share(column: pd.Series) -> float:
    """Return the share of the values of a column of names that are written as dates."""
    levels = column.value_counts()
    if not len(levels):
        return 0.0
    text = levels.index.to_series().astype("str").str.strip()
    if int(text.str.len().max()) < SHORTEST:
        return 0.0
    looks = text.str.fullmatch(ANY_DATE).to_numpy(dtype=bool)
    return float(levels.to_numpy()[looks].sum() / levels.sum())


def dates_of(cohort: Cohort, share: float) -> Iterator[Dates]:
    """Yield the columns of names that hold dates."""
    for modality, table in cohort.tables.items():
        for column in name_columns(table):
            values = table[column]
            if values.notna().sum() >= FEWEST and date_share(values) >= share:
                days = read_days(values)
                yield Dates(modality, str(column), days, int(values.notna().sum() - (~np.isnan(days)).sum()))


def read_days(column: pd.Series) -> np.ndarray:
    """Return dates as days since 1970, NaN where there is none or none that exists."""
    codes, levels = column.factorize()
    text = pd.Series(levels, dtype="str").str.strip()
    days = np.full(len(text) + 1, np.nan)
    for pattern, order in FORMATS:
        parts = text.str.extract(f"^{pattern}$")
        fits = parts[0].notna().to_numpy()
        if fits.any():
            days[:-1][fits] = in_order(parts[fits], order)
    return np.asarray(days[codes])


def in_order(parts: pd.DataFrame, order: str) -> np.ndarray:
    """Return days of dates whose parts stand in an order; day and month are exchanged where a month is above 12."""
    year, first, second = (parts[at] for at in ((0, 1, 2) if order == "ymd" else (2, 0, 1)))
    if order == "dby":
        second = second.str[:3].str.casefold().map(MONTHS)
    month, day = (first, second) if order == "ymd" else (second, first)
    month, day = pd.to_numeric(month, errors="coerce"), pd.to_numeric(day, errors="coerce")
    if bool((month > 12).any()) and not bool((day > 12).any()):
        month, day = day, month
    read = pd.to_datetime(pd.DataFrame({"year": year.astype(int), "month": month, "day": day}), errors="coerce")
    since = (read - pd.Timestamp("1970-01-01")).dt.days
    return np.asarray(since.to_numpy(dtype=np.float64))


def dates(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM114, GM116 and GM605: dates as names, dates that cannot be, dates after the outcome."""
    columns = list(dates_of(cohort, asked.limit("GM114", "share")))
    return [*as_names(columns, asked), *impossible(columns, asked), *after_outcome(columns, asked)]


def as_names(columns: list[Dates], asked: Asked) -> list[Finding]:
    """GM114: dates are read as names, so that neither order nor distance is left of them."""
    found = []
    for modality in dict.fromkeys(one.modality for one in columns):
        here = [one for one in columns if one.modality == modality]
        said = some([one.column + unread(one, asked) for one in here])
        message = f"modality '{modality}': {len(here)} column(s) of dates are read as names, each day its own: {said}"
        names = [one.column for one in here]
        fix = f"write them as numbers, such as days since admission, or {setting('drop', names, modality)}"
        found.append(Finding("GM114", "warn", message, fix))
    return found


def unread(one: Dates, asked: Asked) -> str:
    """Say how many values of a column are no date that exists."""
    return f" ({asked.counted(one.unread)} value(s) are no date)" if one.unread else ""


def impossible(columns: list[Dates], asked: Asked) -> list[Finding]:
    """GM116: dates in the future, or so long ago that they stand for missing."""
    today = (datetime.now(UTC).replace(tzinfo=None) - datetime(1970, 1, 1)).days
    oldest = (pd.Timestamp("1900-01-02") - pd.Timestamp("1970-01-01")).days
    found = []
    for one in columns:
        known = one.days[~np.isnan(one.days)]
        ahead, old = int((known > today + 1).sum()), int((known < oldest).sum())
        said = [
            f"{asked.counted(count)} {what}"
            for count, what in ((ahead, "in the future"), (old, "on 1900-01-01 or before"))
            if count
        ]
        shifted = bool(len(known) and ahead >= asked.limit("GM116", "shifted") * len(known))
        if said and not shifted:  # where all lie ahead, dates were moved on purpose, to hide them
            message = f"modality '{one.modality}': {one.column} has dates that cannot be: {', '.join(said)}"
            fix = f"mend them in the file, or list what stands for missing: na under [modality.{one.modality}]"
            found.append(Finding("GM116", "warn", message, fix))
    return found


def after_outcome(columns: list[Dates], asked: Asked) -> list[Finding]:
    """GM605: dates later than the date of the outcome, where a column is named for that."""
    index = [one for one in columns if INDEX.search(normal(one.column))]
    if not index:
        why = "no column of dates is named for the outcome, such as diagnosis_date or index_date"
        return [Finding("GM605", "n.a.", why)]
    found = []
    for one in columns:
        if one in index:
            continue
        apart = one.days - index[0].days
        known = ~np.isnan(apart)
        late = int((apart[known] > 0).sum())
        if known.sum() < FEWEST or late < asked.limit("GM605", "warn") * known.sum():
            continue
        status: Status = "fail" if late >= asked.limit("GM605", "fail") * known.sum() else "warn"
        message = (
            f"modality '{one.modality}': {one.column} is later than {index[0].column} in {asked.counted(late)} of "
            f"{asked.counted(int(known.sum()))} patients who have both: it was not known before the outcome"
        )
        fix = f"leave out what was written after the outcome: {setting('drop', [one.column], one.modality)}"
        found.append(Finding("GM605", status, message, fix))
    return found


def normal(name: str) -> str:
    """Write a column's name in small letters with underscores."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()).strip("_")
