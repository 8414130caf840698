"""Plain models choose their settings where a class is rare too, as scikit-learn would where it can."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer

import graphmml as gm
from graphmml.train.baselines import Likelihood, flat, plain_baselines


def numbers(counts, columns=6, seed=0):
    """A cohort of classes of these sizes, whose first column tells them apart."""
    random = np.random.default_rng(seed)
    code = np.repeat(np.arange(len(counts)), counts)
    values = random.normal(size=(len(code), columns))
    values[:, 0] += 2 * code
    ids = pd.Index([f"p{at:03d}" for at in range(len(code))])
    frame = pd.DataFrame(values, index=ids, columns=[f"x{at}" for at in range(columns)])
    return gm.Cohort.from_frames({"labs": frame}, pd.Series(np.array(["a", "b", "c"])[code], index=ids))


def test_the_likelihood_is_that_of_scikit_learn_where_every_class_is_known():
    cohort = numbers([40, 40, 30])
    model = gm.Baseline(LogisticRegression()).fit(cohort)
    columns, codes = flat(model.source_), np.repeat([0, 1, 2], [40, 40, 30])
    assert Likelihood()(model.classifier_, columns, codes) == pytest.approx(
        get_scorer("neg_log_loss")(model.classifier_, columns, codes)
    )


def test_a_class_that_an_inner_fold_lacks_leaves_nothing_undefined_and_nothing_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = plain_baselines()["logistic regression"].fit(numbers([60, 60, 2]))
    scores = model.classifier_.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert model.classifier_.best_params_["C"] == [0.001, 0.01, 0.1, 1.0][int(np.argmax(scores))]
    assert len(set(scores)) > 1


def test_an_unknown_class_costs_in_full():
    model = gm.Baseline(LogisticRegression()).fit(numbers([40, 40]))
    columns = flat(model.source_)
    assert Likelihood()(model.classifier_, columns[:1], np.array([7])) == pytest.approx(np.log(1e-15))
