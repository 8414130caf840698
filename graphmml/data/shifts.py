"""Shifts: new values of columns that are likely in another unit, or stand for missing, as training's were not."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from graphmml.data.checks_columns import SENTINELS
from graphmml.data.checks_units import FACTORS, fahrenheit

DEVIATIONS = 5.0
"""A median further from training's than so many standard deviations has shifted."""
FEWEST = 3
"""The median of fewer new values is not judged."""
NEAR = 0.15
"""A ratio of medians may miss a known factor by so much, on the scale of logarithms."""
MOST = 6
"""So many columns are named, the rest is counted."""


def stand(values: np.ndarray) -> np.ndarray:
    """Return each column's median, standard deviation, smallest and largest value: float64 [4, column], NaN if none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns without a value
        return np.stack([measure(values, axis=0) for measure in (np.nanmedian, np.nanstd, np.nanmin, np.nanmax)])


def shifts(known: np.ndarray, columns: Sequence[str], values: np.ndarray) -> Iterator[str]:
    """Say of each column whose new values [patient, column] have shifted how far, and which change of unit would do it.

    They have where their median lies five standard deviations off, or outside everything seen in training (`known`,
    as `stand` returns it): for glucose in mmol/L where it was mg/dL the former may not hold, for nothing is below zero.
    """
    if len(values) < FEWEST:
        return
    median = stand(values)[0]
    middle, deviation, low, high = known
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.abs(median - middle) / deviation
        outside = (median < low) | (median > high)
    enough = (~np.isnan(values)).sum(axis=0) >= FEWEST
    moved = np.flatnonzero(enough & (deviation > 0) & ((away > DEVIATIONS) | outside))
    for at in moved[:MOST]:
        here = values[~np.isnan(values[:, at]), at]
        yield (
            f"column {columns[at]} has a median of {median[at]:.3g} and had {middle[at]:.3g} in training, "
            f"{away[at]:.1f} standard deviations away{' and outside its range' if outside[at] else ''}; "
            + (factor(here, float(median[at]), float(middle[at])) or "another unit, or other patients?")
        )
    if len(moved) > MOST:
        yield f"{len(moved) - MOST} more columns have shifted as far"


def stand_ins(known: np.ndarray, columns: Sequence[str], values: np.ndarray) -> Iterator[str]:
    """Say where a number that often stands for missing lies far outside what training saw (`known`, as of `stand`).

    Farther than training's whole range from its end: 99 years are an age, 99 mmol/L of potassium are not. A new
    cohort's file may lack the `na` of training's.
    """
    _, _, low, high = known
    with np.errstate(invalid="ignore"):
        far = (values < 2 * low - high) | (values > 2 * high - low)
    found = far & np.isin(values, list(SENTINELS))
    for at in np.flatnonzero(found.any(axis=0))[:MOST]:
        marks = [f"{mark:g}" for mark in np.unique(values[found[:, at], at])]
        written = ", ".join(f'"{mark}"' for mark in marks)
        yield (
            f"column {columns[at]} is {' or '.join(marks)} for {found[:, at].sum()} of "
            f"{len(values)} patients, far outside its range in training; if that stands for missing, say so in the "
            f"cohort's file: na = [{written}]"
        )


def factor(new: np.ndarray, median: float, known: float) -> str:
    """Say which known change of unit the ratio of two medians is near to; "" for none."""
    if fahrenheit(new, np.array([known])):
        return "it could be degrees Fahrenheit and Celsius"
    if median <= 0 or known <= 0:
        return ""
    moved = abs(np.log(median / known))
    near = sorted((abs(moved - np.log(size)), words) for size, words in FACTORS)
    fits = [words for off, words in near if off <= NEAR]
    return f"another unit? The factor fits {'; or '.join(fits)}" if fits else ""
