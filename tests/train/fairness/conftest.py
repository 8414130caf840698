"""Cohorts with a group, and results whose predictions are made up: no model is trained."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.train.result import CVResult
from graphmml.train.scores import all_scores
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit


def cohort_of(groups, outcome, classes=("a", "b"), block=None):
    """Patients with these values of groups {name: [patient]} and class numbers; ids run against the order of rows."""
    ids = [f"p{len(outcome) - at:05d}" for at in range(len(outcome))]
    y = pd.Series(np.array(classes)[outcome], index=ids)
    frames = {"clinical": pd.DataFrame({"x": np.arange(len(ids), dtype=float)}, index=ids)}
    cohort = gm.Cohort.from_frames(frames, y, groups=pd.DataFrame(groups, index=ids), positive=classes[-1])
    return cohort if block is None else replace(cohort, blocks=(block,))


def result_of(cohort, folds, risk, models=(("graph", "graph"),), classes=("a", "b")):
    """Give each patient this risk (float [patient], or [patient, class]) in every repeat, a little off in each."""
    random, units = np.random.default_rng(9), []
    for name, kind in models:
        for fold in folds.split(cohort):
            y = cohort.outcome.values.iloc[fold.test].map({name: at for at, name in enumerate(classes)}).to_numpy()
            one = risk[fold.test]
            p = np.stack([1 - one, one], axis=1) if one.ndim == 1 else one
            p = np.clip(
                p + 0.02 * random.normal(size=(len(p), 1)) * np.array([-1, 1] + [0] * (p.shape[1] - 2)), 0.01, 1
            )
            p = p / p.sum(axis=1, keepdims=True)
            units.append(
                Unit(
                    name, kind, fold.repeat, fold.number, all_scores(y, p), 0.0, len(fold.train), y.astype(np.int64), p
                )
            )
    splits = Splits.of(cohort, list(folds.split(cohort)))
    return CVResult(tuple(units), "c", len(cohort), tuple(classes), "plan", "inductive", False, splits)


def risks(patients, seed, spread=1.5, base=0.0):
    """Draw outcomes from known risks, so that the risks are calibrated: class numbers and risks [patient]."""
    random = np.random.default_rng(seed)
    risk = 1 / (1 + np.exp(-(base + spread * random.normal(size=patients))))
    return (random.random(patients) < risk).astype(int), risk


@pytest.fixture
def made():
    """Make a cohort and a result of it: (cohort, folds, result) for groups, outcome and risk."""

    def make(groups, outcome, risk, repeats=1, **options):
        classes = options.get("classes", ("a", "b"))
        cohort = cohort_of(groups, outcome, classes, options.pop("block", None))
        folds = gm.Folds(4, repeats=repeats)
        return cohort, folds, result_of(cohort, folds, risk, **options)

    return make


@pytest.fixture
def drawn():
    return risks
