"""CalibratedClassifier: a classifier that says how sure it is, what it cannot rule out, and whom it does not know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, Splitter, folds_of, usual_folds
from graphmml.data.kinds import refuse_plain, wanted
from graphmml.errors import NotFittedError
from graphmml.train.calibration import Method, learned_calibrator, refuse_method
from graphmml.train.classifier import Predicts, refuse_watch
from graphmml.train.conformal import ConformalSets, refuse_sets, values_of
from graphmml.train.held_out import fitted_each, joined, judged, refuse_twice, trained_on
from graphmml.train.novelty import Novelty


@dataclass(frozen=True)
class Fitted:
    """What `watch` is told after each fit: its number, of how many."""

    number: int
    of: int


class CalibratedClassifier(Predicts, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fit a classifier, and learn from patients whom it has not seen how far it can be trusted.

    `model` is a GraphClassifier, a Baseline, or one of them `Tuned`. `splits` says who is held out. With several
    folds (five unless given) every training patient is predicted once by a model that has not seen it, calibrator and
    thresholds are learned from all of these, and the model in use is then fitted on everybody. With one fold
    (`HeldOut`, or an official split with one seed) the model in use is the one fitted without the held-out patients.

    `predict_proba` is calibrated; `predict_sets` gives the classes that cannot be ruled out, from the model's own
    probabilities (`ConformalSets` says why), per value of `group` if one is named. With one fold a set holds the true
    class with probability `coverage` or a little more, whoever else is predicted, for new patients listen and are not
    listened to. With several folds that holds nearly, and is not guaranteed: the model in use has seen more patients
    than those that made the thresholds. Predicting with the models of the folds would guarantee
    1 - 2 (1 - coverage) (Vovk 2015; Barber et al. 2021), at the price of keeping them.

    `predict_novelty` says how unlike the training patients each one is, as a p-value; below `unlike` it is flagged.
    """

    def __init__(
        self,
        model: Any,
        splits: Splitter | None = None,
        *,
        method: Method | None = "temperature",
        coverage: float = 0.9,
        group: str | None = None,
        unlike: float = 0.01,
    ) -> None:
        self.model = model
        self.splits = splits
        self.method = method
        self.coverage = coverage
        self.group = group
        self.unlike = unlike

    def fit(self, cohort: Cohort, watch: Callable[[Fitted], None] | None = None) -> Self:
        """Learn from the patients with a known outcome; `watch` is told of every fit, one a fold and the last."""
        wanted(cohort, Cohort)
        refuse_watch(watch)
        made = self.folds(cohort)
        tested = cohort[np.concatenate([fold.test for fold in made])]
        rows = [trained_on(cohort, fold) for fold in made]
        if len(made) > 1:
            rows.append(np.arange(len(cohort)))
        told = watch or (lambda _: None)
        parts = []
        for number, (model, around) in enumerate(fitted_each(self.model, cohort, rows)):
            if number < len(made):
                parts.append(judged(model, around, cohort[made[number].test]))
            told(Fitted(number + 1, len(rows)))
        self.model_, self.classes_, self.refitted_ = model, model.classes_, len(made) > 1
        self.held_out_ = joined(parts, tested, tuple(self.classes_), self.group)
        self.novelty_ = Novelty(around, self.held_out_.strangeness)
        return self.learn()

    def folds(self, cohort: Cohort) -> list[Fold]:
        """Return who is held out, or raise GraphmmlError for settings or a cohort with which there is no `fit`."""
        wanted(cohort, Cohort)
        refuse_plain(self.model)
        refuse_method(self.method)
        refuse_sets(self.coverage, self.group, cohort)
        made = folds_of(usual_folds(cohort) if self.splits is None else self.splits, cohort)
        refuse_twice(made)
        return made

    def learn(self) -> Self:
        """Learn calibrator and thresholds from what was predicted of held-out patients."""
        held = self.held_out_
        self.calibrator_ = learned_calibrator(self.method, held.p, held.codes)
        self.sets_ = ConformalSets.learned(held.p, held.codes, held.groups, self.coverage)
        return self

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return the calibrated probability of each class in `classes_`: float64 [patient, class]."""
        return self.calibrated(self.own_proba(cohort))

    def own_proba(self, cohort: Cohort) -> np.ndarray:
        """Return the model's own probabilities: float64 [patient, class]."""
        self.check_fitted()
        return np.asarray(self.model_.predict_proba(cohort))

    def calibrated(self, p: np.ndarray) -> np.ndarray:
        """Return probabilities [patient, class] of the model, calibrated."""
        return p if self.calibrator_ is None else self.calibrator_.calibrated(p)

    def predict_sets(self, cohort: Cohort) -> np.ndarray:
        """Return which classes cannot be ruled out, one, several or none: bool [patient, class]."""
        self.check_fitted()
        return self.sets_.sets(self.own_proba(cohort), values_of(cohort, self.group))

    def predict_novelty(self, cohort: Cohort) -> np.ndarray:
        """Return how usual it is to be as far from the training patients as each patient is: float64 [patient]."""
        self.check_fitted()
        return self.novelty_.p(self.model_.encoder_.transform(cohort))

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "sets_"):
            raise NotFittedError("this CalibratedClassifier has seen no patients yet; call fit(cohort[train]) first")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "sets_")


def uncalibrated(model: Any) -> Any:
    """Return the fitted model inside a CalibratedClassifier, and any other model itself."""
    return model.model_ if isinstance(model, CalibratedClassifier) else model
