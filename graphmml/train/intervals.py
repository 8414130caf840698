"""How sure a mean over folds, or a score on one test set, is."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import t as student


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """Return plain JSON types; None where undefined."""
        return {name: None if np.isnan(value) else value for name, value in asdict(self).items()}


def over_folds(values: np.ndarray, *, train: float, test: float) -> Interval:
    """Corrected resampled t interval of a mean over folds (Nadeau and Bengio, Machine Learning 2003).

    Folds share training patients, so the variance of their mean is s^2 (1/J + test/train) for J folds of
    `train` and `test` patients, not s^2 / J.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        mean = float(known[0]) if len(known) else float("nan")
        return Interval(mean, float("nan"), float("nan"))
    deviation = known.std(ddof=1) * np.sqrt(1 / len(known) + test / train)
    half = float(student.ppf(0.975, len(known) - 1) * deviation)
    return Interval(float(known.mean()), float(known.mean()) - half, float(known.mean()) + half)


def over_patients(score: Callable[[np.ndarray], float], patients: int, *, seed: int = 0, draws: int = 500) -> Interval:
    """Percentile bootstrap over patients: `score` takes the positions drawn (Efron 1979)."""
    random = np.random.default_rng(seed)
    values = np.array([score(random.integers(0, patients, patients)) for _ in range(draws)])
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Interval(score(np.arange(patients)), float(low), float(high))


def span(interval: Interval, sign: str = "", digits: int = 3) -> str:
    """Write a mean with its interval, as 0.902 (.850 to .951) or +0.031 (+.012 to +.050)."""
    # + 0.0 after rounding: nothing is ever -0.000
    mean, low, high = (
        f"{round(value, digits) + 0.0:{sign}.{digits}f}" for value in (interval.mean, interval.low, interval.high)
    )
    if interval.low != interval.low:
        return mean
    return f"{mean} ({low.replace('0.', '.', 1)} to {high.replace('0.', '.', 1)})"
