"""Altered copies of one patient: cells blanked or written anew, tables taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.columns import is_number
from graphmml.data.encode import EncodedCohort
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.typical import Instead, typical


@dataclass(frozen=True)
class Cell:
    """A cell and what is written into it; NaN blanks it."""

    modality: str
    column: str
    value: object


def written(subject: Subject, changes: Sequence[Sequence[Cell]]) -> EncodedCohort:
    """Return one copy for each list of changes, encoded as the model encodes anybody."""
    person, count = subject.person, len(changes)
    ids = pd.Index([f"copy {at}" for at in range(count)], dtype="str")
    rows = np.zeros(count, dtype=np.int64)
    tables = {name: table.iloc[rows].set_axis(ids, axis=0) for name, table in person.tables.items()}
    wanted: dict[tuple[str, str], dict[int, object]] = {}
    for at, cells in enumerate(changes):
        for cell in cells:
            wanted.setdefault((cell.modality, cell.column), {})[at] = cell.value
    fresh: dict[str, dict[str, pd.Series]] = {}
    for (modality, column), values in wanted.items():
        fresh.setdefault(modality, {})[column] = rewritten(tables[modality][column], values)
    tables = {name: table.assign(**fresh.get(name, {})) for name, table in tables.items()}
    bare = Cohort(ids, tables, groups=person.groups.iloc[rows].set_axis(ids, axis=0))
    encoded = subject.model.encoder_.transform(bare)
    same = person.ids[rows]  # links that go by id must know who this is
    return replace(
        encoded,
        ids=same,
        tables={name: table.set_axis(same, axis=0) for name, table in encoded.tables.items()},
        groups=person.groups.iloc[rows],
        timeline=person.timeline,
    )


def rewritten(column: pd.Series, values: Mapping[int, object]) -> pd.Series:
    """Return a column with new values at some rows."""
    kind = "float64" if is_number(column) else "object"
    array = column.to_numpy(dtype=kind, copy=True)
    array[list(values)] = list(values.values())
    return pd.Series(array, index=column.index, dtype="float64" if kind == "float64" else "str")


def without(subject: Subject, gone: np.ndarray, instead: Instead) -> EncodedCohort:
    """Return copies without the features marked: bool [copy, feature]."""
    cells = [
        Cell(part.through, part.name, typical(subject.model, part.through, part.name, instead))
        for part in subject.features
    ]
    return written(subject, [[cells[at] for at in np.flatnonzero(row)] for row in gone])
