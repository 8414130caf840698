"""GroupThresholds: one threshold a value of a group, so that decisions treat values alike (Hardt et al. 2016)."""

from typing import Any, Literal, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from graphmml.data.cohort import Cohort
from graphmml.data.folds import inner_folds
from graphmml.data.grouping import grouping
from graphmml.data.kinds import number, wanted, whole
from graphmml.errors import CohortError, GraphmmlError, NotFittedError
from graphmml.train.classifier import Predicts, refuse_outcome
from graphmml.train.fairness.equalising import equalised
from graphmml.train.tasks import ClassTask

Constraint = Literal["equalized_odds", "demographic_parity", "true_positive_rate"]
FEWEST = 11
"""Patients of each class that a value needs in training to be given a threshold of its own."""


class GroupThresholds(Predicts, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Decide by a threshold for each value of `group`, chosen so that decisions treat the values alike.

    Around any of our classifiers of two classes. `predict` decides; `predict_proba` stays the model's own, for
    thresholds move decisions, not risks. The thresholds are learned from predictions for training patients by models
    that did not learn from them (`folds` inner folds). Of all that keep the constraint to within `slack` there, those
    of the highest net benefit at `threshold` are taken; at 0.5 that is accuracy.

    Hardt, Price and Srebro (2016), and fairlearn's ThresholdOptimizer, draw lots between two thresholds to meet the
    constraint exactly; here nobody's treatment is drawn by lot. That costs the `slack`, and for equalised odds more
    where values differ in their ROC curves: a threshold each meets both rates only near the ends of such curves.
    At their very ends everybody or nobody of a value is called positive, whatever the risk: of those thresholds none
    is taken, and where there are no others `fit` raises GraphmmlError.

    A prediction needs the patient's group: where it is unknown, or had fewer than eleven training patients of a
    class, the threshold decides that is of the highest net benefit over all training patients (`common_`), or with
    `unknown="error"` CohortError is raised.
    """

    def __init__(
        self,
        model: Any,
        group: str,
        constraint: Constraint = "equalized_odds",
        *,
        threshold: float = 0.5,
        slack: float = 0.05,
        folds: int = 5,
        unknown: Literal["common", "error"] = "common",
        seed: int = 0,
    ) -> None:
        self.model = model
        self.group = group
        self.constraint = constraint
        self.threshold = threshold
        self.slack = slack
        self.folds = folds
        self.unknown = unknown
        self.seed = seed

    def fit(self, cohort: Cohort, y: None = None) -> Self:
        """Learn the model, and from its out-of-fold predictions the thresholds; `y` stays None."""
        refuse_outcome(y)
        self.refuse_unusable()
        wanted(cohort, Cohort)
        order = cohort.sorted_rows
        known = cohort[order[cohort.labelled[order]]]
        task = ClassTask.of(known)
        if len(task.classes) != 2:
            raise CohortError(f"thresholds decide between two classes; the outcome has {len(task.classes)}")
        told = grouping(known, self.group)
        risk = self.out_of_fold(known, task)
        self.model_ = self.member().fit(cohort)
        self.classes_ = np.array(task.classes, dtype=object)
        hit = task.codes(known) == 1
        enough = [at for at in range(len(told.values)) if fewest(hit[told.labels == at]) >= FEWEST]
        parts = [(risk[told.labels == at], hit[told.labels == at]) for at in enough]
        chosen = equalised(parts, self.constraint, threshold=self.threshold, slack=self.slack)
        if chosen is None:
            raise GraphmmlError(
                f"{self.constraint} by '{self.group}' is kept to within {self.slack:g} on {len(known)} training "
                f"patients only by thresholds that call everybody or nobody of one of {len(parts)} values positive; "
                f"give more slack, another constraint than {self.constraint}, or merge small values"
            )
        self.thresholds_ = dict(zip((told.values[at] for at in enough), chosen, strict=True))
        whole = equalised([(risk, hit)], self.constraint, threshold=self.threshold, slack=self.slack)
        self.common_ = self.threshold if whole is None else whole[0]
        return self

    def member(self) -> Any:
        """Return an unfitted copy of the model, its seed moved by ours."""
        return reseeded(self.model, self.seed)

    def out_of_fold(self, known: Cohort, task: ClassTask) -> np.ndarray:
        """Return the risk that a model gives each training patient without having learned from them: [patient]."""
        risk = np.full(len(known), np.nan)
        for fold in inner_folds(known, self.folds, seed=self.seed, n=self.folds):
            fitted = self.member().fit(known[fold.train])
            p = fitted.predict_proba(known[fold.test])
            risk[fold.test] = p[:, list(fitted.classes_).index(task.classes[1])]
        return risk

    def decided(self, cohort: Cohort) -> np.ndarray:
        """Return who is called positive: bool [patient]."""
        return np.asarray(self.predict_proba(cohort)[:, 1] >= self.thresholds(cohort))

    def thresholds(self, cohort: Cohort) -> np.ndarray:
        """Return the threshold that decides for each patient: float64 [patient]."""
        self.check_fitted()
        found = np.full(len(cohort), np.nan)
        told = grouping(cohort, self.group, fewest=0)
        for at, value in enumerate(told.values):
            found[told.labels == at] = self.thresholds_.get(value, np.nan)
        without = int(np.isnan(found).sum())
        if without and self.unknown == "error":
            raise CohortError(
                f"{without} of {len(cohort)} patients have no '{self.group}' with a threshold of its own; fill in the "
                'group, or let the common threshold decide with unknown="common"'
            )
        return np.where(np.isnan(found), self.common_, found)

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return the model's own probability of each class in `classes_`: float64 [patient, class]."""
        self.check_fitted()
        return np.asarray(self.model_.predict_proba(cohort))

    def predict(self, cohort: Cohort) -> np.ndarray:
        """Return the class that the patient's threshold decides for: str [patient]."""
        self.check_fitted()
        return np.asarray(self.classes_[self.decided(cohort).astype(int)])

    def refuse_unusable(self) -> None:
        """Raise for settings that decide nothing."""
        wanted(self.group, str, mend="name the group, for instance 'sex'")
        number("threshold", self.threshold, 0.5)
        number("slack", self.slack, 0.0)
        whole("folds", self.folds, 5)
        if self.constraint not in get_args(Constraint):
            raise GraphmmlError(f"constraint is '{self.constraint}'; choose {', '.join(get_args(Constraint))}")
        if not 0 < self.threshold < 1 or not 0 <= self.slack < 1 or self.folds < 2:
            raise GraphmmlError(
                f"threshold is {self.threshold:g}, slack {self.slack:g} and folds {self.folds}; a threshold between 0 "
                "and 1, a slack from 0 to below 1 and two folds or more are wanted"
            )
        if self.unknown not in ("common", "error"):
            raise GraphmmlError(f"unknown is '{self.unknown}'; choose common or error")

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "thresholds_"):
            raise NotFittedError("this GroupThresholds has seen no patients yet; call fit(cohort[train]) first")


def reseeded(model: Any, seed: int) -> Any:
    """Return an unfitted copy of a model, its seed, if it has one, moved by another."""
    copy = clone(model)
    return copy.set_params(seed=copy.seed + seed) if "seed" in copy.get_params() else copy


def fewest(hit: np.ndarray) -> int:
    """Return how many there are of the rarer class."""
    return int(min(hit.sum(), (~hit).sum()))
