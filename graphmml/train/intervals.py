"""How sure a mean over folds, or a score on one test set, is."""

from collections.abc import Callable, Iterator
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


def over_folds(values: np.ndarray, *, train: float, test: float, repeats: int = 1) -> Interval:
    """Corrected resampled t interval of a mean over folds (Nadeau and Bengio, Machine Learning 2003).

    Folds share training patients, so the variance of their mean is s^2 (1/J + test/train) for J folds of
    `train` and `test` patients, not s^2 / J. Where the same patients are folded several times (`repeats`), J is the
    folds of one repeat: the others steady the mean, but meet no new patients. Nadeau and Bengio count all folds, by
    which intervals shrink with every repeat and cover the truth ever more rarely (Vanwinckelen and Blockeel, BeneLearn
    2012, warn of it): of five repeats of five of a logistic regression on noise, in 84 to 89 of 100 cohorts, where
    these cover it in 90 to 95. A cohort's own luck is in all its folds, and no interval over folds knows of all of it.
    """
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if len(known) else float("nan")
    spread = deviation(known, train=train, test=test, repeats=repeats)
    half = float(student.ppf(0.975, max(len(known) - 1, 1)) * spread)
    return Interval(mean, mean - half, mean + half)


def p_over_folds(values: np.ndarray, *, train: float, test: float, repeats: int = 1) -> float:
    """Return the two-sided p-value of the corrected resampled t-test of a mean over folds that is zero.

    t = mean / sqrt(s^2 (1/J + test/train)), J the folds of one repeat (see `over_folds`), with one degree of freedom
    fewer than there are folds in all (Nadeau and Bengio 2003); NaN for fewer than two folds, 1 where all differences
    are zero.
    """
    known = values[~np.isnan(values)]
    spread = deviation(known, train=train, test=test, repeats=repeats)
    if np.isnan(spread):
        return float("nan")
    if not spread:
        return 0.0 if known.mean() else 1.0
    return float(2 * student.sf(abs(known.mean()) / spread, len(known) - 1))


def deviation(known: np.ndarray, *, train: float, test: float, repeats: int) -> float:
    """Return the standard deviation of a mean over folds; NaN for fewer than two."""
    if len(known) < 2:
        return float("nan")
    return float(known.std(ddof=1) * np.sqrt(repeats / len(known) + test / train))


def over_draws(mean: float, draws: np.ndarray) -> Interval:
    """Return a value with the middle 95 % of its resamples (Efron 1979)."""
    known = draws[~np.isnan(draws)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Interval(mean, float(low), float(high))


def with_chance_of_training(draws: np.ndarray, values: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Return resamples of a mean over trainings, each moved as far as the mean of so few of them may lie off.

    A resample of patients holds the trained models fixed: two networks that are alike but for their seeds differ on
    the same patients again and again. `values` has one value a training: their mean lies off by their standard
    deviation over the root of their number, times Student's t (Bouthillier et al., MLSys 2021, on seeds as a source of
    variance beside the patients). Of a single training nothing is known, and the resamples stay as they are.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return draws
    off = known.std(ddof=1) / np.sqrt(len(known))
    return np.asarray(draws + off * np.random.default_rng(seed).standard_t(len(known) - 1, size=len(draws)))


def p_over_draws(draws: np.ndarray) -> float:
    """Return the two-sided p-value of a difference that is zero, from its bootstrap (Davison and Hinkley 1997).

    Twice the smaller share of resamples on one side of zero, each resample counted and one added, 1 at most.
    """
    known = draws[~np.isnan(draws)]
    if not len(known):
        return float("nan")
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(known) + 1))


def over_patients(
    score: Callable[[np.ndarray], float],
    patients: int,
    *,
    blocks: np.ndarray | None = None,
    seed: int = 0,
    draws: int = 500,
) -> Interval:
    """Percentile bootstrap over patients: `score` takes the positions drawn (Efron 1979).

    `blocks` numbers patients who are drawn together, as those of one family are: int [patient].
    """
    values = np.array([score(rows) for rows in drawn_rows(patients, blocks, draws, seed)])
    return over_draws(score(np.arange(patients)), values)


def drawn_rows(patients: int, blocks: np.ndarray | None, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the positions that each resample draws, with replacement and blocks whole: int [drawn]."""
    random = np.random.default_rng(seed)
    sizes = np.unique(np.arange(patients) if blocks is None else blocks, return_counts=True)[1]
    if blocks is None or len(sizes) == patients:
        yield from (random.integers(0, patients, patients) for _ in range(draws))
        return
    members = np.split(np.argsort(blocks, kind="stable"), np.cumsum(sizes)[:-1])
    for _ in range(draws):
        yield np.concatenate([members[at] for at in random.integers(0, len(members), len(members))])


def span(interval: Interval, sign: str = "", digits: int = 3) -> str:
    """Write a mean with its interval, as 0.902 (.850 to .951) or +0.031 (+.012 to +.050)."""
    # a bound just below zero keeps its sign, -.000: without it the interval would seem to leave out zero
    ends = (interval.low, interval.high)
    mean, low, high = (f"{value + 0.0:{sign}.{digits}f}" for value in (round(interval.mean, digits), *ends))
    if interval.low != interval.low:
        return mean
    return f"{mean} ({low.replace('0.', '.', 1)} to {high.replace('0.', '.', 1)})"
