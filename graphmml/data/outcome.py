"""What is to be predicted: a class, a number or a survival time."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from graphmml.data.cells import refuse_cells
from graphmml.data.columns import is_number, label, normalise
from graphmml.data.few import parts_told
from graphmml.errors import CohortError

Kind = Literal["class", "number", "survival"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """One value a patient, by id; missing where unknown.

    `values` holds class names, numbers, or times to the event (or to the end of follow-up); `event` is 1.0
    where the event was seen and 0.0 where the time is censored, for survival only. `positive` names the class
    that scores are of; without it, the last in alphabetical order.
    """

    kind: Kind
    values: pd.Series
    event: pd.Series | None = None
    positive: str | None = None
    name: str = "outcome"

    def __post_init__(self) -> None:
        refuse_kind(self.kind)
        if (self.event is not None) != (self.kind == "survival"):
            raise CohortError("a survival outcome, and no other, has an event column beside its time")
        if self.kind == "survival" and (self.values.dropna() < 0).any():
            raise CohortError(f"outcome '{self.name}' has {int((self.values < 0).sum())} negative time(s)")

    @property
    def known(self) -> np.ndarray:
        """Which patients have an outcome: bool [patient]."""
        known = self.values.notna().to_numpy(dtype=bool)
        return np.asarray(known if self.event is None else known & self.event.notna().to_numpy(dtype=bool))

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names that occur, sorted, the positive one last; empty for numbers and survival."""
        if self.kind != "class":
            return ()
        found = sorted(self.values.dropna().unique())
        return (*(name for name in found if name != self.positive), *(name for name in found if name == self.positive))

    def __getitem__(self, rows: np.ndarray) -> "Outcome":
        event = None if self.event is None else self.event.iloc[rows]
        return replace(self, values=self.values.iloc[rows], event=event)

    def hide(self, hidden: np.ndarray) -> "Outcome":
        """Return the same outcome, unknown where `hidden`: bool [patient]."""
        event = None if self.event is None else self.event.mask(hidden)
        return replace(self, values=self.values.mask(hidden), event=event)

    def told(self, *, min_cell: int) -> str:
        """Say in one line what it is, counts of 1 to min_cell - 1 patients masked."""
        known = int(self.known.sum())
        unknown = [("unknown", len(self.values) - known)] if known < len(self.values) else []
        if self.kind == "class":
            counts = self.values.value_counts()
            parts = [(name, int(counts[name])) for name in self.classes] + unknown
            return f"{self.name}: {parts_told(parts, min_cell=min_cell)}"
        tail = ", " * bool(unknown) + parts_told(unknown, min_cell=min_cell)
        if self.event is None:
            few = 0 < known < min_cell  # the median of one patient is that patient's
            said = f"known of <{min_cell}" if few else f"median {self.values.median():g}{tail}"
            return f"{self.name}: number, {said}"
        seen = int(self.event[self.known].sum())
        parts = [("seen", seen), ("censored", known - seen), *unknown]
        if any(0 < size < min_cell for _, size in parts):
            return f"{self.name}: survival, {parts_told(parts, min_cell=min_cell)}"
        return f"{self.name}: survival, {seen} events in {known} patients{tail}"

    def __repr__(self) -> str:
        return self.told(min_cell=1)


def class_outcome(values: pd.Series, *, positive: str | None = None, name: str = "outcome") -> Outcome:
    """Name classes by text, whatever pandas holds: 1, 1.0 and True become "1", "1" and "True"; blanks are missing."""
    labels = values.astype("object").map(label, na_action="ignore")
    known = values.notna() & (labels.astype("str").str.strip() != "")
    outcome = Outcome("class", labels.where(known).astype("str"), positive=positive, name=name)
    if positive is not None and positive not in outcome.classes:
        found = ", ".join(map(str, outcome.classes[:12]))
        raise CohortError(f"outcome '{name}' has no class '{positive}' (it has: {found}); correct positive")
    return outcome


def plain_outcome(values: pd.Series, kind: Kind, positive: str | float | None, name: str) -> Outcome:
    """Make an outcome of one series: classes or numbers (survival needs two columns: use a cohort file)."""
    refuse_kind(kind)
    if kind == "survival":
        raise CohortError("a survival outcome has a time and an event column; describe it in a cohort.toml")
    if kind == "class":
        refuse_cells(values, f"outcome '{name}'")
        return class_outcome(values, positive=None if positive is None else label(positive), name=name)
    if positive is not None:
        raise CohortError('positive goes with kind="class"; numbers have no class')
    numbers = normalise(values, where=f"outcome '{name}'")
    if not is_number(numbers):
        unread = int(pd.to_numeric(numbers, errors="coerce").isna().sum() - numbers.isna().sum())
        raise CohortError(
            f"outcome '{name}': {unread} of {len(numbers)} values are no numbers; mend them, or say kind=\"class\""
        )
    return Outcome("number", numbers, name=name)


def refuse_kind(kind: object) -> None:
    """Raise CohortError for no kind of outcome."""
    if kind not in ("class", "number", "survival"):
        raise CohortError(f"outcome kind is '{kind}'; choose class, number or survival")
