"""Curves of predicted probabilities: pure functions of arrays, drawn by reports.

`hit` says who has the class: bool [patient]; `p` is its predicted probability: float [patient].
"""

from dataclasses import dataclass

import numpy as np


def roc(hit: np.ndarray, p: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the true positive rate at each false positive rate of `grid` (float [point]); NaN for a single class.

    Between the thresholds of the data it is interpolated, so that the area under it is the AUROC with ties half.
    """
    positives, negatives = int(hit.sum()), int((~hit).sum())
    if not positives or not negatives:
        return np.full(len(grid), np.nan)
    order = np.argsort(-p, kind="stable")
    last = np.append(np.diff(p[order]) != 0, True)
    true = np.append(0, np.cumsum(hit[order])[last]) / positives
    false = np.append(0, np.cumsum(~hit[order])[last]) / negatives
    # where several points share a false positive rate, interp takes the highest at it and the lowest just before it
    return np.asarray(np.interp(grid, false, true))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Mean predicted and observed share by bin of equal numbers of patients, and how many: [bin]."""

    predicted: np.ndarray
    observed: np.ndarray
    patients: np.ndarray


def calibration(hit: np.ndarray, p: np.ndarray, *, bins: int = 10, smallest: int = 11, repeats: int = 1) -> Calibration:
    """Bin patients by predicted probability (Van Calster et al. 2019); fewer bins where patients are few.

    Patients of equal probability share a bin. Where all are predicted several times, one after another, `repeats`
    says how often: a bin then has its patients in the mean over repeats, rounded down, and `smallest` at least.
    """
    smallest *= repeats
    bins = max(1, min(bins, len(p) // max(smallest, 1)))
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1])) if len(p) else np.zeros(0)
    own = np.searchsorted(edges, p, side="left")
    sizes = np.bincount(own, minlength=len(edges) + 1)
    kept = sizes >= smallest
    safe = np.maximum(sizes, 1)
    predicted = np.bincount(own, weights=p, minlength=len(sizes)) / safe
    observed = np.bincount(own, weights=hit.astype(np.float64), minlength=len(sizes)) / safe
    return Calibration(predicted[kept], observed[kept], sizes[kept] // repeats)


def net_benefit(hit: np.ndarray, p: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return true positives less false ones at the threshold's odds, a patient (Vickers and Elkin 2006): [threshold].

    Those are treated whose probability is at least the threshold; treating nobody is 0.
    """
    order = np.argsort(-p, kind="stable")
    treated = np.searchsorted(-p[order], -thresholds, side="right")
    true = np.append(0, np.cumsum(hit[order]))[treated]
    odds = thresholds / (1.0 - thresholds)
    return np.asarray((true - (treated - true) * odds) / max(len(p), 1))


def net_benefit_of_all(hit: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the net benefit of treating everybody: [threshold]."""
    share = float(hit.mean())
    return np.asarray(share - (1.0 - share) * thresholds / (1.0 - thresholds))
