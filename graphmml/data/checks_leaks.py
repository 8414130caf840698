"""Findings on what gives the outcome away: single columns, columns filled for one class, ids and the order of rows."""

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Asked, not_applicable, setting, some
from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding, Status
from graphmml.data.telling import CHANCE, Target, column_auc, level_auc, level_scores, targets, why_not, within


def telling_columns(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM602: single columns that all but are the outcome."""
    questions = targets(cohort.outcome)
    if not questions:
        return not_applicable("GM602", why_not(cohort.outcome))
    tried = len(questions) * sum(table.shape[1] for table in cohort.tables.values())
    much, all_but = asked.limit("GM602", "warn"), asked.limit("GM602", "fail")
    found = []
    for modality, table in cohort.tables.items():
        scores = {str(name): column_auc(column, questions, tried) for name, column in table.items()}
        levels: list[tuple[Status, float, float]] = [("fail", all_but, np.inf), ("warn", much, all_but)]
        for status, above, to in levels:
            chosen = sorted((name for name in scores if above < scores[name] <= to), key=lambda name: -scores[name])
            if chosen:
                said = some([f"{column} ({scores[column]:.3f})" for column in chosen])
                message = (
                    f"modality '{modality}': {len(chosen)} column(s), each taken alone, predict the outcome "
                    f"(AUROC, chance .5): {said}"
                )
                fix = f"if known only after the outcome: {setting('drop', chosen, modality)}"
                found.append(Finding("GM602", status, message, fix))
    return found


def telling_order(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM603: ids, or the order of rows, that give the outcome away."""
    questions = targets(cohort.outcome)
    if not questions:
        return not_applicable("GM603", why_not(cohort.outcome))
    traits = order_traits(cohort.ids)
    limit, said, explained = asked.limit("GM603", "warn"), [], {}
    for what, codes in traits.items():
        scores = [level_auc(codes, target, len(traits) * len(questions)) for target in questions]
        best = max(scores)
        if best <= limit:
            continue
        group, left = left_within_group(cohort, codes, questions[scores.index(best)])
        if group and left <= limit:
            explained[what] = group
        else:
            said.append(f"{what} ({best:.2f}{f', within {group!r} {left:.2f}' if group else ''})")
    if not said:
        return [Finding("GM603", "pass", because(explained))] if explained else []
    message = f"the outcome can be told from what is no measurement (AUROC, chance .5): {', '.join(said)}"
    why = "cases and others were listed apart" if len(cohort.groups.columns) else "if by hospital, add [group.hospital]"
    fix = f"find out what the rows are sorted by (outcome, hospital, year); {why}"
    return [Finding("GM603", "warn", message, fix)]


def left_within_group(cohort: Cohort, codes: np.ndarray, target: Target) -> tuple[str, float]:
    """Return the declared group that leaves an order least to tell of the outcome, and the AUROC within it."""
    rows, case = target
    score = level_scores(codes[rows], case)
    left = {
        str(name): abs(within(score, case, cohort.groups[name].factorize()[0][rows]) - 0.5) + 0.5
        for name in cohort.groups
    }
    least = min(left, key=lambda name: left[name], default="")
    return least, left.get(least, 0.5)


def because(explained: dict[str, str]) -> str:
    """Say which order follows which group."""
    said = ", ".join(f"{what} follows '{group}'" for what, group in explained.items())
    return f"{said}, which is declared, and within it tells nothing of the outcome"


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


def one_sided_columns(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM604: columns filled for one side of the outcome alone, however few patients that are."""
    questions = targets(cohort.outcome)
    if not questions:
        return not_applicable("GM604", why_not(cohort.outcome))
    tried = len(questions) * sum(table.shape[1] for table in cohort.tables.values())
    found = []
    for modality, table in cohort.tables.items():
        filled = table.notna().to_numpy()
        sided = np.any([one_sided(filled, target, tried, asked) for target in questions], axis=0)
        chosen = [str(column) for column in table.columns[sided]]
        if chosen:
            said = some([f"{column} ({asked.counted(int(table[column].notna().sum()))} cells)" for column in chosen])
            message = (
                f"modality '{modality}': {len(chosen)} column(s) are filled on one side of the outcome only: {said}"
            )
            fix = f"such a column is written because of the outcome: {setting('drop', chosen, modality)}"
            found.append(Finding("GM604", "fail", message, fix))
    return found


def one_sided(filled: np.ndarray, target: Target, tried: int, asked: Asked) -> np.ndarray:
    """Return which columns' cells all stand on one side of the outcome, beyond chance: bool [column].

    That m cells, put by chance among the patients, all fall on one side has at most the probability of m draws
    with that side's share.
    """
    rows, case = target
    here = filled[rows]
    cells, among_cases = here.sum(axis=0), here[case].sum(axis=0)
    share = case.mean()
    stray = asked.limit("GM604", "strays") * cells
    only_cases, only_others = cells - among_cases <= stray, among_cases <= stray
    by_chance = np.where(only_cases, share, 1 - share) ** (cells - np.floor(stray))
    enough = (cells >= asked.limit("GM604", "cells")) & (by_chance < CHANCE / tried)
    return np.asarray((only_cases | only_others) & enough)
