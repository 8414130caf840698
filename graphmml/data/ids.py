"""Join tables by patient id: aligned, reported, and never by a guess."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from graphmml.errors import CohortError


def union(tables: Mapping[str, pd.DataFrame]) -> pd.Index:
    """Return every id of the tables once, in order of first appearance."""
    ids = pd.Index([], dtype="str")
    for table in tables.values():
        ids = ids.append(table.index[~among(table.index, ids)])
    return ids.astype("str")


def among(ids: pd.Index | pd.Series, others: pd.Index) -> np.ndarray:
    """Return which ids occur among others: bool [id].

    `isin` of pandas 3 walks the others one by one where pyarrow is installed, a hundred times slower than this.
    """
    return np.asarray(others.unique().get_indexer(pd.Index(ids)) >= 0)


def canonical(ids: pd.Index) -> pd.Series:
    """Return each id without what spreadsheets add or take: blanks, leading zeros, a trailing .0."""
    text = pd.Series(ids.astype("str"))
    bare = text.str.strip().str.replace(r"\.0$", "", regex=True)
    return bare.str.replace(r"^0+(?=[0-9])", "", regex=True)


def refuse_variants(ids: pd.Index, where: str) -> None:
    """Raise where two ids differ only in blanks, leading zeros or a trailing .0."""
    forms = canonical(ids)
    repeated = forms.duplicated(keep=False)
    if repeated.any():
        raise CohortError(
            f"{where}: {forms[repeated].nunique()} patient(s) seem to be written in two ways that differ only by "
            "leading zeros, blanks or a trailing .0 (like 007 and 7); write each id the same way in every file "
            "(graphmml check says which)"
        )


def with_ids(frames: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    """Return the tables, or raise where several are indexed by nothing but row numbers, as pandas reads a CSV."""
    plain = [
        f"'{modality}'"
        for modality, frame in frames.items()
        if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    ]
    if len(plain) > 1:
        raise CohortError(
            f"tables {', '.join(plain)} are indexed by row numbers, and would be joined by them, though files need not "
            "keep one order; index them by patient id, frame.set_index('patient_id'), or where row numbers are the ids "
            "say so, frame.rename_axis('row')"
        )
    return frames


def refuse_strangers(tables: Mapping[str, pd.DataFrame]) -> None:
    """Raise for a table none of whose ids occurs in any other table."""
    for said in strangers(tables):
        raise CohortError(f"{said}; check that the id column is the right one and written the same way")


def strangers(tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Say of each table that shares no id with any other that it does."""
    if len(tables) < 2:
        return
    ids = union(tables)
    holders = np.sum([among(ids, table.index) for table in tables.values()], axis=0)
    shared = ids[holders > 1]
    for name, table in tables.items():
        if not among(table.index, shared).any():
            others = len(ids) - table.index.nunique()
            yield f"no id of table '{name}' ({len(table)} rows) occurs in the other tables ({others} patients)"


def align(values: pd.Series | pd.DataFrame, ids: pd.Index, what: str) -> tuple[Any, str | None]:
    """Lay values or a table out by the cohort's ids; also say how many rows belong to nobody."""
    strangers = int((~among(values.index, ids)).sum())
    if strangers == len(values):
        raise CohortError(
            f"no id of the {what} ({len(values)} rows) occurs among the {len(ids)} patients; "
            "check that the id column is the right one and written the same way"
        )
    note = f"{strangers} rows of the {what} belong to no patient of the tables" if strangers else None
    return values.reindex(ids), note


def align_modality(table: pd.DataFrame, ids: pd.Index, name: str, taken: Collection[str]) -> tuple[Any, str | None]:
    """Lay out a further table by the cohort's ids; also say how many of its rows belong to nobody."""
    if name in taken:
        raise CohortError(f"the cohort has a table '{name}' already; give the new one another name")
    refuse_variants(union({"cohort": pd.DataFrame(index=ids), name: table}), f"table '{name}' and the cohort")
    return align(table, ids, f"table '{name}'")
