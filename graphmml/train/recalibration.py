"""Logistic recalibration: what has to be done to predicted probabilities to make them right."""

import numpy as np

STEPS = 50
SMALLEST = 1e-12
SETTLED = 1e-7
FLAT = 1e-9


def recalibrated(
    hit: np.ndarray, p: np.ndarray, counts: np.ndarray | None = None, *, slope: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Regress an outcome on the logit of its probability (Cox 1958; Van Calster et al. 2019): intercept and slope.

    `hit` is bool [patient], `p` [patient], `counts` how often a resample drew each: [patient, resample], once unless
    given. Both are [resample], by Newton's method; with a `slope` given only the intercept is sought. NaN where a
    resample has one class, all probabilities are alike, or the classes are separated, so that no slope is the best.
    """
    counts = np.ones((len(hit), 1)) if counts is None else counts
    x = np.log(np.clip(p, SMALLEST, 1 - SMALLEST)) - np.log1p(-np.clip(p, SMALLEST, 1 - SMALLEST))
    events, drawn = hit @ counts, counts.sum(axis=0)
    usable = (events > 0) & (events < drawn)
    middle, scale = spread_of(x, counts) if slope is None else (np.zeros(len(drawn)), np.ones(len(drawn)))
    usable &= scale > SETTLED
    scaled = (x[:, None] - middle) / np.maximum(scale, SETTLED)  # so that steps are of one length whatever the slope
    a, b = np.zeros(len(drawn)), np.full(len(drawn), slope or 0.0)
    counts = counts * usable
    for _ in range(STEPS):
        forward, turn, error = newton(hit, scaled, counts, a, b, both=slope is None)
        a, b = a + forward, b + turn
        settled = (np.abs(forward) < SETTLED) & (np.abs(turn) < SETTLED)
        if (settled | ~usable).all():
            break
    known = usable & settled & (error > SETTLED)  # no error at all: the steeper the better
    b = b / np.maximum(scale, SETTLED)
    return np.where(known, a - b * middle, np.nan), np.where(known, b, np.nan)


def spread_of(x: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation in each resample: both [resample]."""
    drawn = np.maximum(counts.sum(axis=0), 1.0)
    middle = x @ counts / drawn
    return middle, np.sqrt(np.maximum((x**2) @ counts / drawn - middle**2, 0.0))


def newton(
    hit: np.ndarray, x: np.ndarray, counts: np.ndarray, a: np.ndarray, b: np.ndarray, *, both: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a step of intercept and slope, 2 long at most, and the largest error before it, 0 where none is best.

    `x` and `counts` are [patient, resample], the rest but `hit` [resample].
    """
    fitted = 1.0 / (1.0 + np.exp(-np.clip(a + x * b, -500, 500)))
    missed, spread = counts * (hit[:, None] - fitted), counts * fitted * (1 - fitted)
    up, along, error = missed.sum(axis=0), (x * missed).sum(axis=0), np.abs(missed).max(axis=0)
    h_aa, h_ab, h_bb = spread.sum(axis=0), (x * spread).sum(axis=0), (x * x * spread).sum(axis=0)
    if not both:
        return limited(up / np.maximum(h_aa, 1e-300)), np.zeros(len(b)), error
    size = h_aa * h_bb - h_ab**2
    flat = size <= FLAT * h_aa * h_bb  # all that is left to gain lies far away
    safe = np.where(flat, 1.0, size)
    forward = np.where(flat, 0.0, (h_bb * up - h_ab * along) / safe)
    turn = np.where(flat, 0.0, (h_aa * along - h_ab * up) / safe)
    return limited(forward), limited(turn), np.where(flat, 0.0, error)


def limited(step: np.ndarray) -> np.ndarray:
    """Return a step that goes no further than 2 either way."""
    return np.asarray(np.clip(step, -2.0, 2.0))
