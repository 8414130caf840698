"""Write a first cohort.toml from the tables alone, every guess with its reason, for a reader to correct."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from graphmml.data.columns import like_missing
from graphmml.data.guess_columns import (
    Column,
    Mark,
    column_of,
    group_kind,
    is_code,
    may_be_code,
    no_feature,
    outcome_rank,
    positive_level,
    split_sides,
)
from graphmml.data.guess_tables import (
    CROWD,
    Candidate,
    Sheet,
    choose_id,
    code_column,
    groups_of,
    outcomes,
    time_column,
    value_column,
    with_ids,
)
from graphmml.data.tables import open_table
from graphmml.data.toml_text import array, comment, inline, key, listed, quoted
from graphmml.errors import CohortError

LEGIBLE = 30
"""In a table of more columns than this nobody goes through the doubtful ones by hand."""
HEAD = """\
# Guessed from the tables alone: read each line marked "guess", correct it, then run graphmml check.
# Paths are relative to this file.
"""


def guess_cohort_file(paths: Sequence[Path], *, folder: Path | None = None) -> str:
    """Return the text of a cohort.toml for these tables, each guess commented with its reason.

    Paths in it are relative to `folder`, where the file is to stand; by default the folder of the first table.
    Raises CohortError where no column could identify patients or no table would be left to learn from.
    """
    if not paths:
        raise CohortError("no table was given; name at least one CSV")
    root = Path(paths[0]).parent if folder is None else folder
    opened = sheets_of([Path(path) for path in paths], root)
    identifier, others = choose_id(opened)
    sheets = with_ids(opened, identifier)
    candidates = outcomes(sheets)
    best = candidates[0] if candidates else None
    groups = groups_of(sheets, [] if best is None else [best.column, best.event])
    tables = [sheet for sheet in sheets if sheet.id and not sheet.splits]
    features = [sheet for sheet in tables if not only_outcomes(sheet, best)] or tables
    blocks = [modality_lines(sheet, best, groups, identifier) for sheet in features]
    if not any(line.startswith("[modality.") for lines in blocks for line in lines):
        raise CohortError(
            f"none of {len(sheets)} table(s) has a column to learn from beside ids and outcomes; "
            "add a table with one row a patient and its features"
        )
    lines = [HEAD, "[cohort]", *id_lines(identifier, others, sheets)]
    lines += outcome_lines(candidates, identifier) + split_lines(sheets, identifier)
    lines += group_lines(groups, identifier)
    lines += [line for block in blocks for line in block] + left_out_lines(sheets, features, identifier)
    return "\n".join(lines) + "\n"


def sheets_of(paths: Sequence[Path], root: Path) -> list[Sheet]:
    """Open the tables and name them after their files, each name once."""
    sheets: list[Sheet] = []
    for path in paths:
        stem = path.name.removesuffix(".gz").removesuffix(".csv").replace(".", "_") or "table"
        again = sum(re.fullmatch(re.escape(stem) + r"(_\d+)?", sheet.name) is not None for sheet in sheets)
        relative = Path(os.path.relpath(path, root)).as_posix()
        sheets.append(Sheet(f"{stem}_{again + 1}" if again else stem, relative, open_table(path)))
    return sheets


def only_outcomes(sheet: Sheet, best: Candidate | None) -> bool:
    """Whether a table holds outcomes, splits and groups alone, so that there is no feature in it."""
    if sheet.long:
        return False
    rest = [column for column in sheet.columns.values() if not split_sides(column) and not group_kind(column)]
    return sheet.labels or all(is_outcome(column, best) for column in rest)


def is_outcome(column: Column, best: Candidate | None) -> bool:
    """Whether the column is the outcome chosen, or sounds like another one."""
    return (best is not None and column in (best.column, best.event)) or outcome_rank(column, labels=False) > 0


def id_lines(identifier: str, others: Sequence[str], sheets: Sequence[Sheet]) -> list[str]:
    """Say which column identifies patients, and in how many tables it does."""
    holders = [sheet for sheet in sheets if sheet.id == identifier]
    unique = sum(not sheet.repeated for sheet in holders)
    reason = f"in {len(holders)} of {len(sheets)} table(s), without repeats in {unique}"
    lines = [f"id = {quoted(identifier)}   # guess: {reason}"]
    return lines + ([f"# it might also be {listed(others)}"] if others else [])


def outcome_lines(candidates: Sequence[Candidate], identifier: str) -> list[str]:
    """Write the likeliest outcome, and name the others."""
    if not candidates:
        return [
            "# No column looks like an outcome; linking and predicting need none, training does. Write one like",
            '# outcome = { path = "labels.csv", column = "label", kind = "class", positive = "1" }',
        ]
    best, rest = candidates[0], candidates[1:]
    column, absent = known_classes(best)
    keys: dict[str, str | Sequence[str]] = {"path": best.sheet.path}
    values = f"{column.distinct} different values"
    if best.event is not None:
        keys |= {"kind": "survival", "time": column.name, "event": best.event.name}
        values = "a time and whether the event was seen"
    else:
        keys |= {"column": column.name, "kind": "class" if column.few else "number"}
    reason = f"{quoted(column.name)} {why_outcome(best)}; {values}"
    positive = positive_level(column) if keys["kind"] == "class" else None
    if positive is not None:
        keys["positive"] = positive[0]
        reason += f"; positive: {comment(positive[1])}"
    if absent:
        keys["na"] = absent
        reason += f"; na: {listed(absent)} mostly means not known, else leave it out"
    if best.sheet.id != identifier:
        keys["id"] = best.sheet.id
    lines = [f"# guess: {reason}", f"outcome = {inline(keys)}"]
    if rest:
        lines.append(f"# it might also be {listed([f'{other.sheet.path}: {other.column.name}' for other in rest])}")
    return lines


def known_classes(candidate: Candidate) -> tuple[Column, list[str]]:
    """Return the outcome without what is spelt like missing, and these spellings; as it is where one class is left."""
    told = candidate.column if candidate.event is None else candidate.event
    cells = candidate.sheet.cells[told.name].str.strip()
    absent = sorted(word for word in cells.unique() if word and like_missing(word))
    if candidate.event is not None:
        return candidate.column, absent
    known = column_of(told.name, cells.mask(cells.isin(absent), ""))
    return (known, absent) if known.few else (told, [])


def why_outcome(candidate: Candidate) -> str:
    """Say why a column was taken for the outcome."""
    named = outcome_rank(candidate.column, labels=False) > 0 or candidate.event is not None
    return "is named like an outcome" if named else "stands in a file named like one of outcomes"


def split_lines(sheets: Sequence[Sheet], identifier: str) -> list[str]:
    """Write the first column that says train and test, if there is one."""
    for sheet in sheets:
        for column in sheet.columns.values():
            sides = split_sides(column)
            if sides is not None and sheet.id and not sheet.repeated:
                keys = {"path": sheet.path, "column": column.name, "train": sides[0], "test": sides[1]}
                keys |= {} if sheet.id == identifier else {"id": sheet.id}
                return [f"split = {inline(keys)}   # guess: its values say so"]
    return []


def group_lines(groups: Mapping[str, Sheet], identifier: str) -> list[str]:
    """Write the columns that group patients."""
    lines: list[str] = []
    for name, sheet in groups.items():
        column = sheet.columns[name]
        block = group_kind(column) == "block"
        held = "one group never on two sides of a fold" if block else "reported on, no feature"
        lines += [
            "",
            f"[group.{key(name)}]   # guess: named like a group, {column.distinct} different values; {held}",
            f"path = {quoted(sheet.path)}",
            f"column = {quoted(name)}",
            f"block = {'true' if block else 'false'}",
            *([] if sheet.id == identifier else [f"id = {quoted(sheet.id)}"]),
        ]
    return lines


def modality_lines(sheet: Sheet, best: Candidate | None, groups: Mapping[str, Sheet], identifier: str) -> list[str]:
    """Write one table of features, long or wide."""
    lines = ["", f"[modality.{key(sheet.name)}]", f"path = {quoted(sheet.path)}"]
    lines += [] if sheet.id == identifier else [f"id = {quoted(sheet.id)}   # guess: holds the same ids"]
    if sheet.long:
        code = code_column(sheet)
        if code is None:
            return ["", f"# {comment(sheet.path)}: ids repeat, and no column looks like a code; left out"]
        keys = {"code": code, "value": value_column(sheet)}
        keys["time"] = time_column(sheet) if keys["value"] else None
        reason = f"# guess: one row an event, {sheet.repeated} row(s) repeat an id"
        return [*lines, f"{reason}; laid out as patients x {quoted(code)}", f"long = {inline(keys)}"]
    if sheet.repeated:
        lines.append(f"# {sheet.repeated} id(s) come again: taken for mistakes, and refused until they are mended")
    kept, dropped = sorted_out(sheet, best, groups)
    if not kept:
        return ["", f"# {comment(sheet.path)}: no column is left to learn from; left out"]
    return [*lines, *mark_lines(kept), *na_lines(kept), *drop_lines(dropped), *category_lines(kept)]


def sorted_out(
    sheet: Sheet, best: Candidate | None, groups: Mapping[str, Sheet]
) -> tuple[list[Column], dict[str, list[str]]]:
    """Part a wide table's columns into features, and those to drop by reason; what is read elsewhere is neither."""
    kept, dropped = [], dict[str, list[str]]()
    for column in sheet.columns.values():
        chosen = best is not None and best.sheet is sheet and column in (best.column, best.event)
        if chosen or groups.get(column.name) is sheet:
            continue
        reason = why_drop(column, best, groups, crowded=len(sheet.columns) > CROWD)
        if reason is None:
            kept.append(column)
        else:
            dropped.setdefault(reason, []).append(column.name)
    return kept, dropped


def why_drop(column: Column, best: Candidate | None, groups: Mapping[str, Sheet], *, crowded: bool) -> str | None:
    """Return why a column should not be a feature, if there is a reason."""
    if not crowded and is_outcome(column, best):
        return "named like an outcome"
    if column.name in groups:
        return "a group, read from another table"
    return "says train or test" if split_sides(column) else no_feature(column)


def mark_lines(kept: Sequence[Column]) -> list[str]:
    """Name the columns whose values would be numbers, were it not for a comma or a unit, and what they want."""
    said: dict[Mark, str] = {
        "comma": "numbers with a decimal comma (like 1,5), which is refused; write a decimal point in",
        "unit": "numbers with a unit (like 80 kg), which are read as names; write bare numbers in",
        "limit": "numbers among which limits stand (like <5), so that all are read as names; write numbers in",
    }
    found = {mark: [column.name for column in kept if column.mark == mark] for mark in said}
    return [f"# {said[mark]}: {listed(names)}" for mark, names in found.items() if names]


def na_lines(kept: Sequence[Column]) -> list[str]:
    """Write further spellings of missing: the few words in columns of numbers."""
    words = sorted({word for column in kept for word in column.spellings})
    return [f"na = {array(words)}   # guess: the only words in columns of numbers"] if words else []


def drop_lines(dropped: dict[str, list[str]]) -> list[str]:
    """Write the columns that should not be features, a line a reason."""
    if not dropped:
        return []
    lines = [f"  {array(names)[1:-1]},   # guess: {reason}" for reason, names in dropped.items()]
    return ["drop = [", *lines, "]"]


def category_lines(kept: Sequence[Column]) -> list[str]:
    """Write the whole numbers that are names, and mention those that might be."""
    codes = [column.name for column in kept if is_code(column)]
    perhaps = [column.name for column in kept if may_be_code(column)] if len(kept) <= LEGIBLE else []
    lines = [f"categorical = {array(codes)}   # guess: few whole numbers, named like a code"] if codes else []
    said = f"# few whole numbers, left as numbers; if they are names, list them under categorical: {listed(perhaps)}"
    return lines + ([said] if perhaps else [])


def left_out_lines(sheets: Sequence[Sheet], features: Sequence[Sheet], identifier: str) -> list[str]:
    """Name the tables that became no modality, and why."""
    out = [sheet for sheet in sheets if sheet not in features]
    said = {
        sheet.path: "outcomes, split and groups alone" if sheet.id else f"no column {quoted(identifier)}, nor its ids"
        for sheet in out
    }
    return [""] * bool(said) + [f"# {comment(path)} is no modality: {reason}" for path, reason in said.items()]
