"""What MetricFrame gives against a loop over patients, and resamples against patients repeated."""

import sys

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import graphmml as gm
from graphmml.train.fairness.measures import RATES, SCORES, WEIGHTED, Judged, by_value, metric_frame, names_for


def judged_of(drawn, patients=120, seed=0):
    y, p = drawn(patients, seed)
    p = np.round(p, 2)
    return Judged(y, np.stack([1 - p, p], axis=1), p >= 0.4)


def naive(judged):
    """Count one patient at a time."""
    tp = fp = tn = fn = 0
    for y, called in zip(judged.codes, judged.called, strict=True):
        tp, fp = tp + (called and y == 1), fp + (called and y == 0)
        fn, tn = fn + (not called and y == 1), tn + (not called and y == 0)
    risk = judged.p[:, 1].tolist()
    return {
        "auroc": roc_auc_score(judged.codes, risk),
        "auprc": average_precision_score(judged.codes, risk),
        "prevalence": (tp + fn) / (tp + fp + tn + fn),
        "brier": sum((p - y) ** 2 for p, y in zip(risk, judged.codes, strict=True)) / len(risk),
        "observed_expected": (tp + fn) / sum(risk),
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "selection_rate": (tp + fp) / (tp + fp + tn + fn),
        "ppv": tp / (tp + fp),
    }


def test_metric_frame_agrees_with_a_loop_over_patients(drawn):
    judged = judged_of(drawn)
    labels = np.arange(120) % 3
    found = by_value(judged, labels, 4)
    names = names_for(2)
    for at in range(3):
        one = naive(judged[np.flatnonzero(labels == at)])
        for name, value in one.items():
            assert np.isclose(found[names.index(name), at], value), name
    assert np.isnan(found[:, 3]).all()


def test_a_resample_scores_what_its_patients_repeated_would(drawn):
    judged = judged_of(drawn, 60, 4)
    counts = np.random.default_rng(1).integers(0, 4, (60, 5)).astype(float)
    for name, score in WEIGHTED.items():
        drawn_scores = score(judged, counts)
        for at in range(5):
            rows = np.repeat(np.arange(60), counts[:, at].astype(int))
            assert np.isclose(drawn_scores[at], SCORES[name](judged[rows]), atol=1e-6), name


def test_a_share_among_nobody_is_undefined(drawn):
    judged = judged_of(drawn)
    nobody = Judged(judged.codes, judged.p, np.zeros(120, dtype=bool))
    assert np.isnan(SCORES["ppv"](nobody))
    assert np.isnan(WEIGHTED["ppv"](nobody, np.ones((120, 1)))).all()
    assert set(RATES) < set(SCORES)


def test_without_fairlearn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fairlearn.metrics", None)
    with pytest.raises(gm.GraphmmlError, match=r"graphmml\[fairness\]"):
        metric_frame()
