"""FairnessPrice: gaps before and after a mitigation, and what it costs, on the same folds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from graphmml.train.fairness.result import FairnessResult, escaped
from graphmml.train.fairness.words import GAP_WORDS, MEASURES
from graphmml.train.intervals import Interval, span

SCHEMA = "graphmml.fairness_price/1"
BEFORE = "as it is"
WORDS: Mapping[str, str] = {**MEASURES, "accuracy": "accuracy"}
LOWER_IS_BETTER = ("brier",)


@dataclass(frozen=True)
class Change:
    """A number before and after, and what the second is more than the first, each with its interval."""

    group: str
    name: str
    before: Interval
    after: Interval
    change: Interval

    def record(self) -> dict[str, Any]:
        """Return one line of a table."""
        found: dict[str, Any] = {"group": self.group, "name": self.name}
        for part in ("before", "after", "change"):
            interval = getattr(self, part)
            found |= {part: interval.mean, f"{part}_low": interval.low, f"{part}_high": interval.high}
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        parts = {part: getattr(self, part).to_dict() for part in ("before", "after", "change")}
        return {"group": self.group, "name": self.name, **parts}


@dataclass(frozen=True, eq=False, repr=False)
class FairnessPrice:
    """What a mitigation does to gaps (`narrowed`) and to everybody's scores (`costs`); `fairness` has both by value."""

    mitigation: str
    fairness: FairnessResult
    narrowed: tuple[Change, ...]
    costs: tuple[Change, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row a score over everybody: before, after, and the change with its 95 % interval."""
        return pd.DataFrame([cost.record() for cost in self.costs]).drop(columns="group")

    def gaps(self) -> pd.DataFrame:
        """Return one row a gap: its largest difference before, after, and the change with its 95 % interval."""
        return pd.DataFrame([gap.record() for gap in self.narrowed])

    @property
    def verdict(self) -> tuple[str, ...]:
        """Say which gaps demonstrably narrowed or widened, and what everybody's scores changed by."""
        told = [
            f"{self.mitigation}, {word}: {', '.join(map(gap_change, mine))}."
            for word, sign in (
                ("narrowed demonstrably", -1),
                ("widened demonstrably", 1),
                ("no demonstrable change", 0),
            )
            if (mine := [gap for gap in self.narrowed if side(gap.change) == sign])
        ]
        return (*told, f"price: {'; '.join(map(cost_change, self.costs))}.")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "schema": SCHEMA,
            "mitigation": self.mitigation,
            "gaps": [gap.to_dict() for gap in self.narrowed],
            "costs": [cost.to_dict() for cost in self.costs],
            "fairness": self.fairness.to_json(),
            "verdict": list(self.verdict),
        }

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield the costs and gaps, a line each, and the verdict."""
        yield f"{self.mitigation}, beside the model {BEFORE}: {self.fairness.plan}, {self.fairness.setting}"
        for change in (*self.narrowed, *self.costs):
            name = f"{change.group}: {GAP_WORDS[change.name]}" if change.group else WORDS[change.name]
            yield f"  {name}: {span(change.before)} -> {span(change.after)}, {span(change.change, '+')}"
        yield from self.verdict

    def _repr_html_(self) -> str:
        tables = [
            frame.to_html(index=False, na_rep="", float_format="{:.3f}".format) for frame in (self.gaps(), self.frame())
        ]
        return "".join(tables) + f"<p>{'</p><p>'.join(map(escaped, self.verdict))}</p>"


def side(interval: Interval) -> int:
    """Return 1 above zero, -1 below, 0 where the interval holds zero or there is none."""
    return int(interval.low > 0) - int(interval.high < 0)


def gap_change(gap: Change) -> str:
    """Name a gap with how it changed."""
    return f"{GAP_WORDS[gap.name]} by {gap.group} {gap.before.mean:.2f} to {gap.after.mean:.2f}"


def cost_change(cost: Change) -> str:
    """Name a score with how it changed, and whether that can be told from chance."""
    if cost.change.mean == cost.change.low == cost.change.high == 0:
        return f"{WORDS[cost.name]} as it was"
    gained = side(cost.change) * (-1 if cost.name in LOWER_IS_BETTER else 1)
    word = {1: "better", -1: "worse", 0: "may be chance"}[gained]
    return f"{WORDS[cost.name]} {span(cost.change, '+')}, {word}"
