"""group_table: pooled, within-group and leave-group-out scores of every model side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError
from graphmml.train.audit_groups import GroupScores, group_scores
from graphmml.train.intervals import Interval
from graphmml.train.result import CVResult


@dataclass(frozen=True, eq=False, repr=False)
class GroupTable:
    """One group's three AUROCs of each model; where they differ, the group is part of what was learned.

    Pooled over everybody; within: pairs of patients of one value of the group alone; left out: values that the model
    never saw, on folds of their own. `why` says why nothing was left out.
    """

    group: str
    rows: tuple[GroupScores, ...]
    left_out: CVResult | None
    why: str = ""

    def frame(self) -> pd.DataFrame:
        """Return one row a model: pooled, within and left_out, each with its 95 % interval."""
        records = []
        for row in self.rows:
            record: dict[str, Any] = {"model": row.model}
            for name in ("pooled", "within", "left_out"):
                value = getattr(row, name) or Interval(np.nan, np.nan, np.nan)
                record |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
            records.append(record)
        return pd.DataFrame(records).set_index("model")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plan = self.why if self.left_out is None else self.left_out.plan
        return {"group": self.group, "left_out": plan, "rows": [row.to_dict() for row in self.rows]}

    def __repr__(self) -> str:
        return f"by {self.group}\n{self.frame().round(3).to_string(na_rep='')}"


def group_table(
    result: CVResult, cohort: Cohort, group: str, *, left_out: CVResult | None = None, why: str = ""
) -> GroupTable:
    """Score a cross-validation's models within the values of a group, and beside that where these were left out.

    `left_out` is a `cross_validate` of the same models on `LeaveGroupOut(group)` or `LeftOutValues(group)`. Shuffled
    controls are not told.
    """
    if group not in cohort.groups:
        raise CohortError(f"the cohort has no group '{group}' (it has: {', '.join(cohort.groups) or 'none'})")
    values = values_of(result, cohort, group)
    kinds = {row.name: row.kind for row in result.rows}
    known = {row.name for row in left_out.rows} if left_out is not None else set()
    rows = tuple(
        group_scores(result, values, name, left_out if name in known else None)
        for name, kind in kinds.items()
        if kind != "shuffled"
    )
    return GroupTable(group, rows, left_out, why)


def values_of(result: CVResult, cohort: Cohort, group: str) -> Mapping[tuple[int, int], np.ndarray]:
    """Return which value of the group each test patient has, as a number, by repeat and fold; -1 where unknown."""
    codes = cohort.groups[group].factorize(sort=True)[0]
    return {key: codes[rows] for key, rows in result.splits.tests_in(cohort).items()}
