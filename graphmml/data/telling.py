"""What one column tells of the outcome, put as yes/no questions and scored by AUROC beyond chance."""

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata

from graphmml.data.columns import is_number
from graphmml.data.outcome import Outcome

SMALLEST_SIDE = 5
CHANCE = 0.01
PARTS = 5
NO_OUTCOME = "the cohort has no outcome"
TOO_SMALL = "the outcome does not split the patients into two sides of five or more"

Target = tuple[np.ndarray, np.ndarray]
"""Positions of patients, and whether each is a case: int [patient], bool [patient]."""


def targets(outcome: Outcome | None) -> list[Target]:
    """Put the outcome as yes/no questions: each class or the rest, above the median, event before the median time."""
    if outcome is None:
        return []
    rows = np.flatnonzero(outcome.known)
    values = outcome.values.iloc[rows]
    if outcome.kind == "class":
        chosen = outcome.classes[-1:] if len(outcome.classes) == 2 else outcome.classes
        questions = [(rows, (values == name).to_numpy(dtype=bool)) for name in chosen]
    elif outcome.event is None:
        questions = [(rows, (values > values.median()).to_numpy(dtype=bool))]
    else:
        early = (values <= values.median()).to_numpy(dtype=bool)
        clear = ~early | (outcome.event.iloc[rows] == 1).to_numpy(dtype=bool)  # censored early: nobody knows
        questions = [(rows[clear], early[clear])]
    return [target for target in questions if min(target[1].sum(), (~target[1]).sum()) >= SMALLEST_SIDE]


def auc(score: np.ndarray, case: np.ndarray) -> float:
    """Return the share of pairs (case, other) in which the case scores higher, ties counted half."""
    cases = int(case.sum())
    ranks = rankdata(score)[case].sum()
    return float((ranks - cases * (cases + 1) / 2) / (cases * (len(case) - cases)))


def beyond_chance(value: float, case: np.ndarray, tried: int) -> bool:
    """Whether an AUROC differs from a half by more than the luckiest of `tried` columns would."""
    cases = int(case.sum())
    deviation = np.sqrt((len(case) + 1) / (12 * cases * (len(case) - cases)))
    return bool(abs(value - 0.5) > -ndtri(CHANCE / (2 * tried)) * deviation)


def number_auc(values: np.ndarray, target: Target, tried: int) -> float:
    """Return how well a number alone orders cases before others, in either direction; 0.5 where nothing can be said."""
    rows, case = target
    score = values[rows]
    known = ~np.isnan(score)
    score, case = score[known], case[known]
    if min(case.sum(), (~case).sum()) < SMALLEST_SIDE:
        return 0.5
    found = auc(score, case)
    return max(found, 1 - found) if beyond_chance(found, case, tried) else 0.5


def level_auc(codes: np.ndarray, target: Target, tried: int) -> float:
    """Return how well a level's share of cases among *other* patients orders cases; 0.5 where chance would do."""
    rows, case = target
    level = codes[rows]
    case = case[level >= 0]
    if min(case.sum(), (~case).sum()) < SMALLEST_SIDE:
        return 0.5
    found = level_share_auc(level[level >= 0], case)
    return found if found > 0.5 and beyond_chance(found, case, tried) else 0.5


def level_share_auc(level: np.ndarray, case: np.ndarray) -> float:
    """Return the AUROC of scoring each fifth of the patients by their level's share of cases in the other four.

    So a column of ids, which would fit everything, predicts nothing. Levels below 0 are unknown and left out.
    """
    level, case = level[level >= 0], case[level >= 0]
    if not case.any() or case.all():
        return 0.5
    return auc(level_scores(level, case), case)


def level_scores(level: np.ndarray, case: np.ndarray) -> np.ndarray:
    """Return for each patient the share of cases at the patient's level in the four other fifths: float [patient]."""
    part = parts(case)
    cell = level * PARTS + part
    size = PARTS * (int(level.max()) + 1)
    seen = np.bincount(cell, minlength=size).reshape(-1, PARTS)
    ill = np.bincount(cell, weights=case, minlength=size).reshape(-1, PARTS)
    others, cases = (counts.sum(axis=1, keepdims=True) - counts for counts in (seen, ill))
    return np.asarray(((cases + case.mean()) / (others + 1))[level, part])


def within(score: np.ndarray, case: np.ndarray, strata: np.ndarray) -> float:
    """Return the share of pairs (case, other) of one stratum in which the case scores higher; 0.5 if there is none.

    Codes of strata below 0 are unknown and left out.
    """
    ordered = pairs = 0.0
    for stratum in np.unique(strata[strata >= 0]):
        here = strata == stratum
        both = float(case[here].sum()) * float((~case[here]).sum())
        if both:
            ordered += both * auc(score[here], case[here])
            pairs += both
    return ordered / pairs if pairs else 0.5


def parts(case: np.ndarray) -> np.ndarray:
    """Deal cases and others evenly into fifths by chance: int [patient]."""
    order = np.random.default_rng(0).permutation(len(case))
    part = np.empty(len(case), dtype=np.int64)
    for side in (True, False):
        chosen = order[case[order] == side]
        part[chosen] = np.arange(len(chosen)) % PARTS
    return part


def why_not(outcome: Outcome | None) -> str:
    """Say why there is no question to ask."""
    return NO_OUTCOME if outcome is None else TOO_SMALL


def column_auc(column: pd.Series, questions: list[Target], tried: int) -> float:
    """Return the best AUROC of one column over the yes/no questions."""
    if is_number(column):
        values = column.to_numpy(dtype=np.float64)
        return max(number_auc(values, target, tried) for target in questions)
    codes = column.factorize()[0].astype(np.int64)
    return max(level_auc(codes, target, tried) for target in questions)
