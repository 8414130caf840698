"""Findings on groups: a site, scanner or ward that tells the outcome."""

import numpy as np

from graphmml.data.checks_gaps import common_levels
from graphmml.data.checks_words import Asked, not_applicable
from graphmml.data.cohort import Cohort
from graphmml.data.contingency import by_chance, cramers_v, crossed, p_value
from graphmml.data.findings import Finding
from graphmml.data.telling import CHANCE, Target, level_share_auc, targets, why_not

DRAWN = 199


def telling_groups(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM403: groups whose values alone predict the outcome."""
    questions = targets(cohort.outcome)
    if not questions:
        return not_applicable("GM403", why_not(cohort.outcome))
    groups = {name: common_levels(cohort.groups[name]) for name in cohort.groups}
    groups = {name: codes for name, codes in groups.items() if codes.max(initial=-1) > 0}
    if not groups:
        return not_applicable("GM403", "no group with two values of ten patients or more is declared")
    return [judged(name, codes, questions, len(groups), asked) for name, codes in groups.items()]


def judged(name: str, codes: np.ndarray, questions: list[Target], groups: int, asked: Asked) -> Finding:
    """Hold one group against the outcome: how closely they go together, beside what chance would make."""
    tables = [crossed(codes[rows], case.astype(np.int64)) for rows, case in questions]
    at = int(np.argmax([-1.0 if np.isnan(v := cramers_v(table)) else v for table in tables]))
    table, (rows, case) = tables[at], questions[at]
    v = cramers_v(table)
    if np.isnan(v):
        return Finding("GM403", "n.a.", f"'{name}' or the outcome does not vary enough to be held against the other")
    chance = float(np.quantile([cramers_v(drawn) for drawn in by_chance(table, draws=DRAWN)], 0.95))
    score = level_share_auc(codes[rows], case)
    said = (
        f"group '{name}' and the outcome: Cramer's V {v:.2f} (by chance up to {chance:.2f}); its values alone, out of "
        f"fold, predict the outcome with AUROC {score:.2f} (chance .50){prevalences(table, asked)}"
    )
    beyond = p_value(table) * groups * len(questions) < CHANCE
    if beyond and v > asked.limit("GM403", "cramers_v"):
        fix = f"whatever tells the {name} tells the outcome: read the scores of graphmml cv --leave-out {name}"
        return Finding("GM403", "warn", said, fix)
    return Finding("GM403", "pass", said)


def prevalences(table: np.ndarray, asked: Asked) -> str:
    """Say between which shares of cases the values of a group lie, where neither side of a value is a small cell."""
    shown = table[(table >= asked.min_cell).all(axis=1)]
    if len(shown) < 2:
        return ""
    shares = shown[:, 1] / shown.sum(axis=1)
    return f"; from {shares.min():.0%} to {shares.max():.0%} are cases"
