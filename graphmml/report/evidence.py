"""What a report shows of a cross-validation: curves, calibration, net benefit, and scores within groups."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.few import with_complements
from graphmml.errors import CohortError
from graphmml.report.measures import SMALLEST_CELL, targets_of
from graphmml.report.picture import showable
from graphmml.train.curves import Calibration, calibration, net_benefit, net_benefit_of_all, roc
from graphmml.train.fairness.judge import fairness
from graphmml.train.fairness.predicted import against
from graphmml.train.fairness.result import FairnessResult
from graphmml.train.group_table import GroupTable
from graphmml.train.intervals import Interval
from graphmml.train.missing_patterns import by_repeat, resampled_score
from graphmml.train.read_run import Run
from graphmml.train.tasks import ClassTask
from graphmml.train.weighted_scores import weighted_auroc

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

    `within` has value, AUROC and patients, in words since not each number may be told. `wrong` is float [patient]:
    one less the probability that the first model gave to what happened, in the mean over repeats, NaN untested.
    """

    run: Run
    positive: str
    models: tuple[Drawn, ...]
    treat_all: np.ndarray
    within: Mapping[str, tuple[tuple[str, Interval, str], ...]]
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
    """Return one model's curves: ROC averaged over folds at equal specificity, the rest over repeats."""
    units = run.result.of(model)
    lines = np.array([roc(unit.codes == positive, unit.probabilities[:, positive], GRID) for unit in units])
    known = lines[~np.isnan(lines[:, 0])]
    nothing = np.full(len(GRID), np.nan)
    low, high = np.quantile(known, [0.025, 0.975], axis=0) if len(known) >= SMALLEST_SIDE else (nothing, nothing)
    p = by_repeat(units, run.tests, len(truth))[:, :, positive]
    tested = ~np.isnan(p) & (truth >= 0)
    hits = [truth[here] == positive for here in tested]
    risks = [one[here] for one, here in zip(p, tested, strict=True)]
    return Drawn(
        model=model,
        roc=known.mean(axis=0) if len(known) else nothing,
        low=low,
        high=high,
        calibration=calibration(np.concatenate(hits), np.concatenate(risks), repeats=len(p)),
        net_benefit=np.mean([net_benefit(hit, one, THRESHOLDS) for hit, one in zip(hits, risks, strict=True)], axis=0),
    )


def within_groups(run: Run, cohort: Cohort, model: str) -> dict[str, tuple[tuple[str, Interval, str], ...]]:
    """Return a model's AUROC among the patients of each value of a group, eleven or more with five on each side.

    It pools a repeat's folds and is averaged over repeats, as `fairness` does; of several classes it is that of the
    last one. Beside it stands the number of patients, in words where others' could be worked out from it.
    """
    last = len(run.result.classes) - 1
    truth = ClassTask(run.result.classes).codes(cohort)
    p = against(by_repeat(run.result.of(model), run.tests, len(cohort)), last)
    hit, tested = (truth == last).astype(np.int64), ~np.isnan(p[:, :, 0]).all(axis=0) & (truth >= 0)
    found: dict[str, tuple[tuple[str, Interval, str], ...]] = {}
    for group in targets_of(cohort):
        if group.kind != "group" or not showable(group):
            continue
        rows = {}
        for at, value in enumerate(group.values):
            mine = np.flatnonzero((group.labels == at) & tested)
            if len(mine) >= SMALLEST_CELL and np.bincount(hit[mine], minlength=2).min() >= SMALLEST_SIDE:
                rows[value] = mine
        numbers = told([len(mine) for mine in rows.values()], int(tested.sum()))
        blocks = run.result.splits.blocks
        if rows:
            found[group.name] = tuple(
                (value, resampled_score(weighted_auroc, hit[mine], p[:, mine], blocks[mine]), number)
                for (value, mine), number in zip(rows.items(), numbers, strict=True)
            )
    return found


def told(sizes: Sequence[int], whole: int) -> list[str]:
    """Write the sizes of parts of a known whole, such that no rest of few can be worked out from them."""
    counts = np.array([*sizes, whole - sum(sizes)])
    small = (counts > 0) & (counts < SMALLEST_CELL)
    held = with_complements(small, counts, [np.arange(len(counts))], SMALLEST_CELL)
    return [f"{SMALLEST_CELL} or more" if gone else f"{size:,}" for size, gone in zip(sizes, held[:-1], strict=True)]
