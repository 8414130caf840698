"""What every classifier does alike: scoring a cohort, refusing an outcome beside it, and any question before fit."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

import graphmml as gm
from graphmml.train.classifier import Predicts

NETWORK = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, width=4, training=gm.Training(epochs=2))
PLAIN = gm.Baseline(LogisticRegression())
MODELS = {
    "network": NETWORK,
    "plain": PLAIN,
    "tuned": gm.Tuned(PLAIN, gm.Search(2, folds=2), space={"classifier__C": [0.1]}),
    "calibrated": gm.CalibratedClassifier(PLAIN, gm.Folds(2)),
    "propagation": gm.LabelPropagation(gm.Neighbours("labs", k=3)),
    "thresholds": gm.GroupThresholds(PLAIN, "site", "demographic_parity", slack=0.5, folds=2),
}
ALL = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@ALL
def test_the_score_is_the_accuracy_over_those_with_an_outcome(cohort, model):
    fitted = clone(model).fit(cohort[:45])
    part = cohort[45:].with_outcome_of(range(9))
    truth = cohort.outcome.values.to_numpy()[45:54]
    assert isinstance(fitted, Predicts)
    assert fitted.score(part) == np.mean(fitted.predict(cohort[45:54]) == truth)
    with pytest.raises(gm.CohortError, match="no outcome to score against"):
        fitted.score(replace(part, outcome=None))
    with pytest.raises(
        gm.GraphmmlError, match=r"a Series is given .*the outcome is in the cohort .*call score\(cohort\)"
    ):
        fitted.score(part, part.outcome.values)


@ALL
@pytest.mark.parametrize("kind", ["Series", "ndarray", "list"])
def test_an_outcome_beside_the_cohort_is_refused_before_anything_is_learned(cohort, model, kind):
    fresh, y = clone(model), cohort.outcome.values
    given = {"Series": y, "ndarray": y.to_numpy(), "list": y.to_list()}[kind]
    with pytest.raises(
        gm.GraphmmlError, match=rf"an? {kind} is given .*the outcome is in the cohort .*call fit\(cohort\)"
    ):
        fresh.fit(cohort, given)
    assert not [name for name in vars(fresh) if name.endswith("_")]


QUESTIONS = ("predict", "predict_proba", "score", "predict_sets", "predict_novelty", "predict_members")


@pytest.mark.parametrize(
    ("name", "ask"), [(name, ask) for name in MODELS for ask in QUESTIONS if hasattr(MODELS[name], ask)]
)
def test_before_fit_every_question_is_refused(cohort, name, ask):
    with pytest.raises(gm.NotFittedError, match="has seen no patients yet"):
        getattr(clone(MODELS[name]), ask)(cohort)


@pytest.mark.parametrize("model", [NETWORK, PLAIN, MODELS["propagation"]])
def test_before_fit_encoded_patients_are_not_predicted(encoded, model):
    with pytest.raises(gm.NotFittedError, match="has seen no patients yet"):
        clone(model).predict_encoded(encoded)


NO_CLASSIFIERS = [
    (SVC(), "SVC is given"),
    (GridSearchCV(SVC(), {"C": [1.0]}), "a GridSearchCV is given"),
    (Ridge(), "a Ridge is given"),
    (LogisticRegression, "the class LogisticRegression is given"),
    ("logistic regression", "'logistic regression' is given"),
    (None, "None is given"),
]


@pytest.mark.parametrize(("given", "said"), NO_CLASSIFIERS, ids=[said for _, said in NO_CLASSIFIERS])
def test_a_baseline_wants_a_classifier_with_probabilities(cohort, given, said):
    with pytest.raises(gm.GraphmmlError, match=f"{said} where .* with predict_proba is wanted"):
        gm.Baseline(given).fit(cohort)


@pytest.mark.parametrize("prepare", [gm.CohortEncoder, "wide", LogisticRegression()])
@pytest.mark.parametrize("model", [NETWORK, PLAIN, MODELS["propagation"]])
def test_an_encoder_is_wanted_where_patients_are_made_numbers(cohort, model, prepare):
    with pytest.raises(gm.GraphmmlError, match=r"prepare is .*; an encoder is wanted, for instance gm\.CohortEncoder"):
        type(model)(**{**model.get_params(deep=False), "prepare": prepare}).fit(cohort)


@pytest.mark.parametrize("seed", [-1, 2**40, 2**32 - 1, 1.5, None])
def test_a_seed_is_one_that_generators_take(cohort, seed):
    with pytest.raises(gm.GraphmmlError, match=r"seed is .*whole number"):
        clone(NETWORK).set_params(seed=seed).fit(cohort)


def test_the_largest_seed_is_one_that_members_take(cohort):
    clone(NETWORK).set_params(seed=2**32 - 2).fit(cohort)
    with pytest.raises(gm.GraphmmlError, match="seed is -1; choose a whole number"):
        gm.Search(seed=-1)


@ALL
def test_patients_with_nothing_that_training_knew_are_not_predicted(cohort, model):
    strangers = gm.Cohort.from_frames({"proteins": cohort.tables["labs"]}, cohort.outcome.values)
    fitted = clone(model).fit(cohort)
    for ask in (fitted.predict, fitted.predict_proba, fitted.score):
        with pytest.raises(gm.CohortError, match="none of the 15 columns of training is in the cohort"):
            ask(strangers)
