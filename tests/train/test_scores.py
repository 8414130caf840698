import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from graphmml.train.scores import (
    METRICS,
    accuracy,
    all_scores,
    auprc,
    auroc,
    balanced_accuracy,
    brier,
    calibration_intercept,
    calibration_slope,
    f1_macro,
    log_loss,
    mcc,
)


def drawn(classes, patients=200, seed=0, decimals=None):
    """Draw classes and probabilities that lean to them; rounded ones have many ties."""
    random = np.random.default_rng(seed)
    y = random.integers(0, classes, patients)
    p = random.random((patients, classes)) + 0.5 * np.eye(classes)[y]
    p = p / p.sum(axis=1, keepdims=True)
    if decimals is not None:
        first = np.round(p[:, : classes - 1], decimals)
        p = np.column_stack([first, 1 - first.sum(axis=1)])
    return y, p


CASES = [(classes, decimals) for classes in (2, 3, 5) for decimals in (None, 2, 1)]


@pytest.fixture(params=CASES, ids=str)
def both(request):
    return drawn(request.param[0], decimals=request.param[1])


def test_auroc_is_scikit_learns(both):
    y, p = both
    positive = np.eye(p.shape[1])[y]
    if p.shape[1] == 2:
        expected = metrics.roc_auc_score(y, p[:, 1])
    else:
        expected = np.mean([metrics.roc_auc_score(positive[:, at], p[:, at]) for at in range(p.shape[1])])
    assert auroc(y, p) == pytest.approx(expected, rel=1e-12)


def test_auprc_is_scikit_learns(both):
    y, p = both
    positive = np.eye(p.shape[1])[y]
    if p.shape[1] == 2:
        expected = metrics.average_precision_score(y, p[:, 1])
    else:
        expected = metrics.average_precision_score(positive, p, average="macro")
    assert auprc(y, p) == pytest.approx(expected, rel=1e-12)


def test_accuracy_and_f1_are_scikit_learns(both):
    y, p = both
    called = p.argmax(axis=1)
    assert accuracy(y, p) == pytest.approx(metrics.accuracy_score(y, called))
    assert f1_macro(y, p) == pytest.approx(metrics.f1_score(y, called, average="macro"))


def test_brier_is_scikit_learns_for_two_and_the_sum_over_classes_for_more(both):
    y, p = both
    if p.shape[1] == 2:
        expected = metrics.brier_score_loss(y, p[:, 1])
    else:
        expected = np.mean([sum((p[at, c] - (y[at] == c)) ** 2 for c in range(p.shape[1])) for at in range(len(y))])
    assert brier(y, p) == pytest.approx(expected)


def test_a_class_that_nobody_has_is_left_out_of_f1_if_nobody_is_called_so():
    y, p = np.array([0, 0, 1, 1]), np.array([[0.8, 0.2, 0], [0.4, 0.6, 0], [0.3, 0.7, 0], [0.1, 0.9, 0]])
    assert f1_macro(y, p) == pytest.approx(metrics.f1_score(y, p.argmax(axis=1), average="macro"))


def test_the_same_for_everybody_is_chance():
    y = np.array([0] * 30 + [1] * 10)
    p = np.tile([0.75, 0.25], (40, 1))
    assert auroc(y, p) == 0.5
    assert auprc(y, p) == pytest.approx(0.25)  # the prevalence


def test_perfect_is_one_and_upside_down_is_zero():
    y = np.array([0, 1, 0, 1, 1])
    p = np.column_stack([1.0 - y, y])
    found = all_scores(y, p)
    assert all(found[name] == 1 for name in ("auroc", "auprc", "accuracy", "balanced_accuracy", "f1_macro"))
    assert found["mcc"] == pytest.approx(1)
    assert (found["brier"], found["log_loss"]) == (0, 0)
    assert np.isnan(found["calibration_slope"])  # the steeper the better: none is the best
    assert auroc(y, p[:, ::-1]) == 0.0
    assert brier(y, p[:, ::-1]) == 1.0


@pytest.mark.parametrize("only", [0, 1])
def test_ranking_one_class_alone_has_no_meaning_and_says_so(only):
    y, p = np.full(20, only), drawn(2, 20)[1]
    assert np.isnan(auroc(y, p))
    assert np.isnan(auprc(y, p))
    assert np.isfinite(brier(y, p))


def test_with_several_classes_those_absent_are_left_out_of_the_mean():
    y, p = drawn(3, 90)
    few, some = y[y < 2], p[y < 2]
    expected = np.mean([metrics.roc_auc_score(few == at, some[:, at]) for at in (0, 1)])
    assert auroc(few, some) == pytest.approx(expected)


@pytest.mark.parametrize("name", list(METRICS))
def test_the_order_of_patients_changes_no_score(name):
    y, p = drawn(3, 150, decimals=1)
    order = np.random.default_rng(1).permutation(150)
    assert METRICS[name](y, p) == pytest.approx(METRICS[name](y[order], p[order]), rel=1e-12)


def test_losses_and_balanced_scores_are_scikit_learns(both):
    y, p = both
    called = p.argmax(axis=1)
    p = np.clip(p, 1e-9, 1)
    p = p / p.sum(axis=1, keepdims=True)
    assert log_loss(y, p) == pytest.approx(metrics.log_loss(y, p, labels=range(p.shape[1])), rel=1e-9)
    assert balanced_accuracy(y, p) == pytest.approx(metrics.balanced_accuracy_score(y, called))
    assert mcc(y, p) == pytest.approx(metrics.matthews_corrcoef(y, called))


def test_who_calls_all_alike_has_no_correlation():
    assert mcc(np.array([0, 0, 1]), np.tile([0.9, 0.1], (3, 1))) == 0.0


def logit(p):
    return np.log(p / (1 - p))


def test_calibration_is_the_regression_of_the_outcome_on_the_logit():
    y, p = drawn(2, patients=400)
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logit(p[:, 1:]), y)
    assert calibration_slope(y, p) == pytest.approx(fit.coef_[0, 0], rel=1e-4)
    shift = calibration_intercept(y, p)
    assert np.mean(1 / (1 + np.exp(-(logit(p[:, 1]) + shift)))) == pytest.approx(y.mean(), abs=1e-9)


def test_true_risks_are_calibrated_and_doubled_logits_have_half_the_slope():
    random = np.random.default_rng(3)
    risk = 1 / (1 + np.exp(-random.normal(size=20000)))
    y = (random.random(20000) < risk).astype(int)
    doubled = 1 / (1 + np.exp(-2 * logit(risk)))
    for made, slope in ((risk, 1.0), (doubled, 0.5)):
        assert calibration_slope(y, np.stack([1 - made, made], axis=1)) == pytest.approx(slope, abs=0.05)
    half = risk / 2
    assert calibration_intercept(y, np.stack([1 - half, half], axis=1)) > 0.5


def test_calibration_says_nothing_where_classes_are_separated_or_single_or_all_risks_alike():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    assert np.isnan(calibration_slope(np.array([0, 0, 1, 1]), p))
    assert np.isnan(calibration_slope(np.zeros(4, dtype=int), p))
    assert np.isnan(calibration_slope(np.array([0, 1, 0, 1]), np.full((4, 2), 0.5)))
    assert calibration_intercept(np.array([0, 1, 0, 1]), np.full((4, 2), 0.5)) == pytest.approx(0.0)


def test_predictions_that_hardly_differ_have_a_steep_slope_and_not_none():
    y, p = drawn(2, patients=400)
    faint = 1 / (1 + np.exp(-logit(p[:, 1]) / 1000))
    wanted = calibration_slope(y, p) * 1000
    assert calibration_slope(y, np.stack([1 - faint, faint], axis=1)) == pytest.approx(wanted, rel=1e-6)
