"""FairnessResult: a model's scores in each value of a group, its gaps and calibration curves, small cells masked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from graphmml.errors import CohortError
from graphmml.train.fairness.curve import GroupCurve
from graphmml.train.fairness.gaps import Gap
from graphmml.train.fairness.words import headline, sentences, value_line
from graphmml.train.intervals import Interval
from graphmml.train.unit import RowKind

SCHEMA = "graphmml.fairness/1"


@dataclass(frozen=True)
class ValueScores:
    """One model on the patients with one value; a count that may not be shown is None, as is what rests on it."""

    model: str
    kind: RowKind
    group: str
    value: str
    patients: int | None
    positives: int | None
    scores: Mapping[str, Interval]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        words = {
            name: getattr(self, name) for name in ("model", "kind", "group", "value", "patients", "positives", "note")
        }
        return words | {name: interval.to_dict() for name, interval in self.scores.items()}


def counts_of(rows: Sequence[ValueScores]) -> tuple[str, ...]:
    """Name the counts that rows have; of an outcome of several classes none is the positive one."""
    return ("patients", "positive") if any(row.positives is not None for row in rows) else ("patients",)


@dataclass(frozen=True, eq=False, repr=False)
class FairnessResult:
    """Scores by value, gaps and calibration curves of every model; `verdict` says in words what is demonstrable."""

    rows: tuple[ValueScores, ...]
    found: tuple[Gap, ...]
    curves: tuple[GroupCurve, ...]
    cohort: str
    plan: str
    setting: str
    positive: str
    measures: tuple[str, ...]
    threshold: float
    min_cell: int
    draws: int

    @property
    def models(self) -> tuple[str, ...]:
        """The models by name, in the order of the cross-validation."""
        return tuple(dict.fromkeys(row.model for row in self.rows))

    @property
    def several(self) -> bool:
        """Whether scores are means over several classes, of which none is called positive."""
        return "sensitivity" not in self.measures

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, and the two crossed where two were asked for."""
        return tuple(dict.fromkeys(row.group for row in self.rows))

    def of(self, model: str, group: str) -> tuple[ValueScores, ...]:
        """Return one model's rows of one group."""
        chosen = tuple(row for row in self.rows if (row.model, row.group) == (model, group))
        if not chosen:
            known = f"models {'; '.join(self.models)}, and groups {'; '.join(self.groups)}"
            raise CohortError(f"nothing of model '{model}' by '{group}'; there are {known}")
        return chosen

    def gaps_of(self, model: str, group: str) -> list[Gap]:
        """Return one model's gaps in one group."""
        return [gap for gap in self.found if (gap.model, gap.group) == (model, group)]

    def scores_of(self, model: str, group: str, measure: str) -> dict[str, Interval]:
        """Return one measure by value, of those where it is shown."""
        return {row.value: row.scores[measure] for row in self.of(model, group) if measure in row.scores}

    def frame(self) -> pd.DataFrame:
        """Return one row a model and value: counts (NA where masked), every score with its 95 % interval, a note."""
        records = []
        for row in self.rows:
            record: dict[str, Any] = {name: getattr(row, name) for name in ("model", "kind", "group", "value")}
            record |= {"patients": row.patients, "positives": row.positives}
            for name in self.measures:
                interval = row.scores.get(name, Interval(np.nan, np.nan, np.nan))
                record |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
            records.append(record | {"note": row.note})
        return pd.DataFrame(records).astype({"patients": "Int64", "positives": "Int64"})

    def gaps(self) -> pd.DataFrame:
        """Return one row a model, group and gap: the largest difference, its interval, the ratio, p and Holm's p."""
        return pd.DataFrame(
            {
                "model": gap.model,
                "group": gap.group,
                "gap": gap.name,
                "measure": gap.largest.measure,
                "above": gap.largest.above,
                "below": gap.largest.below,
                "difference": gap.largest.difference.mean,
                "difference_low": gap.largest.difference.low,
                "difference_high": gap.largest.difference.high,
                "ratio": gap.largest.ratio.mean,
                "ratio_low": gap.largest.ratio.low,
                "ratio_high": gap.largest.ratio.high,
                "p": gap.p,
                "p_holm": gap.p_holm,
                "demonstrable": gap.demonstrable,
            }
            for gap in self.found
        )

    def calibration(self) -> pd.DataFrame:
        """Return the smoothed calibration curves: a row a model, value and point, with its band and patients nearby."""
        parts = [
            pd.DataFrame(
                {
                    **{name: getattr(curve, name) for name in ("model", "group", "value")},
                    **{name: getattr(curve, name) for name in ("predicted", "observed", "low", "high", "patients")},
                }
            )
            for curve in self.curves
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    @property
    def verdict(self) -> tuple[str, ...]:
        """Say of the first model which gaps are demonstrable and which are within chance."""
        model = self.models[0]
        return tuple(
            line
            for group in self.groups
            for line in sentences(group, self.gaps_of(model, group), self.scores_of(model, group, "prevalence"))
        )

    @property
    def headlines(self) -> tuple[str, ...]:
        """Name the first model's demonstrable gaps, a sentence a group."""
        return tuple(headline(group, self.gaps_of(self.models[0], group)) for group in self.groups)

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml fairness --json` prints."""
        curves = [
            {
                **{name: getattr(curve, name) for name in ("model", "group", "value")},
                **{
                    name: getattr(curve, name).tolist() for name in ("predicted", "observed", "low", "high", "patients")
                },
            }
            for curve in self.curves
        ]
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in ("cohort", "plan", "setting", "positive", "threshold")},
            "min_cell": self.min_cell,
            "groups": list(self.groups),
            "rows": [row.to_dict() for row in self.rows],
            "gaps": [gap.to_dict() for gap in self.found],
            "calibration": curves,
            "verdict": list(self.verdict),
        }

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield the first model's scores, a line a value, and the verdict."""
        model = self.models[0]
        called = f"called '{self.positive}' from {self.threshold:g} on"
        yield f"{model}: {self.plan}, {self.setting}, {'each class against the others' if self.several else called}"
        for group in self.groups:
            yield f"by {group}"
            yield from (f"  {value_line(row.value, row.patients, row.scores)}" for row in self.of(model, group))
        yield from self.verdict

    def _repr_html_(self) -> str:
        wanted = ["model", "group", "value", "patients", "positives", *self.measures, "note"]
        table = self.frame()[wanted].to_html(index=False, na_rep="masked", float_format="{:.3f}".format)
        return f"{table}<p>{'</p><p>'.join(map(escaped, self.verdict))}</p>"


def escaped(text: str) -> str:
    """Write text for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
