"""From a validated cohort file to aligned tables: opens every file once and joins by id."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from graphmml.data.cohort_file import CohortFile, GroupPart, ModalityPart, OutcomePart, SplitPart
from graphmml.data.columns import parse
from graphmml.data.ids import align, among, refuse_strangers, refuse_variants, union
from graphmml.data.outcome import Outcome, class_outcome
from graphmml.data.tables import count_events, index_by_id, last_values, open_table, text_column, want
from graphmml.data.timeline import Timeline, days
from graphmml.errors import CohortError

Reader = Callable[[str], tuple[Path, pd.DataFrame]]
"""A path as written in the cohort file -> the path that was opened, and its rows as text."""
Layout = Callable[[pd.Series, str], tuple[pd.Series, str | None]]
"""Values by id and what they are -> the same by the cohort's ids, and how many belonged to nobody."""


class Assembled(NamedTuple):
    """What a Cohort is made of; its fields are those of `Cohort`."""

    ids: pd.Index
    tables: Mapping[str, pd.DataFrame]
    outcome: Outcome | None
    groups: pd.DataFrame
    blocks: tuple[str, ...]
    split: pd.Series | None
    name: str
    notes: tuple[str, ...]
    timeline: Timeline
    strangers: Mapping[str, pd.Index]
    counted: frozenset[str]


def assemble(spec: CohortFile, folder: Path, *, strict: bool = True) -> Assembled:
    """Read all tables, align them by id, and note what did not match; refuse ids that look mistaken if strict."""
    opened: dict[Path, pd.DataFrame] = {}
    read = partial(raw_table, folder=folder, opened=opened)
    tables = {
        name: modality_table(name, part, part.id or spec.cohort.id, read, spec.not_features(part.path))
        for name, part in spec.modality.items()
    }
    ids = union(tables).rename(spec.cohort.id)
    if strict:
        refuse_variants(ids, str(folder))
        refuse_strangers(tables)
    strangers: dict[str, pd.Index] = {}
    lay = partial(laid_out, ids=ids, strangers=strangers, strict=strict)
    notes: list[str | None] = []
    outcome, note = outcome_of(spec.cohort.outcome, spec.cohort.id, read, lay)
    notes.append(note)
    split, note = split_of(spec.cohort.split, spec.cohort.id, read, lay)
    notes.append(note)
    groups = {}
    for name, group in spec.group.items():
        groups[name], note = group_of(name, group, spec.cohort.id, read, lay)
        notes.append(note)
    timeline, said = timeline_of(spec, read, ids)
    return Assembled(
        ids=ids,
        tables={name: table.reindex(ids) for name, table in tables.items()},
        outcome=outcome,
        groups=pd.DataFrame(groups, index=ids),
        blocks=tuple(name for name, group in spec.group.items() if group.block),
        split=split,
        name=folder.resolve().name or "cohort",
        notes=tuple(note for note in (*notes, *said) if note),
        timeline=timeline,
        strangers=strangers,
        counted=frozenset(name for name, part in spec.modality.items() if part.long and part.long.value is None),
    )


def laid_out(
    values: pd.Series, what: str, *, ids: pd.Index, strangers: dict[str, pd.Index], strict: bool
) -> tuple[pd.Series, str | None]:
    """Align values, and keep the ids of rows that belong to nobody, so that `check` can say how they would match."""
    lost = values.index[~among(values.index, ids)]
    if len(lost):
        strangers[what] = lost
    if len(lost) == len(values) and not strict:
        return values.reindex(ids), f"{len(lost)} rows of the {what} belong to no patient of the tables"
    return align(values, ids, what)


def raw_table(path: str, *, folder: Path, opened: dict[Path, pd.DataFrame]) -> tuple[Path, pd.DataFrame]:
    """Open a table once, however many parts of the cohort file name it."""
    full = folder / path
    if full not in opened:
        opened[full] = open_table(full)
    return full, opened[full]


def modality_table(name: str, part: ModalityPart, identifier: str, read: Reader, taken: set[str]) -> pd.DataFrame:
    """Read one modality as numbers and names, indexed by id."""
    path, raw = read(part.path)
    if part.long is not None:
        long = part.long
        if long.value is None:
            return count_events(raw, identifier, long.code, path)
        return last_values(raw, identifier, long.code, long.value, long.time, path)
    want(raw, [*part.drop, *part.categorical], path)
    table = index_by_id(raw, identifier, path, features=True)
    kept = [column for column in table.columns if column not in taken | set(part.drop)]
    if not kept:
        raise CohortError(f"modality '{name}' ({path}) has no feature column left; it has only ids and outcomes")
    columns = {
        column: parse(
            table[column],
            where=f"{path}, column '{column}'",
            categorical=column in part.categorical,
            na=part.na,
        )
        for column in kept
    }
    return pd.DataFrame(columns, index=table.index)


def outcome_of(
    part: OutcomePart | None, identifier: str, read: Reader, lay: Layout
) -> tuple[Outcome | None, str | None]:
    """Read the outcome and lay it out by id."""
    if part is None:
        return None, None
    path, raw = read(part.path)
    table = index_by_id(raw, part.id or identifier, path)
    if part.kind == "survival":
        times, note = lay(numbers(table, str(part.time), path, part.na), "outcome")
        events, _ = lay(seen(table, str(part.event), path, part.na), "outcome")
        return Outcome("survival", times, event=events, name=str(part.time)), note
    column = str(part.column)
    if part.kind == "number":
        values, note = lay(numbers(table, column, path, part.na), "outcome")
        return Outcome("number", values, name=column), note
    values, note = lay(text_column(table, column, path, part.na), "outcome")
    return class_outcome(values, positive=part.positive, name=column), note


def numbers(table: pd.DataFrame, column: str, path: Path, na: Sequence[str]) -> pd.Series:
    """Read a column that must hold numbers."""
    want(table, [column], path)
    values = parse(table[column], where=f"{path}, column '{column}'", na=na)
    if not pd.api.types.is_float_dtype(values):
        raise CohortError(
            f"{path}: outcome column '{column}' holds text; numbers are wanted, and what stands for missing under "
            "na = [...] of the outcome"
        )
    return values


def seen(table: pd.DataFrame, column: str, path: Path, na: Sequence[str]) -> pd.Series:
    """Read an event column: 1 or true where the event was seen, 0 or false where not."""
    words = {"1": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "false": 0.0, "no": 0.0, "1.0": 1.0, "0.0": 0.0}
    text = text_column(table, column, path, na)
    events = text.str.lower().map(words)
    unread = int((events.isna() & text.notna()).sum())
    if unread:
        raise CohortError(
            f"{path}: {unread} value(s) of event column '{column}' are not 0/1, true/false or yes/no; what stands for "
            "missing goes under na = [...] of the outcome"
        )
    return events.astype("float64")


def split_of(part: SplitPart | None, identifier: str, read: Reader, lay: Layout) -> tuple[pd.Series | None, str | None]:
    """Read the official split as "train", "test" or missing."""
    if part is None:
        return None, None
    path, raw = read(part.path)
    table = index_by_id(raw, part.id or identifier, path)
    sides = text_column(table, part.column, path).map({part.train: "train", part.test: "test"})
    for side, written in (("train", part.train), ("test", part.test)):
        if not (sides == side).any():
            raise CohortError(f"{path}: no patient has {part.column} = '{written}'; correct {side} = in the file")
    return lay(sides, "split")


def group_of(name: str, part: GroupPart, identifier: str, read: Reader, lay: Layout) -> tuple[pd.Series, str | None]:
    """Read one grouping column and lay it out by id."""
    path, raw = read(part.path)
    table = index_by_id(raw, part.id or identifier, path)
    return lay(text_column(table, part.column, path), f"group '{name}'")


def timeline_of(spec: CohortFile, read: Reader, ids: pd.Index) -> tuple[Timeline, tuple[str, ...]]:
    """Read the visits and what was coded at them; also say which rows belong to no patient or no visit."""
    part = spec.visits
    if part is None:
        return Timeline(), ()
    path, raw = read(part.path)
    names = {"id": part.id or spec.cohort.id, "visit": part.visit} | ({"time": part.time} if part.time else {})
    visits = renamed(raw, names, path)
    if part.time:
        visits["time"] = days(visits["time"], f"{path}, column '{part.time}'")
    events = {}
    for name, modality in spec.modality.items():
        if modality.long is not None and modality.long.visit is not None:
            where, rows = read(modality.path)
            keys = {"id": modality.id or spec.cohort.id, "visit": modality.long.visit, "code": modality.long.code}
            events[name] = renamed(rows, keys, where)
    timeline = Timeline.from_frames(visits, events)
    return timeline.of(ids), tuple(unmatched(visits, events, ids))


def renamed(table: pd.DataFrame, names: Mapping[str, str], path: Path) -> pd.DataFrame:
    """Return the columns that are wanted, by the names that we give them; one column may have two."""
    want(table, list(names.values()), path)
    return pd.DataFrame({ours: table[theirs] for ours, theirs in names.items()})


def unmatched(visits: pd.DataFrame, events: Mapping[str, pd.DataFrame], ids: pd.Index) -> Iterator[str]:
    """Say how many visits belong to no patient, and how many events to no visit of their patient."""
    strangers = int((~among(visits["id"].str.strip(), ids)).sum())
    if strangers == len(visits):
        raise CohortError(
            f"no id of the visits ({len(visits)} rows) occurs among the {len(ids)} patients; "
            "check that the id column is the right one and written the same way"
        )
    if strangers:
        yield f"{strangers} rows of the visits belong to no patient of the tables"
    known = pd.MultiIndex.from_frame(visits[["id", "visit"]])
    for name, rows in events.items():
        lost = int((~pd.MultiIndex.from_frame(rows[["id", "visit"]]).isin(known)).sum())
        if lost:
            yield f"{lost} rows of '{name}' name no visit of their patient"
