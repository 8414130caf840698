"""Open a patient table as text, say precisely what is wrong with it, and count long tables wide."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from graphmml.data.columns import checked_numbers, names
from graphmml.data.file_kinds import refuse_foreign
from graphmml.errors import CohortError

LARGEST_GZIP = 8 * 2**30
LARGEST_WIDE = 500_000_000


def open_table(path: Path, *, rows: int | None = None) -> pd.DataFrame:
    """Read a CSV (also .gz) as text, every cell as written, or raise CohortError naming file and cause."""
    if path.is_dir():
        raise CohortError(f"{path} is a folder; a CSV file is wanted")
    if not path.is_file():
        raise CohortError(f"{path} is not there; check the path (it is relative to cohort.toml)")
    if path.suffix == ".gz":
        refuse_bomb(path)
    table = cells(path, rows)
    refuse_bad_header(table, path)
    refuse_repeated_columns(table, path)
    if table.empty:
        raise CohortError(f"{path} has a header and no row; one row a patient is wanted")
    return table


def first_row(path: Path) -> pd.DataFrame | None:
    """Read a table's header and first row; None where it has no row or is not there."""
    if not path.is_file():
        return None
    table = cells(path, 1)
    return None if table.empty else table


def cells(path: Path, rows: int | None) -> pd.DataFrame:
    """Let pandas read the file, and put its complaints in words."""
    try:
        refuse_foreign(path)
        return pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig", nrows=rows)
    except pd.errors.EmptyDataError:
        raise CohortError(f"{path} is empty; a header line and one row a patient are wanted") from None
    except pd.errors.ParserError as error:
        raise CohortError(f"{path} is not a regular CSV: {str(error).strip()}; mend that line") from None
    except UnicodeDecodeError as error:
        raise CohortError(
            f"{path} is not UTF-8 (byte {hex(error.object[error.start])} cannot be read); "
            "save it as UTF-8, for instance: iconv -f latin1 -t utf-8"
        ) from None
    except OSError as error:
        raise CohortError(f"{path} cannot be read: {error}") from None


def want(table: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Raise CohortError for a column that is not there, listing what the file has instead."""
    for column in columns:
        if column not in table.columns:
            raise CohortError(
                f"no column '{column}' in {path}; it has: {listed(list(table.columns))}; "
                "correct the name in cohort.toml or in the call"
            )


def index_by_id(table: pd.DataFrame, identifier: str, path: Path, *, features: bool = False) -> pd.DataFrame:
    """Index the table by its id column: text, no blanks, no repeats; one of features may say that it holds events."""
    want(table, [identifier], path)
    ids = table[identifier]
    if (ids.str.strip() == "").any():
        raise CohortError(f"{path} has {int((ids.str.strip() == '').sum())} row(s) without an id; add or drop them")
    repeated = ids.duplicated(keep=False)
    if repeated.any():
        raise CohortError(
            f"{path}: {ids[repeated].nunique()} id(s) stand on more than one row ({int(repeated.sum())} rows, of which "
            f"the first are line(s) {listed(lines_of(table, repeated), 4)} of the file); one row a patient is wanted: "
            "remove a row that is a mistake"
            + ("; for one row an event say long = { code = ... }" if features else ", and keep the one that counts")
        )
    return table.drop(columns=identifier).set_axis(pd.Index(ids, name=None), axis=0)


def lines_of(table: pd.DataFrame, rows: pd.Series) -> list[int]:
    """Return on which lines of their file some rows begin; a cell may hold line breaks, empty lines are not counted."""
    breaks = sum((table[column].str.count("\n") for column in table.columns), pd.Series(0, index=table.index))
    header = 1 + sum(str(column).count("\n") for column in table.columns)
    before = breaks.cumsum().shift(fill_value=0) + np.arange(len(table)) + header + 1
    return [int(line) for line in before[rows]]


def count_events(table: pd.DataFrame, identifier: str, code: str, path: Path) -> pd.DataFrame:
    """Turn one row an event into patients x codes, each cell how often."""
    want(table, [identifier, code], path)
    events = table.loc[(table[identifier].str.strip() != "") & (table[code].str.strip() != "")]
    patients, ids = pd.factorize(events[identifier])
    codes, labels = pd.factorize(events[code].str.strip(), sort=True)
    if len(ids) * len(labels) > LARGEST_WIDE:
        raise CohortError(
            f"{path}: {len(ids)} patients x {len(labels)} values of '{code}' are too many to lay out wide; "
            "shorten the codes (for instance to their first three characters) first"
        )
    counts = np.zeros((len(ids), len(labels)))
    np.add.at(counts, (patients, codes), 1.0)
    return pd.DataFrame(counts, index=pd.Index(ids), columns=list(labels))


def last_values(
    table: pd.DataFrame, identifier: str, code: str, value: str, time: str | None, path: Path
) -> pd.DataFrame:
    """Turn one row a measurement into patients x codes: the latest value by time, else the mean."""
    want(table, [identifier, code, value, *([time] if time else [])], path)
    events = table.loc[(table[identifier].str.strip() != "") & (table[code].str.strip() != "")]
    numbers = pd.to_numeric(events[value], errors="coerce")
    unread = int((numbers.isna() & (events[value].str.strip() != "")).sum())
    if unread:
        raise CohortError(f"{path}: {unread} value(s) of '{value}' are not numbers; mend them or leave value out")
    tidy = pd.DataFrame({"id": events[identifier], "code": events[code].str.strip(), "value": numbers}).dropna()
    tidy["value"] = checked_numbers(tidy["value"], f"{path}: '{value}'")
    if time is not None:
        tidy["time"] = times(events.loc[tidy.index, time], path, time)
        tidy = tidy.sort_values("time", kind="stable")
    cells = tidy.groupby(["id", "code"], sort=True)["value"]
    wide = (cells.last() if time is not None else cells.mean()).unstack("code")
    return wide.rename_axis(index=None, columns=None)


def times(column: pd.Series, path: Path, name: str) -> pd.Series:
    """Read a column of times, numbers or dates, as something that sorts."""
    numbers = pd.to_numeric(column, errors="coerce")
    read = numbers if numbers.notna().all() else pd.to_datetime(column, errors="coerce", format="ISO8601")
    if read.isna().any():
        raise CohortError(
            f"{path}: {int(read.isna().sum())} value(s) of '{name}' are neither numbers nor dates like 2024-05-31"
        )
    return read


def text_column(table: pd.DataFrame, column: str, path: Path, na: Sequence[str] = ()) -> pd.Series:
    """Return one column as names; only an empty cell and what `na` lists is missing, for "NA" may be a real label."""
    want(table, [column], path)
    stripped = table[column].str.strip()
    return names(stripped.mask(stripped.isin(["", *na])))


def refuse_bad_header(table: pd.DataFrame, path: Path) -> None:
    """Raise for nameless columns (a ragged file) and for one column holding another separator."""
    if len(table.columns) == 1 and any(mark in str(table.columns[0]) for mark in ";\t|"):
        raise CohortError(f"{path} seems to be separated by something else than commas; save it with commas")
    if isinstance(table.index, pd.MultiIndex) or not isinstance(table.index, pd.RangeIndex):
        raise CohortError(f"{path} has more cells in its rows than in its header; give every column a name")
    if str(table.columns[0]).startswith("version https://git-lfs"):
        raise CohortError(f"{path} is a git-lfs pointer, not the data; run git lfs pull")


def refuse_repeated_columns(table: pd.DataFrame, path: Path) -> None:
    """Raise for two columns of one name, of which pandas reads the second, a, as a.1."""
    columns = set(table.columns)
    if not any(column.rpartition(".")[0] in columns and column[-1].isdigit() for column in columns):
        return
    written = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig", header=None, nrows=1).iloc[0]
    again = written[written.duplicated() & (written != "")].unique()
    if len(again):
        raise CohortError(f"{path}: {len(again)} column name(s) repeat ({listed(again)}); give each a name of its own")


def refuse_bomb(path: Path) -> None:
    """Raise for a .gz that unpacks beyond all measure."""
    size = 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(2**24):
                size += len(chunk)
                if size > LARGEST_GZIP:
                    raise CohortError(f"{path} unpacks to over {LARGEST_GZIP >> 30} GiB; unpack it yourself")
    except (EOFError, OSError, zlib.error) as error:
        raise CohortError(f"{path} is not a readable .gz file: {error}") from None


def listed(values: Sequence[object], most: int = 12) -> str:
    """Name the first few of many things, on one line."""
    shown = ", ".join(str(value)[:80] for value in values[:most])
    return shown if len(values) <= most else f"{shown} ... (+{len(values) - most})"
