"""Calibrators find what was planted, agree with scikit-learn, and come back from their arrays."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression

from graphmml.errors import GraphmmlError
from graphmml.train.calibration import (
    Isotonic,
    Temperature,
    learned_calibrator,
    refuse_method,
    stored_calibrator,
)


def drawn(patients=4000, classes=3, sharper=1.0, seed=0):
    """Probabilities that are right, outcomes drawn by them, and the same probabilities made too sure of themselves."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(patients, classes))
    right = softmax(logits, axis=1)
    codes = (random.random((patients, 1)) > right.cumsum(axis=1)).sum(axis=1)
    return right, codes, softmax(sharper * logits, axis=1)


def log_loss(p, codes):
    return -np.log(p[np.arange(len(p)), codes]).mean()


@pytest.mark.parametrize(("sharper", "classes"), [(3.0, 3), (0.5, 3), (1.0, 2), (2.0, 2)])
def test_the_temperature_that_was_planted_is_found_and_undone(sharper, classes):
    right, codes, said = drawn(20_000, classes, sharper)
    found = Temperature.learned(said, codes)
    assert found.value == pytest.approx(sharper, rel=0.07)
    assert np.abs(found.calibrated(said) - right).max() < 0.05


def test_no_other_temperature_has_a_smaller_log_loss():
    _, codes, said = drawn(300, sharper=2.5)
    best = log_loss(Temperature.learned(said, codes).calibrated(said), codes)
    assert all(log_loss(Temperature(value).calibrated(said), codes) >= best - 1e-9 for value in np.geomspace(0.06, 19))


def test_a_temperature_changes_no_order_of_classes_and_one_changes_nothing():
    _, codes, said = drawn(500, sharper=4.0)
    cooled = Temperature.learned(said, codes).calibrated(said)
    assert np.array_equal(np.argsort(cooled, axis=1), np.argsort(said, axis=1))
    np.testing.assert_allclose(Temperature(1.0).calibrated(said), said)


def test_where_classes_are_told_apart_without_error_the_temperature_has_an_end():
    p = np.array([[0.9, 0.1], [0.2, 0.8]] * 10)
    found = Temperature.learned(p, p.argmax(axis=1))
    assert np.isfinite(found.calibrated(p)).all()
    assert np.isfinite(found.calibrated(np.array([[1.0, 0.0]]))).all()


def test_isotonic_is_scikit_learns_normalised():
    _, codes, said = drawn(400, 3, 2.0)
    _, _, new = drawn(100, 3, 3.0, seed=1)
    steps = [IsotonicRegression(out_of_bounds="clip").fit(said[:, at], codes == at) for at in range(3)]
    wanted = np.stack([step.predict(new[:, at]) for at, step in enumerate(steps)], axis=1)
    np.testing.assert_allclose(Isotonic.learned(said, codes).calibrated(new), wanted / wanted.sum(axis=1)[:, None])


def test_isotonic_of_two_classes_is_one_step():
    _, codes, said = drawn(400, 2, 2.0)
    one = IsotonicRegression(out_of_bounds="clip").fit(said[:, 1], codes).predict(said[:, 1])
    np.testing.assert_allclose(Isotonic.learned(said, codes).calibrated(said)[:, 1], one, atol=1e-12)


def test_isotonic_leaves_a_patient_without_any_class_as_he_was():
    flat = Isotonic((np.array([[0.5], [0.0]]), np.array([[0.5], [0.0]])))
    assert np.array_equal(flat.calibrated(np.array([[0.3, 0.7]])), [[0.3, 0.7]])


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_calibration_mends_what_is_too_sure_on_patients_it_has_not_seen(method):
    _, codes, said = drawn(2000, 3, 4.0)
    right, unseen, new = drawn(2000, 3, 4.0, seed=1)
    mended = learned_calibrator(method, said, codes).calibrated(new)
    assert ((mended - right) ** 2).mean() < 0.2 * ((new - right) ** 2).mean()
    np.testing.assert_allclose(mended.sum(axis=1), 1.0)
    assert len(unseen) == len(mended)


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_a_calibrator_comes_back_from_its_arrays_and_ignores_unknown_classes(method):
    _, codes, said = drawn(200)
    learned = learned_calibrator(method, said, np.where(np.arange(200) < 20, -1, codes))
    again = learned_calibrator(method, said[20:], codes[20:])
    assert np.array_equal(stored_calibrator(learned.arrays()).calibrated(said), learned.calibrated(said))
    assert np.array_equal(again.calibrated(said), learned.calibrated(said))


def test_without_a_method_there_is_no_calibrator_and_another_is_refused():
    _, codes, said = drawn(50)
    assert learned_calibrator(None, said, codes) is None
    assert stored_calibrator({}) is None
    with pytest.raises(GraphmmlError, match="'platt'; choose temperature"):
        refuse_method("platt")
