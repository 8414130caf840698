"""fairness_price: a model and the same model mitigated, on the same folds beside each other."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, Folds, Splitter, block_numbers, folds_of
from graphmml.data.grouping import groupings
from graphmml.data.kinds import wanted
from graphmml.errors import CohortError
from graphmml.train import scores
from graphmml.train.baselines import Baseline
from graphmml.train.chance import one_thread
from graphmml.train.cross_validate import classes_in, gathered
from graphmml.train.estimator import GraphClassifier
from graphmml.train.fairness.gaps import GAPS
from graphmml.train.fairness.judge import MIN_CELL, fairness_of, refuse_settings, scored
from graphmml.train.fairness.measures import Judged, rate
from graphmml.train.fairness.predicted import Predicted, Tested, predicted
from graphmml.train.fairness.price_result import BEFORE, Change, FairnessPrice
from graphmml.train.fairness.result import FairnessResult
from graphmml.train.fairness.shown import Ground, Weighed, laid_out, rounded, spread_of
from graphmml.train.fairness.thresholds import GroupThresholds, reseeded
from graphmml.train.intervals import Interval
from graphmml.train.loop import Training
from graphmml.train.missing_patterns import by_repeat
from graphmml.train.parallel import side_by_side
from graphmml.train.result import CVResult
from graphmml.train.scores import all_scores
from graphmml.train.spread import clipped
from graphmml.train.tasks import ClassTask, aligned
from graphmml.train.unit import Unit

COSTS: Mapping[str, Callable[[Judged], float]] = {
    "auroc": lambda it: scores.auroc(it.codes, it.p),
    "brier": lambda it: scores.brier(it.codes, it.p),
    "accuracy": lambda it: float((it.called == it.hit).mean()),
    "sensitivity": rate("sensitivity"),
    "specificity": rate("specificity"),
}


@dataclass(frozen=True, eq=False)
class Fitted:
    """One model on one fold, and which of its test patients it calls positive: bool [patient]."""

    unit: Unit
    called: np.ndarray


def fairness_price(
    model: GraphClassifier | Baseline,
    mitigated: GraphClassifier | GroupThresholds,
    cohort: Cohort,
    folds: Splitter | None = None,
    *,
    group: str | Sequence[str],
    threshold: float = 0.5,
    min_cell: int = MIN_CELL,
    jobs: int = -1,
) -> FairnessPrice:
    """Hold a model and a mitigated one against each other on the same folds and seeds: gaps, and what it costs.

    `mitigated` is `reweighed(model, "sex")`, or `GroupThresholds(model, "sex")`, or both in one; what it learns, it
    learns from a fold's training patients. Gaps are judged as `fairness` does, their change by a bootstrap over
    patients that both models share. What everybody's scores change by has the interval of a cross-validation
    (Nadeau and Bengio 2003; on one test set a bootstrap).
    """
    refuse_settings(threshold, min_cell)
    wanted(model, GraphClassifier, Baseline)
    wanted(mitigated, GraphClassifier, GroupThresholds)
    wanted(cohort, Cohort)
    splitter = Folds(5) if folds is None else folds
    made = folds_of(splitter, cohort)
    classes = classes_in(cohort, made)
    if len(classes) != 2:
        raise CohortError(f"a mitigation is of decisions between two classes; the outcome has {len(classes)}")
    groups = groupings(cohort, group)
    work = [joblib.delayed(both)(model, mitigated, cohort, fold, classes, threshold) for fold in made]
    pairs = list(side_by_side(work, jobs))
    units = [pair[at].unit for at in (0, 1) for pair in pairs]
    cv = gathered(units, cohort, splitter, made, classes, "inductive")
    people = laid(cv, pairs, cohort)
    grounds = laid_out(groups, people, min_cell)
    weighed = scored(people, grounds)
    found = fairness_of(cv, people, grounds, weighed, threshold=threshold)
    return FairnessPrice(named(mitigated), found, tuple(narrowed(found, grounds, weighed)), tuple(costs(cv, pairs)))


def reweighed(model: GraphClassifier, group: str) -> GraphClassifier:
    """Return an unfitted copy of a model that weighs its training patients (Kamiran and Calders 2012)."""
    copy: GraphClassifier = clone(model)
    copy.set_params(training=replace(model.training or Training(), reweigh=group))
    return copy


def named(mitigated: Any) -> str:
    """Say what the mitigation is."""
    if isinstance(mitigated, GroupThresholds):
        inner = getattr(mitigated.model, "training", None)
        told = f"thresholds by {mitigated.group} ({mitigated.constraint})"
        return told if inner is None or inner.reweigh is None else f"{told} of a model reweighed by {inner.reweigh}"
    training = mitigated.training or Training()
    return "another model" if training.reweigh is None else f"reweighed by {training.reweigh}"


def both(
    model: GraphClassifier | Baseline,
    mitigated: GraphClassifier | GroupThresholds,
    cohort: Cohort,
    fold: Fold,
    classes: tuple[str, ...],
    threshold: float,
) -> tuple[Fitted, Fitted]:
    """Fit both on a fold's training patients and predict its test patients; thresholds need the model but once."""
    name = named(mitigated)
    after, inner = fitted(mitigated, name, cohort, fold, classes, threshold)
    if inner is not None and repr_of(inner) == repr_of(model):
        unit = replace(after.unit, model=BEFORE)
        return Fitted(unit, unit.probabilities[:, 1] >= threshold), after
    return fitted(model, BEFORE, cohort, fold, classes, threshold)[0], after


def repr_of(model: Any) -> str:
    """Write a model's settings in full."""
    return repr(sorted((name, repr(value)) for name, value in model.get_params().items()))


def fitted(
    model: Any, name: str, cohort: Cohort, fold: Fold, classes: tuple[str, ...], threshold: float
) -> tuple[Fitted, Any]:
    """Fit one model and say whom it calls positive; beside it the model that thresholds were put on, if they were."""
    with one_thread():
        began = time.perf_counter()
        copy = reseeded(model, fold.seed)
        copy.fit(cohort[fold.train])
        test = cohort[fold.test]
        p = aligned(copy.predict_proba(test), copy.classes_, classes)
        seconds = time.perf_counter() - began
    ours = isinstance(copy, GroupThresholds)
    called = p[:, 1] >= (copy.thresholds(test) if ours else threshold)
    codes = ClassTask(classes).codes(test)
    unit = Unit(name, "graph", fold.repeat, fold.number, all_scores(codes, p), seconds, len(fold.train), codes, p)
    return Fitted(unit, called), model.model if ours else None


def laid(cv: CVResult, pairs: Sequence[tuple[Fitted, Fitted]], cohort: Cohort) -> Tested:
    """Lay out both models' predictions and decisions."""
    tests, rows = cv.splits.test, cv.splits.people
    truth = ClassTask(cv.classes).codes(cohort)[rows]
    models: list[Predicted] = []
    for at in (0, 1):
        units = [pair[at].unit for pair in pairs]
        p = by_repeat(units, tests, len(cohort))
        called = np.zeros(p.shape[:2], dtype=bool)
        repeats = sorted({repeat for repeat, _ in tests})
        for pair in pairs:
            repeat, _ = key = pair[at].unit.key
            called[repeats.index(repeat), tests[key]] = pair[at].called
        models.append(predicted(units[0].model, "graph", truth, p[:, rows], called[:, rows]))
    return Tested(rows, truth, tuple(models), cv.classes[1], block_numbers(cohort, rows))


def narrowed(found: FairnessResult, grounds: Sequence[Ground], weighed: Sequence[Weighed]) -> Iterator[Change]:
    """Yield each gap before and after, and its change in the resamples that both models share.

    Where there is next to no gap, resamples have a larger one than the data, so that changes are rather understated.
    """
    for at, ground in enumerate(grounds):
        name = ground.group.name
        gaps = [{gap.name: gap for gap in found.gaps_of(model, name)} for model in found.models]
        for measure in GAPS:
            if not all(measure in one for one in gaps):
                continue
            before, after = (one[measure].largest.difference for one in gaps)
            drawn = [widest(one, at, ground, GAPS[measure]) for one in weighed]
            low, high = np.nanquantile(drawn[1] - drawn[0], [0.025, 0.975])
            change = Interval(after.mean - before.mean, float(low), float(high))
            yield Change(name, measure, before, after, rounded(change) if ground.cells.kept_back.any() else change)


def widest(weighed: Weighed, at: int, ground: Ground, measures: Sequence[str]) -> np.ndarray:
    """Return the largest difference between values in each resample: [resample]."""
    each = []
    for measure in measures:
        draws = spread_of(measure, weighed.model, ground, weighed.scores[at], weighed.draws[at]).draws
        each.append(draws.max(axis=0) - draws.min(axis=0))  # undefined where a value is
    return np.asarray(np.max(each, axis=0))


def costs(cv: CVResult, pairs: Sequence[tuple[Fitted, Fitted]]) -> Iterator[Change]:
    """Yield everybody's scores before and after, and their change, by the way the folds were made."""
    units = [pair[0].unit for pair in pairs]
    for name, cost in COSTS.items():
        before, after = (scorer(cost, [pair[at] for pair in pairs]) for at in (0, 1))
        first, second = (clipped(cv.interval_of(score, units)) for score in (before, after))
        yield Change("", name, first, second, cv.interval_of(less(after, before), units))


def scorer(cost: Callable[[Judged], float], side: Sequence[Fitted]) -> Callable[[Unit, np.ndarray], float]:
    """Return how one side does on some of the test patients of a fold, whichever side's unit names it."""
    known = {one.unit.key: one for one in side}

    def score(unit: Unit, rows: np.ndarray) -> float:
        one = known[unit.key]
        return cost(Judged(one.unit.codes, one.unit.probabilities, one.called)[rows])

    return score


def less(
    after: Callable[[Unit, np.ndarray], float], before: Callable[[Unit, np.ndarray], float]
) -> Callable[[Unit, np.ndarray], float]:
    """Return the difference of two scores."""
    return lambda unit, rows: after(unit, rows) - before(unit, rows)
