"""Curves against scikit-learn, the definition, and numbers worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from graphmml.train.curves import calibration, net_benefit, net_benefit_of_all, roc

THRESHOLDS = np.linspace(0.05, 0.95, 19)


def drawn(seed, patients=200, levels=None):
    random = np.random.default_rng(seed)
    hit = random.random(patients) < 0.4
    p = np.clip(0.3 * hit + 0.7 * random.random(patients), 0, 1)
    return hit, p if levels is None else np.round(p * levels) / levels


@pytest.mark.parametrize("levels", [None, 5])
@pytest.mark.parametrize("seed", range(3))
def test_the_curve_goes_through_the_points_of_scikit_learn(seed, levels):
    hit, p = drawn(seed, levels=levels)
    false, true, _ = roc_curve(hit, p, drop_intermediate=False)
    highest = {x: max(true[false == x]) for x in false}
    found = roc(hit, p, np.array(sorted(highest)))
    np.testing.assert_allclose(found, [highest[x] for x in sorted(highest)], atol=1e-12)


@pytest.mark.parametrize("levels", [None, 4])
def test_the_area_under_a_fine_curve_is_the_auroc(levels):
    hit, p = drawn(0, levels=levels)
    grid = np.linspace(0, 1, 200_001)
    assert np.trapezoid(roc(hit, p, grid), grid) == pytest.approx(roc_auc_score(hit, p), abs=1e-4)


def test_without_two_classes_there_is_no_curve():
    assert np.isnan(roc(np.ones(5, dtype=bool), np.arange(5.0), np.array([0.5]))).all()


def test_bins_hold_every_patient_and_their_means():
    hit, p = drawn(1)
    found = calibration(hit, p, bins=10)
    assert found.patients.sum() == 200
    assert len(found.patients) == 10
    assert (found.predicted * found.patients).sum() == pytest.approx(p.sum())
    assert (found.observed * found.patients).sum() == pytest.approx(hit.sum())
    assert (np.diff(found.predicted) > 0).all()


def test_predictions_of_several_repeats_share_bins_as_wide_as_those_of_one():
    hit, p = drawn(1)
    one, twice = calibration(hit, p), calibration(np.tile(hit, 2), np.tile(p, 2), repeats=2)
    np.testing.assert_array_equal(one.patients, twice.patients)
    np.testing.assert_allclose(one.predicted, twice.predicted)
    np.testing.assert_allclose(one.observed, twice.observed)
    assert len(calibration(np.tile(hit[:5], 4), np.tile(p[:5], 4), repeats=4).patients) == 0


def test_few_patients_make_few_bins_and_equal_probabilities_share_one():
    hit, p = drawn(2, patients=30)
    assert len(calibration(hit, p).patients) == 2
    assert len(calibration(hit, np.full(30, 0.3)).patients) == 1
    assert len(calibration(hit[:5], p[:5]).patients) == 0


@given(st.integers(0, 10_000))
def test_net_benefit_is_its_definition(seed):
    hit, p = drawn(seed, patients=40, levels=20)
    for t, found in zip(THRESHOLDS, net_benefit(hit, p, THRESHOLDS), strict=True):
        treated = p >= t
        wanted = ((treated & hit).sum() - (treated & ~hit).sum() * t / (1 - t)) / 40
        assert found == pytest.approx(wanted)


def test_treating_all_is_a_model_that_is_sure_of_everybody():
    hit, _ = drawn(3)
    np.testing.assert_allclose(net_benefit(hit, np.ones(200), THRESHOLDS), net_benefit_of_all(hit, THRESHOLDS))
    np.testing.assert_allclose(net_benefit(hit, np.zeros(200), THRESHOLDS), 0.0)


def test_a_worked_number():
    hit = np.array([True, True, False, False, False])
    p = np.array([0.9, 0.2, 0.6, 0.1, 0.1])
    assert net_benefit(hit, p, np.array([0.5]))[0] == pytest.approx((1 - 1) / 5)
    assert net_benefit(hit, p, np.array([0.2]))[0] == pytest.approx((2 - 0.25) / 5)
