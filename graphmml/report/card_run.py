"""What a run of cross-validation knows of a model, by item of its card."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold
from graphmml.errors import StoreError
from graphmml.report.card_making import Fact
from graphmml.report.evidence import shown_models, within_groups
from graphmml.report.html.section import Table
from graphmml.train.baselines import plain_baselines
from graphmml.train.estimator import GraphClassifier
from graphmml.train.intervals import Interval, span
from graphmml.train.layers import Inner
from graphmml.train.missing_patterns import FEW, MissingScores, scores_by_missing
from graphmml.train.read_run import complete, facts_of, read_run, read_splits
from graphmml.train.result import CVResult
from graphmml.train.runs import RunFolder

MEASURES = (
    "AUROC (of several classes: the mean of one against the rest), AUPRC, accuracy, macro F1 and Brier score, each "
    "beside the same network without edges, the graph shuffled, and plain models."
)
SEED = re.compile(r"\('seed', (\d+)\)")
INTERVALS = (
    "Intervals are at 95 %: over folds corrected for shared training patients (Nadeau and Bengio 2003), repeats of the "
    "same folds counted once"
)


@dataclass(frozen=True, eq=False)
class RunFacts:
    """A run's scores, its row with the model's own settings ("" for none), and, with its cohort, scores of groups.

    Those are of that row, or else of the first graph: `within` {group: (value, AUROC, patients as they may be told)},
    and by what is `missing`.
    """

    result: CVResult
    own: str
    shown: str = ""
    within: Mapping[str, Sequence[tuple[str, Interval, str]]] | None = None
    missing: MissingScores | None = None


def run_of(path: str | Path, model: Inner, cohort: Cohort | None) -> RunFacts:
    """Read a run; with its cohort also scores within groups and by what is missing."""
    folder = RunFolder(Path(path))
    facts = facts_of(folder)
    written = str(facts.get("models", ""))
    if cohort is not None:
        cohort = cohort[cohort.sorted_rows]
        run = read_run(path, cohort)
        own = own_row(model, written, run.result)
        shown = own or shown_models(run)[0]
        return RunFacts(run.result, own, shown, within_groups(run, cohort, shown), scores_by_missing(run, cohort))
    splits = read_splits(folder, facts)
    made = [Fold(splits.train[key], rows, *key, 0) for key, rows in splits.test.items()]
    units = complete(list(folder.units()), made, written)
    if not units:
        raise StoreError(f"{path}: no model is finished on all {len(made)} folds yet; go on with --resume")
    classes = tuple(map(str, model.classes_))
    if any(unit.probabilities.shape[1] != len(classes) for unit in units):
        raise StoreError(f"{path} is a run of other classes than the model's; name the model's own run")
    tests = list(splits.test.values())
    result = CVResult(
        units=units,
        cohort="",
        patients=len(splits.people),
        classes=classes,
        plan=str(facts["plan"]),
        setting=str(facts["setting"]),
        same_test=all(np.array_equal(test, tests[0]) for test in tests),
        splits=splits,
    )
    return RunFacts(result, own_row(model, written, result))


def own_row(model: Inner, written: str, result: CVResult) -> str:
    """Return the name of the finished row that has the model's settings, "" for none."""
    own = named_row(model, written)
    return own if own in {row.name for row in result.rows} else ""


def named_row(model: Inner, written: str) -> str:
    """Return the name of the row that has the model's settings, as `cross_validate` writes them; "" for none.

    The plain rows of a run prepare what its models do, with the seed of one of them.
    """
    if isinstance(model, GraphClassifier):
        before, found, _ = written.partition(f" = {sorted(model.get_params().items())}")
        return before.rpartition("; ")[2] if found else ""
    seeds = {int(seed) for seed in SEED.findall(written)}
    if f"('prepare', {model.prepare!r})" not in written:
        return ""
    plain = [(name, one) for seed in seeds for name, one in plain_baselines(model.prepare, seed=seed).items()]
    return next((name for name, one in plain if repr(one.classifier) == repr(model.classifier)), "")


def run_facts(run: RunFacts) -> Iterator[Fact]:
    """Yield how the run was made and what it found."""
    result = run.result
    yield "12a", f"Internal validation: {result.plan}, {result.setting}, {result.patients:,} patients."
    yield "12e", MEASURES
    yield "12e", f"{INTERVALS}, or a bootstrap over the patients of one test set and over trainings."
    trained = sorted({unit.trained for unit in result.units})
    span_of = f"{trained[0]:,}" if len(trained) == 1 else f"{trained[0]:,} to {trained[-1]:,}"
    yield (
        "21",
        f"In {len(result.units) // max(len(result.rows), 1)} trainings a model, {span_of} patients were learned from.",
    )
    own = f"The run's row '{run.own}' has the settings of this model."
    yield "23a", own if run.own else "No row of the run has the settings of this model: its scores are of other models."
    for sentence in result.verdict:
        yield "23a", sentence
        if not sentence.startswith("The graph helped"):
            yield "26", sentence
    if run.within is None:
        yield "23b", "Scores within groups need the cohort that the run was made from (--cohort)."


def run_tables(run: RunFacts) -> Iterator[tuple[str, Table]]:
    """Yield the scores of all rows; within groups; and by what is missing, each with the item that it goes with."""
    rows = [
        [row.name, span(row.metrics["auroc"]), span(row.metrics["auprc"]), span(row.metrics["brier"])]
        for row in run.result.rows
    ]
    yield "23a", Table("all models on the same folds", ["model", "AUROC (95 %)", "AUPRC (95 %)", "Brier (95 %)"], rows)
    for group, values in (run.within or {}).items():
        title = f"AUROC within {group}, '{run.shown}'; values of too few patients are left out"
        lines = [[value, size, span(interval)] for value, interval, size in values]
        yield "23b", Table(title, [group, "patients", "AUROC (95 %)"], lines)
    if run.missing is not None:
        lines = [
            [row.pattern, row.number, span(row.auroc)]
            for row in run.missing.rows
            if row.model == run.shown and row.note != FEW
        ]
        yield "23b", Table(f"by what is missing, '{run.shown}'", ["patients", "number", "AUROC (95 %)"], lines)
