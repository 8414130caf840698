"""Scores of predicted probabilities: pure functions of arrays, undefined (NaN) where they have no meaning.

`y` is the class number [patient] and `p` the probabilities [patient, class]; the last class is the positive one
of two. With more than two classes, AUROC, AUPRC and F1 are means over one class against the rest.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import rankdata


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
    "f1_macro": f1_macro,
    "brier": brier,
}


def all_scores(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Return every score by name."""
    return {name: metric(y, p) for name, metric in METRICS.items()}
