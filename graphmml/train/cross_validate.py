"""cross_validate: folds x models, every graph beside its controls and plain baselines, on the same patients."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import joblib
import numpy as np
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, Folds, OfficialSplit, Splitter
from graphmml.errors import GraphmmlError
from graphmml.graph.controls import NoEdges, Shuffled
from graphmml.graph.patient_graph import GraphConstructor
from graphmml.model.convs import GATStack, GCNStack, SAGEStack
from graphmml.train.baselines import plain_baselines
from graphmml.train.chance import one_thread
from graphmml.train.estimator import GraphClassifier, Setting
from graphmml.train.result import CVResult, RowKind, Unit
from graphmml.train.runs import RunFolder
from graphmml.train.scores import all_scores
from graphmml.train.shared import sharing
from graphmml.train.tasks import ClassTask


class Classifier(Protocol):
    """What cross-validation needs of a model."""

    classes_: np.ndarray

    def fit(self, cohort: Cohort) -> "Classifier":
        """Learn from patients with outcome."""

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return [patient, class]."""

    def get_params(self) -> dict[str, object]:
        """Return every setting by name."""

    def set_params(self, **settings: object) -> "Classifier":
        """Change settings by name."""


@dataclass(frozen=True, eq=False)
class Planned:
    """One row to be: its name, its kind and an unfitted model.

    `alter` changes what the model is shown of a fold's patients, `attach` replaces the fitted model's links at
    prediction; scores are always against the cohort's own outcomes. A row that is not `needed` may be refused by
    the cohort, and the others go on.
    """

    name: str
    kind: RowKind
    model: Classifier
    alter: Callable[[Cohort, Fold], Cohort] | None = None
    attach: GraphConstructor | None = None
    needed: bool = True


Work = tuple[Planned, Fold, Setting]
Key = tuple[str, int, int]
"""A unit's model, repeat and fold."""


@dataclass(frozen=True)
class Refused:
    """A row that cannot be on this cohort, and why."""

    model: str
    why: str


def cross_validate(
    model: GraphClassifier | Mapping[str, GraphClassifier],
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
    plain baselines on the features that the first model encodes. Models that differ in more than links,
    conv and structure get a twin without edges each. Folds (default: 5 x 5) run in `jobs` processes of one thread
    each. `setting="transductive"` lets the test patients' features into the graph, and says so on the result.
    `run` is a folder that keeps every finished unit; `resume=True` takes it up again. Intervals over
    folds are Nadeau and Bengio's, on one test set a bootstrap over its patients.
    """
    folds = Folds(5, repeats=5) if folds is None else folds
    models = {"graph": model} if isinstance(model, GraphClassifier) else dict(model)
    planned = plan(models, setting)
    made = list(folds.split(cohort))
    classes = classes_in(cohort, made)
    facts = {"cohort": cohort.fingerprint, "folds": repr(folds), "setting": setting, "models": settings(planned)}
    folder = None if run is None else RunFolder.open(run, facts, resume=resume)
    work: list[Work] = [(row, fold, setting) for fold in made for row in planned]
    done, _ = run_units(work, cohort, classes, jobs=jobs, folder=folder, watch=watch)
    units = tuple(done[row.name, fold.repeat, fold.number] for row in planned for fold in made)
    return CVResult(
        units=units,
        cohort=cohort.name,
        patients=patients_in(made),
        classes=classes,
        plan=described(folds, made),
        setting=setting,
        same_test=one_test(made),
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
    left = [
        joblib.delayed(attempt)(row, cohort, fold, setting, classes)
        for row, fold, setting in work
        if (row.name, fold.repeat, fold.number) not in done
    ]
    for unit in finished(left, jobs):
        if isinstance(unit, Refused):
            refused[unit.model] = unit.why
            continue
        done[unit.model, unit.repeat, unit.fold] = unit
        if folder is not None:
            folder.append(unit)
        if watch is not None:
            watch(unit)
    return done, refused


def settings(planned: Sequence[Planned]) -> str:
    """Write every setting of every model in full; a model's own repr leaves long ones out."""
    return "; ".join(f"{row.name} = {sorted(row.model.get_params().items())}" for row in planned)


def finished(work: list[object], jobs: int) -> Iterator[Unit | Refused]:
    """Yield units as they are done, in processes of one thread each."""
    if not work:
        return
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work)


def plan(models: Mapping[str, GraphClassifier], setting: Setting) -> list[Planned]:
    """Lay out the rows: graphs, their controls, then the baselines."""
    rows = [Planned(name, "graph", prepared(model, setting)) for name, model in models.items()]
    for name, model in models.items():
        shuffled = prepared(model, setting).set_params(links=Shuffled(model.constructor, seed=model.seed))
        rows.append(Planned(f"{name}, shuffled", "shuffled", shuffled))
    nothing = {"links": NoEdges(), "structure": None}
    bare = {name: prepared(model, setting).set_params(**nothing) for name, model in models.items()}
    first = next(iter(models.values()))
    if len({without_edges(model) for model in models.values()}) == 1:
        rows.append(Planned("no graph", "no-graph", next(iter(bare.values()))))
    else:
        rows += [Planned(f"{name}, no graph", "no-graph", twin) for name, twin in bare.items()]
    for name, baseline in plain_baselines(first.prepare, seed=first.seed).items():
        rows.append(Planned(name, "baseline", baseline))
    return rows


def without_edges(model: GraphClassifier) -> str:
    """Describe the network that is left without edges: our stacks with the same options are then one and the same."""
    settings = {name: value for name, value in model.get_params().items() if name not in ("links", "conv", "structure")}
    conv = model.conv.func if isinstance(model.conv, partial) else model.conv
    options = dict(model.conv.keywords) if isinstance(model.conv, partial) else {}
    options.pop("heads", None)  # heads share out messages, and there are none
    kind = "stack" if conv in (SAGEStack, GCNStack, GATStack) else repr(conv)
    return repr((kind, sorted(options.items()), sorted(settings.items())))


def prepared(model: GraphClassifier, setting: Setting) -> GraphClassifier:
    """Return an unfitted copy in the setting asked for."""
    copy: GraphClassifier = clone(model)
    copy.set_params(setting=setting)
    return copy


def attempt(row: Planned, cohort: Cohort, fold: Fold, setting: Setting, classes: tuple[str, ...]) -> Unit | Refused:
    """Evaluate, or say why a row that is not needed cannot be."""
    try:
        return evaluate(row, cohort, fold, setting, classes)
    except GraphmmlError as error:
        if row.needed:
            raise
        return Refused(row.name, str(error))


def evaluate(row: Planned, cohort: Cohort, fold: Fold, setting: Setting, classes: tuple[str, ...]) -> Unit:
    """Fit one model on a fold's training patients and score it once on its test patients."""
    with one_thread(), sharing():
        began = time.perf_counter()
        model = clone(row.model)
        if "seed" in model.get_params():
            model.set_params(seed=model.seed + fold.seed)
        shown = cohort if row.alter is None else row.alter(cohort, fold)
        fitted = model.fit(seen(shown, fold, row.kind, setting))
        if row.attach is not None:
            fitted.set_params(links=row.attach)
        p = aligned(fitted.predict_proba(shown[fold.test]), fitted.classes_, classes)
        seconds = time.perf_counter() - began
    codes = ClassTask(classes).codes(cohort[fold.test])
    scores = all_scores(codes, p)
    return Unit(row.name, row.kind, fold.repeat, fold.number, scores, seconds, len(fold.train), codes, p)


def seen(cohort: Cohort, fold: Fold, kind: RowKind, setting: Setting) -> Cohort:
    """Return what a model may see: training patients; if transductive, also the others without outcome."""
    if setting == "inductive" or kind == "baseline":
        return cohort[fold.train]
    return cohort.with_outcome_of(fold.train)


def aligned(p: np.ndarray, found: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Lay out probabilities by all classes, zero for one that the fold's training patients lack."""
    laid = np.zeros((len(p), len(classes)))
    for at, name in enumerate(found):
        laid[:, classes.index(name)] = p[:, at]
    return laid


def classes_in(cohort: Cohort, made: Sequence[Fold]) -> tuple[str, ...]:
    """Return all classes of a plan; a fold whose training patients lack one gives it no probability."""
    return ClassTask.of(cohort[np.concatenate([made[0].train, made[0].test])]).classes


def patients_in(made: Sequence[Fold]) -> int:
    """Count the patients who are trained or tested on in any fold."""
    return len(np.unique(np.concatenate([np.concatenate([fold.train, fold.test]) for fold in made])))


def one_test(made: Sequence[Fold]) -> bool:
    """Return whether all folds test the same patients, as an official split does with several seeds."""
    return len(made) > 0 and all(np.array_equal(fold.test, made[0].test) for fold in made)


def described(folds: Splitter, made: list[Fold]) -> str:
    """Say in words how patients were split and what the intervals mean."""
    if isinstance(folds, Folds):
        return f"{folds.n}-fold cross-validation x {folds.repeats}"
    if isinstance(folds, OfficialSplit):
        return f"official split, {len(made[0].train)} train and {len(made[0].test)} test patients, {len(made)} seeds"
    return f"{type(folds).__name__}, {len(made)} folds"
