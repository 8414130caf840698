"""Findings on whole tables: ids, duplicated patients, constant and duplicated columns."""

import re

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Counted, many, setting, some
from graphmml.data.cohort import Cohort
from graphmml.data.columns import is_number
from graphmml.data.findings import Finding

TELLING_CELLS = 5
"""So many unusual cells at least must two patients share before we call them duplicates."""
BITS_TO_SPARE = 20.0
"""By so much (2 to that power) must chance be excluded."""
TELLING_ROWS = 10
"""In so many patients at least must two columns leave their commonest value before we call them duplicates."""


def joins(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM101: rows that belong to no patient."""
    if not cohort.notes:
        return []
    said = "; ".join(re.sub(r"^\d+", lambda found: counted(int(found[0])), note) for note in cohort.notes)
    return many("GM101", "warn", said, "write the ids the same way in every file, or delete these rows")


def near_ids(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM103: ids that would be one patient, were upper and lower case the same."""
    forms = pd.Series(cohort.ids.astype("str")).str.casefold()
    patients = int(forms[forms.duplicated(keep=False)].nunique())
    if not patients:
        return []
    return many(
        "GM103",
        "warn",
        f"{counted(patients)} patient(s) stand under ids that differ only by upper and lower case",
        "write each id the same way in every file, for instance all in upper case",
    )


def twins(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM104: patients with the same value in every column of every modality, beyond chance."""
    rows = np.zeros(len(cohort), dtype=np.uint64)
    for at, table in enumerate(cohort.tables.values()):
        with np.errstate(over="ignore"):
            hashes = pd.util.hash_pandas_object(table, index=False).to_numpy()
            rows = rows * np.uint64(1_000_003) + hashes * np.uint64(2 * at + 1)
    alike = pd.Series(rows)
    candidates = np.flatnonzero(alike.duplicated(keep=False))
    if not len(candidates):
        return []
    cells, bits = surprise(cohort, candidates)
    real = candidates[(cells >= TELLING_CELLS) & (bits >= np.log2(len(cohort)) + BITS_TO_SPARE)]
    if not len(real):
        return []
    again = int(alike.iloc[real].duplicated().sum())
    differ = contradictions(cohort, alike.iloc[real], counted)
    return many(
        "GM104",
        "warn",
        f"{counted(again)} patient(s) repeat another one in every column of every modality{differ}",
        "keep one row a patient; where two rows are the same person on purpose, name a column of persons: "
        "[group.person] with block = true, so that they stay on one side of every fold",
    )


def contradictions(cohort: Cohort, alike: pd.Series, counted: Counted) -> str:
    """Say in how many sets of alike patients the outcomes differ."""
    if cohort.outcome is None:
        return ""
    values = cohort.outcome.values.iloc[alike.index].reset_index(drop=True)
    sets = int((values.groupby(alike.to_numpy()).nunique() > 1).sum())
    return f"; in {counted(sets)} set(s) of them the outcomes differ" if sets else ""


def surprise(cohort: Cohort, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count each row's cells other than the column's commonest value, and the bits that they tell."""
    cells, bits = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows))
    for table in cohort.tables.values():
        for column in table.columns:
            values = table[column]
            shares = values.value_counts(normalize=True)
            if shares.empty:
                continue
            share = values.iloc[rows].map(shares).to_numpy(dtype=np.float64)
            telling = share < shares.iloc[0] if shares.iloc[0] > 0.5 else ~np.isnan(share)
            cells += telling
            bits[telling] -= np.log2(share[telling])
    return cells, bits


def constants(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM111: columns with nothing in them, or with one value."""
    found = []
    for modality, table in cohort.tables.items():
        counts = table.nunique()
        empty = [str(column) for column in table.columns if counts[column] == 0]
        flat = [str(column) for column in table.columns if counts[column] == 1 and table[column].notna().all()]
        if empty or flat:
            parts = [f"{len(names)} {what} ({some(names)})" for what, names in kinds(empty, flat) if names]
            message = f"modality '{modality}' has columns that tell nothing: {' and '.join(parts)}"
            found.append(Finding("GM111", "warn", message, setting("drop", empty + flat, modality)))
    return found


def kinds(empty: list[str], flat: list[str]) -> list[tuple[str, list[str]]]:
    """Put a word to each list of useless columns."""
    return [("without any value", empty), ("with one value for everybody", flat)]


def copies(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM112: columns that hold the same values as another, in this modality or an earlier one."""
    first: dict[bytes, str] = {}
    found = []
    for modality, table in cohort.tables.items():
        again, of = [], []
        for column in table.columns:
            if not tells(table[column]):
                continue
            key = contents(table[column])
            if key in first:
                again.append(str(column))
                of.append(first[key])
            else:
                first[key] = f"{modality}.{column}"
        if again:
            pairs = some([f"{copy} = {original}" for copy, original in zip(again, of, strict=True)])
            message = f"modality '{modality}' has {len(again)} column(s) that repeat another: {pairs}"
            found.append(Finding("GM112", "warn", message, setting("drop", again, modality)))
    return found


def tells(column: pd.Series) -> bool:
    """Whether enough patients leave the commonest value for an equal column to be no chance."""
    counts = column.value_counts()
    return int(counts.sum()) - int(counts.max() if len(counts) else 0) >= TELLING_ROWS


def contents(column: pd.Series) -> bytes:
    """Return what a column holds, hashed, numbers apart from names."""
    hashes = pd.util.hash_pandas_object(column, index=False).to_numpy()
    return bytes([is_number(column)]) + bytes(hashes.tobytes())
