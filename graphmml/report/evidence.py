"""What a report shows of a cross-validation: curves, calibration, net benefit, and scores within groups."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError
from graphmml.report.measures import SMALLEST_CELL, targets_of
from graphmml.report.picture import showable
from graphmml.train.curves import Calibration, calibration, net_benefit, net_benefit_of_all, roc
from graphmml.train.fairness.judge import fairness
from graphmml.train.fairness.result import FairnessResult
from graphmml.train.group_table import GroupTable
from graphmml.train.intervals import Interval, over_patients
from graphmml.train.read_run import Run
from graphmml.train.scores import rank_area
from graphmml.train.tasks import ClassTask

GRID = np.linspace(0.0, 1.0, 101)
THRESHOLDS = np.linspace(0.01, 0.99, 99)
SMALLEST_SIDE = 5
MOST_MODELS = 3


@dataclass(frozen=True, eq=False)
class Drawn:
    """One model's curves for one class; a band is the middle 95 % of folds, NaN with fewer than five."""

    model: str
    roc: np.ndarray
    low: np.ndarray
    high: np.ndarray
    calibration: Calibration
    net_benefit: np.ndarray


@dataclass(frozen=True, eq=False)
class Evidence:
    """A run prepared for drawing: the class that is scored, the models, and AUROC within groups.

    `wrong` is float [patient]: one less the probability that the first model gave to what happened, NaN untested.
    """

    run: Run
    positive: str
    models: tuple[Drawn, ...]
    treat_all: np.ndarray
    within: Mapping[str, tuple[tuple[str, Interval, int], ...]]
    wrong: np.ndarray
    groups: GroupTable | None = None
    fairness: tuple[FairnessResult, ...] = ()


def evidence_of(run: Run, cohort: Cohort, groups: GroupTable | None = None) -> Evidence:
    """Prepare the first graph, its twin without edges and the best baseline; of several classes the last one."""
    result = run.result
    chosen = shown_models(run)
    truth, last = ClassTask(result.classes).codes(cohort), len(result.classes) - 1
    drawn = [model_curves(run, name, truth, last) for name in chosen]
    p = run.predictions(chosen[0], len(cohort))
    tested = ~np.isnan(p[:, 0]) & (truth >= 0)
    wrong = np.full(len(cohort), np.nan)
    wrong[tested] = 1.0 - p[tested, truth[tested]]
    return Evidence(
        run=run,
        positive=result.classes[last],
        models=tuple(drawn),
        treat_all=net_benefit_of_all(truth[tested] == last, THRESHOLDS),
        within=within_groups(run, cohort, chosen[0]),
        wrong=wrong,
        groups=groups,
        fairness=tuple(by_group(run, cohort, chosen[0], result.classes[last])),
    )


def by_group(run: Run, cohort: Cohort, model: str, positive: str) -> Iterator[FairnessResult]:
    """Yield one model's fairness by each group that may be shown value by value; nothing without fairlearn."""
    if find_spec("fairlearn") is None:
        return
    one = Run(replace(run.result, units=tuple(run.result.of(model))))
    for group in targets_of(cohort):
        if group.kind == "group" and showable(group):
            with suppress(CohortError):  # no two values have enough patients
                yield fairness(one, cohort, group=group.name, positive=positive, min_cell=SMALLEST_CELL)


def shown_models(run: Run) -> list[str]:
    """Choose the first graph, what it is held against, and the baseline of the highest AUROC."""
    rows = run.result.rows
    first = next((row.name for row in rows if row.kind == "graph"), rows[0].name)
    twin = run.result.twin(first)
    plain = [row for row in rows if row.kind == "baseline"]
    best = max(plain, key=lambda row: row.metrics["auroc"].mean).name if plain else None
    return [name for name in dict.fromkeys((first, twin, best)) if name is not None][:MOST_MODELS]


def model_curves(run: Run, model: str, truth: np.ndarray, positive: int) -> Drawn:
    """Return one model's curves: ROC averaged over folds at equal specificity, the rest on mean predictions."""
    units = run.result.of(model)
    lines = np.array([roc(unit.codes == positive, unit.probabilities[:, positive], GRID) for unit in units])
    known = lines[~np.isnan(lines[:, 0])]
    nothing = np.full(len(GRID), np.nan)
    low, high = np.quantile(known, [0.025, 0.975], axis=0) if len(known) >= SMALLEST_SIDE else (nothing, nothing)
    p = run.predictions(model, len(truth))[:, positive]
    tested = ~np.isnan(p) & (truth >= 0)
    hit = truth[tested] == positive
    return Drawn(
        model=model,
        roc=known.mean(axis=0) if len(known) else nothing,
        low=low,
        high=high,
        calibration=calibration(hit, p[tested]),
        net_benefit=net_benefit(hit, p[tested], THRESHOLDS),
    )


def within_groups(run: Run, cohort: Cohort, model: str) -> dict[str, tuple[tuple[str, Interval, int], ...]]:
    """Return a model's AUROC among the patients of each value of a group, eleven or more with five on each side."""
    last = len(run.result.classes) - 1
    truth, p = ClassTask(run.result.classes).codes(cohort), run.predictions(model, len(cohort))[:, last]
    hit, tested = truth == last, ~np.isnan(p) & (truth >= 0)
    found: dict[str, tuple[tuple[str, Interval, int], ...]] = {}
    for group in targets_of(cohort):
        if group.kind != "group" or not showable(group):
            continue
        rows = []
        for at, value in enumerate(group.values):
            mine = np.flatnonzero((group.labels == at) & tested)
            if len(mine) >= SMALLEST_CELL and min(hit[mine].sum(), (~hit[mine]).sum()) >= SMALLEST_SIDE:
                rows.append((value, auroc_of(hit[mine], p[mine]), len(mine)))
        if rows:
            found[group.name] = tuple(rows)
    return found


def auroc_of(hit: np.ndarray, p: np.ndarray) -> Interval:
    """Return AUROC with its bootstrap interval over patients."""
    return over_patients(lambda rows: rank_area(hit[rows], p[rows]), len(hit), draws=200)
