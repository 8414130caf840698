"""Cohort: several tables about the same patients, aligned by id."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from graphmml.data.assemble import assemble
from graphmml.data.cohort_file import CohortFile, from_paths
from graphmml.data.few import masked, parts_told
from graphmml.data.frames import by_text, named
from graphmml.data.ids import align, align_modality, refuse_strangers, refuse_variants, union, with_ids
from graphmml.data.kinds import framed, within
from graphmml.data.outcome import Kind, Outcome, plain_outcome
from graphmml.data.timeline import Timeline
from graphmml.errors import CohortError

Rows = slice | np.ndarray | Sequence[int] | Sequence[bool]


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """Patients in rows, modalities in tables, and what is to be predicted.

    `tables` holds one DataFrame a modality, each with a row for every patient of `ids` (all missing where the patient
    lacks the modality) and with columns of numbers (float64) or names (str). In a modality that is `counted`, a code
    without a column occurs in nobody. Make one with `read_cohort`, `Cohort.from_csv` or `Cohort.from_frames`.
    """

    ids: pd.Index
    tables: Mapping[str, pd.DataFrame]
    outcome: Outcome | None = None
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    blocks: tuple[str, ...] = ()
    split: pd.Series | None = None
    name: str = "cohort"
    notes: tuple[str, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)
    strangers: Mapping[str, pd.Index] = field(default_factory=dict)
    counted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.tables:
            raise CohortError("a cohort needs at least one modality table")
        if self.ids.has_duplicates:
            raise CohortError(f"{int(self.ids.duplicated().sum())} patient id(s) repeat; one row a patient is wanted")
        if self.groups.empty and len(self.groups) != len(self.ids):
            object.__setattr__(self, "groups", pd.DataFrame(index=self.ids))
        aligned = [*self.tables.values(), self.groups, *([self.outcome.values] if self.outcome else [])]
        if any(len(table) != len(self.ids) for table in aligned):
            raise CohortError("every table of a cohort has one row a patient; use Cohort.from_frames to align them")

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, pd.DataFrame],
        outcome: pd.Series | None = None,
        *,
        groups: pd.DataFrame | None = None,
        split: pd.Series | None = None,
        kind: Kind = "class",
        positive: str | float | None = None,
        name: str = "cohort",
    ) -> "Cohort":
        """Join DataFrames indexed by patient id; `outcome`, `groups` and `split` are indexed by id as well."""
        tables = {key: named(frame, key) for key, frame in with_ids(framed(frames, outcome, groups, split)).items()}
        ids = union(tables)
        refuse_variants(ids, "the tables")
        refuse_strangers(tables)
        notes: list[str | None] = []
        target = None
        if outcome is not None:
            values, note = align(by_text(outcome), ids, "outcome")
            notes.append(note)
            target = plain_outcome(values, kind, positive, str(outcome.name or "outcome"))
        if split is not None:
            split, note = align(by_text(split), ids, "split")
            notes.append(note)
        grouped = None if groups is None else named(groups, "groups", categorical=True).reindex(ids)
        return cls(
            ids=ids,
            tables={modality: table.reindex(ids) for modality, table in tables.items()},
            outcome=target,
            groups=pd.DataFrame(index=ids) if grouped is None else grouped,
            split=split,
            name=name,
            notes=tuple(note for note in notes if note),
        )

    @classmethod
    def from_csv(
        cls,
        paths: Mapping[str, str | Path],
        outcome: str | tuple[str | Path, str] | None = None,
        *,
        id: str = "patient_id",
        kind: Kind = "class",
        positive: str | float | None = None,
        categorical: Sequence[str] = (),
    ) -> "Cohort":
        """Read one CSV a modality; `outcome` is a column of one of them, or (path, column) of another file."""
        spec = from_paths(paths, outcome, identifier=id, kind=kind, positive=positive, categorical=categorical)
        return cls.from_file(spec, Path())

    @classmethod
    def from_file(cls, spec: CohortFile, folder: Path, *, strict: bool = True) -> "Cohort":
        """Read what a validated cohort file describes; its paths are relative to `folder`."""
        return cls(**assemble(spec, folder, strict=strict)._asdict())

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Rows) -> "Cohort":
        chosen = positions(rows, len(self))
        return replace(
            self,
            ids=self.ids[chosen],
            tables={modality: table.iloc[chosen] for modality, table in self.tables.items()},
            outcome=None if self.outcome is None else self.outcome[chosen],
            groups=self.groups.iloc[chosen],
            split=None if self.split is None else self.split.iloc[chosen],
            timeline=self.timeline.of(self.ids[chosen]),
        )

    def rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """Return the positions of these ids, in their order: int [id]."""
        rows = self.ids.get_indexer(pd.Index(list(ids), dtype="str"))
        if (rows < 0).any():
            raise CohortError(f"{int((rows < 0).sum())} of {len(rows)} ids are not in the cohort")
        return np.asarray(rows, dtype=np.int64)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The names of the tables, in the order in which they were given."""
        return tuple(self.tables)

    @cached_property
    def present(self) -> np.ndarray:
        """Which patient has anything measured in which modality: bool [patient, modality]."""
        columns = [table.notna().any(axis=1).to_numpy(dtype=bool) for table in self.tables.values()]
        return np.stack(columns, axis=1)

    @property
    def labelled(self) -> np.ndarray:
        """Which patients have a known outcome: bool [patient]."""
        return np.zeros(len(self), dtype=bool) if self.outcome is None else self.outcome.known

    @property
    def sorted_rows(self) -> np.ndarray:
        """The positions in order of id, so that the order of rows in a file decides nothing: int [patient]."""
        return np.argsort(self.ids.to_numpy(dtype=str), kind="stable")

    def with_outcome_of(self, rows: Rows) -> "Cohort":
        """Return all patients, with the outcome of these rows alone; the others' is hidden."""
        if self.outcome is None:
            return self
        hidden = np.ones(len(self), dtype=bool)
        hidden[positions(rows, len(self))] = False
        return replace(self, outcome=self.outcome.hide(hidden))

    def with_visits(self, visits: pd.DataFrame, events: Mapping[str, pd.DataFrame]) -> "Cohort":
        """Return the same patients with visits (columns id, visit, time) and modalities' codes (id, visit, code)."""
        return replace(self, timeline=Timeline.from_frames(visits, events).of(self.ids))

    def with_modality(self, name: str, frame: pd.DataFrame) -> "Cohort":
        """Return the same patients with one more table, indexed by id; `notes` count its rows of nobody."""
        table, note = align_modality(named(frame, name), self.ids, name, self.tables)
        return replace(self, tables={**self.tables, name: table}, notes=(*self.notes, *([note] if note else [])))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything in the cohort, whatever the order of its rows, columns and tables."""
        return fingerprint(self)

    def __repr__(self) -> str:
        return "\n".join(overview(self))


def positions(rows: Rows, patients: int) -> np.ndarray:
    """Return rows given as slice, mask or positions as an array of positions: int [row]."""
    if isinstance(rows, slice):
        return np.arange(patients)[rows]
    array = np.asarray(rows)
    if array.dtype == bool:
        if len(array) != patients:
            raise CohortError(f"the mask has {len(array)} entries but the cohort has {patients} patients")
        return np.flatnonzero(array)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise CohortError("select patients by position, slice or mask; for ids use cohort.rows_of(ids)")
    return within(array.astype(np.int64).reshape(-1), patients)


def overview(cohort: Cohort, *, min_cell: int = 1) -> Iterator[str]:
    """Yield what is there and what is missing, counts of 1 to min_cell - 1 patients masked; a repr masks none."""
    yield f"Cohort {cohort.name}: {len(cohort)} patients, {len(cohort.tables)} modalities"
    if cohort.outcome is not None:
        yield f"  outcome {cohort.outcome.told(min_cell=min_cell)}"
    width = max(map(len, cohort.tables))
    for at, (modality, table) in enumerate(cohort.tables.items()):
        yield f"  {modality:<{width}}  {described(table, cohort.present[:, at], min_cell)}"
    for group in cohort.groups:
        blocked = ", never on two sides of a fold" if group in cohort.blocks else ""
        yield f"  group {group}: {cohort.groups[group].nunique()} values{blocked}"
    if len(cohort.timeline):
        yield f"  {len(cohort.timeline)} visits of {cohort.timeline.visits['id'].nunique()} patients"
    if cohort.split is not None:
        yield f"  split {parts_told(list(cohort.split.value_counts().items()), min_cell=min_cell)}"


def fingerprint(cohort: Cohort) -> str:
    """Hash ids, tables, outcome, groups and which of them block, split and visits, in an order no file decides."""
    order = cohort.sorted_rows
    columns = {f"{name}/{column}": table[column] for name, table in cohort.tables.items() for column in table.columns}
    columns |= {f"group/{name}": cohort.groups[name] for name in cohort.groups}
    if cohort.outcome is not None:
        columns["outcome/values"] = cohort.outcome.values
        if cohort.outcome.event is not None:
            columns["outcome/event"] = cohort.outcome.event
    if cohort.split is not None:
        columns["split"] = cohort.split
    digest = hashlib.sha256("\n".join(cohort.ids[order]).encode())
    for name in sorted(columns):
        digest.update(name.encode())
        digest.update(pd.util.hash_pandas_object(columns[name].iloc[order], index=False).to_numpy().tobytes())
    for piece in cohort.timeline.hashed():
        digest.update(piece)
    for what, names in (("blocks", cohort.blocks), ("counted", cohort.counted)):
        digest.update("".join(f"\n{what}/{name}" for name in sorted(names)).encode())
    return digest.hexdigest()


def described(table: pd.DataFrame, present: np.ndarray, min_cell: int) -> str:
    """Say in one line how much of a modality there is."""
    if not present.any():
        return f"{table.shape[1]:>4} columns, nobody has any"
    gaps = table[present].isna().to_numpy().mean()
    absent = len(table) - int(present.sum())
    missing = f", {masked(absent, min_cell=min_cell)} patients without" if absent else ""
    return f"{table.shape[1]:>4} columns{missing}" + (f", {gaps:.1%} of cells empty" if gaps else "")


def number_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that hold numbers."""
    return [column for column, kind in table.dtypes.items() if is_float_dtype(kind)]


def name_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that hold names."""
    return [column for column, kind in table.dtypes.items() if not is_float_dtype(kind)]
