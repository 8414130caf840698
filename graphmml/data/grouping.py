"""Grouping: patients told apart by a group or a column of names, or by two of them crossed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.columns import is_number
from graphmml.errors import CohortError, GraphmmlError

MOST_VALUES = 30
"""Values that a group may have to be looked at one by one; ids, dates and measurements have more."""
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Grouping:
    """Who has which value: `labels` is int [patient] into `values`, -1 where unknown.

    `parts` are the two groupings that a crossed one is made of; its values then are all pairs, in their order.
    """

    name: str
    values: tuple[str, ...]
    labels: np.ndarray
    parts: tuple["Grouping", ...] = ()

    def __getitem__(self, rows: np.ndarray) -> "Grouping":
        return Grouping(self.name, self.values, self.labels[rows], tuple(part[rows] for part in self.parts))

    def closed(self) -> "Grouping":
        """Return the same with the unknown as a last value where there are any, so that everybody is counted."""
        if self.parts:
            return crossed(*(part.closed() for part in self.parts))
        if (self.labels >= 0).all():
            return self
        labels = np.where(self.labels < 0, len(self.values), self.labels)
        return Grouping(self.name, (*self.values, UNKNOWN), labels)

    @property
    def known(self) -> np.ndarray:
        """Which values are known: bool [value]; a pair is where both are."""
        if not self.parts:
            return np.array([value != UNKNOWN for value in self.values])
        first, second = (part.known for part in self.parts)
        return np.asarray((first[:, None] & second[None, :]).ravel())


def grouping(cohort: Cohort, name: str, *, fewest: int = 2) -> Grouping:
    """Tell patients apart by a group of the cohort, or by a column of one of its modalities ("sex", "clinical.sex").

    Raises CohortError where there is none, and for fewer values than `fewest` or more than thirty.
    """
    column = column_of(cohort.groups, cohort.tables, name, CohortError)
    labels, values = pd.factorize(column, sort=True)
    if len(values) > MOST_VALUES:
        raise CohortError(
            f"'{name}' has {len(values)} values; a group has at most {MOST_VALUES}: add a column that puts them in "
            "bands and name that"
        )
    if len(values) < fewest:
        raise CohortError(f"'{name}' has {len(values)} value(s); {fewest} are wanted to compare")
    words = tuple(f"{value:g}" if is_number(column) else str(value) for value in values)
    return Grouping(name, words, np.asarray(labels, dtype=np.int64))


def groupings(cohort: Cohort, names: str | Sequence[str]) -> tuple[Grouping, ...]:
    """Return one grouping a name, and of two names also the two crossed."""
    asked = [names] if isinstance(names, str) else list(names)
    if not 1 <= len(asked) <= 2 or len(set(asked)) < len(asked):
        raise CohortError(f"{len(asked)} groups are named; name one, or two different ones to see them crossed as well")
    found = [grouping(cohort, name) for name in asked]
    return (*found, crossed(*found)) if len(found) == 2 else tuple(found)


def crossed(first: Grouping, second: Grouping) -> Grouping:
    """Return the grouping by both: every pair of values, occurring or not."""
    values = tuple(f"{one}, {other}" for one in first.values for other in second.values)
    labels = first.labels * len(second.values) + second.labels
    labels = np.where((first.labels < 0) | (second.labels < 0), -1, labels)
    return Grouping(f"{first.name} x {second.name}", values, labels, (first, second))


def column_of(
    groups: pd.DataFrame, tables: Mapping[str, pd.DataFrame], name: str, error: type[GraphmmlError]
) -> pd.Series:
    """Return a raw column: a group, a feature, or "modality.feature" where a name occurs twice."""
    if name in groups:
        return groups[name]
    modality, _, feature = name.partition(".")
    if modality in tables and feature in tables[modality]:
        return tables[modality][feature]
    holders = [modality for modality, table in tables.items() if name in table]
    if len(holders) == 1:
        return tables[holders[0]][name]
    if holders:
        raise error(f"column '{name}' is in {', '.join(holders)}; write '{holders[0]}.{name}'")
    some = [*groups, *(column for table in tables.values() for column in table.columns[:5])]
    raise error(
        f"no column or group '{name}'; there are, for instance: {', '.join(map(str, some[:12]))}. Of a column that is "
        f"dropped as a feature make a group: [group.{name}] path = ..., column = ..."
    )
