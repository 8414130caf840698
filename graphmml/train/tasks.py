"""What an outcome means to a network: how many outputs, which loss, how logits become predictions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError
from graphmml.train.reweighing import weighed_loss


@dataclass(frozen=True)
class ClassTask:
    """Tell classes apart; `classes` are in the order of the columns of `predict_proba`."""

    classes: tuple[str, ...]

    @classmethod
    def of(cls, cohort: Cohort) -> "ClassTask":
        """Read the classes off the training patients, or say why there is nothing to learn."""
        if cohort.outcome is None:
            raise CohortError("the cohort has no outcome; name one to train (linking and predicting need none)")
        if cohort.outcome.kind != "class":
            raise CohortError(
                f'the outcome is a {cohort.outcome.kind}; GraphClassifier learns classes: choose kind = "class"'
            )
        classes = cohort.outcome.classes
        if len(classes) < 2:
            raise CohortError(f"the training patients have {len(classes)} class(es) of outcome; two are wanted")
        return cls(classes)

    def codes(self, cohort: Cohort) -> np.ndarray:
        """Return each patient's class as a number: int64 [patient], -1 where unknown or not among the classes."""
        values = [] if cohort.outcome is None else cohort.outcome.values.to_numpy(dtype=object)
        number = {name: at for at, name in enumerate(self.classes)}
        return np.array([number.get(value, -1) for value in values], dtype=np.int64)

    def loss(self, logits: Tensor, codes: Tensor, weight: Tensor | None = None, counts: Tensor | None = None) -> Tensor:
        """Cross-entropy over the patients whose class is known, each counting as `counts` (None: as one)."""
        if counts is None:
            return functional.cross_entropy(logits, codes, weight=weight, ignore_index=-1)
        return weighed_loss(logits, codes, weight, counts)

    def balanced(self, codes: Tensor) -> Tensor:
        """Return class weights that make every class count the same: float [class]."""
        counts = torch.bincount(codes[codes >= 0], minlength=len(self.classes)).clamp(min=1)
        return counts.sum() / (len(self.classes) * counts)


def aligned(p: np.ndarray, found: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Lay out probabilities by all classes, zero for one that the fold's training patients lack."""
    laid = np.zeros((len(p), len(classes)))
    for at, name in enumerate(found):
        laid[:, classes.index(name)] = p[:, at]
    return laid
