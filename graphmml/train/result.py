"""CVResult: what cross-validation found, with intervals, differences to no-graph and a verdict in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from graphmml.errors import CohortError
from graphmml.train.intervals import Interval, over_folds, over_patients
from graphmml.train.scores import METRICS

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


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table: a model's scores over all folds, graph rows also against no-graph."""

    name: str
    kind: RowKind
    seconds: float
    metrics: Mapping[str, Interval]
    vs_no_graph: Mapping[str, Interval] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = {name: interval.to_dict() for name, interval in self.metrics.items()}
        row = {"name": self.name, "kind": self.kind, "seconds": round(self.seconds, 3), **plain}
        if self.vs_no_graph is not None:
            row["vs_no_graph"] = {name: interval.to_dict() for name, interval in self.vs_no_graph.items()}
        return row


@dataclass(frozen=True, eq=False, repr=False)
class CVResult:
    """All units of all models, in the order in which the models were planned."""

    units: tuple[Unit, ...]
    cohort: str
    patients: int
    classes: tuple[str, ...]
    plan: str
    setting: str
    same_test: bool

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One row a model, in planned order; intervals are explained in `plan`."""
        models = dict.fromkeys(unit.model for unit in self.units)
        return tuple(self.row(model, self.twin(model)) for model in models)

    def twin(self, model: str) -> str | None:
        """Return the row without edges that a graph, or its shuffled control, is held against: its own, or the one."""
        bare = {unit.model for unit in self.units if unit.kind == "no-graph"}
        own = f"{model.removesuffix(', shuffled')}, no graph"
        return next((name for name in (own, "no graph") if name in bare), None)

    def of(self, model: str) -> list[Unit]:
        """Return a model's units in the order of repeats and folds."""
        return sorted((unit for unit in self.units if unit.model == model), key=lambda unit: (unit.repeat, unit.fold))

    def row(self, model: str, plain: str | None) -> Row:
        """Summarise one model."""
        units = self.of(model)
        against = None
        if units[0].kind in ("graph", "shuffled") and plain is not None:
            against = {name: self.interval(name, units, self.of(plain)) for name in METRICS}
        metrics = {name: self.interval(name, units) for name in METRICS}
        return Row(model, units[0].kind, sum(unit.seconds for unit in units), metrics, against)

    def interval(self, metric: str, units: list[Unit], minus: list[Unit] | None = None) -> Interval:
        """Return a score's mean (or mean difference) with its interval, by the way the folds were made."""
        if self.same_test:
            draw = partial(mean_score, metric=metric, units=units, minus=minus)
            return over_patients(draw, len(units[0].codes))
        values = np.array([unit.scores[metric] for unit in units])
        if minus is not None:
            return folded(values - np.array([unit.scores[metric] for unit in minus]), units)
        return clipped(folded(values, units))

    def interval_of(self, score: Callable[[Unit, np.ndarray], float], units: list[Unit]) -> Interval:
        """Return the interval of any score of a unit's test patients, given by their positions: int [drawn]."""
        if self.same_test:
            return over_patients(lambda rows: mean_of([score(unit, rows) for unit in units]), len(units[0].codes))
        return folded(np.array([score(unit, np.arange(len(unit.codes))) for unit in units]), units)

    def frame(self) -> pd.DataFrame:
        """Return a table, one row a model and control: kind, each score with its interval, seconds."""
        records = []
        for row in self.rows:
            record: dict[str, Any] = {"model": row.name, "kind": row.kind}
            for metric, interval in row.metrics.items():
                record |= {
                    metric: interval.mean,
                    f"{metric}_low": interval.low,
                    f"{metric}_high": interval.high,
                }
            difference = (row.vs_no_graph or {}).get("auroc")
            record |= {
                "auroc_vs_no_graph": np.nan if difference is None else difference.mean,
                "auroc_vs_no_graph_low": np.nan if difference is None else difference.low,
                "auroc_vs_no_graph_high": np.nan if difference is None else difference.high,
                "seconds": row.seconds,
            }
            records.append(record)
        return pd.DataFrame(records).set_index("model")

    def fold_frame(self) -> pd.DataFrame:
        """Return one row a model and fold: repeat, fold, scores, seconds."""
        return pd.DataFrame(
            {
                "model": unit.model,
                "repeat": unit.repeat,
                "fold": unit.fold,
                **unit.scores,
                "seconds": unit.seconds,
            }
            for unit in self.units
        )

    def named(self, name: str) -> Row:
        """Return one row by its name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise CohortError(f"no row '{name}'; there are: {', '.join(row.name for row in self.rows)}")

    @property
    def verdict(self) -> tuple[str, ...]:
        """Say in one plain sentence a graph whether it helped, and whether plain models do as well."""
        baselines = [row for row in self.rows if row.kind == "baseline"]
        best = max(baselines, key=lambda row: row.metrics["auroc"].mean, default=None)
        return tuple(sentence(row, best) for row in self.rows if row.kind == "graph")

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml cv --json` prints."""
        return {
            "schema": "graphmml.cv/1",
            "cohort": self.cohort,
            "patients": self.patients,
            "classes": list(self.classes),
            "plan": self.plan,
            "setting": self.setting,
            "rows": [row.to_dict() for row in self.rows],
            "verdict": list(self.verdict),
        }

    def __repr__(self) -> str:
        table = self.frame()[["kind", "auroc", "auroc_low", "auroc_high", "auprc", "brier", "auroc_vs_no_graph"]]
        head = f"{self.plan}, {self.setting}, {self.patients} patients"
        return "\n".join([head, table.round(3).to_string(na_rep=""), *self.verdict])


def clipped(interval: Interval) -> Interval:
    """Return an interval that stays where scores can be."""
    return Interval(interval.mean, float(np.clip(interval.low, 0, 1)), float(np.clip(interval.high, 0, 1)))


def folded(values: np.ndarray, units: list[Unit]) -> Interval:
    """Return the interval of one value a fold."""
    return over_folds(
        values,
        train=float(np.mean([unit.trained for unit in units])),
        test=float(np.mean([len(unit.codes) for unit in units])),
    )


def mean_of(values: list[float]) -> float:
    """Return the mean of those that are defined."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def mean_score(rows: np.ndarray, *, metric: str, units: list[Unit], minus: list[Unit] | None) -> float:
    """Score the drawn patients by every seed and average; less the same for other units, if given."""
    score = METRICS[metric]
    value = float(np.mean([score(unit.codes[rows], unit.probabilities[rows]) for unit in units]))
    if minus is None:
        return value
    return value - float(np.mean([score(unit.codes[rows], unit.probabilities[rows]) for unit in minus]))


def sentence(row: Row, best: Row | None) -> str:
    """Read one graph's difference to no-graph aloud."""
    gain = (row.vs_no_graph or {}).get("auroc")
    if gain is None:
        return f"{row.name}: there is no twin without edges to compare with."
    mean, low, high = (f"{round(value, 3) + 0.0:+.3f}" for value in (gain.mean, gain.low, gain.high))  # never -0.000
    interval = f"95 % interval {low} to {high}"
    span = f"{mean} AUROC against the same network without edges ({interval})"
    if np.isnan(gain.low):
        word = "cannot be judged on so few folds"
    elif gain.low > 0:
        word = "helped"
    elif gain.high < 0:
        word = "did harm"
    else:
        word = "did not demonstrably help"
    text = f"The graph {word}: {row.name} {span}"
    if best is None:
        return text + "."
    lead = row.metrics["auroc"].mean - best.metrics["auroc"].mean
    side = "above" if lead >= 0 else "below"
    return f"{text}; it is {abs(lead):.3f} {side} {best.name}, the best plain model."
