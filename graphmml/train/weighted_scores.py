"""Scores of many bootstrap resamples at once: a patient counts as often as a resample drew it.

`y` is the class number [patient], `p` the probabilities [patient, class] as in `scores`, and `counts` float64
[patient, resample]; each score is float64 [resample], and what `scores` gives for the patients repeated so often.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from graphmml.train.recalibration import recalibrated

Area = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
MOST_CELLS = 2_000_000
"""Counts that are held at a time: a block of resamples of many patients is narrower."""


def resampled(patients: int, resamples: int, seed: int, blocks: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Yield how often each patient is drawn, with replacement, in parts: float64 [patient, some resamples].

    `blocks` numbers patients who are drawn together: int [patient].
    """
    if blocks is not None:
        own = np.unique(blocks, return_inverse=True)[1]
        yield from (counts[own] for counts in resampled(int(own.max()) + 1, resamples, seed))
        return
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


def weighted_balanced_accuracy(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The share of each class that is called so, averaged over the classes that a resample has."""
    called = crossed(y, p, counts)
    own = called.sum(axis=1)
    hits = np.stack([called[at, at] for at in range(len(called))])
    return mean_defined(np.stack([divided(hit, size, size > 0) for hit, size in zip(hits, own, strict=True)]))


def weighted_f1(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, averaged over classes that somebody has or is called."""
    called = crossed(y, p, counts)
    own, named = called.sum(axis=1), called.sum(axis=0)
    return mean_defined(
        np.stack(
            [divided(2 * called[at, at], own[at] + named[at], own[at] + named[at] > 0) for at in range(len(called))]
        )
    )


def weighted_mcc(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Matthews' correlation, for several classes Gorodkin's (2004); zero where all are called alike."""
    called = crossed(y, p, counts)
    own, named, drawn = called.sum(axis=1), called.sum(axis=0), called.sum(axis=(0, 1))
    both = np.trace(called) * drawn - (own * named).sum(axis=0)
    size = (drawn**2 - (own**2).sum(axis=0)) * (drawn**2 - (named**2).sum(axis=0))
    value = np.divide(both, np.sqrt(np.maximum(size, 0.0)), out=np.zeros(len(both)), where=size > 0)
    return np.where(drawn > 0, value, np.nan)


def crossed(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Count patients by true and most probable class: float64 [true, called, resample]."""
    classes = p.shape[1]
    cells = y * classes + p.argmax(axis=1)
    table = np.zeros((classes * classes, counts.shape[1]))
    np.add.at(table, cells, counts)
    return table.reshape(classes, classes, -1)


def weighted_slope(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The slope of the outcome on the logit of its probability (Cox 1958)."""
    return one_against_rest(lambda hit, q, drawn: recalibrated(hit, q, drawn)[1], y, p, counts)


def weighted_intercept(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Calibration in the large (Cox 1958)."""
    return one_against_rest(lambda hit, q, drawn: recalibrated(hit, q, drawn, slope=1.0)[0], y, p, counts)


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
    "balanced_accuracy": weighted_balanced_accuracy,
    "f1_macro": weighted_f1,
    "mcc": weighted_mcc,
    "brier": weighted_brier,
    "log_loss": weighted_log_loss,
    "calibration_slope": weighted_slope,
    "calibration_intercept": weighted_intercept,
}
LOWER_IS_BETTER = ("brier", "log_loss")
RANKED = tuple(name for name in WEIGHTED if not name.startswith("calibration"))
"""Scores of which one end is the better."""
