"""Plots of explanations and importances on matplotlib axes: axes in, the same axes out."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from graphmml.errors import GraphmmlError
from graphmml.report.explain.part import PartKind
from graphmml.report.plot import COLOURS, axes
from graphmml.report.words import short

Measure = Literal["change", "drop"]
"""What importances are told by."""
UNITS: dict[Measure, str] = {"change": "mean absolute change of the probability without it", "drop": "fall of AUROC"}


class Shown(Protocol):
    """What is drawn of an explanation."""

    @property
    def unit(self) -> str:
        """What effects are counted in."""

    @property
    def explained(self) -> str:
        """The class explained."""

    def of_kind(self, kind: PartKind) -> Any:
        """Return the parts of one kind."""


@dataclass(frozen=True, eq=False)
class ExplanationPlots:
    """What `Explanation.plot` offers; each method draws on `ax`, or on new axes, and returns them."""

    of: Shown

    def parts(self, kind: PartKind = "feature", ax: Any = None, *, most: int = 10) -> Any:
        """Draw the effects of one kind of part, the largest on top; whiskers are one deviation over members."""
        told = self.of.of_kind(kind)[:most]
        if not told:
            raise GraphmmlError(f"the patient has no {kind} to draw; try modality, feature, relation or link")
        ax = axes(ax)
        effects = np.array([item.attribution.effect for item in told])
        spread = np.nan_to_num(np.array([item.attribution.spread for item in told]))
        names = [short(item.attribution.part.label, 32) for item in told]
        at = np.arange(len(told))
        colours = [COLOURS[0] if effect >= 0 else COLOURS[1] for effect in effects]
        ax.barh(at, effects, color=colours, alpha=0.7)
        ax.errorbar(effects, at, xerr=spread, fmt="none", ecolor="black", elinewidth=1)
        ax.set_yticks(at, names)
        ax.axvline(0.0, color="grey", linewidth=1)
        ax.set(xlabel=f"{self.of.unit}, of '{self.of.explained}'")
        ax.invert_yaxis()
        return ax


class Weighed(Protocol):
    """What is drawn of importances."""

    def ranked(self, kind: str) -> Any:
        """Return the parts of a kind, the largest change first, and their ranks."""

    def told(self, row: Any, by: Measure) -> Any:
        """Return a part's mean over folds with its interval."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of part there are."""


@dataclass(frozen=True, eq=False)
class ImportancePlots:
    """What `Importances.plot` offers; each method draws on `ax`, or on new axes, and returns them."""

    of: Weighed

    def parts(self, kind: PartKind = "feature", ax: Any = None, *, by: Measure = "drop", most: int = 10) -> Any:
        """Draw one kind of part with 95 % intervals over folds, the one that moves predictions most on top."""
        if by not in UNITS:
            raise GraphmmlError(f"by is '{by}'; choose change or drop")
        if kind not in self.of.kinds:
            raise GraphmmlError(f"there is no {kind} to draw; there is {', '.join(self.of.kinds)}")
        rows = self.of.ranked(kind)[0][:most]
        ax, at = axes(ax), np.arange(len(rows))
        told = np.array([[value.mean, value.low, value.high] for value in (self.of.told(row, by) for row in rows)])
        ax.hlines(at, told[:, 1], told[:, 2], color=COLOURS[0], linewidth=2)
        ax.plot(told[:, 0], at, "o", color=COLOURS[0])
        ax.set_yticks(at, [short(row.part.label, 32) for row in rows])
        ax.axvline(0.0, color="grey", linewidth=1)
        ax.set(xlabel=UNITS[by])
        ax.invert_yaxis()
        return ax
