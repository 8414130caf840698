"""What users hand over, held against the kind of thing that is wanted; no message shows a value of a cohort."""

import os
from collections.abc import Mapping
from dataclasses import fields
from numbers import Integral, Real
from types import NoneType
from typing import Any, get_args

import numpy as np
import pandas as pd

from graphmml.errors import CohortError, GraphmmlError

MENDS = {
    "Cohort": 'read one with gm.read_cohort("cohort.toml") or make one with gm.Cohort.from_frames(tables, outcome)',
    "CVResult": "make one with gm.cross_validate(model, cohort)",
    "EncodedCohort": "make one with gm.CohortEncoder().fit(cohort).transform(cohort)",
    "DataFrame": "one indexed by patient id, for instance frame.set_index('patient_id')",
    "GraphClassifier": "make one with gm.GraphClassifier(gm.Neighbours(k=10))",
    "PatientGraph": "make one with gm.build_graph(links, encoded)",
    "Search": "make one with gm.Search(10), for ten trials",
    "Training": "make one with gm.Training(epochs=300)",
}
"""What to do, by the kind that is wanted."""


def wanted(value: object, *kinds: type, mend: str = "") -> None:
    """Raise GraphmmlError unless the value is of one of these kinds, and say how to come by the first."""
    if not isinstance(value, kinds):
        names = " or ".join(with_article(kind.__name__) for kind in kinds)
        todo = mend or MENDS.get(kinds[0].__name__, "")
        raise GraphmmlError(f"{kind_of(value)} is given where {names} is wanted; {todo}")


def whole(name: str, value: object, example: int) -> None:
    """Raise GraphmmlError unless the setting of this name is a whole number."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise GraphmmlError(f"{name} is {shown(value)}; a whole number is wanted, for instance {name}={example}")


def number(name: str, value: object, example: float) -> None:
    """Raise GraphmmlError unless the setting of this name is a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise GraphmmlError(f"{name} is {shown(value)}; a number is wanted, for instance {name}={example}")


def refuse_numbers(settings: Any) -> None:
    """Raise GraphmmlError for a field of a dataclass that is declared a number and is none."""
    for item in fields(settings):
        value, kinds = getattr(settings, item.name), get_args(item.type) or (item.type,)
        if not all(kind in (int, float, NoneType) for kind in kinds) or (value is None and NoneType in kinds):
            continue
        example = item.default if isinstance(item.default, int | float) else 10
        if float in kinds:
            number(item.name, value, example)
        else:
            whole(item.name, value, int(example))


def kind_of(value: object) -> str:
    """Say what kind of thing a value is, and nothing of what is in it."""
    return f"the class {value.__name__}" if isinstance(value, type) else with_article(type(value).__name__)


def shown(value: object) -> str:
    """Write a setting: numbers and words as they are, of anything else its kind."""
    return repr(value) if value is None or isinstance(value, int | float | str) else kind_of(value)


def with_article(name: str) -> str:
    """Return a name with a or an before it."""
    article = "an" if name.lower().startswith(("a", "e", "i", "o", "nd")) else "a"
    return f"{article} {name}"


def foreign(value: object) -> bool:
    """Return whether a value is scikit-learn's own, which knows rows of numbers and no patients."""
    return type(value).__module__.startswith("sklearn.")


def refuse_plain(model: object) -> None:
    """Raise GraphmmlError for a model that cannot be fitted to a cohort."""
    if isinstance(model, type) or foreign(model) or not hasattr(model, "fit"):
        raise GraphmmlError(
            f"{kind_of(model)} is given where a model of patients is wanted; give a gm.GraphClassifier(), or a "
            "classifier of scikit-learn in gm.Baseline(classifier)"
        )


def refuse_path(path: object) -> None:
    """Raise CohortError for what names no file."""
    if not isinstance(path, str | os.PathLike):
        raise CohortError(
            f"{kind_of(path)} is given where a path is wanted, for instance cohort.toml; tables are joined by "
            "gm.Cohort.from_frames(tables, outcome)"
        )


def framed(
    frames: Mapping[str, pd.DataFrame], outcome: object, groups: object, split: object
) -> Mapping[str, pd.DataFrame]:
    """Return tables by name as they are, or raise CohortError where they or what is beside them are not of pandas."""
    if not isinstance(frames, Mapping):
        raise CohortError(
            f"{kind_of(frames)} is given where DataFrames by name are wanted, for instance "
            'Cohort.from_frames({"labs": labs}, outcome)'
        )
    if not frames:
        raise CohortError("no table was given; a cohort needs at least one modality table, a DataFrame by its name")
    for modality, frame in frames.items():
        refuse_unindexed(f"table '{modality}'", frame, pd.DataFrame)
    for name, beside in (("outcome", outcome), ("groups", groups), ("split", split)):
        if beside is not None:
            refuse_unindexed(name, beside, pd.DataFrame if name == "groups" else pd.Series)
    return frames


def refuse_unindexed(name: str, table: object, kind: type[pd.DataFrame] | type[pd.Series]) -> None:
    """Raise CohortError unless the table is of this kind and its index is of single ids."""
    if not isinstance(table, kind):
        column = "['column']" if kind is pd.Series else ""
        raise CohortError(
            f"{name} is {kind_of(table)}; a {kind.__name__} indexed by patient id is wanted, for instance "
            f"frame.set_index('patient_id'){column}"
        )
    if isinstance(table.index, pd.MultiIndex):
        raise CohortError(
            f"{name} has an index of {table.index.nlevels} levels; one id a row is wanted: "
            "reset_index(), then set_index('patient_id')"
        )


def within(rows: np.ndarray, patients: int) -> np.ndarray:
    """Return positions as they are, or raise CohortError for one beyond the patients there are."""
    if rows.size and not -patients <= rows.min() <= rows.max() < patients:
        raise CohortError(
            f"row {rows.max() if rows.max() >= patients else rows.min()} is asked for and the cohort has {patients} "
            f"patients; choose rows 0 to {patients - 1}, or patients by cohort.rows_of(ids)"
        )
    return rows
