"""Thresholds against a search over all pairs, and against fairlearn's ThresholdOptimizer."""

from itertools import product

import numpy as np
import pytest
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.base import BaseEstimator, ClassifierMixin

from graphmml.train.fairness.equalising import equalised

CONSTRAINTS = ("demographic_parity", "true_positive_rate", "equalized_odds")


class Given(ClassifierMixin, BaseEstimator):
    """Hands the risks on; ThresholdOptimizer wants an estimator that is fitted."""

    def fit(self):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, x):
        return np.stack([1 - x[:, 0], x[:, 0]], axis=1)


def rates(risk, hit, threshold, constraint):
    called = risk >= threshold
    return {
        "demographic_parity": [called.mean()],
        "true_positive_rate": [called[hit].mean()],
        "equalized_odds": [called[hit].mean(), called[~hit].mean()],
    }[constraint]


def benefit(parts, thresholds, at=0.5):
    called = [risk >= threshold for (risk, _), threshold in zip(parts, thresholds, strict=True)]
    return sum(
        (who & hit).sum() - (who & ~hit).sum() * at / (1 - at) for who, (_, hit) in zip(called, parts, strict=True)
    )


def gap_of(parts, thresholds, constraint):
    each = np.array([rates(*part, threshold, constraint) for part, threshold in zip(parts, thresholds, strict=True)])
    return np.ptp(each, axis=0).max()


def parts_of(sizes, seed=0, apart=0.3):
    random = np.random.default_rng(seed)
    parts = []
    for at, size in enumerate(sizes):
        hit = random.random(size) < 0.3 + 0.2 * at
        risk = 1 / (1 + np.exp(-(random.normal(size=size) + (1.5 - apart * at) * hit - 1 + 0.3 * at)))
        parts.append((np.round(risk, 3), hit))
    return parts


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize(("slack", "at"), [(0.05, 0.5), (0.2, 0.3)])
def test_they_are_the_most_useful_of_all_pairs_that_keep_the_constraint(constraint, slack, at):
    for seed in range(4):
        parts = parts_of([18, 15], seed)
        found = equalised(parts, constraint, threshold=at, slack=slack)
        choices = [(np.unique(risk)[1:] + np.unique(risk)[:-1]) / 2 for risk, _ in parts]
        allowed = [pair for pair in product(*choices) if gap_of(parts, pair, constraint) <= slack + 1e-9]
        assert gap_of(parts, found, constraint) <= slack + 1e-9
        assert np.isclose(benefit(parts, found, at), max(benefit(parts, pair, at) for pair in allowed))


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_nobody_is_called_whatever_their_risk_and_where_that_cannot_be_there_are_no_thresholds(constraint):
    """Two of three have the class, so that calling everybody is right most often, and risks know it a little."""
    random = np.random.default_rng(3)
    parts = [(np.round(random.normal(0.3 * hit, 0.5), 2), hit) for hit in random.random((3, 60)) < 0.67]
    for threshold, (risk, _) in zip(equalised(parts, constraint, threshold=0.5, slack=0.1), parts, strict=True):
        assert 0 < (risk >= threshold).sum() < 60
    alike = [parts[0], (np.full(60, 0.4), parts[1][1])]
    assert equalised(alike, constraint, threshold=0.5, slack=0.05) is None


def lots_of(parts, constraint):
    """Fit fairlearn's; return who is called positive how often, who has the class, and whose group is whose."""
    risk, hit = (np.concatenate(both) for both in zip(*parts, strict=True))
    group = np.repeat(np.arange(len(parts)), [len(risk) for risk, _ in parts])
    reference = ThresholdOptimizer(
        estimator=Given().fit(),
        constraints=constraint if constraint != "true_positive_rate" else "true_positive_rate_parity",
        objective="accuracy_score",
        prefit=True,
        predict_method="predict_proba",
        grid_size=500,
    ).fit(risk[:, None], hit.astype(int), sensitive_features=group)
    return reference._pmf_predict(risk[:, None], sensitive_features=group)[:, 1], hit, group


def accuracies(parts, constraint, slack):
    p, hit, group = lots_of(parts, constraint)
    thresholds = equalised(parts, constraint, threshold=0.5, slack=slack)
    called = np.concatenate([one >= threshold for (one, _), threshold in zip(parts, thresholds, strict=True)])
    assert gap_of(parts, thresholds, constraint) <= slack + 1e-9
    rates = [[who[group == at].mean() for at in range(2)] for who in (p, called)]
    return (p * hit + (1 - p) * ~hit).mean(), (called == hit).mean(), rates


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_where_values_have_one_roc_curve_they_do_as_well_as_lots(constraint):
    lots, ours, (drawn, selected) = accuracies(parts_of([1500, 1500], 7, apart=0.0), constraint, 0.02)
    assert abs(ours - lots) < 0.015
    if constraint == "demographic_parity":
        assert np.allclose(drawn, selected, atol=0.05)


def test_where_curves_differ_lots_meet_both_rates_at_a_lower_price():
    """A single threshold cannot put a value below its curve; Hardt et al. do that by lot."""
    lots, ours, _ = accuracies(parts_of([1500, 1500], 7, apart=0.6), "equalized_odds", 0.02)
    assert ours < lots
    for constraint in ("demographic_parity", "true_positive_rate"):  # one rate can be met by a threshold
        lots, ours, _ = accuracies(parts_of([1500, 1500], 7, apart=0.6), constraint, 0.02)
        assert abs(ours - lots) < 0.015


def test_a_wide_slack_leaves_the_common_threshold_and_nobody_is_no_part():
    random = np.random.default_rng(1)
    risk = random.random(3000)
    parts = [(risk, random.random(3000) < risk)]
    assert abs(equalised(parts, "equalized_odds", threshold=0.4, slack=0.99)[0] - 0.4) < 0.08
    assert equalised([], "equalized_odds", threshold=0.4, slack=0.1) == []
