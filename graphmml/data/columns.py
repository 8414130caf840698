"""Turn a column of text, or of anything pandas holds, into numbers or names.

A modality table knows two kinds of column: *numbers* (float64, NaN where missing) and *names* (str, NaN
where missing). Everything after the reader relies on this.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from graphmml.data.cells import all_boolean, refuse_cells
from graphmml.errors import CohortError

MISSING = frozenset(
    {"", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "-nan", "-NaN"}
)
"""Spellings of missing in a feature column; `na` in cohort.toml adds to them. Ids and outcomes know only ""."""
LIKE_MISSING = frozenset(
    {"na", "n/a", "nan", ".", "?", "missing", "unk", "unknown", "not available", "not known", "not recorded"}
)
"""What in any case of letters stands for missing among classes more often than for one."""

FLOAT32_MAX = float(np.finfo(np.float32).max)
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def is_number(column: pd.Series) -> bool:
    """Whether a normalised column holds numbers (else names)."""
    return bool(pd.api.types.is_float_dtype(column))


def like_missing(name: str) -> bool:
    """Whether a class is spelt as what is missing mostly is."""
    return name.strip() in MISSING or name.strip().lower() in LIKE_MISSING


def parse(text: pd.Series, *, where: str, categorical: bool = False, na: Iterable[str] = ()) -> pd.Series:
    """Turn a column of raw text into numbers if every value is one, else (or where declared) into names.

    Names stay as they are written, but for blanks around them: "428.0" and "428" are two codes of ICD-9. What is
    one level where a gap made 1 to 1.0 is for TableEncoder to say, who sees what training holds. Raises CohortError
    for decimal commas, infinities and numbers beyond 32-bit floats.
    """
    codes, levels = pd.factorize(text.astype("str"))  # a spelling is read once, however many patients have it
    words = [level.strip() for level in levels.to_numpy("object")]
    known = np.array([*words, None], dtype="object")  # the last for code -1, no text at all
    absent = MISSING | set(na)
    known[[word is None or word in absent for word in known]] = np.nan
    numbers = pd.to_numeric(known, errors="coerce").astype("float64")
    sentinel = np.isin(numbers, [float(word) for word in na if NUMBER.fullmatch(word)])  # -9 also stands for -9.0
    known[sentinel], numbers[sentinel] = np.nan, np.nan
    unread = pd.notna(known) & np.isnan(numbers)
    if not categorical and not unread.any():
        return checked_numbers(pd.Series(numbers[codes], index=text.index), where)
    if not categorical:
        refuse_decimal_commas(known, unread, np.bincount(codes % len(known), minlength=len(known)), where)
    return names(pd.Series(known[codes], index=text.index))


def normalise(column: pd.Series, *, where: str, categorical: bool = False) -> pd.Series:
    """Turn a pandas column into numbers or names (a category is names); dates must be made numbers first.

    True and False are 1 and 0, with gaps among them or without. Text stays as it is written; of numbers that are
    declared names, 1.0 is written as 1.
    """
    refuse_cells(column, where)
    categorical = categorical or isinstance(column.dtype, pd.CategoricalDtype)
    numeric = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
    if numeric and not categorical:
        return checked_numbers(column.astype("float64"), where)
    if not categorical and all_boolean(column):
        return column.astype("boolean").astype("float64")
    text = column.astype("object").map(lambda value: "" if pd.isna(value) else label(value)).astype("str")
    return parse(text, where=where, categorical=categorical)


def checked_numbers(numbers: pd.Series, where: str) -> pd.Series:
    """Pass finite numbers on; refuse the others, since one infinity poisons every mean."""
    beyond = numbers.abs() > FLOAT32_MAX
    if beyond.any():
        raise CohortError(
            f"{where} holds {int(beyond.sum())} infinite or overflowing value(s); "
            "write them as empty cells, or cap them, then read again"
        )
    return numbers


def refuse_decimal_commas(known: np.ndarray, unread: np.ndarray, patients: np.ndarray, where: str) -> None:
    """Raise where every value that is no number would be one, were its comma a point; values come with counts."""
    if not all(DECIMAL_COMMA.fullmatch(word) for word in known[unread]):
        return
    written = patients[pd.notna(known)].sum()
    raise CohortError(
        f"{where}: {patients[unread].sum()} of {written} values are written with a decimal comma "
        "(like 1,5); write a decimal point, or list the column under categorical if these are names"
    )


def label(value: object) -> str:
    """Write a value as text; a float that is a whole number as that number, since a gap makes 1 to 1.0."""
    return str(int(value)) if isinstance(value, float | np.floating) and value.is_integer() else str(value)


def tidy_number(numbers: pd.Series) -> pd.Series:
    """Write numbers as names, 1.0 as 1; what is missing stays missing."""
    return names(numbers.map(label, na_action="ignore"))


def names(column: pd.Series) -> pd.Series:
    """Return the column as text with NaN where missing."""
    return column.astype("str").mask(column.isna())
