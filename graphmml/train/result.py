"""CVResult: what cross-validation found, with intervals, differences to no-graph and a verdict in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError
from graphmml.train.comparisons import Comparison, holm
from graphmml.train.intervals import Interval, over_draws
from graphmml.train.out_of_fold import fold_frame, out_of_fold
from graphmml.train.row import Row, row_frame, sentence
from graphmml.train.scores import METRICS
from graphmml.train.splits import Splits
from graphmml.train.spread import clipped, folded, interval_and_p, mean_of, over_tested
from graphmml.train.unit import Unit

FROM_THE_GRAPH = ("neighbours' vote", "label propagation")
"""Baselines that hear the graph's links, and so are no plain models."""
NO_SIGNAL = "No model is demonstrably above chance: no AUROC's 95 % interval lies above .5."
POOLED = ("codes", "probabilities")
"""What is put together of the folds of a repeat."""


@dataclass(frozen=True, eq=False, repr=False)
class CVResult:
    """All units of all models, in the order in which the models were planned.

    `tested` says who was tested; `same_test` that all folds test the same patients, as an official split does.
    """

    units: tuple[Unit, ...]
    cohort: str
    patients: int
    classes: tuple[str, ...]
    plan: str
    setting: str
    same_test: bool
    splits: Splits

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
        """Return a model's units in the order of repeats and folds, or raise CohortError where there are none."""
        found = [unit for unit in self.units if unit.model == model]
        if not found:
            raise CohortError(f"no row '{model}'; there are: {'; '.join(dict.fromkeys(u.model for u in self.units))}")
        return sorted(found, key=lambda unit: (unit.repeat, unit.fold))

    def row(self, model: str, plain: str | None) -> Row:
        """Summarise one model."""
        units = self.of(model)
        against = None
        if units[0].kind in ("graph", "shuffled") and plain is not None:
            against = {name: self.interval(name, units, self.of(plain)) for name in METRICS}
        metrics = {name: self.interval(name, units) for name in METRICS}
        if not self.same_test:
            metrics |= pooled_calibration(units)
            if against is not None and plain is not None:
                against |= {
                    name: Interval(metrics[name].mean - one.mean, np.nan, np.nan)
                    for name, one in pooled_calibration(self.of(plain)).items()
                }
        return Row(model, units[0].kind, sum(unit.seconds for unit in units), metrics, against)

    def interval(self, metric: str, units: list[Unit], minus: list[Unit] | None = None) -> Interval:
        """Return a score's mean (or mean difference) with its interval, by the way the folds were made.

        Over folds it is Nadeau and Bengio's (`over_folds`); on one test set a bootstrap over its patients or blocks
        and over trainings. One training of each cannot tell two models apart: their difference has no interval then.
        """
        return self.weighed(metric, units, minus)[0]

    def weighed(self, metric: str, units: list[Unit], minus: list[Unit] | None) -> tuple[Interval, float]:
        """Return a score's mean, or mean difference, with its interval, and the p of zero."""
        draws = self.draws_of(metric, units, minus) if self.same_test else None
        apart = minus is not None
        interval, p = interval_and_p(self.values(metric, units, minus), units, draws, apart=apart)
        return clipped(interval, metric, difference=apart), p

    def bootstrap(self, model: str, metric: str = "auroc", minus: str | None = None) -> Interval:
        """Return a score's mean over folds (or less another model's) with a bootstrap interval over patients.

        Blocks of patients are drawn whole. It holds the fitted models fixed: beside the interval over folds, it says
        how much is owed to who was tested.
        """
        units, other = self.of(model), None if minus is None else self.of(minus)
        return over_draws(mean_of(list(self.values(metric, units, other))), self.draws_of(metric, units, other))

    def values(self, metric: str, units: list[Unit], minus: list[Unit] | None = None) -> np.ndarray:
        """Return a score, or its difference, of each fold: float [fold]."""
        values = np.array([unit.scores[metric] for unit in units])
        return values if minus is None else values - np.array([unit.scores[metric] for unit in minus])

    def draws_of(self, metric: str, units: list[Unit], minus: list[Unit] | None = None) -> np.ndarray:
        """Return the mean over folds of a score, or its difference, in each resample of patients: float [resample]."""
        draws = self.splits.resampled(units, metric)
        return draws if minus is None else draws - self.splits.resampled(minus, metric)

    def comparison(self, model: str, against: str, metric: str = "auroc") -> Comparison:
        """Hold one row against another on the same folds; p is the corrected resampled t-test's, or the bootstrap's.

        On one test set trained on once, p is NaN: nothing tells a difference from the chance of training.
        """
        if metric not in METRICS:
            raise CohortError(f"no score '{metric}'; there are: {', '.join(METRICS)}")
        units, other = self.of(model), self.of(against)
        difference, p = self.weighed(metric, units, other)
        return Comparison(model, against, metric, difference, p, p)

    def comparisons(self, metric: str = "auroc", against: str | None = None) -> tuple[Comparison, ...]:
        """Hold every graph against its twin without edges, or every other row against one; p corrected by Holm."""
        kinds = {unit.model: unit.kind for unit in self.units}
        graphs = [(name, self.twin(name)) for name, kind in kinds.items() if kind == "graph"]
        pairs = graphs if against is None else [(name, against) for name in kinds if name != against]
        made = [self.comparison(name, other, metric) for name, other in pairs if other is not None]
        corrected = holm([one.p for one in made])
        return tuple(replace(one, p_holm=p) for one, p in zip(made, corrected, strict=True))

    def predictions(self) -> pd.DataFrame:
        """Return every prediction for a patient by a model that was not trained on that patient, one row each."""
        return out_of_fold(self.units, self.splits, self.classes)

    def interval_of(self, score: Callable[[Unit, np.ndarray], float], units: list[Unit]) -> Interval:
        """Return the interval of any score of a unit's test patients, given by their positions: int [drawn]."""
        if self.same_test:
            return over_tested(self.splits.blocks[self.splits.test[units[0].key]], score, units)
        return folded(np.array([score(unit, np.arange(len(unit.codes))) for unit in units]), units)

    def in_rows_of(self, cohort: Cohort) -> "CVResult":
        """Return the same result for a cohort of the same patients, whose rows may stand in another order."""
        return replace(self, splits=self.splits.in_rows_of(cohort))

    def frame(self) -> pd.DataFrame:
        """Return a table, one row a model and control: kind, each score with its interval, seconds."""
        return row_frame(self.rows)

    def fold_frame(self) -> pd.DataFrame:
        """Return one row a model and fold: repeat, fold, scores, seconds."""
        return fold_frame(self.units)

    def named(self, name: str) -> Row:
        """Return one row by its name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise CohortError(f"no row '{name}'; there are: {'; '.join(row.name for row in self.rows)}")

    @property
    def verdict(self) -> tuple[str, ...]:
        """Say in one plain sentence a graph whether it helped, and whether plain models do as well."""
        return verdict_of(self.rows, self.comparisons(), self.of(self.units[0].model))

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
            "comparisons": [one.to_dict() for one in self.comparisons()],
            "verdict": list(self.verdict),
        }

    def __repr__(self) -> str:
        table = self.frame()[["kind", "auroc", "auroc_low", "auroc_high", "auprc", "brier", "auroc_vs_no_graph"]]
        head = f"{self.plan}, {self.setting}, {self.patients} patients"
        return "\n".join([head, table.round(3).to_string(na_rep=""), *self.verdict])


def verdict_of(rows: Sequence[Row], comparisons: Sequence[Comparison], units: list[Unit]) -> tuple[str, ...]:
    """Say what each graph did, on how many of one model's units AUROC rests, and whether anything is above chance."""
    plain = [row for row in rows if row.kind == "baseline" and row.name not in FROM_THE_GRAPH]
    best = max(plain, key=lambda row: row.metrics["auroc"].mean, default=None)
    made = {one.model: one.p_holm for one in comparisons}
    several = len(made) > 1
    said = [sentence(row, best, made.get(row.name) if several else None) for row in rows if row.kind == "graph"]
    nothing = all(row.metrics["auroc"].low <= 0.5 for row in rows)
    return (*said, *folds_told(units), *((NO_SIGNAL,) if nothing else ()))


def folds_told(units: list[Unit]) -> tuple[str, ...]:
    """Say on how many folds AUROC rests, where that is not all of them."""
    scored = sum(not np.isnan(unit.scores["auroc"]) for unit in units)
    if scored in (0, len(units)):
        return ()
    return (
        f"AUROC is the mean over {scored} of {len(units)} folds: the others test patients of one class alone, who are "
        "left out of it. Larger folds would score everybody.",
    )


def pooled_calibration(units: list[Unit]) -> dict[str, Interval]:
    """Return slope and intercept of all test patients of a repeat, averaged over repeats, without an interval.

    A fold has too few patients for a slope, whose mean over folds can say the opposite of what all of them say.
    """
    repeats = [[unit for unit in units if unit.repeat == at] for at in sorted({unit.repeat for unit in units})]
    codes, p = ([np.concatenate([getattr(unit, of) for unit in part]) for part in repeats] for of in POOLED)
    return {
        name: Interval(mean_of([METRICS[name](*pair) for pair in zip(codes, p, strict=True)]), np.nan, np.nan)
        for name in ("calibration_slope", "calibration_intercept")
    }
