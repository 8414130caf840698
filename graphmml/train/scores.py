"""Scores of predicted probabilities: pure functions of arrays, undefined (NaN) where they have no meaning.

`y` is the class number [patient] and `p` the probabilities [patient, class]; the last class is the positive one
of two. With more than two classes, AUROC, AUPRC and F1 are means over one class against the rest.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import rankdata

from graphmml.train.recalibration import recalibrated


def auroc(y: np.ndarray, p: np.ndarray) -> float:
    """The chance that a patient with the class scores above one without (Hanley and McNeil 1982)."""
    return one_against_rest(rank_area, y, p)


def auprc(y: np.ndarray, p: np.ndarray) -> float:
    """Average precision: precision summed over steps of recall; its chance level is the prevalence."""
    return one_against_rest(average_precision, y, p)


def brier(y: np.ndarray, p: np.ndarray) -> float:
    """Mean squared distance of probabilities from what happened (Brier 1950); of the positive class if two."""
    hit = np.eye(p.shape[1])[y]
    squared = ((p - hit) ** 2).sum(axis=1)
    return float(squared.mean() / (2 if p.shape[1] == 2 else 1))


def accuracy(y: np.ndarray, p: np.ndarray) -> float:
    """The share whose most probable class is theirs."""
    return float((p.argmax(axis=1) == y).mean())


def log_loss(y: np.ndarray, p: np.ndarray) -> float:
    """Mean negative logarithm of the probability given to what happened, which counts as at least 1e-15."""
    right = np.take_along_axis(p, y[:, None], axis=1)[:, 0]
    return float(-np.log(np.maximum(right, 1e-15)).mean())


def balanced_accuracy(y: np.ndarray, p: np.ndarray) -> float:
    """The share of each class that is called so, averaged over the classes that occur."""
    right = p.argmax(axis=1) == y
    return float(np.mean([right[y == at].mean() for at in np.unique(y)]))


def mcc(y: np.ndarray, p: np.ndarray) -> float:
    """Matthews' correlation of the most probable with the true class, for several classes Gorodkin's (2004).

    Zero where all are called alike, so that a fold in which a model gives up counts against it.
    """
    called = np.eye(p.shape[1])[p.argmax(axis=1)]
    true = np.eye(p.shape[1])[y]
    both, ours, theirs = (float((one * other).sum()) for one, other in centred_pairs(called, true))
    return both / float(np.sqrt(ours * theirs)) if ours * theirs > 0 else 0.0


def centred_pairs(one: np.ndarray, other: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the pairs whose products are the covariance and both variances of two indicator matrices."""
    left, right = one - one.mean(axis=0), other - other.mean(axis=0)
    return [(left, right), (left, left), (right, right)]


def calibration_slope(y: np.ndarray, p: np.ndarray) -> float:
    """The slope of the outcome on the logit of its probability (Cox 1958); below 1, predictions are too extreme."""
    return one_against_rest(lambda hit, q: float(recalibrated(hit, q)[1][0]), y, p)


def calibration_intercept(y: np.ndarray, p: np.ndarray) -> float:
    """Calibration in the large: the log odds by which risks are too low (above 0) or too high (Cox 1958)."""
    return one_against_rest(lambda hit, q: float(recalibrated(hit, q, slope=1.0)[0][0]), y, p)


def f1_macro(y: np.ndarray, p: np.ndarray) -> float:
    """Harmonic mean of precision and recall of the most probable class, averaged over classes."""
    called = p.argmax(axis=1)
    values = []
    for at in range(p.shape[1]):
        both = int(((called == at) & (y == at)).sum())
        either = int((called == at).sum()) + int((y == at).sum())
        values.append(2 * both / either if either else np.nan)
    return float(np.nanmean(values))


def one_against_rest(score: Callable[[np.ndarray, np.ndarray], float], y: np.ndarray, p: np.ndarray) -> float:
    """Apply a two-class score to the positive class, or to each of several classes and average."""
    columns = [p.shape[1] - 1] if p.shape[1] == 2 else range(p.shape[1])
    values = [score(y == at, p[:, at]) for at in columns]
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def rank_area(hit: np.ndarray, score: np.ndarray) -> float:
    """AUROC from the rank sum of Mann and Whitney (1947); ties count half."""
    positives = int(hit.sum())
    negatives = len(hit) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[hit].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(hit: np.ndarray, score: np.ndarray) -> float:
    """Precision at each distinct threshold, weighted by the recall gained there."""
    if not hit.any() or hit.all():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # one threshold for patients of equal score
    found = np.cumsum(hit[order])[last]
    precision = found / (np.flatnonzero(last) + 1)
    return float((precision * np.diff(found, prepend=0)).sum() / hit.sum())


METRICS: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auroc": auroc,
    "auprc": auprc,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1_macro": f1_macro,
    "mcc": mcc,
    "brier": brier,
    "log_loss": log_loss,
    "calibration_slope": calibration_slope,
    "calibration_intercept": calibration_intercept,
}
RANGE: Mapping[str, tuple[float, float]] = {
    "mcc": (-1.0, 1.0),
    "log_loss": (0.0, np.inf),
    "calibration_slope": (-np.inf, np.inf),
    "calibration_intercept": (-np.inf, np.inf),
}
"""Where a score can lie, if not from 0 to 1."""


def all_scores(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Return every score by name."""
    return {name: metric(y, p) for name, metric in METRICS.items()}
