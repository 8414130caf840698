"""What is measured in each value of a group: on the patients as they are, and on many bootstrap resamples at once.

The first goes through fairlearn's MetricFrame (Weerts et al. 2023), the second through `weighted_scores`; they
agree where every patient is drawn once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from graphmml.errors import GraphmmlError
from graphmml.train import scores, weighted_scores
from graphmml.train.recalibration import recalibrated
from graphmml.train.scores import calibration_intercept, calibration_slope
from graphmml.train.weighted_scores import divided


@dataclass(frozen=True, eq=False)
class Judged:
    """Some patients of one repeat: class numbers [patient], probabilities [patient, class], who is called positive."""

    codes: np.ndarray
    p: np.ndarray
    called: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Judged":
        return Judged(self.codes[rows], self.p[rows], self.called[rows])

    @property
    def hit(self) -> np.ndarray:
        """Who has the class: bool [patient]."""
        return np.asarray(self.codes == 1)

    @property
    def risk(self) -> np.ndarray:
        """The probability of it: float64 [patient]."""
        return np.asarray(self.p[:, 1])


Score = Callable[[Judged], float]
WeightedScore = Callable[[Judged, np.ndarray], np.ndarray]


def share(those: np.ndarray, among: np.ndarray) -> float:
    """Return the share of `those` among some, NaN where there are none."""
    return float(those[among].mean()) if among.any() else float("nan")


def weighted_share(those: np.ndarray, among: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the same for each resample: [resample]."""
    whole = counts[among].sum(axis=0)
    return divided(counts[among & those].sum(axis=0), whole, whole > 0)


def observed_expected(judged: Judged) -> float:
    """How many have the class for one that was predicted to; above 1 risks are understated."""
    return float(judged.hit.sum() / judged.risk.sum())


def everybody(judged: Judged) -> np.ndarray:
    """Return all patients: bool [patient]."""
    return np.ones(len(judged.codes), dtype=bool)


RATES: Mapping[str, tuple[Callable[[Judged], np.ndarray], Callable[[Judged], np.ndarray]]] = {
    "prevalence": (lambda it: it.hit, everybody),
    "sensitivity": (lambda it: it.called, lambda it: it.hit),
    "specificity": (lambda it: ~it.called, lambda it: ~it.hit),
    "selection_rate": (lambda it: it.called, everybody),
    "ppv": (lambda it: it.hit, lambda it: it.called),
}
"""Shares: of whom, and among whom."""


def rate(name: str) -> Score:
    """Return a share as a score."""
    those, among = RATES[name]
    return lambda it: share(those(it), among(it))


def weighted_rate(name: str) -> WeightedScore:
    """Return a share as a score of resamples."""
    those, among = RATES[name]
    return lambda it, counts: weighted_share(those(it), among(it), counts)


SCORES: Mapping[str, Score] = {
    "auroc": lambda it: scores.auroc(it.codes, it.p),
    "auprc": lambda it: scores.auprc(it.codes, it.p),
    "prevalence": rate("prevalence"),
    "brier": lambda it: scores.brier(it.codes, it.p),
    "calibration_intercept": lambda it: calibration_intercept(it.codes, it.p),
    "calibration_slope": lambda it: calibration_slope(it.codes, it.p),
    "observed_expected": observed_expected,
    "sensitivity": rate("sensitivity"),
    "specificity": rate("specificity"),
    "selection_rate": rate("selection_rate"),
    "ppv": rate("ppv"),
}
WEIGHTED: Mapping[str, WeightedScore] = {
    "auroc": lambda it, counts: weighted_scores.weighted_auroc(it.codes, it.p, counts),
    "auprc": lambda it, counts: weighted_scores.weighted_auprc(it.codes, it.p, counts),
    "prevalence": weighted_rate("prevalence"),
    "brier": lambda it, counts: weighted_scores.weighted_brier(it.codes, it.p, counts),
    "calibration_intercept": lambda it, counts: recalibrated(it.hit, it.risk, counts, slope=1.0)[0],
    "calibration_slope": lambda it, counts: recalibrated(it.hit, it.risk, counts)[1],
    "observed_expected": lambda it, counts: divided(
        it.hit @ counts, it.risk @ counts, np.asarray(counts.sum(axis=0) > 0)
    ),
    "sensitivity": weighted_rate("sensitivity"),
    "specificity": weighted_rate("specificity"),
    "selection_rate": weighted_rate("selection_rate"),
    "ppv": weighted_rate("ppv"),
}
OF_MANY = ("auroc", "auprc", "brier")
"""What has a meaning over several classes: the mean of each against the rest (Brier: the sum over classes)."""
WITHOUT_OUTCOME = ("selection_rate",)
"""What may be shown where too few patients of a class are to show anything that rests on the outcome."""
TELLING = ("prevalence", "auprc", "observed_expected", "selection_rate", "ppv", "sensitivity", "specificity")
"""What gives a count of positives away, by itself or with others: a share of few has few possible denominators."""


def names_for(classes: int) -> tuple[str, ...]:
    """Return what is measured with so many classes."""
    return tuple(SCORES) if classes == 2 else OF_MANY


def by_value(judged: Judged, labels: np.ndarray, values: int) -> np.ndarray:
    """Score the patients of each value through MetricFrame: float64 [measure, value], NaN for a value without any.

    MetricFrame knows one column of predictions; what it is given is each patient's position, by which a score looks
    up whatever it needs.
    """
    names = names_for(judged.p.shape[1])
    frame = metric_frame()(
        metrics={name: positional(SCORES[name], judged) for name in names},
        y_true=judged.codes,
        y_pred=np.arange(len(judged.codes)),
        sensitive_features=pd.Series(labels, name="group"),
    )
    return np.asarray(frame.by_group.reindex(range(values))[list(names)].to_numpy(dtype=np.float64).T)


def positional(score: Score, judged: Judged) -> Callable[[Any, Any], float]:
    """Return the score of patients given by position."""
    return lambda _, rows: score(judged[np.asarray(rows)])


def metric_frame() -> Any:
    """Return fairlearn's MetricFrame, or say which extra brings it."""
    try:
        return import_module("fairlearn.metrics").MetricFrame  # an extra
    except ImportError:
        raise GraphmmlError("fairness needs fairlearn: pip install 'graphmml[fairness]'") from None
