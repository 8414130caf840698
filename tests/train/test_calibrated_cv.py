"""Cross-validation of calibrated models: each row is what its own calibrated model says, and the result says so."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.train.baselines import Baseline
from graphmml.train.cross_validate import evaluate, seeds_of
from graphmml.train.planned import Planned, plan
from graphmml.train.read_run import read_run

TINY = gm.Training(epochs=5, patience=5)
MODEL = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, width=4, training=TINY, device="cpu")
COHORT = gm.make_cohort(120, seed=1)
HALVES = gm.Folds(2)


@pytest.fixture(scope="module")
def plain():
    return gm.cross_validate(MODEL, COHORT, HALVES, jobs=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "calibrated"


@pytest.fixture(scope="module")
def calibrated(run):
    return gm.cross_validate(gm.CalibratedClassifier(MODEL, gm.Folds(3)), COHORT, HALVES, jobs=1, run=run)


def test_a_temperature_moves_probabilities_of_every_row_and_the_order_of_patients_of_none(plain, calibrated):
    assert [row.name for row in calibrated.rows] == [row.name for row in plain.rows]
    for row in plain.rows:
        for before, after in zip(plain.of(row.name), calibrated.of(row.name), strict=True):
            p, q = before.probabilities[:, 1], after.probabilities[:, 1]
            assert not np.allclose(p, q), row.name
            assert after.scores["auroc"] == pytest.approx(before.scores["auroc"], abs=1e-12), row.name


def test_a_row_is_what_its_calibrated_model_says_by_hand(calibrated):
    fold = next(iter(HALVES.split(COHORT)))
    one = clone(MODEL).set_params(seed=MODEL.seed + fold.seed)
    by_hand = gm.CalibratedClassifier(one, gm.Folds(3)).fit(COHORT[fold.train]).predict_proba(COHORT[fold.test])
    np.testing.assert_allclose(calibrated.of("graph")[0].probabilities, by_hand, atol=1e-6)


def test_calibration_learns_nothing_from_test_patients():
    fold = next(iter(HALVES.split(COHORT)))
    row = Planned("lr", "baseline", gm.CalibratedClassifier(Baseline(LogisticRegression()), method="isotonic"))
    flipped = COHORT.outcome.values.copy()
    flipped.iloc[fold.test] = flipped.iloc[fold.test].map({"case": "control", "control": "case"})
    other = replace(COHORT, outcome=replace(COHORT.outcome, values=flipped))
    classes = COHORT.outcome.classes
    (first,) = evaluate(row, COHORT, [fold], "inductive", classes)
    (second,) = evaluate(row, other, [fold], "inductive", classes)
    assert np.array_equal(first.probabilities, second.probabilities)


def test_the_plan_says_what_was_done_and_a_run_keeps_it(calibrated, run):
    assert "each row calibrated (temperature)" in calibrated.plan
    assert read_run(run, COHORT).result.plan == calibrated.plan
    with pytest.raises(gm.StoreError):
        gm.cross_validate(gm.CalibratedClassifier(MODEL), COHORT, HALVES, jobs=1, run=run, resume=True)


def test_tuned_models_are_calibrated_with_their_seeds_moved_and_their_choice_kept():
    tuned = gm.Tuned(MODEL, gm.Search(2, folds=2), space={"width": [2, 8]})
    model = gm.CalibratedClassifier(tuned, gm.HeldOut(0.3))
    rows = plan({"graph": model}, "inductive")
    assert all(isinstance(row.model.model, gm.Tuned) for row in rows)
    assert seeds_of(model, 7) == {"model__model__seed": MODEL.seed + 7}
    fold = next(iter(HALVES.split(COHORT)))
    (unit,) = evaluate(rows[0], COHORT, [fold], "inductive", COHORT.outcome.classes)
    assert set(unit.chosen) <= {"width"}
    np.testing.assert_allclose(unit.probabilities.sum(axis=1), 1.0)
