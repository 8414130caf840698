"""Gaps: how far the values of a group lie apart, and whether further than chance sets them apart.

The largest of several differences is above zero whatever the model does, so that its own percentiles say nothing.
Differences are therefore held against their standard errors in the bootstrap, both values resampled, and the limit is
that which the largest of all of them exceeds in 5 % of resamples when nothing sets the values apart (max t, Westfall
and Young 1993). Over the gaps of a model p-values are Holm's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import norm

from graphmml.data.contingency import holm
from graphmml.train.fairness.measures import RATES
from graphmml.train.intervals import Interval

GAPS: Mapping[str, tuple[str, ...]] = {
    "auroc": ("auroc",),
    "calibration_intercept": ("calibration_intercept",),
    "calibration_slope": ("calibration_slope",),
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("sensitivity",),
    "equalised_odds": ("sensitivity", "specificity"),
    "predictive_parity": ("ppv",),
}
"""What each gap is the largest difference of. Brier score and AUPRC move with prevalence: their gaps say little."""
LEVEL = 0.05


@dataclass(frozen=True)
class Contrast:
    """Two values' difference in one measure, the one above first, and the ratio of the lower to the higher."""

    measure: str
    above: str
    below: str
    difference: Interval
    ratio: Interval
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        words = {name: getattr(self, name) for name in ("measure", "above", "below")}
        return {**words, "difference": self.difference.to_dict(), "ratio": self.ratio.to_dict(), "p": self.p}


@dataclass(frozen=True)
class Gap:
    """One gap of one model between the values of one group.

    `largest` is the pair of values farthest apart; `clearest` the one that chance explains least, which is another
    where a small value lies far off. `p` is that of the clearest among all pairs, `p_holm` over the model's gaps.
    """

    model: str
    group: str
    name: str
    largest: Contrast
    clearest: Contrast
    p: float
    p_holm: float

    @property
    def demonstrable(self) -> bool:
        """Whether chance is too unlikely an explanation, at 5 % over all gaps of the model."""
        return self.p_holm < LEVEL

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "model": self.model,
            "group": self.group,
            "name": self.name,
            "largest": self.largest.to_dict(),
            "clearest": self.clearest.to_dict(),
            "p": self.p,
            "p_holm": self.p_holm,
            "demonstrable": self.demonstrable,
        }


@dataclass(frozen=True, eq=False)
class Spread:
    """One measure over values: scores [value], draws [value, resample], and how many a share is among [value]."""

    measure: str
    values: tuple[str, ...]
    scores: np.ndarray
    draws: np.ndarray
    among: np.ndarray

    def pairs(self) -> "Iterator[Pair]":
        """Yield each pair of values, the higher first."""
        floor = self.least_variance()
        for one, other in combinations(range(len(self.values)), 2):
            above, below = (one, other) if self.scores[one] >= self.scores[other] else (other, one)
            apart = self.draws[above] - self.draws[below]
            if np.isfinite(apart).sum() < 2:
                continue
            difference = float(self.scores[above] - self.scores[below])
            error = float(np.sqrt(max(np.nanvar(apart, ddof=1), floor[above] + floor[below])))
            yield Pair(self, above, below, difference, max(error, 1e-12), apart - difference)

    def least_variance(self) -> np.ndarray:
        """Return the variance that a share has at least (Agresti and Coull 1998): one of 0 or 1 is not certain."""
        if self.measure not in RATES:
            return np.zeros(len(self.values))
        size = self.among + 4
        middle = (self.scores * self.among + 2) / size
        return np.asarray(middle * (1 - middle) / size)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two values of a spread by number, their difference, its standard error, and its draws around it: [resample]."""

    of: Spread
    above: int
    below: int
    difference: float
    error: float
    centred: np.ndarray

    @property
    def t(self) -> float:
        """How many standard errors the difference is."""
        return self.difference / self.error

    def contrast(self, largest: np.ndarray) -> Contrast:
        """Return its difference, ratio and p against the largest t of each resample."""
        limit = max(float(np.quantile(largest, 1 - LEVEL)), float(norm.ppf(1 - LEVEL / 2)))
        p = max((1 + int((largest >= self.t).sum())) / (1 + len(largest)), float(2 * norm.sf(self.t)))
        half = limit * self.error
        return Contrast(
            measure=self.of.measure,
            above=self.of.values[self.above],
            below=self.of.values[self.below],
            difference=Interval(self.difference, self.difference - half, self.difference + half),
            ratio=self.ratio(limit),
            p=p,
        )

    def ratio(self, limit: float) -> Interval:
        """Return the lower over the higher with its interval on the logarithm; of measures that cannot be negative."""
        nothing = float("nan")
        high, low = self.of.scores[self.above], self.of.scores[self.below]
        if self.of.measure.startswith("calibration") or not high > 0:
            return Interval(nothing, nothing, nothing)
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = np.log(self.of.draws[self.below]) - np.log(self.of.draws[self.above])
        drawn = drawn[np.isfinite(drawn)]
        if not low > 0 or len(drawn) < 2:
            return Interval(float(low / high), nothing, nothing)
        wide = float(np.exp(limit * drawn.std(ddof=1)))
        return Interval(float(low / high), float(low / high) / wide, float(low / high) * wide)


def gap(model: str, group: str, name: str, spreads: Sequence[Spread]) -> Gap | None:
    """Return the gap of one or more measures over all pairs of values; None where there are no two."""
    pairs = [pair for spread in spreads for pair in spread.pairs()]
    if not pairs:
        return None
    with np.errstate(invalid="ignore"):
        each = np.abs(np.stack([pair.centred / pair.error for pair in pairs]))
    largest = np.nan_to_num(each).max(axis=0)
    far = max(pairs, key=lambda pair: pair.difference).contrast(largest)
    clear = max(pairs, key=lambda pair: pair.t).contrast(largest)
    return Gap(model, group, name, far, clear, clear.p, clear.p)


def adjusted(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Return one model's gaps with Holm's p over all of them."""
    p = holm([one.p for one in gaps])
    return tuple(replace(one, p_holm=float(value)) for one, value in zip(gaps, p, strict=True))
