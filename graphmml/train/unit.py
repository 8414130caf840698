"""Unit: one model on one fold, the piece that a cross-validation is made of and a run loses at most one of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

RowKind = Literal["graph", "no-graph", "shuffled", "baseline", "control"]


@dataclass(frozen=True, eq=False)
class Unit:
    """One model on one fold: scores, seconds, and the test patients' class numbers and probabilities."""

    model: str
    kind: RowKind
    repeat: int
    fold: int
    scores: Mapping[str, float]
    seconds: float
    trained: int
    codes: np.ndarray
    probabilities: np.ndarray
    chosen: Mapping[str, str] = field(default_factory=dict)
    """What tuning chose on the fold's training patients, by the name of the setting."""

    @property
    def key(self) -> tuple[int, int]:
        """The fold's repeat and number."""
        return self.repeat, self.fold
