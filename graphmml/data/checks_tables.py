"""Findings on whole tables: infinite values, columns that say nothing, columns that repeat another."""

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Asked, setting, some
from graphmml.data.cohort import Cohort, number_columns
from graphmml.data.columns import FLOAT32_MAX, is_number
from graphmml.data.findings import Finding

TELLING_ROWS = 10
"""In so many patients at least must two columns leave their commonest value before we call them duplicates."""


def infinite(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM107: numbers beyond what a 32-bit float holds, infinity among them."""
    found = []
    for modality, table in cohort.tables.items():
        beyond = (table[number_columns(table)].abs() > FLOAT32_MAX).sum()
        chosen = [str(column) for column in beyond.index[beyond > 0]]
        if chosen:
            said = some([f"{column} ({asked.counted(int(beyond[column]))} cells)" for column in chosen])
            message = f"modality '{modality}': infinite numbers, or such as 32 bits cannot hold: {said}"
            found.append(Finding("GM107", "fail", message, "write these cells empty, or cap them, in the file"))
    return found


def without_infinite(cohort: Cohort) -> Cohort:
    """Return the cohort with infinite and overflowing cells empty; itself where there is none."""
    tables = {}
    for modality, table in cohort.tables.items():
        numbers = number_columns(table)
        beyond = table[numbers].abs() > FLOAT32_MAX
        if beyond.to_numpy().any():
            tables[modality] = table.assign(**{column: table[column].mask(beyond[column]) for column in numbers})
    return replace(cohort, tables={**cohort.tables, **tables}) if tables else cohort


def constants(cohort: Cohort, asked: Asked) -> list[Finding]:
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


def copies(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM112: columns that hold the same values as another, in this modality or an earlier one."""
    first: dict[bytes, str] = {}
    found = []
    for modality, table in cohort.tables.items():
        again, of = [], []
        for column, values in table.items():
            key = contents(values)
            if key not in first:
                first[key] = f"{modality}.{column}"
            elif tells(values):
                again.append(str(column))
                of.append(first[key])
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
    if is_number(column):
        values = column.to_numpy(dtype=np.float64) + 0.0  # so that -0 is 0
        return b"n" + sha256(np.where(np.isnan(values), np.nan, values).tobytes()).digest()
    hashes = pd.util.hash_pandas_object(column, index=False).to_numpy()
    return b"t" + sha256(hashes.tobytes()).digest()
