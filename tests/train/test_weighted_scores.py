"""A score of counted patients is the score of the patients repeated so often."""

import numpy as np
import pytest
from sklearn import metrics

from graphmml.train import weighted_scores
from graphmml.train.scores import METRICS
from graphmml.train.weighted_scores import WEIGHTED, mean_defined, resampled, weighted_area, weighted_precision


def drawn(classes, decimals, patients=60, seed=0):
    """Classes, and probabilities that lean to them; rounded ones tie."""
    random = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), random.integers(0, classes, patients - classes)])
    p = random.random((patients, classes)) + 0.5 * np.eye(classes)[y]
    p = p / p.sum(axis=1, keepdims=True)
    if decimals is not None:
        first = np.round(p[:, : classes - 1], decimals)
        p = np.column_stack([first, 1 - first.sum(axis=1)])
    return y, p


CASES = [(classes, decimals) for classes in (2, 3) for decimals in (None, 1)]


@pytest.mark.parametrize(("classes", "decimals"), CASES)
@pytest.mark.parametrize("name", sorted(set(WEIGHTED) & set(METRICS)))
def test_counted_is_repeated(name, classes, decimals):
    y, p = drawn(classes, decimals)
    counts = np.concatenate(list(resampled(len(y), 30, seed=1)), axis=1)
    found = WEIGHTED[name](y, p, counts)
    for at, count in enumerate(counts.T.astype(int)):
        rows = np.repeat(np.arange(len(y)), count)
        assert found[at] == pytest.approx(METRICS[name](y[rows], p[rows]), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("decimals", [None, 1])
def test_areas_and_loss_are_scikit_learns_on_resampled_patients(decimals):
    y, p = drawn(2, decimals)
    counts = np.concatenate(list(resampled(len(y), 30, seed=2)), axis=1)
    area, precision = (score(y == 1, p[:, 1], counts) for score in (weighted_area, weighted_precision))
    loss = WEIGHTED["log_loss"](y, np.clip(p, 1e-9, 1 - 1e-9), counts)
    for at, count in enumerate(counts.T.astype(int)):
        rows = np.repeat(np.arange(len(y)), count)
        assert area[at] == pytest.approx(metrics.roc_auc_score(y[rows], p[rows, 1]), rel=1e-12)
        assert precision[at] == pytest.approx(metrics.average_precision_score(y[rows], p[rows, 1]), rel=1e-12)
        assert loss[at] == pytest.approx(metrics.log_loss(y[rows], np.clip(p[rows], 1e-9, 1 - 1e-9)), rel=1e-9)


def test_a_resample_of_one_class_has_no_area_and_the_others_keep_theirs():
    y, p = drawn(2, None)
    one_class, all_once = (y == 1).astype(float), np.ones(len(y))
    for name in ("auroc", "auprc"):
        found = WEIGHTED[name](y, p, np.stack([one_class, all_once, 1 - one_class], axis=1))
        assert np.isnan(found[[0, 2]]).all()
        assert found[1] == pytest.approx(METRICS[name](y, p))


def test_what_was_called_impossible_and_happened_costs_much_but_not_everything():
    p, once = np.array([[1.0, 0.0], [0.5, 0.5]]), np.ones((2, 1))
    found = WEIGHTED["log_loss"](np.array([1, 0]), p, once)
    assert found == pytest.approx([(np.log(1e15) + np.log(2)) / 2])


def test_who_is_never_drawn_has_no_score():
    y, p = drawn(2, None)
    for score in WEIGHTED.values():
        assert np.isnan(score(y, p, np.zeros((len(y), 1)))).all()
    assert mean_defined(np.array([[1.0, np.nan], [np.nan, np.nan]])).tolist() == pytest.approx(
        [1.0, np.nan], nan_ok=True
    )


def test_every_resample_has_as_many_patients_and_every_patient_is_drawn_alike(monkeypatch):
    counts = np.concatenate(list(resampled(40, 4000, seed=3)), axis=1)
    assert counts.shape == (40, 4000)
    assert (counts.sum(axis=0) == 40).all()
    # a patient's count is binomial (40, 1/40): mean 1, variance 39/40
    assert counts.mean(axis=1) == pytest.approx(np.ones(40), abs=5 * np.sqrt(39 / 40 / 4000))
    assert counts.var() == pytest.approx(39 / 40, rel=0.03)
    monkeypatch.setattr(weighted_scores, "MOST_CELLS", 40 * 7)
    blocks = list(resampled(40, 23, seed=3))
    assert [block.shape for block in blocks] == [(40, 7)] * 3 + [(40, 2)]
    assert all((block.sum(axis=0) == 40).all() for block in blocks)
