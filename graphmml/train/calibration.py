"""Calibration: a map from a model's probabilities to how often it was right, learned from patients held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression

from graphmml.errors import GraphmmlError

Method = Literal["temperature", "isotonic"]
SMALLEST = 1e-12
"""Probabilities are taken to be at least this where their logarithm is wanted."""
COLDEST, HOTTEST = 0.05, 20.0
"""A temperature is sought between these, for where the held-out patients are told apart without error it has no end."""


class Calibrator(Protocol):
    """What turns probabilities into calibrated ones."""

    def calibrated(self, p: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities: float64 [patient, class]."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything learned, to be written to a file."""


@dataclass(frozen=True, eq=False)
class Temperature:
    """One number that all logits are divided by: above 1 the model was too sure (Guo et al., ICML 2017).

    The logits of an ensemble are the logarithms of its mean probabilities. The most probable class stays so.
    """

    value: float

    @classmethod
    def learned(cls, p: np.ndarray, codes: np.ndarray) -> "Temperature":
        """Find the temperature of least log-loss on held-out probabilities [patient, class] and class numbers."""
        logits = np.log(np.maximum(p, SMALLEST))
        at = np.arange(len(p))

        def loss(logarithm: float) -> float:
            return float(-log_softmax(logits / np.exp(logarithm), axis=1)[at, codes].mean())

        bounds = (np.log(COLDEST), np.log(HOTTEST))
        return cls(float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)))

    def calibrated(self, p: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities: float64 [patient, class]."""
        return np.asarray(np.exp(log_softmax(np.log(np.maximum(p, SMALLEST)) / self.value, axis=1)))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the temperature, to be written to a file."""
        return {"temperature": np.array(self.value)}


@dataclass(frozen=True, eq=False)
class Isotonic:
    """A rising step for each class against the rest, then normalised (Zadrozny and Elkan, KDD 2002).

    `knots[class]` is float64 [2, knot]: probabilities, and what they become; in between, a straight line. It bends
    to any shape, so that it wants hundreds of held-out patients, and it does say 0 and 1.
    """

    knots: tuple[np.ndarray, ...]

    @classmethod
    def learned(cls, p: np.ndarray, codes: np.ndarray) -> "Isotonic":
        """Fit one step a class on held-out probabilities [patient, class] and class numbers."""
        knots = []
        for at in range(p.shape[1]):
            step = IsotonicRegression(y_min=0.0, y_max=1.0).fit(p[:, at], (codes == at).astype(np.float64))
            knots.append(np.stack([step.X_thresholds_, step.y_thresholds_]))
        return cls(tuple(knots))

    def calibrated(self, p: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities: float64 [patient, class]; where all classes become 0, what they were."""
        mapped = np.stack([np.interp(p[:, at], *step) for at, step in enumerate(self.knots)], axis=1)
        total = mapped.sum(axis=1, keepdims=True)
        return np.where(total > 0, mapped / np.where(total > 0, total, 1.0), p)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the knots, to be written to a file."""
        return {f"isotonic/{at}": step for at, step in enumerate(self.knots)}


def learned_calibrator(method: Method | None, p: np.ndarray, codes: np.ndarray) -> Calibrator | None:
    """Learn the calibrator asked for from the held-out patients whose class is known (not -1)."""
    known = codes >= 0
    if method is None:
        return None
    if method == "temperature":
        return Temperature.learned(p[known], codes[known])
    return Isotonic.learned(p[known], codes[known])


def stored_calibrator(arrays: Mapping[str, np.ndarray]) -> Calibrator | None:
    """Undo `arrays` of whichever calibrator it was."""
    if "temperature" in arrays:
        return Temperature(float(arrays["temperature"]))
    steps = [arrays[f"isotonic/{at}"] for at in range(sum(name.startswith("isotonic/") for name in arrays))]
    return Isotonic(tuple(steps)) if steps else None


def refuse_method(method: str | None) -> None:
    """Raise for a method that there is none of."""
    if method not in ("temperature", "isotonic", None):
        raise GraphmmlError(f"the calibration method is '{method}'; choose temperature, isotonic or None")
