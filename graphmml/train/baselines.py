"""Plain models on the same encoded features: what a graph network has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from warnings import catch_warnings, filterwarnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedGroupKFold
from sklearn.neural_network import MLPClassifier

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort, Preparation
from graphmml.data.folds import block_numbers
from graphmml.data.kinds import wanted
from graphmml.errors import NotFittedError
from graphmml.train.classifier import Predicts, refuse_classifier, refuse_outcome, refuse_prepare
from graphmml.train.estimator import GraphClassifier
from graphmml.train.propagation import LabelPropagation
from graphmml.train.scores import log_loss
from graphmml.train.shared import encoded, fitted
from graphmml.train.tasks import ClassTask

STEPS = 100
"""Iterations of the perceptron at most; where its penalty is small it then has not converged."""


class Baseline(Predicts, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Any scikit-learn classifier on all modalities side by side, with a column a modality for its presence."""

    def __init__(self, classifier: Any, prepare: Preparation | None = None) -> None:
        self.classifier = classifier
        self.prepare = prepare

    def fit(self, cohort: Cohort, y: None = None) -> Self:
        """Learn from the patients with a known outcome, which is the cohort's: `y` stays None."""
        wanted(cohort, Cohort)
        refuse_outcome(y)
        refuse_classifier(self.classifier)
        refuse_prepare(self.prepare)
        order = cohort.sorted_rows
        known = cohort[order[cohort.labelled[order]]]
        task = ClassTask.of(known)
        self.classes_ = np.array(task.classes, dtype=object)
        self.encoder_ = fitted(self.prepare, known)
        self.source_, self.codes_, self.blocks_ = encoded(self.encoder_, known), task.codes(known), cohort.blocks
        blocks = block_numbers(known, np.arange(len(known)))
        self.classifier_ = learned(self.classifier, flat(self.source_), self.codes_, blocks)
        return self

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return the probability of each class in `classes_`: float64 [patient, class]."""
        return np.asarray(self.predict_members(cohort)[0])

    def predict_members(self, cohort: Cohort) -> np.ndarray:
        """Return what each member of an ensemble says, which this is one of: float64 [1, patient, class]."""
        self.check_fitted()
        return self.predict_encoded(encoded(self.encoder_, cohort))

    def predict_encoded(self, target: EncodedCohort) -> np.ndarray:
        """Predict patients whom the encoder has laid out: float64 [1, patient, class]."""
        self.check_fitted()
        return np.asarray(self.classifier_.predict_proba(flat(target))[None])

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "classifier_"):
            raise NotFittedError("this Baseline has seen no patients yet; call fit(cohort[train]) first")


@dataclass(frozen=True)
class Likelihood:
    """Score a classifier by the mean log-likelihood of held-out patients; a class that training lacked costs in full.

    It is scikit-learn's "neg_log_loss", which is undefined there, so that nothing would be chosen.
    """

    def __call__(self, classifier: Any, columns: np.ndarray, codes: np.ndarray) -> float:
        """Return the mean over patients [patient, column] with these class numbers."""
        p, known = classifier.predict_proba(columns), {code: at for at, code in enumerate(classifier.classes_)}
        place = np.array([known.get(code, p.shape[1]) for code in codes], dtype=np.int64)
        return -log_loss(place, np.column_stack([p, np.zeros(len(p))]))


def flat(people: EncodedCohort) -> np.ndarray:
    """Join all modalities and their presence: float64 [patient, column]."""
    parts = [*people.features.values(), people.present]
    return np.concatenate([part.astype(np.float64) for part in parts], axis=1)


def learned(classifier: Any, columns: np.ndarray, codes: np.ndarray, blocks: np.ndarray | None) -> Any:
    """Return a classifier fitted, a copy; a search of settings keeps blocks (int [patient]) on one side of a fold."""
    chosen, more = clone(classifier), {}
    if blocks is not None and isinstance(chosen, GridSearchCV | RandomizedSearchCV) and len(np.unique(blocks)) > 1:
        more = {"groups": blocks}
        if chosen.cv is None or isinstance(chosen.cv, int):
            folds = min(chosen.cv or 5, len(np.unique(blocks)))
            chosen.set_params(cv=StratifiedGroupKFold(folds, shuffle=True, random_state=0))
    with catch_warnings():
        # said of a class with fewer patients than inner folds, which then do without, and of our own perceptron, whose
        # steps are few on purpose
        filterwarnings("ignore", "The least populated class", UserWarning)
        filterwarnings("ignore", f"lbfgs failed to converge after {STEPS} iteration", UserWarning)
        return chosen.fit(columns, codes, **more)


def plain_baselines(prepare: Preparation | None = None, *, seed: int = 0) -> Mapping[str, Baseline]:
    """Return models without a graph, by name; penalties are chosen on inner folds, by the likelihood of patients.

    The perceptron has the penalties of logistic regression to choose among, and learns from all training patients:
    held out for stopping early, a tenth of a small cohort says nothing of when to.
    """
    penalties = [0.001, 0.01, 0.1, 1.0]
    logistic = chosen_within(LogisticRegression(max_iter=2000), {"C": penalties})
    perceptron = MLPClassifier((32,), solver="lbfgs", alpha=10.0, max_iter=STEPS, random_state=seed)
    boosted = HistGradientBoostingClassifier(
        learning_rate=0.05, max_leaf_nodes=8, max_iter=150, early_stopping=False, random_state=seed
    )
    forest = RandomForestClassifier(200, min_samples_leaf=3, random_state=seed)
    return {
        "logistic regression": Baseline(logistic, prepare),
        "random forest": Baseline(forest, prepare),
        "gradient boosting": Baseline(boosted, prepare),
        "multilayer perceptron": Baseline(
            chosen_within(perceptron, {"alpha": [1.0 / one for one in penalties]}), prepare
        ),
    }


def chosen_within(classifier: Any, settings: Mapping[str, list[float]]) -> GridSearchCV:
    """Return a classifier whose settings are chosen on three inner folds."""
    return GridSearchCV(classifier, settings, scoring=Likelihood(), cv=3)


def all_baselines(model: GraphClassifier) -> Mapping[str, Baseline | LabelPropagation]:
    """Return what a graph network has to beat: plain models on its features, and its graph without learning."""
    return {
        **plain_baselines(model.prepare, seed=model.seed),
        "neighbours' vote": LabelPropagation(model.constructor, alpha=0.0, prepare=model.prepare),
        "label propagation": LabelPropagation(model.constructor, prepare=model.prepare),
    }
