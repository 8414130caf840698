"""What our classifiers have alike: a score over a cohort, and words for what scikit-learn would give beside it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.kinds import foreign, kind_of, shown, wanted
from graphmml.errors import CohortError, GraphmmlError


class Predicts:
    """What follows from probabilities: the most probable class, and a score over a cohort, whose outcome is in it."""

    classes_: np.ndarray
    predict_proba: Callable[[Cohort], np.ndarray]

    def predict(self, cohort: Cohort) -> np.ndarray:
        """Return the most probable class of each patient: str [patient]."""
        p = self.predict_proba(cohort)
        return np.asarray(self.classes_[p.argmax(axis=1)])

    def score(self, cohort: Cohort, y: None = None) -> float:
        """Return the accuracy over the patients with a known outcome, which is the cohort's: `y` stays None."""
        wanted(cohort, Cohort)
        refuse_outcome(y, "score")
        if cohort.outcome is None or not cohort.labelled.any():
            raise CohortError("the cohort has no outcome to score against")
        happened = cohort.outcome.values.to_numpy(dtype=object)
        return float((self.predict(cohort) == happened)[cohort.labelled].mean())


def refuse_outcome(given: object, asked: str = "fit") -> None:
    """Raise GraphmmlError for what is given beside a cohort, as scikit-learn has an outcome."""
    if given is not None:
        raise GraphmmlError(
            f"{kind_of(given)} is given beside the cohort; the outcome is in the cohort "
            f"(Cohort.from_frames(tables, outcome)), so call {asked}(cohort)"
        )


def refuse_watch(watch: object) -> None:
    """Raise GraphmmlError for what cannot be told how a fit goes on: most often an outcome."""
    if not callable(watch):
        refuse_outcome(watch)


def refuse_prepare(prepare: Any) -> None:
    """Raise GraphmmlError for what cannot turn patients into numbers."""
    if prepare is not None and (isinstance(prepare, type) or foreign(prepare) or not hasattr(prepare, "fit")):
        raise GraphmmlError(f"prepare is {shown(prepare)}; an encoder is wanted, for instance gm.CohortEncoder()")


def refuse_classifier(classifier: Any) -> None:
    """Raise GraphmmlError for what is no classifier of scikit-learn that gives probabilities."""
    asked = ("fit", "get_params", "predict_proba")
    if isinstance(classifier, type) or not all(hasattr(classifier, name) for name in asked):
        raise GraphmmlError(
            f"{shown(classifier)} is given where a classifier of scikit-learn with predict_proba is wanted, for "
            "instance LogisticRegression(); one without, such as SVC(), has it inside "
            "CalibratedClassifierCV(SVC(), ensemble=False)"
        )
