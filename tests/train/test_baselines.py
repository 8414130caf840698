"""Plain models choose their settings where a class is rare too, as scikit-learn would where it can."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV

import graphmml as gm
from graphmml.train.baselines import Likelihood, flat, learned, plain_baselines


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


class Remembering(LogisticRegression):
    """Keeps the families that it learned from, which the first column numbers."""

    def fit(self, columns, codes):
        self.families_ = set(columns[:, 0])
        return super().fit(columns, codes)


def met_before(model, columns, codes):
    """How many families are tested that were learned from, below zero, as a score."""
    return -float(len(set(columns[:, 0]) & model.families_))


def test_a_search_of_settings_keeps_families_on_one_side_of_its_folds():
    families = np.repeat(np.arange(20), 5)
    columns = np.column_stack([families, np.random.default_rng(0).normal(size=100)])
    codes = np.tile([0, 1, 1, 0, 1], 20)
    search = GridSearchCV(Remembering(), {"C": [0.1, 1.0]}, scoring=met_before, cv=3)
    assert (learned(search, columns, codes, families).cv_results_["mean_test_score"] == 0).all()
    assert (learned(search, columns, codes, None).cv_results_["mean_test_score"] < 0).any()


def test_baselines_hand_on_the_families_of_the_cohort():
    cohort = numbers([60, 60])
    family = pd.DataFrame({"family": [f"f{at // 4}" for at in range(120)]}, index=cohort.ids)
    related = replace(cohort, groups=family, blocks=("family",))
    search = GridSearchCV(LogisticRegression(), {"C": [0.1]}, cv=3)
    assert "groups" not in str(gm.Baseline(search).fit(cohort).classifier_.cv)
    assert "StratifiedGroupKFold" in str(gm.Baseline(search).fit(related).classifier_.cv)


def test_on_a_small_cohort_the_perceptron_learns_what_logistic_regression_does():
    people = numbers([50, 50])
    told = numbers([50, 50], seed=1)
    score = {
        name: roc_auc_score(told.outcome.values == "b", model.fit(people).predict_proba(told)[:, 1])
        for name, model in plain_baselines().items()
    }
    assert score["multilayer perceptron"] > score["logistic regression"] - 0.05
