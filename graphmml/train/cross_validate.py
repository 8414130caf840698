"""cross_validate: folds x models, every graph beside its controls and plain baselines, on the same patients."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, Folds, KeptFolds, OfficialSplit, Splitter, folds_of
from graphmml.data.temporal import TemporalSplit
from graphmml.errors import GraphmmlError
from graphmml.train.calibrated import uncalibrated
from graphmml.train.chance import one_thread
from graphmml.train.estimator import GraphClassifier, Setting
from graphmml.train.members import fits_beside
from graphmml.train.own_code import behind
from graphmml.train.parallel import ours, refuse_jobs, side_by_side
from graphmml.train.planned import Classifier, Model, Planned, around, by_name, plan, settings
from graphmml.train.result import CVResult
from graphmml.train.runs import RunFolder
from graphmml.train.scores import all_scores
from graphmml.train.several import fit_each
from graphmml.train.shared import sharing
from graphmml.train.splits import Splits
from graphmml.train.tasks import ClassTask, aligned
from graphmml.train.unit import RowKind, Unit

Work = tuple[Planned, Fold, Setting]
SEEDS = r"(?:model__)*(?:seed|classifier__(?:\w+__)?random_state)"
Key = tuple[str, int, int]
"""A unit's model, repeat and fold."""


@dataclass(frozen=True)
class Refused:
    """A row that cannot be on this cohort, and why."""

    model: str
    why: str


def cross_validate(
    model: Model | Mapping[str, Model],
    cohort: Cohort,
    folds: Splitter | None = None,
    *,
    setting: Setting = "inductive",
    jobs: int = -1,
    run: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Unit], None] | None = None,
) -> CVResult:
    """Score a graph classifier, or several by name, on folds it was not trained on.

    Beside each stand, on the same folds and seeds, the same network without edges, the same graph shuffled, and
    plain baselines on the features that the first model encodes and the links that it draws. Models that differ in
    more than links, conv and structure get a twin without edges each. With a `Tuned` model all rows are tuned, with its
    budget, inside each fold's training patients; with a `CalibratedClassifier`, also around a `Tuned`, all rows are
    calibrated there as it says. Folds (default: 5 x 5) run in `jobs` processes of one thread each, or
    where `joblib.parallel_config(backend="dask")` is in force, on that cluster. On a GPU a graph network's folds
    of one repeat train as one program where `fit` would train its members so. `setting="transductive"` lets the
    test patients' features into the graph, and says so on the result. `run` is a folder that keeps every finished
    unit; `resume=True` takes it up again. Intervals over folds are Nadeau and Bengio's, on one test set a bootstrap
    over its patients, or their blocks, and over trainings: where each model is trained once, none is told from another.
    """
    folds = Folds(5, repeats=5) if folds is None else folds
    refuse_jobs(jobs)
    models = by_name(model)
    planned = plan(models, setting)
    made = folds_of(folds, cohort)
    classes, splits = classes_in(cohort, made), Splits.of(cohort, made)
    said = "".join([described(folds, made), *around(models)])
    facts = {"cohort": cohort.fingerprint, **facts_of(folds, made, classes, setting), "plan": said}
    facts["models"] = settings(planned)
    own = behind([row.model for row in planned])
    facts |= {"code, or files that its models name": own} if own else {}
    folder = None if run is None else RunFolder.open(run, facts, splits, resume=resume)
    work: list[Work] = [(row, fold, setting) for fold in made for row in planned]
    done, _ = run_units(work, cohort, classes, jobs=jobs, folder=folder, watch=watch)
    units = [done[row.name, fold.repeat, fold.number] for row in planned for fold in made]
    result = replace(gathered(units, cohort, folds, made, classes, setting), plan=said)
    if folder is not None:
        folder.keep(result.frame().drop(columns="seconds"), result.predictions())
    return result


def facts_of(folds: Splitter, made: Sequence[Fold], classes: tuple[str, ...], setting: str) -> dict[str, Any]:
    """Return what a run folder keeps of its plan: a run must agree in it to be taken up, and is read back by it."""
    return {"folds": repr(folds), "plan": described(folds, made), "classes": list(classes), "setting": setting}


def gathered(
    units: Sequence[Unit],
    cohort: Cohort,
    folds: Splitter,
    made: Sequence[Fold],
    classes: tuple[str, ...],
    setting: str,
) -> CVResult:
    """Put units of a plan together to a result."""
    return CVResult(
        units=tuple(units),
        cohort=cohort.name,
        patients=patients_in(made),
        classes=classes,
        plan=described(folds, made),
        setting=setting,
        same_test=one_test(made),
        splits=Splits.of(cohort, made),
    )


def run_units(
    work: Sequence[Work],
    cohort: Cohort,
    classes: tuple[str, ...],
    *,
    jobs: int,
    folder: RunFolder | None,
    watch: Callable[[Unit], None] | None,
) -> tuple[dict[Key, Unit], dict[str, str]]:
    """Return every unit, those that the folder holds and those made now; and why rows were refused, by name."""
    done = {} if folder is None else {(unit.model, unit.repeat, unit.fold): unit for unit in folder.units()}
    refused: dict[str, str] = {}
    # a bundle is the same in a run that is taken up, so that its folds train with the chance they would have had
    left = [
        joblib.delayed(attempt)(row, cohort, folds, setting, classes)
        for row, folds, setting in bundled(work, len(cohort))
        if any((row.name, fold.repeat, fold.number) not in done for fold in folds)
    ]
    with nullcontext() if folder is None else folder.held():
        for units in side_by_side(left, jobs, as_done=True):
            if isinstance(units, Refused):
                refused[units.model] = units.why
                continue
            for unit in units:
                if (unit.model, unit.repeat, unit.fold) in done:
                    continue
                done[unit.model, unit.repeat, unit.fold] = unit
                if folder is not None:
                    folder.append(unit)
                if watch is not None:
                    watch(unit)
    return done, refused


def bundled(work: Sequence[Work], patients: int) -> list[tuple[Planned, list[Fold], Setting]]:
    """Put a row's folds of one repeat together where a GPU here trains them in one go; elsewhere each is by itself."""
    made: dict[tuple[str, int] | int, tuple[Planned, list[Fold], Setting]] = {}
    for at, (row, fold, setting) in enumerate(work):
        heard = len(fold.train) if setting == "inductive" else patients
        together = ours() and type(row.model) is GraphClassifier and fits_beside(row.model, heard)
        key = (row.name, fold.repeat) if together else at
        made.setdefault(key, (row, [], setting))[1].append(fold)
    return list(made.values())


def attempt(
    row: Planned, cohort: Cohort, folds: Sequence[Fold], setting: Setting, classes: tuple[str, ...]
) -> list[Unit] | Refused:
    """Evaluate, or say why a row that is not needed cannot be."""
    try:
        return evaluate(row, cohort, folds, setting, classes)
    except GraphmmlError as error:
        if row.needed:
            raise
        return Refused(row.name, str(error))


def evaluate(
    row: Planned, cohort: Cohort, folds: Sequence[Fold], setting: Setting, classes: tuple[str, ...]
) -> list[Unit]:
    """Fit one model on each fold's training patients and score it once on its test patients."""
    with one_thread(), sharing():
        began = time.perf_counter()
        models = [clone(row.model) for _ in folds]
        for model, fold in zip(models, folds, strict=True):
            model.set_params(**seeds_of(model, fold.seed))
        shown = [cohort if row.alter is None else row.alter(cohort, fold) for fold in folds]
        known = (seen(people, fold, row.kind, setting) for people, fold in zip(shown, folds, strict=True))
        found = []
        for fitted, people, fold in zip(fit_each(models, known), shown, folds, strict=True):
            if row.attach is not None:
                fitted.set_params(links=row.attach)
            p = aligned(fitted.predict_proba(people[fold.test]), fitted.classes_, classes)
            found.append((fold, p, getattr(uncalibrated(fitted), "chosen_", {})))
        seconds = (time.perf_counter() - began) / len(folds)
    units = []
    for fold, p, chosen in found:
        codes = ClassTask(classes).codes(cohort[fold.test])
        place = (fold.repeat, fold.number)
        units.append(Unit(row.name, row.kind, *place, all_scores(codes, p), seconds, len(fold.train), codes, p, chosen))
    return units


def seeds_of(model: Classifier, more: int) -> dict[str, int]:
    """Return the seed of a model, and of those inside it, each `more` than it is; scikit-learn's are random states."""
    known = {name: seed for name, seed in model.get_params().items() if re.fullmatch(SEEDS, name)}
    return {name: seed + more for name, seed in known.items() if isinstance(seed, int)}


def seen(cohort: Cohort, fold: Fold, kind: RowKind, setting: Setting) -> Cohort:
    """Return what a model may see: training patients; if transductive, also the others without outcome."""
    if setting == "inductive" or kind == "baseline":
        return cohort[fold.train]
    return cohort.with_outcome_of(fold.train)


def classes_in(cohort: Cohort, made: Sequence[Fold]) -> tuple[str, ...]:
    """Return all classes of a plan; a fold whose training patients lack one gives it no probability."""
    people = np.unique(np.concatenate([rows for fold in made for rows in (fold.train, fold.test)]))
    return ClassTask.of(cohort[people]).classes


def patients_in(made: Sequence[Fold]) -> int:
    """Count the patients who are trained or tested on in any fold."""
    return len(np.unique(np.concatenate([np.concatenate([fold.train, fold.test]) for fold in made])))


def one_test(made: Sequence[Fold]) -> bool:
    """Return whether all folds test the same patients, as an official split does with several seeds."""
    return len(made) > 0 and all(np.array_equal(fold.test, made[0].test) for fold in made)


def described(folds: Splitter, made: Sequence[Fold]) -> str:
    """Say in words how patients were split and what the intervals mean."""
    if isinstance(folds, Folds):
        return f"{folds.n}-fold cross-validation x {folds.repeats}"
    if isinstance(folds, OfficialSplit):
        return f"official split, {len(made[0].train)} train and {len(made[0].test)} test patients, {len(made)} seeds"
    if isinstance(folds, KeptFolds):
        return folds.plan
    if isinstance(folds, TemporalSplit):
        first = f"{len(made[0].train)} earlier patients to train on, {len(made[0].test)} later ones to test"
        return f"split by {folds.column}, {first}, {len(made)} seeds"
    return f"{type(folds).__name__}, {len(made)} folds"
