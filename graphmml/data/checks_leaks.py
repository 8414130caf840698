"""Findings on what gives the outcome away: missingness, single columns, ids and the order of rows."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from graphmml.data.checks_outcome import NO_OUTCOME
from graphmml.data.checks_words import Counted, not_applicable, setting, some
from graphmml.data.cohort import Cohort
from graphmml.data.columns import is_number
from graphmml.data.findings import Finding, Status
from graphmml.data.outcome import Outcome

TELLS_SOME, TELLS_MUCH, TELLS_ALL = 0.6, 0.95, 0.99
SMALLEST_SIDE = 5
CHANCE = 0.01
PARTS = 5
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
        asked = [(rows, (values == name).to_numpy(dtype=bool)) for name in chosen]
    elif outcome.event is None:
        asked = [(rows, (values > values.median()).to_numpy(dtype=bool))]
    else:
        early = (values <= values.median()).to_numpy(dtype=bool)
        clear = ~early | (outcome.event.iloc[rows] == 1).to_numpy(dtype=bool)  # censored early: nobody knows
        asked = [(rows[clear], early[clear])]
    return [target for target in asked if min(target[1].sum(), (~target[1]).sum()) >= SMALLEST_SIDE]


def auc(score: np.ndarray, case: np.ndarray) -> float:
    """Return the share of pairs (case, other) in which the case scores higher, ties counted half."""
    cases = int(case.sum())
    ranks = rankdata(score)[case].sum()
    return float((ranks - cases * (cases + 1) / 2) / (cases * (len(case) - cases)))


def beyond_chance(value: float, case: np.ndarray, tried: int) -> bool:
    """Whether an AUROC differs from a half by more than the luckiest of `tried` columns would."""
    cases = int(case.sum())
    deviation = np.sqrt((len(case) + 1) / (12 * cases * (len(case) - cases)))
    return bool(abs(value - 0.5) > norm.isf(CHANCE / (2 * tried)) * deviation)


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
    """Return how well a level's share of cases among *other* patients orders cases; codes below 0 are missing.

    Each fifth of the patients is scored by the other four, so that a column of ids, which would fit
    everything, predicts nothing.
    """
    rows, case = target
    level = codes[rows]
    level, case = level[level >= 0], case[level >= 0]
    if min(case.sum(), (~case).sum()) < SMALLEST_SIDE:
        return 0.5
    part = parts(case)
    cell = level * PARTS + part
    size = PARTS * (int(level.max()) + 1)
    seen = np.bincount(cell, minlength=size).reshape(-1, PARTS)
    ill = np.bincount(cell, weights=case, minlength=size).reshape(-1, PARTS)
    others, cases = (counts.sum(axis=1, keepdims=True) - counts for counts in (seen, ill))
    score = (cases + case.mean()) / (others + 1)
    found = auc(score[level, part], case)
    return found if found > 0.5 and beyond_chance(found, case, tried) else 0.5


def parts(case: np.ndarray) -> np.ndarray:
    """Deal cases and others evenly into fifths by chance: int [patient]."""
    order = np.random.default_rng(0).permutation(len(case))
    part = np.empty(len(case), dtype=np.int64)
    for side in (True, False):
        chosen = order[case[order] == side]
        part[chosen] = np.arange(len(chosen)) % PARTS
    return part


def column_auc(column: pd.Series, asked: list[Target], tried: int) -> float:
    """Return the best AUROC of one column over the yes/no questions."""
    if is_number(column):
        values = column.to_numpy(dtype=np.float64)
        return max(number_auc(values, target, tried) for target in asked)
    codes = column.factorize()[0].astype(np.int64)
    return max(level_auc(codes, target, tried) for target in asked)


def telling_gaps(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM502: modalities and columns whose absence goes with the outcome."""
    asked = targets(cohort.outcome)
    if not asked:
        return not_applicable("GM502", NO_OUTCOME if cohort.outcome is None else TOO_SMALL)
    tried = len(asked) * sum(1 + table.shape[1] for table in cohort.tables.values())
    found = []
    for at, (modality, table) in enumerate(cohort.tables.items()):
        here = cohort.present[:, at]
        whole = max(number_auc(here.astype(np.float64), target, tried) for target in asked)
        if whole > TELLS_SOME:
            message = f"whether modality '{modality}' is there predicts the outcome (AUROC {whole:.2f})"
            fix = f"find out why; if it is there because of the outcome, delete [modality.{modality}]"
            found.append(Finding("GM502", gap_status(whole), message, fix))
        scores = dict(gap_scores(table, here, asked, tried))
        if scores:
            listed = sorted(scores, key=lambda column: -scores[column])
            said = some([f"{column} ({scores[column]:.2f})" for column in listed])
            message = f"modality '{modality}': that a value is missing predicts the outcome (AUROC): {said}"
            fix = f"find out why; if measured because of the outcome: {setting('drop', listed, modality)}"
            found.append(Finding("GM502", gap_status(scores[listed[0]]), message, fix))
    return found


def gap_status(value: float) -> Status:
    """Fail what is filled for one class alone; warn of what merely leans."""
    return "fail" if value > TELLS_MUCH else "warn"


def gap_scores(table: pd.DataFrame, here: np.ndarray, asked: list[Target], tried: int) -> Iterator[tuple[str, float]]:
    """Yield the columns whose gaps, among patients who have the modality, predict the outcome."""
    gaps = table.isna().to_numpy()
    for at in np.flatnonzero(gaps[here].any(axis=0) & ~gaps[here].all(axis=0)):
        score = np.where(here, gaps[:, at], np.nan)
        best = max(number_auc(score, target, tried) for target in asked)
        if best > TELLS_SOME:
            yield str(table.columns[at]), best


def telling_columns(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM602: single columns that all but are the outcome."""
    asked = targets(cohort.outcome)
    if not asked:
        return not_applicable("GM602", NO_OUTCOME if cohort.outcome is None else TOO_SMALL)
    tried = len(asked) * sum(table.shape[1] for table in cohort.tables.values())
    found = []
    for modality, table in cohort.tables.items():
        scores = {str(column): column_auc(table[column], asked, tried) for column in table.columns}
        levels: list[tuple[Status, float, float]] = [("fail", TELLS_ALL, np.inf), ("warn", TELLS_MUCH, TELLS_ALL)]
        for status, above, to in levels:
            chosen = sorted((name for name in scores if above < scores[name] <= to), key=lambda name: -scores[name])
            if chosen:
                said = some([f"{column} ({scores[column]:.3f})" for column in chosen])
                message = f"modality '{modality}': {len(chosen)} column(s) predict the outcome alone (AUROC): {said}"
                fix = f"if known only after the outcome: {setting('drop', chosen, modality)}"
                found.append(Finding("GM602", status, message, fix))
    return found


def telling_order(cohort: Cohort, counted: Counted) -> list[Finding]:
    """GM603: ids, or the order of rows, that give the outcome away."""
    asked = targets(cohort.outcome)
    if not asked:
        return not_applicable("GM603", NO_OUTCOME if cohort.outcome is None else TOO_SMALL)
    traits = order_traits(cohort.ids)
    said = []
    for what, codes in traits.items():
        best = max(level_auc(codes, target, len(traits) * len(asked)) for target in asked)
        if best > TELLS_SOME:
            said.append(f"{what} ({best:.2f})")
    if not said:
        return []
    message = f"the outcome can be told from what is no measurement (AUROC): {', '.join(said)}"
    fix = "find out what the rows are sorted by (outcome, hospital, year); if by hospital, add [group.hospital]"
    return [Finding("GM603", "warn", message, fix)]


def order_traits(ids: pd.Index) -> dict[str, np.ndarray]:
    """Cut the order of rows, the order of ids, and the letters of ids into levels: int [patient]."""
    text = pd.Series(ids.astype("str")).reset_index(drop=True)
    bins = int(np.clip(len(ids) // 20, 2, 20))
    digits = text.str.extract(r"(\d{1,15})\D*$")[0]
    place = text.rank() if digits.isna().any() else digits.astype("float64").rank()
    return {
        "the order of rows": np.arange(len(ids)) * bins // max(len(ids), 1),
        "the order of ids": ((place - 1) * bins // max(len(ids), 1)).to_numpy(dtype=np.int64),
        "the letters of ids": text.str.replace(r"\d+", "#", regex=True).factorize()[0].astype(np.int64),
    }
