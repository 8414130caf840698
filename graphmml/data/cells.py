"""What a cell of a user's DataFrame or Series may not be: a date, a duration, several values in one."""

from collections.abc import Iterable
from datetime import date, time, timedelta

import numpy as np
import pandas as pd

from graphmml.data.kinds import with_article
from graphmml.errors import CohortError

DATES = "dates; turn them into days since an origin you choose, or where they tell groups into text: .astype(str)"
DURATIONS = "durations; turn them into a number, for instance .dt.total_seconds() / 86400 for days"
CLOCK = "times of day; turn them into a number, for instance of hours"
BOOLEAN = (bool, np.bool_)


def refuse_cells(column: pd.Series, where: str) -> None:
    """Raise CohortError for what can be read neither as numbers nor as names, and say in how many cells it is."""
    said = of_times(column.dtype)
    if said is not None:
        raise CohortError(f"{where} holds {said}")
    if is_plain(column):
        return
    kinds = kinds_in(column)
    for kind in kinds.unique():
        count = f"{int((kinds == kind).sum())} of {len(column)} cells"
        said = of_times(kind)
        if said is not None:
            raise CohortError(f"{where} holds {said} ({count})")
        if issubclass(kind, complex | np.complexfloating | bytes) or (
            issubclass(kind, Iterable) and not issubclass(kind, str)
        ):
            raise CohortError(
                f"{where} holds {with_article(kind.__name__)} in {count}; one number or one name a cell is wanted: "
                "give what you need of it a column of its own"
            )


def of_times(kind: object) -> str | None:
    """Say what a dtype or a type of cells is of dates and times, and what to do; None where it is neither."""
    if pd.api.types.is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype):
        return DATES
    if pd.api.types.is_timedelta64_dtype(kind):
        return DURATIONS
    if not isinstance(kind, type):
        return None
    if issubclass(kind, date | np.datetime64 | pd.Period):
        return DATES
    if issubclass(kind, timedelta | np.timedelta64):
        return DURATIONS
    return CLOCK if issubclass(kind, time) else None


def is_plain(column: pd.Series) -> bool:
    """Whether the dtype alone says that a column holds numbers, booleans or text."""
    dtype = column.dtype
    number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
    return bool(number or isinstance(dtype, pd.StringDtype))


def kinds_in(column: pd.Series) -> pd.Series:
    """Return the type of every cell that is not missing."""
    return column.astype("object").dropna().map(type)


def all_boolean(column: pd.Series) -> bool:
    """Whether a column of objects holds True and False, and nothing else but gaps."""
    return column.dtype == "object" and bool(len(kinds := kinds_in(column))) and bool(kinds.isin(BOOLEAN).all())
