"""Findings on units: a column of numbers that one site, or one side of the official split, writes in another unit."""

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Asked, not_applicable
from graphmml.data.cohort import Cohort, number_columns
from graphmml.data.findings import Finding
from graphmml.data.telling import auc

FEWEST = 8
"""A group of fewer values is not judged."""
MOST_LEVELS = 100
SMALL_FACTOR = 3.0
"""Below, sites that measure higher are met more often than other units, so that ranges must be apart."""
MOST_DOUBT = 0.25

FACTORS: tuple[tuple[float, str], ...] = (
    (10.0, "10, as between g/L and g/dL, or mm and cm"),
    (100.0, "100, as between a share and per cent, or m and cm"),
    (1000.0, "1000, as between g and mg, or mL and L"),
    (1e6, "a million, as between mol and µmol"),
    (18.016, "18, as of glucose between mg/dL and mmol/L"),
    (38.67, "38.7, as of cholesterol between mg/dL and mmol/L"),
    (88.57, "88.5, as of triglycerides between mg/dL and mmol/L, or creatinine between µmol/L and mg/dL"),
    (17.1, "17.1, as of bilirubin between µmol/L and mg/dL"),
    (59.48, "59.5, as of uric acid between µmol/L and mg/dL"),
    (2.801, "2.8, as of urea nitrogen between mg/dL and mmol/L"),
    (4.008, "4, as of calcium between mg/dL and mmol/L"),
    (7.501, "7.5, as of a pressure between mmHg and kPa"),
    (2.54, "2.54, as between inches and centimetres"),
    (2.2046, "2.2, as between pounds and kilograms"),
    (30.48, "30.5, as between feet and centimetres"),
    (12.0, "12, as between months and years"),
    (30.44, "30.4, as between days and months"),
    (365.25, "365, as between days and years"),
    (7.0, "7, as between days and weeks"),
)
"""How many times as large a number is in one unit as in another (either way round), and of what that is known."""


class Shift(NamedTuple):
    """One value of a group whose numbers stand elsewhere."""

    modality: str
    column: str
    group: str
    level: str
    size: int
    here: float  # the median at this value of the group ...
    elsewhere: float  # ... and at the others
    guess: str


def units(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM115: numbers that are a factor, or a change of temperature scale, away at one value of a group."""
    groups = groupings(cohort)
    if not groups:
        return not_applicable("GM115", "no group and no split is declared, whose units could differ")
    found = []
    for modality, table in cohort.tables.items():
        columns = number_columns(table)
        values = table[columns].to_numpy(dtype=np.float64)
        for group, (codes, names) in groups.items():
            for at in moved_columns(values, codes):
                for shift in shifts(values[:, at], codes, names, asked):
                    told = shift._replace(modality=modality, column=columns[at], group=group)
                    found.append(unit_finding(told, asked))
    return found


def moved_columns(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the columns in which some value of a group lies half a spread off, for the others need no closer look."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns without a value
        middle = np.nanmedian(values, axis=0)
        wide = 1.4826 * np.nanmedian(np.abs(values - middle), axis=0)
        levels = [np.nanmedian(values[codes == code], axis=0) for code in np.unique(codes[codes >= 0])]
        return np.flatnonzero((np.abs(np.array(levels) - middle) > 0.5 * wide).any(axis=0))


def unit_finding(shift: Shift, asked: Asked) -> Finding:
    """Put a shift into words."""
    level = f"'{shift.level[:80]}'" if shift.size >= asked.min_cell else "one value"
    message = (
        f"modality '{shift.modality}': {shift.column} seems to be in another unit where {shift.group} is {level}: "
        f"median {shift.here:.3g} there and {shift.elsewhere:.3g} elsewhere, and the ranges hardly overlap; "
        f"{shift.guess}"
    )
    fix = f"ask which unit is meant and write {shift.column} in one unit, or drop it under [modality.{shift.modality}]"
    return Finding("GM115", "warn", message, fix)


def groupings(cohort: Cohort) -> dict[str, tuple[np.ndarray, pd.Index]]:
    """Return the groups and the split as codes and names, those of one value or of too many left out."""
    columns = {f"'{name}'": cohort.groups[name] for name in cohort.groups}
    if cohort.split is not None:
        columns["the official split"] = cohort.split
    coded = {name: column.factorize(sort=True) for name, column in columns.items()}
    return {name: (codes, names) for name, (codes, names) in coded.items() if 2 <= len(names) <= MOST_LEVELS}


def shifts(values: np.ndarray, codes: np.ndarray, names: pd.Index, asked: Asked) -> Iterator[Shift]:
    """Yield the values of a group whose numbers differ from all others' as another unit would make them."""
    known = ~np.isnan(values) & (codes >= 0)
    sizes = np.bincount(codes[known], minlength=len(names))
    judged = np.flatnonzero(sizes >= FEWEST)
    if len(judged) < 2 or len(np.unique(values[known])) < FEWEST:
        return
    parts = [values[known & (codes == code)] for code in judged]
    middles = np.array([np.median(part) for part in parts])
    for at, code in enumerate(judged):
        if len(judged) == 2 and abs(middles[at]) < np.abs(middles).max():
            continue  # of two, either may be the other one's unit: named once
        others = [part for place, part in enumerate(parts) if place != at]
        guess = changed(parts[at], others, asked)
        if guess:
            elsewhere = float(np.median(np.concatenate(others)))
            yield Shift("", "", "", str(names[code]), len(parts[at]), float(middles[at]), elsewhere, guess)


def changed(here: np.ndarray, others: list[np.ndarray], asked: Asked) -> str:
    """Say which change of unit would explain the difference from the other values of a group; "" where none does."""
    rest = np.concatenate(others)
    if abs(np.median(here) - np.median(rest)) <= spread(rest):
        return ""
    case = np.concatenate([np.ones(len(here), dtype=bool), np.zeros(len(rest), dtype=bool)])
    apart = abs(auc(np.concatenate([here, rest]), case) - 0.5) + 0.5
    if apart < asked.limit("GM115", "auroc_known"):
        return ""
    if fahrenheit(here, rest):
        return "it could be degrees Fahrenheit and Celsius"
    if min((here > 0).mean(), (rest > 0).mean()) < asked.limit("GM115", "positive"):
        return ""
    return factor_of(np.log(here[here > 0]), [np.log(part[part > 0]) for part in others], apart, asked)


def factor_of(one: np.ndarray, others: list[np.ndarray], apart: float, asked: Asked) -> str:
    """Say by which factor logarithms are moved, further than the other values of the group are from each other."""
    middles = np.array([np.median(part) for part in others])
    middle = float(np.median(middles))
    other = np.concatenate([part - np.median(part) + middle for part in others])
    moved = abs(float(np.median(one)) - middle)
    if moved < asked.limit("GM115", "apart") * np.ptp(middles) or not stretched(one, other, moved, asked):
        return ""
    clear = apart >= asked.limit("GM115", "auroc_any")
    near = [(abs(moved - np.log(factor)), factor, said) for factor, said in FACTORS]
    best, factor, said = min(near)
    if best <= doubt(one, other) + np.ptp(middles) / 2 and (clear or factor >= SMALL_FACTOR):
        return f"the factor fits {said}"
    return f"a factor of about {np.exp(moved):.3g}" if clear and moved >= np.log(asked.limit("GM115", "factor")) else ""


def stretched(one: np.ndarray, other: np.ndarray, moved: float, asked: Asked) -> bool:
    """Whether logarithms have the same spread: another unit stretches numbers, a site that measures higher does not.

    A difference of that size that were added would change the spread by the whole factor; half of it, on the scale
    of logarithms, is where adding and stretching are told apart.
    """
    ratio = abs(np.log((spread(one) + 0.01) / (spread(other) + 0.01)))
    return bool(ratio <= min(np.log(asked.limit("GM115", "spread")), moved / 2))


def doubt(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far two medians of logarithms may lie from a factor by chance."""
    errors = spread(one) / np.sqrt(len(one)), spread(other) / np.sqrt(len(other))
    return float(min(0.03 + 3.0 * np.hypot(*errors), MOST_DOUBT))


def fahrenheit(here: np.ndarray, rest: np.ndarray) -> bool:
    """Whether one side is body temperature in degrees Celsius, and the other in degrees Fahrenheit."""
    for warm, cold in ((here, rest), (rest, here)):
        body = 34.0 < np.median(cold) < 41.0 and spread(cold) < 2.0
        if body and abs((np.median(warm) - 32.0) / 1.8 - np.median(cold)) < 1.0:
            return True
    return False


def spread(values: np.ndarray) -> float:
    """Return the median distance from the median, scaled to be a standard deviation of normal numbers."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
