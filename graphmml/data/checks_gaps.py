"""Findings on what is absent: empty modalities, and gaps that follow the outcome or a group."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Asked, not_applicable, setting, some
from graphmml.data.cohort import Cohort
from graphmml.data.contingency import crossed, holm, p_value
from graphmml.data.findings import Finding, Status
from graphmml.data.telling import CHANCE, Target, level_share_auc, number_auc, targets, why_not, within

FEWEST_OF_A_LEVEL = 10


class Gap(NamedTuple):
    """One thing that some patients have and others lack."""

    modality: str
    column: str  # "" stands for the whole modality
    known: np.ndarray  # whose gap counts: bool [patient]
    lacking: np.ndarray  # bool [patient]


Scores = dict[tuple[str, str], tuple[float, str]]
"""Modality and column ("" for the whole) -> AUROC, and what more there is to say of it."""


def absent_modalities(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM501: modalities that most patients lack."""
    found = []
    for at, modality in enumerate(cohort.modalities):
        without = int((~cohort.present[:, at]).sum())
        if without > asked.limit("GM501", "absent") * len(cohort):
            message = f"modality '{modality}' is absent in {asked.counted(without)} of {len(cohort)} patients"
            fix = f"check the ids of [modality.{modality}]; if it is truly so rare, compare with a run without it"
            found.append(Finding("GM501", "warn", message, fix))
    return found


def gaps(cohort: Cohort) -> Iterator[Gap]:
    """Yield whole modalities, and columns among the patients who have the modality, where some lack it."""
    everybody = np.ones(len(cohort), dtype=bool)
    for at, (modality, table) in enumerate(cohort.tables.items()):
        here = cohort.present[:, at]
        if here.any() and not here.all():
            yield Gap(modality, "", everybody, ~here)
        empty = table.isna().to_numpy()
        for column in np.flatnonzero(empty[here].any(axis=0) & ~empty[here].all(axis=0)):
            yield Gap(modality, str(table.columns[column]), here, empty[:, column])


def gaps_by_outcome(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM502: modalities and columns whose absence goes with the outcome."""
    questions = targets(cohort.outcome)
    if not questions:
        return not_applicable("GM502", why_not(cohort.outcome))
    tried = len(questions) * sum(1 + table.shape[1] for table in cohort.tables.values())
    strata = {name: cohort.groups[name].factorize()[0] for name in cohort.groups}
    scores: Scores = {}
    for gap in gaps(cohort):
        each = [gap_auc(gap, target, tried) for target in questions]
        if max(each) > asked.limit("GM502", "warn"):
            left = left_within(gap, questions[each.index(max(each))], strata)
            scores[gap.modality, gap.column] = (max(each), left)
    return said_of_gaps("GM502", scores, "", asked.limit("GM502", "fail"))


def gap_auc(gap: Gap, target: Target, tried: int) -> float:
    """Return how well lacking something predicts the outcome, in either direction, beyond chance."""
    return number_auc(np.where(gap.known, gap.lacking, np.nan), target, tried)


def left_within(gap: Gap, target: Target, strata: dict[str, np.ndarray]) -> str:
    """Say what is left of a gap's AUROC within the group that leaves least of it; "" without a group."""
    rows, case = target
    here = gap.known[rows]
    left = {
        name: abs(within(gap.lacking[rows][here].astype(np.float64), case[here], codes[rows][here]) - 0.5) + 0.5
        for name, codes in strata.items()
    }
    least = min(left, key=lambda name: left[name], default="")
    return f", within '{least}' {left[least]:.2f}" if least else ""


def gaps_by_group(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM503: modalities and columns that some groups lack and others have."""
    groups = {name: common_levels(cohort.groups[name]) for name in cohort.groups}
    groups = {name: codes for name, codes in groups.items() if codes.max(initial=-1) > 0}
    if not groups:
        return not_applicable("GM503", "no group with two values of ten patients or more is declared")
    found = []
    everything = list(gaps(cohort))
    for name, codes in groups.items():
        tables = [crossed(np.where(gap.known, codes, -1), gap.lacking.astype(np.int64)) for gap in everything]
        p = holm([p_value(table) * len(groups) for table in tables])
        scores: Scores = {}
        for gap, chance in zip(everything, p, strict=True):
            if chance < CHANCE:
                score = level_share_auc(np.where(gap.known, codes, -1), gap.lacking)
                if score > asked.limit("GM503", "warn"):
                    scores[gap.modality, gap.column] = (score, "")
        found += said_of_gaps("GM503", scores, str(name), np.inf)
    return found


def common_levels(column: pd.Series) -> np.ndarray:
    """Number the values of a group that ten patients have; -1 for the others: int [patient]."""
    codes = column.factorize(sort=True)[0]
    sizes = np.bincount(codes[codes >= 0], minlength=1)
    common = np.where(sizes >= FEWEST_OF_A_LEVEL, np.cumsum(sizes >= FEWEST_OF_A_LEVEL) - 1, -1)
    return np.where(codes >= 0, common[codes], -1)


def said_of_gaps(code: str, scores: Scores, group: str, fail_above: float) -> list[Finding]:
    """Put scores of gaps into one finding for a whole modality and one for its columns; no group is the outcome."""
    how = f"can be told from '{group}'" if group else "predicts the outcome"
    found = []
    for modality in dict.fromkeys(name for name, _ in scores):
        if (modality, "") in scores:
            score, more = scores[modality, ""]
            message = f"whether modality '{modality}' is there {how} (AUROC {score:.2f}{more}; chance .5)"
            remedy = f"delete [modality.{modality}]"
            found.append(Finding(code, "fail" if score > fail_above else "warn", message, gap_fix(group, remedy)))
        columns = {column: score for (name, column), score in scores.items() if name == modality and column}
        if columns:
            listed = sorted(columns, key=lambda column: -columns[column][0])
            said = some([f"{column} ({columns[column][0]:.2f}{columns[column][1]})" for column in listed])
            message = f"modality '{modality}': that a value is missing {how} (AUROC, chance .5): {said}"
            status: Status = "fail" if columns[listed[0]][0] > fail_above else "warn"
            found.append(Finding(code, status, message, gap_fix(group, setting("drop", listed, modality))))
    return found


def gap_fix(group: str, remedy: str) -> str:
    """Say what to do about gaps that follow a group, or (no group) the outcome."""
    if group:
        return f"what is missing names the {group}: judge with graphmml cv --leave-out {group}, or {remedy}"
    return f"find out why; if it is measured because of the outcome: {remedy}"
