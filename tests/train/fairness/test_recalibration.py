"""Slope and intercept against scikit-learn's logistic regression and the equation that defines them."""

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from graphmml.train.fairness.recalibration import (
    calibration_intercept,
    calibration_slope,
    weighted_intercept,
    weighted_slope,
)


def two(p):
    return np.stack([1 - p, p], axis=1)


def test_the_slope_is_that_of_logistic_regression(drawn):
    for seed in range(5):
        y, p = drawn(150, seed)
        p = expit(0.4 + 0.6 * logit(p))
        fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(p)[:, None], y)
        assert np.isclose(calibration_slope(y, two(p)), fitted.coef_[0, 0], atol=1e-5)


def test_with_the_intercept_as_many_are_predicted_as_there_are(drawn):
    for seed in range(5):
        y, p = drawn(150, seed, base=-1.0)
        a = calibration_intercept(y, two(p))
        assert np.isclose(expit(logit(p) + a).sum(), y.sum(), atol=1e-6)


def test_a_patient_drawn_twice_counts_as_two_patients(drawn):
    y, p = drawn(80, 3)
    counts = np.random.default_rng(0).integers(0, 4, (80, 6)).astype(float)
    for score, weighted in ((calibration_intercept, weighted_intercept), (calibration_slope, weighted_slope)):
        found = weighted(y == 1, p, counts)
        for at in range(6):
            rows = np.repeat(np.arange(80), counts[:, at].astype(int))
            assert np.isclose(found[at], score(y[rows], two(p[rows])), atol=1e-6)


def test_there_is_none_of_one_class_nor_of_classes_told_apart_without_error():
    p = np.linspace(0.1, 0.9, 30)
    ones = np.ones((30, 1))
    for hit in (np.zeros(30, dtype=bool), np.ones(30, dtype=bool)):
        assert np.isnan(weighted_intercept(hit, p, ones)).all()
        assert np.isnan(weighted_slope(hit, p, ones)).all()
    assert np.isnan(weighted_slope(p > 0.5, p, ones)).all()
    assert np.isfinite(weighted_intercept(p > 0.5, p, ones)).all()
