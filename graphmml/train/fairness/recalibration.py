"""Logistic recalibration: what has to be added to, and multiplied with, the log-odds that a model predicts."""

import numpy as np
from scipy.special import expit, logit

CLOSEST = 1e-6
"""Probabilities are kept this far from 0 and 1, whose log-odds are infinite."""
STEPS = 40
FARTHEST = 50.0
"""An estimate beyond this is that of classes which the probabilities tell apart without error: there is none."""


def calibration_intercept(y: np.ndarray, p: np.ndarray) -> float:
    """Calibration in the large: log-odds to add to every prediction, 0 is right, above 0 risks are understated."""
    return float(weighted_intercept(y == 1, p[:, 1], np.ones((len(y), 1)))[0])


def calibration_slope(y: np.ndarray, p: np.ndarray) -> float:
    """Slope of the outcome's log-odds on the predicted ones (Cox 1958); 1 is right, below 1 risks are too extreme."""
    return float(weighted_slope(y == 1, p[:, 1], np.ones((len(y), 1)))[0])


def weighted_intercept(hit: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the intercept of each resample, the slope held at 1 (Van Calster et al. 2019): float64 [resample]."""
    x = logit(np.clip(p, CLOSEST, 1 - CLOSEST))[:, None]
    found = np.zeros(counts.shape[1])
    observed = counts[hit].sum(axis=0)
    defined = (observed > 0) & (observed < counts.sum(axis=0))
    for _ in range(STEPS):
        mu = expit(x + found)
        curved = (counts * mu * (1 - mu)).sum(axis=0)
        step = stepped((observed - (counts * mu).sum(axis=0)) / np.where(curved > 0, curved, 1.0), defined)
        found += step
        if np.abs(step).max(initial=0) < 1e-9:
            break
    return np.where(defined & (np.abs(found) < FARTHEST), found, np.nan)


def weighted_slope(hit: np.ndarray, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the slope of each resample, its intercept free: float64 [resample]; NaN where there is none."""
    x = logit(np.clip(p, CLOSEST, 1 - CLOSEST))[:, None]
    add, times = np.zeros(counts.shape[1]), np.ones(counts.shape[1])
    observed = counts[hit].sum(axis=0)
    defined = (observed > 0) & (observed < counts.sum(axis=0))
    aims = observed, (counts[hit] * x[hit]).sum(axis=0)
    for _ in range(STEPS):
        mu = expit(add + x * times)
        called, curve = counts * mu, counts * mu * (1 - mu)
        pull, turn = aims[0] - called.sum(axis=0), aims[1] - (called * x).sum(axis=0)
        flat, lean, steep = curve.sum(axis=0), (curve * x).sum(axis=0), (curve * x**2).sum(axis=0)
        room = flat * steep - lean**2
        safe = np.where(room > 0, room, 1.0)
        along = stepped((steep * pull - lean * turn) / safe, defined & (room > 0))
        across = stepped((flat * turn - lean * pull) / safe, defined & (room > 0))
        add, times = add + along, times + across
        if max(np.abs(along).max(initial=0), np.abs(across).max(initial=0)) < 1e-9:
            break
    settled = np.maximum(np.abs(along), np.abs(across)) < 1e-4
    return np.where(defined & settled & (room > 0) & (np.abs(times) < FARTHEST), times, np.nan)


def stepped(step: np.ndarray, defined: np.ndarray) -> np.ndarray:
    """Return a step of Newton's no longer than 2, none where there is nothing to find."""
    return np.where(defined, np.clip(step, -2.0, 2.0), 0.0)
