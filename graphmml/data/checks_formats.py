"""Findings on how numbers are written: decimal commas, thousands, censored values, units, words among them."""

import pandas as pd

from graphmml.data.checks_dates import date_share
from graphmml.data.checks_words import Asked, setting, some
from graphmml.data.cohort import Cohort, name_columns
from graphmml.data.findings import Finding

NUMERIC = (
    r"[<>≤≥=~]{0,2}\s*[+-]?\d[\d.,' ]*(?:[eE][+-]?\d+)?"
    r"\s*(?:%|\s[A-Za-zµ/%^0-9]{1,10}|[a-zµ]{2,4}(?:/[A-Za-z]{1,3})?)?"
)
CODE = r"[A-Za-z]\d[\w.]*"
FORMATS = {
    "with < or >": r"[<>≤≥].*",
    "with separators of thousands": r"[+-]?\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?|[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?",
    "with a decimal comma": r"[+-]?\d+,\d+",
    "with a unit": r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?\s*[A-Za-zµ%].*",
}
"""What a value that is no plain number may be -> its pattern; the first that fits counts."""


def almost_numbers(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM108: columns of names of which most look like numbers."""
    found = []
    for modality, table in cohort.tables.items():
        columns = {column: numeric_share(table[column]) for column in name_columns(table)}
        chosen = [column for column, share in columns.items() if share >= asked.limit("GM108", "share")]
        if chosen:
            said = some(
                [f"{column} ({columns[column]:.0%} numeric; {formats(table[column], asked)})" for column in chosen]
            )
            message = f"modality '{modality}' has {len(chosen)} column(s) of text that look numeric: {said}"
            found.append(Finding("GM108", "warn", message, numeric_fix(table[chosen], asked, modality)))
    return found


def formats(column: pd.Series, asked: Asked) -> str:
    """Say how many cells are written in which way that is no plain number."""
    levels = column.value_counts()
    text = levels.index.to_series().astype("str").str.strip()
    left = pd.to_numeric(text, errors="coerce").isna().to_numpy()
    said = []
    for name, pattern in FORMATS.items():
        fits = left & text.str.fullmatch(pattern).to_numpy(dtype=bool)
        left = left & ~fits
        if fits.any():
            said.append(f"{asked.counted(int(levels.to_numpy()[fits].sum()))} {name}")
    if left.any():
        said.append(f"{asked.counted(int(levels.to_numpy()[left].sum()))} with words or signs")
    return ", ".join(said)


def numeric_share(column: pd.Series) -> float:
    """Return the share of values that look like numbers; 0 for plain numbers (declared names) and for codes."""
    known = column.dropna()
    levels = known.value_counts()
    text = levels.index.to_series().astype("str")
    plain = pd.to_numeric(text, errors="coerce").notna().to_numpy()
    rest = text[~plain]
    if rest.empty or bool(rest.str.fullmatch(CODE).mean() > 0.5) or date_share(column) > 0.5:
        return 0.0
    looks = plain | text.str.fullmatch(NUMERIC).to_numpy(dtype=bool)
    return float(levels.to_numpy()[looks].sum() / len(known))


def numeric_fix(table: pd.DataFrame, asked: Asked, modality: str) -> str:
    """Offer the words that stand in the way as spellings of missing; a word of few patients is not shown."""
    levels = pd.concat([table[column] for column in table]).value_counts()
    frequent = [str(level) for level, times in levels.items() if asked.counted(int(times)) == str(times)]
    words = [word for word in frequent if not any(sign.isdigit() for sign in word)]
    clean = f"write plain numbers without units or signs, or {setting('categorical', list(table.columns), modality)}"
    return f"{setting('na', words, modality)}; else {clean}" if words else clean
