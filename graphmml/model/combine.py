"""Combiners of late fusion: probabilities, one row a modality, become one.

Shared contract: a frozen dataclass. `learn(p, present, codes)` takes p [patient, modality, class], present [patient,
modality] and class numbers [patient] of patients whom the models stopped by and did not train on, and returns arrays
by name; `join(p, present, learned)` gives [patient, class]. Absent modalities have no say. For a patient with nothing
the probabilities that models give to nobody are joined as if all were present, or nothing is, as each has it.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError

Learned = Mapping[str, np.ndarray]
MOST_CELLS = 4096
"""How many cells a cross-discovery tensor may have."""


class Combiner(Protocol):
    """What joins the predictions of single modalities."""

    def learn(self, p: np.ndarray, present: np.ndarray, codes: np.ndarray) -> Learned:
        """Learn from held-out predictions."""

    def join(self, p: np.ndarray, present: np.ndarray, learned: Learned) -> np.ndarray:
        """Return one prediction a patient."""


@dataclass(frozen=True)
class MeanProbability:
    """The mean probability over present modalities."""

    def learn(self, p: np.ndarray, present: np.ndarray, codes: np.ndarray) -> Learned:
        """Learn nothing."""
        return {}

    def join(self, p: np.ndarray, present: np.ndarray, learned: Learned) -> np.ndarray:
        """Return [patient, class]."""
        return weighted(p, heard(present), np.ones(p.shape[1]))


@dataclass(frozen=True)
class MajorityVote:
    """The share of present modalities that vote for each class, the mean probability counting as one vote more.

    So equal votes are told apart, and no more than that: a majority stays one.
    """

    def learn(self, p: np.ndarray, present: np.ndarray, codes: np.ndarray) -> Learned:
        """Learn nothing."""
        return {}

    def join(self, p: np.ndarray, present: np.ndarray, learned: Learned) -> np.ndarray:
        """Return [patient, class]."""
        present = heard(present)
        votes = np.eye(p.shape[2])[p.argmax(axis=2)]
        share, mean = (weighted(part, present, np.ones(p.shape[1])) for part in (votes, p))
        count = present.sum(axis=1, keepdims=True)
        return np.asarray((count * share + mean) / (count + 1))  # a mean probability is worth at most one vote


@dataclass(frozen=True)
class WeightedProbability:
    """One weight a modality, none below zero, summing to one over the present; the held-out log loss is lowest.

    A little pull (as much as `prior` patients) holds weights near each other where few patients speak for any.
    """

    prior: float = 5.0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if self.prior < 0:
            raise GraphError(f"prior is {self.prior}; choose how many patients pull the weights together, or 0")

    def learn(self, p: np.ndarray, present: np.ndarray, codes: np.ndarray) -> Learned:
        """Learn a weight a modality: float64 [modality]."""
        known = present.any(axis=1)
        right = np.take_along_axis(p[known], codes[known, None, None], axis=2)[..., 0]
        here, modalities = present[known], p.shape[1]

        def loss(score: np.ndarray) -> float:
            weight = softmax(score)
            total = (here * weight).sum(axis=1)
            mixed = (here * weight * right).sum(axis=1) / np.maximum(total, 1e-12)
            return float(-np.log(np.maximum(mixed, 1e-12)).sum() - self.prior * np.log(weight * modalities).mean())

        return {"weight": softmax(minimize(loss, np.zeros(modalities), method="L-BFGS-B").x)}

    def join(self, p: np.ndarray, present: np.ndarray, learned: Learned) -> np.ndarray:
        """Return [patient, class]."""
        return weighted(p, heard(present), learned["weight"])


@dataclass(frozen=True)
class Stacked:
    """A logistic regression on the log probabilities of all modalities (stacking, Wolpert 1992).

    An absent modality gives zeros and a column that says so. `penalty` is the inverse of scikit-learn's C.
    """

    penalty: float = 1.0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_unpenalised(self.penalty)

    def learn(self, p: np.ndarray, present: np.ndarray, codes: np.ndarray) -> Learned:
        """Learn the regression: its weights [class, column] and constants [class]."""
        model = LogisticRegression(C=1 / self.penalty, max_iter=2000).fit(columns(p, present), codes)
        full = np.zeros((p.shape[2], model.coef_.shape[1]))
        constant = np.full(p.shape[2], -np.inf)
        if len(model.classes_) == 2:  # scikit-learn gives one row for two classes
            full[model.classes_[1]], constant[model.classes_] = model.coef_[0], [0.0, model.intercept_[0]]
        else:
            full[model.classes_], constant[model.classes_] = model.coef_, model.intercept_
        return {"weight": full, "constant": constant}

    def join(self, p: np.ndarray, present: np.ndarray, learned: Learned) -> np.ndarray:
        """Return [patient, class]."""
        return softmax(columns(p, present) @ learned["weight"].T + learned["constant"])


@dataclass(frozen=True)
class VCDN:
    """A network on the outer product of all modalities' probabilities (view correlation, MOGONET, Wang et al. 2021).

    As there, one hidden layer as wide as the tensor (here at most 64, and a plain rectifier), but learned on
    predictions for patients whom the models left out, where the paper goes on with those it trained on. Whose modality
    is absent has each class alike in it. The tensor has classes^modalities cells and at most 4,096 are wanted.
    """

    penalty: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_unpenalised(self.penalty)

    def learn(self, p: np.ndarray, present: np.ndarray, codes: np.ndarray) -> Learned:
        """Learn the network's weights and constants."""
        tensor = crossed(p, present)
        model = MLPClassifier(
            (min(tensor.shape[1], 64),), alpha=self.penalty, solver="lbfgs", max_iter=500, random_state=self.seed
        )
        with warnings.catch_warnings():  # to stop after so many steps is as good a place as any
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(tensor, codes)
        arrays = {"classes": model.classes_.astype(np.int64)}
        for at, (weight, constant) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
            arrays |= {f"weight{at}": weight, f"constant{at}": constant}
        return arrays

    def join(self, p: np.ndarray, present: np.ndarray, learned: Learned) -> np.ndarray:
        """Return [patient, class]."""
        hidden = np.maximum(crossed(p, present) @ learned["weight0"] + learned["constant0"], 0)
        out = hidden @ learned["weight1"] + learned["constant1"]
        out = np.concatenate([np.zeros_like(out), out], axis=1) if out.shape[1] == 1 else out
        joined = np.zeros((len(p), p.shape[2]))
        joined[:, learned["classes"]] = softmax(out)
        return joined


def refuse_unpenalised(penalty: float) -> None:
    """Raise GraphError for a penalty under which few patients would be learned by heart."""
    if penalty <= 0:
        raise GraphError(f"penalty is {penalty}; choose a number above zero")


def heard(present: np.ndarray) -> np.ndarray:
    """Let all modalities speak for a patient who has none."""
    return np.asarray(present | ~present.any(axis=1, keepdims=True))


def weighted(p: np.ndarray, present: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weighted mean over present modalities: [patient, class]."""
    share = present * weight
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(np.einsum("pm,pmc->pc", share, p))


def columns(p: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Lay out centred log probabilities, zeros where absent, and what is absent: [patient, column]."""
    log = np.log(np.clip(p, 1e-6, None))
    log = (log - log.mean(axis=2, keepdims=True)) * present[:, :, None]
    return np.concatenate([log.reshape(len(p), -1), ~present], axis=1)


def crossed(p: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the cross-discovery tensor, laid out: [patient, classes ^ modalities]."""
    _, modalities, classes = p.shape
    if classes**modalities > MOST_CELLS:
        raise GraphError(
            f"the product of {modalities} modalities' probabilities of {classes} classes has {classes**modalities:,} "
            f"cells and at most {MOST_CELLS:,} are wanted; combine by Stacked instead"
        )
    p = np.where(present[:, :, None], p, 1 / classes)
    tensor = p[:, 0]
    for at in range(1, modalities):
        tensor = (tensor[:, :, None] * p[:, None, at]).reshape(len(p), -1)
    return np.asarray(tensor)


def softmax(score: np.ndarray) -> np.ndarray:
    """Return the softmax over the last axis."""
    raised = np.exp(score - score.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
