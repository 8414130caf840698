"""The calibration curve of one value of a group: what happened where a risk was predicted, smoothed, with a band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

POINTS = 21


@dataclass(frozen=True, eq=False)
class GroupCurve:
    """Observed share by predicted risk, its 95 % band, and how many patients lie within a bandwidth: [point]."""

    model: str
    group: str
    value: str
    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    patients: np.ndarray


def smoothed(hit: np.ndarray, p: np.ndarray, counts: np.ndarray, grid: np.ndarray, width: float) -> np.ndarray:
    """Return the local linear regression of what happened on the predicted risk: float64 [point, resample].

    Linear, so that right risks give the diagonal up to the ends (Fan 1992); the kernel is Gaussian. Values are cut
    to 0 and 1.
    """
    apart = p[None, :] - grid[:, None]
    kernel = np.exp(-0.5 * (apart / width) ** 2)
    s0, s1, s2 = (kernel * apart**power @ counts for power in (0, 1, 2))
    t0, t1 = (kernel * apart**power * hit @ counts for power in (0, 1))
    room = s0 * s2 - s1**2
    flat = np.divide(t0, s0, out=np.full_like(t0, np.nan), where=s0 > 0)
    leaning = np.divide(s2 * t0 - s1 * t1, room, out=flat.copy(), where=room > 1e-9 * np.maximum(s0 * s2, 1e-300))
    return np.asarray(np.clip(leaning, 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class Risks:
    """Some patients' tests, all of one repeat after those of another: who has the class and the risk given, [test]."""

    hit: np.ndarray
    p: np.ndarray
    repeats: int = 1


def bandwidth(tests: Risks) -> float:
    """Return half as wide again as Silverman's (1986) rule, at least 0.03; curves should not follow single patients."""
    patients = len(tests.p) / tests.repeats
    return max(float(1.5 * 1.06 * float(tests.p.std()) * patients**-0.2), 0.03)


def curve_of(names: tuple[str, str, str], tests: Risks, counts: Sequence[np.ndarray], least: int) -> GroupCurve | None:
    """Smooth one value's tests (`names`: model, group, value); `counts` is how often each is drawn, [test, resample].

    Points near fewer than `least` patients are left out, in the mean over repeats.
    """
    hit, p, width = tests.hit, tests.p, bandwidth(tests)
    grid = np.linspace(0.0, 1.0, POINTS)
    near = (np.abs(p[None, :] - grid[:, None]) <= width).sum(axis=1) // tests.repeats
    grid, near = grid[near >= least], near[near >= least]
    if not len(grid):
        return None
    drawn = np.concatenate([smoothed(hit, p, some, grid, width) for some in counts], axis=1)
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=1)
    observed = smoothed(hit, p, np.ones((len(p), 1)), grid, width)[:, 0]
    return GroupCurve(*names, grid, observed, low, high, near)
