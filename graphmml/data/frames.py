"""A user's DataFrames and Series: text ids, text column names, columns of numbers or names."""

import pandas as pd

from graphmml.data.columns import normalise
from graphmml.data.kinds import wanted
from graphmml.errors import CohortError


def text_ids(index: pd.Index, where: str) -> pd.Index:
    """Return the ids of a user's index as text, and refuse one that is missing."""
    if index.isna().any():
        raise CohortError(f"{where} has {int(index.isna().sum())} row(s) without an id; add or drop them")
    return index.map(str).astype("str")


def by_text(series: pd.Series) -> pd.Series:
    """Index a series by text ids, and refuse an id that repeats."""
    text = series.set_axis(text_ids(series.index, f"'{series.name}'"))
    if text.index.has_duplicates:
        again = int(text.index.duplicated().sum())
        raise CohortError(f"{again} id(s) of '{series.name}' repeat; one row a patient is wanted")
    return text


def named(frame: pd.DataFrame, modality: str, *, categorical: bool = False) -> pd.DataFrame:
    """Normalise a user's DataFrame: text ids, text column names, columns of numbers or names."""
    wanted(frame, pd.DataFrame)
    if frame.empty:
        raise CohortError(f"table '{modality}' is empty; rows of patients and columns of features are wanted")
    ids = text_ids(frame.index, f"table '{modality}'")
    if ids.has_duplicates:
        again = int(ids.duplicated().sum())
        raise CohortError(f"table '{modality}': {again} id(s) repeat; one row a patient is wanted")
    again = int(frame.columns.map(str).duplicated().sum())
    if again:
        raise CohortError(f"table '{modality}': {again} column name(s) repeat; give each column a name of its own")
    columns = {
        str(column): normalise(frame[column], where=f"table '{modality}', column '{column}'", categorical=categorical)
        for column in frame.columns
    }
    return pd.DataFrame(columns).set_axis(ids, axis=0)
