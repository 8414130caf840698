"""Reweighing by the paper's definition, and a loss in which weights of one change nothing."""

import numpy as np
import pandas as pd
import pytest
import torch

import graphmml as gm
from graphmml.train.loop import Training
from graphmml.train.reweighing import counts_of, reweighing, weighed_loss
from graphmml.train.tasks import ClassTask


def drawn(patients=200, seed=0, classes=2):
    random = np.random.default_rng(seed)
    group = random.choice(3, patients, p=[0.6, 0.3, 0.1])
    return group, (random.random(patients) < 0.2 + 0.25 * group).astype(int) * random.integers(1, classes, patients)


def test_each_weighs_expected_over_observed():
    group, y = drawn()
    weights = reweighing(group, y)
    for g in range(3):
        for c in range(2):
            here = (group == g) & (y == c)
            assert np.allclose(weights[here], (group == g).mean() * (y == c).mean() / here.mean())


@pytest.mark.parametrize("classes", [2, 4])
def test_under_the_weights_group_and_class_are_independent_and_as_frequent_as_before(classes):
    group, y = drawn(classes=classes, patients=600)
    weights = reweighing(group, y)
    table = np.zeros((3, classes))
    np.add.at(table, (group, y), weights)
    table /= table.sum()
    assert np.isclose(weights.sum(), 600)
    assert np.allclose(table, table.sum(axis=1, keepdims=True) * table.sum(axis=0))
    assert np.allclose(table.sum(axis=1), np.bincount(group) / 600)
    assert np.allclose(table.sum(axis=0), np.bincount(y) / 600)


def test_who_has_no_class_weighs_nothing_and_changes_nobody():
    group, y = drawn()
    more = reweighing(np.append(group, [0, 1, 2]), np.append(y, [-1, -1, -1]))
    assert np.array_equal(more, [*reweighing(group, y), 0, 0, 0])


@pytest.mark.parametrize("balanced", [False, True])
def test_weights_of_one_are_no_weights(balanced):
    task = ClassTask(("a", "b", "c"))
    logits, codes = torch.randn(50, 3, dtype=torch.float64), torch.randint(-1, 3, (50,))
    weight = task.balanced(codes).double() if balanced else None
    ones = torch.ones(50, dtype=torch.float64)
    assert torch.allclose(task.loss(logits, codes, weight, ones), task.loss(logits, codes, weight), rtol=1e-14)


def test_a_patient_who_counts_twice_is_two_patients():
    task = ClassTask(("a", "b"))
    logits, codes = torch.randn(20, 2, dtype=torch.float64), torch.randint(0, 2, (20,))
    counts = torch.randint(0, 4, (20,))
    rows = torch.repeat_interleave(torch.arange(20), counts)
    found = weighed_loss(logits, codes, None, counts.double())
    assert torch.allclose(found, task.loss(logits[rows], codes[rows]), rtol=1e-14)


def test_a_group_that_tells_nothing_trains_the_same_model_and_one_that_tells_another(cohort):
    y = (cohort.outcome.values == "case").to_numpy(dtype=int)
    order = np.argsort(y, kind="stable")
    place = np.empty(len(y), dtype=int)
    place[order] = np.arange(len(y))
    apart = np.where(y == 1, "x", "y").astype(object)
    apart[order[::4]] = "x"
    groups = pd.DataFrame({"one": "same", "apart": apart}, index=cohort.ids)
    known = gm.Cohort(ids=cohort.ids, tables=cohort.tables, outcome=cohort.outcome, groups=groups, name=cohort.name)

    def risk(**how):
        training = Training(epochs=8, **how)
        return (
            gm.GraphClassifier(gm.Neighbours("labs", k=4), members=1, training=training).fit(known).predict_proba(known)
        )

    plain = risk()
    assert np.allclose(risk(reweigh="one"), plain, atol=1e-5)
    assert not np.allclose(risk(reweigh="apart"), plain, atol=1e-3)
    with pytest.raises(gm.GraphError, match="no column or group 'ward'"):
        risk(reweigh="ward")


def test_weights_are_of_the_rows_asked_for(cohort):
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    codes = ClassTask.of(cohort).codes(cohort)
    rows, stop = np.array([5, 2, 9]), np.array([1, 7])
    heard, both = counts_of("site", encoded, codes, rows, stop, torch.device("cpu"))
    labels = pd.factorize(encoded.column("site"), sort=True)[0]
    whole = reweighing(labels, codes)
    assert np.allclose(heard.numpy(), whole[rows])
    assert np.allclose(both.numpy(), [0, 0, 0, *whole[stop]])
    assert counts_of(None, encoded, codes, rows, stop, torch.device("cpu")) == (None, None)
