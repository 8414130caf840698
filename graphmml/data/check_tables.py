"""Checks on the tables alone: joins, repeats, spellings, sentinels, columns that say nothing.

Each yields findings, a pass last; `graphmml.data.check` keeps the faults, or the pass if there is none.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort, name_columns, number_columns
from graphmml.data.findings import Finding
from graphmml.data.tables import listed

SMALLEST_CELL = 11
SENTINELS = (-9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0)


def few(count: int) -> str:
    """Write a count of patients, hiding the small ones by which a patient could be recognised."""
    return str(count) if count == 0 or count >= SMALLEST_CELL else f"<{SMALLEST_CELL}"


def drop_line(modality: str, columns: list[str]) -> str:
    """Write the line of cohort.toml that leaves columns out."""
    quoted = ", ".join(f'"{column}"' for column in columns[:6])
    return f"[modality.{modality}]  drop = [{quoted}]"


def joins(cohort: Cohort) -> Iterator[Finding]:
    """GM101: rows whose id belongs to no patient."""
    for note in cohort.notes:
        yield Finding("GM101", "warn", note, "compare the id columns; rows without a partner are left out")
    yield Finding("GM101", "pass", f"{len(cohort)} patients joined by id from {len(cohort.tables)} tables")


def case_variants(cohort: Cohort) -> Iterator[Finding]:
    """GM103: ids that would match but for upper and lower case."""
    folded = pd.Series(cohort.ids).str.casefold()
    again = int(folded.duplicated(keep=False).sum())
    if again:
        yield Finding(
            "GM103",
            "warn",
            f"{few(again)} ids differ from another in upper and lower case alone",
            "write each id the same way in every file, if they are the same patients",
        )
    yield Finding("GM103", "pass", "no two ids are the same but for upper and lower case")


def repeated_patients(cohort: Cohort) -> Iterator[Finding]:
    """GM104: patients who are alike in every cell of at least six measured columns."""
    joined = pd.concat(cohort.tables.values(), axis=1)
    hashes = np.zeros(len(cohort), dtype=np.uint64)
    for at, (_, column) in enumerate(joined.items()):
        hashes = hashes * np.uint64(31) + pd.util.hash_array(column.to_numpy(), categorize=True) * np.uint64(2 * at + 1)
    varied = sum(table.nunique().gt(10).sum() for table in cohort.tables.values())
    if varied < 3:
        yield Finding("GM104", "n.a.", f"{varied} columns vary enough to tell patients apart; equal rows mean nothing")
        return
    rich = (joined.notna().sum(axis=1) >= 6).to_numpy()
    again = pd.Series(hashes[rich]).duplicated(keep=False)
    if again.any():
        labels = "" if cohort.outcome is None else contradicted(cohort, hashes, rich)
        yield Finding(
            "GM104",
            "warn",
            f"{few(int(again.sum()))} patients share every cell with another{labels}",
            "drop the copies, or name a group that blocks, so that twins never sit on two sides of a fold",
        )
    yield Finding("GM104", "pass", "no two patients are alike in every cell")


def contradicted(cohort: Cohort, hashes: np.ndarray, rich: np.ndarray) -> str:
    """Say whether copies carry different outcomes."""
    values = [] if cohort.outcome is None else cohort.outcome.values[rich].to_numpy()
    outcomes = pd.Series(values).groupby(hashes[rich]).nunique()
    return f"; {few(int((outcomes > 1).sum()))} such sets have different outcomes" if (outcomes > 1).any() else ""


def mostly_numbers(cohort: Cohort) -> Iterator[Finding]:
    """GM108: a column of text most of whose values are numbers."""
    for modality, table in cohort.tables.items():
        for column in name_columns(table):
            levels = table[column].value_counts()
            number = pd.to_numeric(levels.index, errors="coerce").notna()
            share = levels[number].sum() / max(levels.sum(), 1)
            # many words among the numbers are a code system, a few are spellings of missing or of a limit
            if 0.8 <= share < 1 and (~number).sum() <= 10:
                yield Finding(
                    "GM108",
                    "warn",
                    f"{modality}: column '{column}' is text but {share:.0%} look like numbers",
                    f'[modality.{modality}]  na = ["..."] for the spellings of missing, or mend the values',
                )
    yield Finding("GM108", "pass", "no column of text looks like numbers")


def spellings(cohort: Cohort) -> Iterator[Finding]:
    """GM109: names that differ only in case or blanks."""
    for modality, table in cohort.tables.items():
        for column in name_columns(table):
            levels = pd.Series(table[column].dropna().unique())
            merged = levels.str.strip().str.casefold().nunique()
            if merged < len(levels):
                yield Finding(
                    "GM109",
                    "warn",
                    f"{modality}: column '{column}' has {len(levels)} spellings of {merged} names",
                    "write each name one way",
                )
    yield Finding("GM109", "pass", "no name is spelt in two ways")


def sentinels(cohort: Cohort) -> Iterator[Finding]:
    """GM110: a frequent value far outside the rest, such as -9 or an impossible zero."""
    for modality, table in cohort.tables.items():
        for column in number_columns(table):
            spike = sentinel(table[column].dropna().to_numpy())
            if spike is not None:
                value, count = spike
                yield Finding(
                    "GM110",
                    "warn",
                    f"{modality}: column '{column}' holds {value:g} for {few(count)} patients, far from the rest",
                    "if it means missing, write it as an empty cell, or list it under na",
                )
    yield Finding("GM110", "pass", "no number looks like a code for missing")


def sentinel(values: np.ndarray) -> tuple[float, int] | None:
    """Return a value that is repeated, at the rim, and outside the fence of all other values.

    The fence is three interquartile ranges, as in Tukey's outer fences; for a zero among positive values, which
    lie nearer, half the distance to the first percentile of the rest must be empty as well.
    """
    if len(np.unique(values)) < 12:
        return None
    for candidate in {float(values.min()), float(values.max())}:
        at = values == candidate
        rest = values[~at]
        low, quarter, three, high = np.quantile(rest, [0.0, 0.25, 0.75, 1.0])
        reach = 3 * (three - quarter)
        outside = candidate < quarter - reach or candidate > three + reach
        gap = low - candidate if candidate < low else candidate - high
        known = candidate in SENTINELS and outside
        repeated = at.sum() >= max(3, 0.002 * len(values))
        alone = (
            gap > 1 and gap > 0.5 * (three - quarter) and (outside or (candidate == 0 and gap > 0.5 * (quarter - low)))
        )
        if (known and at.sum() >= 2) or (repeated and alone and float(candidate).is_integer()):
            return candidate, int(at.sum())
    return None


def constant_columns(cohort: Cohort) -> Iterator[Finding]:
    """GM111: columns with one value, or none."""
    for modality, table in cohort.tables.items():
        flat = [str(column) for column, count in table.nunique().items() if count < 2]
        if flat:
            yield Finding(
                "GM111",
                "warn",
                f"{modality}: {len(flat)} column(s) have one value or none: {listed(flat, 6)}",
                f"they are ignored; {drop_line(modality, flat)} says so",
            )
    yield Finding("GM111", "pass", "every column varies")


def duplicated_columns(cohort: Cohort) -> Iterator[Finding]:
    """GM112: columns that repeat another cell by cell."""
    seen: dict[bytes, str] = {}
    for modality, table in cohort.tables.items():
        again = []
        for column in table.columns:
            if off_mode(table[column]) < SMALLEST_CELL:
                continue  # rare codes coincide by chance
            key = pd.util.hash_array(table[column].to_numpy(), categorize=True).tobytes()
            again += [str(column)] if key in seen else []
            seen.setdefault(key, f"{modality}.{column}")
        if again:
            yield Finding(
                "GM112",
                "warn",
                f"{modality}: {len(again)} column(s) repeat another: {listed(again, 6)}",
                drop_line(modality, again),
            )
    yield Finding("GM112", "pass", "no column repeats another")


def off_mode(column: pd.Series) -> int:
    """Count the cells that hold something else than the most frequent value."""
    counts = column.value_counts()
    return int(counts.iloc[1:].sum())


def many_levels(cohort: Cohort) -> Iterator[Finding]:
    """GM113: names with so many levels that they are nearly ids or free text."""
    for modality, table in cohort.tables.items():
        for column in name_columns(table):
            known = table[column].dropna()
            if known.nunique() > 50 and known.nunique() > 0.2 * len(known):
                yield Finding(
                    "GM113",
                    "warn",
                    f"{modality}: column '{column}' has {known.nunique()} levels in {len(known)} cells",
                    f"{drop_line(modality, [str(column)])}, or shorten its levels; only the most frequent are used",
                )
    yield Finding("GM113", "pass", "no column has nearly as many levels as patients")


def rare_modalities(cohort: Cohort) -> Iterator[Finding]:
    """GM501: a modality that most patients lack."""
    for at, modality in enumerate(cohort.modalities):
        share = float(cohort.present[:, at].mean())
        if share < 0.3:
            yield Finding(
                "GM501",
                "warn",
                f"{modality} is present for {share:.0%} of the patients",
                "links over it alone leave the others without neighbours; name several modalities",
            )
    yield Finding("GM501", "pass", "every modality is present for 30 % of the patients or more")
