"""Importances: the result, with intervals over folds and the agreement of folds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import hypergeom, kendalltau

from graphmml.report.explain.part import Part
from graphmml.report.explain.plots import ImportancePlots, Measure
from graphmml.report.words import plain_json
from graphmml.train.intervals import Interval, over_folds, span


@dataclass(frozen=True, eq=False)
class Importance:
    """One part: the mean absolute change without it and the fall of AUROC when exchanged, both float64 [fold]."""

    part: Part
    change: np.ndarray
    drop: np.ndarray


@dataclass(frozen=True)
class Stability:
    """How far folds agree on the order of one kind of part, by `change`.

    `kendall` is the mean of Kendall's tau-b over pairs of folds, 0 by chance; `jaccard` the mean share in common of
    their first `top` parts, beside what it would be by chance. NaN where there is one part or one fold.
    """

    kind: str
    parts: int
    kendall: float
    top: int
    jaccard: float
    jaccard_chance: float


@dataclass(frozen=True, eq=False, repr=False)
class Importances:
    """Every part over `folds` folds of `train` and `test` patients, in `repeats` of all, by kind and mean change."""

    rows: tuple[Importance, ...]
    folds: int
    train: float
    test: float
    top: int
    repeats: int = 1

    def told(self, row: Importance, by: Measure) -> Interval:
        """Return a part's mean over folds with its interval, where a change (0 to 1) or a drop (-1 to 1) can be."""
        found = over_folds(getattr(row, by), train=self.train, test=self.test, repeats=self.repeats)
        low, high = np.clip([found.low, found.high], -1.0 if by == "drop" else 0.0, 1.0)
        return replace(found, low=float(low), high=float(high))

    def said(self, row: Importance, by: Measure) -> str:
        """Write a part's mean and interval, "n.a." where the part cannot be exchanged."""
        value = self.told(row, by)
        return span(value, "+" if by == "drop" else "") if value.mean == value.mean else "n.a."

    @property
    def plot(self) -> ImportancePlots:
        """Plots on matplotlib axes: `parts`, by kind."""
        return ImportancePlots(self)

    def frame(self) -> pd.DataFrame:
        """Return one row a part: change and drop with 95 % intervals, mean rank by change, share of folds on top."""
        ranks = {id(row): rank for kind in self.kinds for row, rank in zip(*self.ranked(kind), strict=True)}
        return pd.DataFrame(
            {
                "kind": row.part.kind,
                "name": row.part.name,
                "through": row.part.through,
                **columns("change", self.told(row, "change")),
                **columns("drop", self.told(row, "drop")),
                "rank": float(np.mean(ranks[id(row)])),
                "on_top": float((ranks[id(row)] <= self.first(row.part.kind)).mean()),
            }
            for row in self.rows
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of part there are."""
        return tuple(dict.fromkeys(row.part.kind for row in self.rows))

    def ranked(self, kind: str) -> tuple[list[Importance], np.ndarray]:
        """Return the parts of a kind and their ranks by change, 1 for the largest: int [part, fold]."""
        rows = [row for row in self.rows if row.part.kind == kind]
        change = np.nan_to_num(np.stack([row.change for row in rows]), nan=-1.0)
        return rows, (-change).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") + 1

    def first(self, kind: str) -> int:
        """Return how many parts of a kind count as on top: at most half of them, and at least one."""
        return max(1, min(self.top, sum(row.part.kind == kind for row in self.rows) // 2))

    @property
    def stability(self) -> tuple[Stability, ...]:
        """How far folds agree, by kind."""
        return tuple(map(self.stable, self.kinds))

    def stable(self, kind: str) -> Stability:
        """Hold each fold's order against every other's."""
        rows, ranks = self.ranked(kind)
        count, top = len(rows), self.first(kind)
        if count < 2 or self.folds < 2:
            return Stability(kind, count, float("nan"), top, float("nan"), float("nan"))
        pairs = list(combinations(range(self.folds), 2))
        tau = [kendalltau(ranks[:, one], ranks[:, other]).statistic for one, other in pairs]
        common = [((ranks[:, one] <= top) & (ranks[:, other] <= top)).sum() for one, other in pairs]
        jaccard = [each / (2 * top - each) for each in common]
        return Stability(kind, count, float(np.mean(tau)), top, float(np.mean(jaccard)), jaccard_by_chance(count, top))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "folds": self.folds,
            "parts": plain_json(self.frame().to_dict("records")),
            "stability": plain_json([vars(each) for each in self.stability]),
        }

    def __repr__(self) -> str:
        head = f"Importances over {self.folds} folds: change of the probability without it, fall of AUROC if exchanged"
        return "\n".join([head, *self.lines()])

    def lines(self) -> Iterator[str]:
        """Yield a line for each of the first parts of every kind, and one on how far folds agree."""
        for stable in self.stability:
            rows, _ = self.ranked(stable.kind)
            agree = (
                f"folds agree by Kendall {stable.kendall:+.2f}, first {stable.top} by {stable.jaccard:.2f} (by chance "
            )
            yield f"  {stable.kind}: {agree}{stable.jaccard_chance:.2f})"
            for row in rows[: self.top]:
                yield f"    {row.part.label:<32} {self.said(row, 'change')}   {self.said(row, 'drop')}"


def jaccard_by_chance(parts: int, top: int) -> float:
    """Return the expected share in common of two draws of `top` out of so many parts."""
    common = np.arange(top + 1)
    return float((hypergeom(parts, top, top).pmf(common) * common / (2 * top - common)).sum())


def columns(name: str, value: Interval) -> dict[str, float]:
    """Return a value and its interval by column."""
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
