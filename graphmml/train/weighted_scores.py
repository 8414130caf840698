"""Scores of many bootstrap resamples at once: a patient counts as often as a resample drew it.

`y` is the class number [patient], `p` the probabilities [patient, class] as in `scores`, and `counts` float64
[patient, resample]; each score is float64 [resample], and what `scores` gives for the patients repeated so often.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

Area = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
MOST_CELLS = 2_000_000
"""Counts that are held at a time: a block of resamples of many patients is narrower."""


def resampled(patients: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each patient is drawn, with replacement, in blocks: float64 [patient, some resamples]."""
    random = np.random.default_rng(seed)
    width = max(1, MOST_CELLS // patients)
    for start in range(0, resamples, width):
        block = min(width, resamples - start)
        cells = random.integers(0, patients, (patients, block)) * block + np.arange(block)
        yield np.bincount(cells.ravel(), minlength=patients * block).reshape(patients, block).astype(np.float64)


def weighted_auroc(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The chance that a patient with the class scores above one without (Hanley and McNeil 1982)."""
    return one_against_rest(weighted_area, y, p, counts)


def weighted_auprc(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Average precision: precision summed over steps of recall."""
    return one_against_rest(weighted_precision, y, p, counts)


def weighted_accuracy(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The share whose most probable class is theirs."""
    return mean(p.argmax(axis=1) == y, counts)


def weighted_brier(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean squared distance of probabilities from what happened (Brier 1950); of the positive class if two."""
    squared = ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1)
    return mean(squared / (2 if p.shape[1] == 2 else 1), counts)


def weighted_log_loss(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean negative logarithm of the probability of what happened."""
    right = np.take_along_axis(p, y[:, None], axis=1)[:, 0]
    return mean(-np.log(np.maximum(right, 1e-15)), counts)


def mean(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean of one value a patient: [resample]."""
    drawn = counts.sum(axis=0)
    return divided(values @ counts, drawn, drawn > 0)


def one_against_rest(area: Area, y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Apply a two-class score to the positive class, or to each of several classes and average what is defined."""
    columns = [p.shape[1] - 1] if p.shape[1] == 2 else range(p.shape[1])
    return mean_defined(np.stack([area(y == at, p[:, at], counts) for at in columns]))


def mean_defined(values: np.ndarray) -> np.ndarray:
    """Return the mean over the first axis of what is defined, NaN where nothing is."""
    known = ~np.isnan(values)
    total, defined = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    return divided(total, defined, defined > 0)


def weighted_area(hit: np.ndarray, score: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """AUROC from the pairs in order, ties count half; NaN where a resample has one class."""
    order = np.argsort(score[~hit], kind="stable")
    without = score[~hit][order]
    below = np.concatenate([np.zeros((1, counts.shape[1])), counts[~hit][order].cumsum(axis=0)])
    won = below[np.searchsorted(without, score[hit], "left")] + below[np.searchsorted(without, score[hit], "right")]
    pairs = below[-1] * counts[hit].sum(axis=0)
    return divided(np.einsum("pr,pr->r", counts[hit], won) / 2, pairs, pairs > 0)


def weighted_precision(hit: np.ndarray, score: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Precision at each distinct threshold, weighted by the recall gained there; NaN where there is one class."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # one threshold for patients of equal score
    called = counts[order].cumsum(axis=0)[last]
    found = (counts[order] * hit[order, None]).cumsum(axis=0)[last]
    gained = np.diff(found, axis=0, prepend=0.0)
    total = (found / np.maximum(called, 1.0) * gained).sum(axis=0)
    return divided(total, found[-1], (found[-1] > 0) & (found[-1] < called[-1]))


def divided(above: np.ndarray, below: np.ndarray, defined: np.ndarray) -> np.ndarray:
    """Return the quotient where it is defined, NaN elsewhere."""
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=defined))


WEIGHTED: Mapping[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "auroc": weighted_auroc,
    "auprc": weighted_auprc,
    "accuracy": weighted_accuracy,
    "brier": weighted_brier,
    "log_loss": weighted_log_loss,
}
LOWER_IS_BETTER = ("brier", "log_loss")
