"""fairness: each model of a cross-validation on the patients of each value of a group, small cells masked."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.grouping import groupings
from graphmml.errors import CohortError
from graphmml.train.fairness.curve import GroupCurve, Risks, curve_of
from graphmml.train.fairness.predicted import Tested, tested_of
from graphmml.train.fairness.result import FairnessResult
from graphmml.train.fairness.shown import Ground, Weighed, gaps_of, laid_out, rows_of
from graphmml.train.read_run import Run, result_in
from graphmml.train.result import CVResult

DRAWS = 1000
CURVE_DRAWS = 200
MIN_CELL = 11


def fairness(
    result: CVResult | Run | str | Path,
    cohort: Cohort,
    *,
    group: str | Sequence[str],
    threshold: float = 0.5,
    min_cell: int = MIN_CELL,
    positive: str | None = None,
) -> FairnessResult:
    """Score each model of a cross-validation on the patients of each value of a group, and judge the gaps.

    `result` may also be the folder that a run was kept in. `group` is a group of the cohort or a column of names
    ("sex", "clinical.sex"); of two, their intersections are scored as well. Patients whose risk is at least
    `threshold` are called positive. Of several classes, scores are means of each against the rest; what needs one
    class (calibration, sensitivity ...) is left out unless `positive` names it.

    Scores pool a repeat's folds and are averaged over repeats, since few folds have a small value's patients of both
    classes. Intervals are a percentile bootstrap over patients (over blocks where the cohort has them), everybody
    drawn together: it tells how sure the score of these predictions is, not how another training would have ended.
    Values of fewer than `min_cell` patients are masked, with what would let their counts be worked out.
    """
    refuse_settings(threshold, min_cell)
    cv = result_in(result, cohort)
    tests = cv.splits.tests_in(cohort)
    people = tested_of(cv, tests, cohort, threshold=threshold, positive=positive)
    grounds = laid_out(groupings(cohort, group), people, min_cell)
    return fairness_of(cv, people, grounds, scored(people, grounds), threshold=threshold)


def fairness_of(
    cv: CVResult, people: Tested, grounds: Sequence[Ground], weighed: Sequence[Weighed], *, threshold: float
) -> FairnessResult:
    """Put what was scored into a result."""
    return FairnessResult(
        rows=tuple(row for model in weighed for row in rows_of(model, grounds)),
        found=tuple(gap for model in weighed for gap in gaps_of(model, grounds)),
        curves=tuple(curves_of(people, grounds)),
        cohort=cv.cohort,
        plan=cv.plan,
        setting=cv.setting,
        positive=people.positive,
        measures=people.models[0].measures,
        threshold=threshold,
        min_cell=grounds[0].cells.least,
        draws=DRAWS,
    )


def refuse_settings(threshold: float, min_cell: int) -> None:
    """Raise for a threshold that calls everybody or nobody, or a cell that hides nobody."""
    if not 0 < threshold < 1:
        raise CohortError(f"the threshold is {threshold:g}; a probability between 0 and 1 is wanted")
    if min_cell < 1:
        raise CohortError(f"min_cell is {min_cell}; 1 shows everything, 11 is usual for patients")


def scored(people: Tested, grounds: Sequence[Ground]) -> list[Weighed]:
    """Score every model in every value, and again in each resample; all models meet the same resamples."""
    parts: list[list[list[np.ndarray]]] = [[[] for _ in grounds] for _ in people.models]
    for counts in people.resamples(DRAWS, seed=0):
        for model, mine in zip(people.models, parts, strict=True):
            for ground, kept in zip(grounds, mine, strict=True):
                kept.append(model.draws(ground.group, ~ground.cells.masked, counts))
    return [
        Weighed(
            model,
            tuple(model.by_value(ground.group) for ground in grounds),
            tuple(np.concatenate(kept, axis=2) for kept in mine),
        )
        for model, mine in zip(people.models, parts, strict=True)
    ]


def curves_of(people: Tested, grounds: Sequence[Ground]) -> Iterator[GroupCurve]:
    """Yield the calibration curve of each model in each value that may be shown, over the tests of all repeats.

    Where a count is kept back there is none: a curve is what happened, and would tell how often it did.
    """
    if grounds[0].several:
        return
    counts = list(people.resamples(CURVE_DRAWS, seed=0))
    for model in people.models:
        for ground in grounds:
            open_ = ground.shown("calibration_slope") & ~ground.cells.kept_back & ground.group.known
            for at in np.flatnonzero(open_):
                who, risk = model.risks(ground.group.labels == at)
                tests = Risks(people.codes[who] == 1, risk, len(model.rows))
                names = (model.model, ground.group.name, ground.group.values[at])
                made = curve_of(names, tests, [some[who] for some in counts], ground.cells.least)
                if made is not None:
                    yield made
