"""Does the evaluation say nothing where there is nothing? Outcomes permuted at random, and models that are equal.

python benchmarks/evidence.py chance     # 20 cohorts of permuted outcomes, everything tuned and selected
python benchmarks/evidence.py equal      # 200 comparisons of two models that are equal
python benchmarks/evidence.py cover      # how many intervals of repeated folds cover chance, by what they count
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import graphmml as gm
from graphmml.train.baselines import Baseline
from graphmml.train.cross_validate import classes_in, gathered, run_units
from graphmml.train.intervals import over_folds
from graphmml.train.planned import Planned, plan

Case = tuple[gm.Cohort, list[Planned]]
QUICK = gm.Training(epochs=40, patience=8)


def permuted(patients: int, seed: int) -> gm.Cohort:
    """Return a synthetic cohort whose outcomes are dealt out at random."""
    cohort = gm.make_cohort(patients, seed=seed)
    values = cohort.outcome.values
    dealt = pd.Series(np.random.default_rng(seed).permutation(values.to_numpy()), index=values.index)
    return replace(cohort, outcome=replace(cohort.outcome, values=dealt))


def pipeline(trials: int) -> gm.Tuned:
    """Return a graph whose conv, links and width are selected inside each fold; so are all its controls' settings."""
    model = gm.GraphClassifier(gm.Neighbours(each=True), members=1, training=QUICK, device="cpu")
    space = {
        "conv": [gm.SAGEStack, gm.GCNStack, partial(gm.SAGEStack, dropout=0.2)],
        "links": [gm.Neighbours(each=True, k=5), gm.Neighbours("labs"), gm.SharedPhenotype(("clinical.sex",))],
        "width": [8, 32],
    }
    return gm.Tuned(model, gm.Search(trials), space=space)


def chance(cohorts: int, patients: int, trials: int, rows: list[str]) -> None:
    """Print each model's mean AUROC over cohorts and how many of its intervals cover one half."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    p: list[float] = []
    began = time.perf_counter()
    for seed in range(cohorts):
        planned = [row for row in plan({"graph": pipeline(trials)}, "inductive") if row.name in rows or not rows]
        result = crossed(permuted(patients, seed), planned, gm.Folds(5))
        for row in result.rows:
            span = row.metrics["auroc"]
            found.setdefault(row.name, []).append((span.mean, span.low, span.high))
        p += [one.p for one in result.comparisons()]  # the graph against its twin, where both are there
    print(f"{cohorts} cohorts of {patients} patients, outcomes permuted; 5 folds, {trials} trials of each model inside")
    for name, spans in found.items():
        mean, low, high = np.array(spans).T
        covered = int(((low <= 0.5) & (high >= 0.5)).sum())
        error = mean.std(ddof=1) / np.sqrt(len(mean))
        print(f"{name:<24} mean AUROC {mean.mean():.3f} (standard error {error:.3f}), {covered} of {cohorts} cover .5")
    if p:
        print(f"graph against no graph: p < .05 in {sum(one < 0.05 for one in p)} of {len(p)} cohorts")
    print(f"{time.perf_counter() - began:.0f} s on {os.cpu_count()} cores")


def crossed(cohort: gm.Cohort, rows: list[Planned], folds: gm.Folds) -> gm.CVResult:
    """Cross-validate these rows alone."""
    made = list(folds.split(cohort))
    classes = classes_in(cohort, made)
    work = [(row, fold, "inductive") for fold in made for row in rows]
    done, _ = run_units(work, cohort, classes, jobs=-1, folder=None, watch=None)
    units = [done[row.name, fold.repeat, fold.number] for row in rows for fold in made]
    return gathered(units, cohort, folds, made, classes, "inductive")


def seeds() -> list[Planned]:
    """Return one perceptron twice, with other seeds."""
    models = [MLPClassifier((16,), alpha=1.0, early_stopping=True, random_state=seed) for seed in (0, 1)]
    return [Planned(name, "baseline", Baseline(model)) for name, model in zip(("one", "other"), models, strict=True)]


def halves(cohort: gm.Cohort, seed: int) -> tuple[gm.Cohort, list[Planned]]:
    """Return noise in two modalities and a model on each, which knows as little as the other."""
    random = np.random.default_rng(seed)
    noise = {name: pd.DataFrame(random.normal(size=(len(cohort), 10)), index=cohort.ids) for name in ("one", "other")}
    frames = {name: table.add_prefix("x") for name, table in noise.items()}
    people = replace(cohort, tables=frames)
    models = [
        Planned(name, "baseline", Baseline(LogisticRegression(C=0.1)), alter=partial(only, name=name))
        for name in frames
    ]
    return people, models


def trained_twice(cohort: gm.Cohort, seed: int) -> tuple[gm.Cohort, list[Planned]]:
    """Return a cohort of which two fifths train, and one network twice, with other seeds."""
    side = np.where(np.random.default_rng(seed).permutation(len(cohort)) % 5 < 2, "train", "test")
    bare = [gm.GraphClassifier(gm.NoEdges(), members=1, training=QUICK, device="cpu", seed=at) for at in (0, 5000)]
    rows = [Planned(name, "graph", model) for name, model in zip(("one", "other"), bare, strict=True)]
    return replace(cohort, split=pd.Series(side, index=cohort.ids)), rows


def only(cohort: gm.Cohort, fold: object, *, name: str) -> gm.Cohort:
    """Return a cohort with one modality alone."""
    return replace(cohort, tables={name: cohort.tables[name]})


def equal(times: int, patients: int, repeats: int) -> None:
    """Print how often two equal models are told apart at the level of .05."""
    folds = gm.Folds(5, repeats=repeats)
    told("the same perceptron, other seeds", times, folds, lambda at: (gm.make_cohort(patients, seed=at), seeds()))
    noise = "logistic regression on noise and on other noise"
    told(noise, times, folds, lambda at: halves(permuted(patients, at), at))
    once = "one test set: the same network, other seeds"
    told(once, times, gm.OfficialSplit(5), lambda at: trained_twice(gm.make_cohort(patients, seed=at), at))


def told(what: str, times: int, folds: gm.Folds | gm.OfficialSplit, of: Callable[[int], Case]) -> None:
    """Print it for one kind of models."""
    p, squares, began = [], [], time.perf_counter()
    for seed in range(times):
        cohort, rows = of(seed)
        one = crossed(cohort, rows, folds).comparison("one", "other")
        p.append(one.p)
        if isinstance(folds, gm.Folds):
            reach = student.ppf(0.975, folds.n * folds.repeats - 1)
            squares.append((one.difference.mean**2, ((one.difference.high - one.difference.low) / 2 / reach) ** 2))
    print(f"{what}: {float(np.mean(np.array(p) < 0.05)):.1%} of {times} comparisons reach p < .05 ({folds})")
    if squares:
        true, taken = np.mean(squares, axis=0)
        print(f"  the mean's variance is {true / taken:.2f} times what the test takes it to be")
    print(f"  {time.perf_counter() - began:.0f} s")


def cover(times: int, patients: int, repeats: int) -> None:
    """Print how many intervals of a logistic regression on noise cover .5, counting one repeat of folds, or all."""
    folds, covered = gm.Folds(5, repeats=repeats), np.zeros(2)
    for seed in range(times):
        cohort, rows = halves(permuted(patients, seed), seed)
        result = crossed(cohort, rows[:1], folds)
        values = result.values("auroc", result.of("one"))
        for at, counted in enumerate((repeats, 1)):
            interval = over_folds(values, train=4 * patients / 5, test=patients / 5, repeats=counted)
            covered[at] += interval.low <= 0.5 <= interval.high
    one, every = covered / times
    print(
        f"5 folds x {repeats}, {times} cohorts: {one:.1%} cover .5 counting one repeat, {every:.1%} counting all folds"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("chance", "equal", "cover"))
    parser.add_argument("--times", type=int, help="cohorts (20; of cover 200) or comparisons (200)")
    parser.add_argument("--patients", type=int, default=240)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5, help="of equal and cover: how often all are folded")
    parser.add_argument("--only", nargs="*", default=[], metavar="ROW", help="of chance: these rows instead of all")
    asked = parser.parse_args()
    if asked.what == "chance":
        chance(asked.times or 20, asked.patients, asked.trials, asked.only)
    elif asked.what == "cover":
        cover(asked.times or 200, asked.patients, asked.repeats)
    else:
        equal(asked.times or 200, asked.patients, asked.repeats)
