"""What units say together: the mean of a score over folds or trainings, and how sure it is."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphmml.train.intervals import (
    Interval,
    drawn_rows,
    over_draws,
    over_folds,
    p_over_draws,
    p_over_folds,
    with_chance_of_training,
)
from graphmml.train.scores import RANGE
from graphmml.train.unit import Unit

DRAWS = 500


def interval_and_p(
    values: np.ndarray, units: list[Unit], draws: np.ndarray | None, *, apart: bool
) -> tuple[Interval, float]:
    """Return the mean of one value a unit (or of differences, `apart`) with its interval, and the p of zero.

    Over folds both are Nadeau and Bengio's. `draws` are the means in resamples of one test set: those of its patients
    and of trainings. Where two models are trained once each, nothing tells their difference from the chance of that.
    """
    if draws is None:
        return folded(values, units), p_over_folds(values, **sizes(units))
    mean = mean_of(list(values))
    if apart and len(units) < 2:
        return Interval(mean, float("nan"), float("nan")), float("nan")
    moved = with_chance_of_training(draws, values)
    return over_draws(mean, moved), p_over_draws(moved)


def clipped(interval: Interval, metric: str = "auroc", *, difference: bool = False) -> Interval:
    """Return an interval that stays where the score, or the difference of two, can be."""
    low, high = RANGE.get(metric, (0.0, 1.0))
    low, high = (low - high, high - low) if difference else (low, high)
    return Interval(interval.mean, float(np.clip(interval.low, low, high)), float(np.clip(interval.high, low, high)))


def over_tested(blocks: np.ndarray, score: Callable[[Unit, np.ndarray], float], units: list[Unit]) -> Interval:
    """Return the mean over units of any score on one test set, with its interval over patients and trainings.

    `blocks` numbers the tested patients who are drawn together: int [patient].
    """
    values = np.array([score(unit, np.arange(len(blocks))) for unit in units])
    draws = [mean_of([score(unit, rows) for unit in units]) for rows in drawn_rows(len(blocks), blocks, DRAWS, seed=0)]
    return over_draws(mean_of(list(values)), with_chance_of_training(np.array(draws), values))


def folded(values: np.ndarray, units: list[Unit]) -> Interval:
    """Return the interval of one value a fold."""
    return over_folds(values, **sizes(units))


def sizes(units: list[Unit]) -> dict[str, Any]:
    """Return how many patients a fold trains and tests in the mean, and how often all are folded."""
    return {
        "repeats": len({unit.repeat for unit in units}),
        "train": float(np.mean([unit.trained for unit in units])),
        "test": float(np.mean([len(unit.codes) for unit in units])),
    }


def mean_of(values: list[float]) -> float:
    """Return the mean of those that are defined."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
