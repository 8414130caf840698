"""How far a group goes with an outcome, and in which of its values the outcome is rarest and commonest."""

from typing import Any

import numpy as np
from scipy.stats import chi2

from graphmml.data.cohort import Cohort
from graphmml.data.contingency import chi_squared, cramers_v, crossed, p_value
from graphmml.data.telling import level_share_auc
from graphmml.report.measures import SMALLEST_CELL, Target
from graphmml.report.panel.residuals import Numbers, cumulative_hazard
from graphmml.report.permutation import exchanges, p_of
from graphmml.report.words import bounded

LARGEST_TABLE = 2_000
"""Tables of more cells are compared with chi-squared's curve, however empty they are."""
ROUNDS = 199

End = dict[str, Any] | None
NO_ENDS: tuple[End, End] = (None, None)


def class_tie(group: Target, outcome: Target) -> dict[str, Any]:
    """Return V, its p, out-of-fold AUROC of the group alone, and the range of prevalence among its larger values."""
    counts = crossed(group.labels, outcome.labels)
    held = sizes(group.labels[outcome.labels >= 0], len(group.values))
    best, ends = "", NO_ENDS
    if not group.block and held.max(initial=0) >= SMALLEST_CELL:
        best, ends = widest(group, outcome, held)
    return {
        "statistic": "bias-corrected Cramer's V",
        "v": cramers_v(counts),
        "p": table_p(counts),
        "auroc": told_alone(group.labels, outcome),
        "of": best,
        "lowest": ends[0],
        "highest": ends[1],
    }


def table_p(counts: np.ndarray) -> float:
    """Return the p of a table by chance."""
    if counts.size > LARGEST_TABLE:
        return float(chi2.sf(chi_squared(counts), (counts.shape[0] - 1) * (counts.shape[1] - 1)))
    return p_value(counts) if counts.size else 1.0


def sizes(labels: np.ndarray, count: int) -> np.ndarray:
    """Count the patients of each label."""
    return np.bincount(labels[labels >= 0], minlength=count)


def told_alone(labels: np.ndarray, outcome: Target) -> float:
    """Return the AUROC of each patient's group share in the other four fifths; the mean over classes of several."""
    known = outcome.labels >= 0
    classes = range(len(outcome.values)) if len(outcome.values) > 2 else range(1, len(outcome.values))
    found = [level_share_auc(labels[known], outcome.labels[known] == at) for at in classes]
    return float(np.mean(found)) if found else float("nan")


def widest(group: Target, outcome: Target, held: np.ndarray) -> tuple[str, tuple[End, End]]:
    """Return the class whose prevalence differs most between values of 11 patients or more, and both ends."""
    shown = np.flatnonzero(held >= SMALLEST_CELL)
    known = (group.labels >= 0) & (outcome.labels >= 0)
    share = np.zeros((len(group.values), len(outcome.values)))
    np.add.at(share, (group.labels[known], outcome.labels[known]), 1.0)
    counts, share = share[shown].astype(np.int64), share[shown] / held[shown, None]
    spread = np.ptp(share, axis=0)
    # of two classes the last is the one that scores are of
    at = len(outcome.values) - 1 if len(outcome.values) == 2 else int(spread.argmax())
    told = [bounded(int(part), int(whole)) for part, whole in zip(counts[:, at], held[shown], strict=True)]
    ends = ends_of(group, shown, np.array([level for level, _ in told]), [said for _, said in told])
    return f"{outcome.name}={outcome.values[at]}", ends


def ends_of(group: Target, shown: np.ndarray, values: np.ndarray, said: list[str]) -> tuple[End, End]:
    """Return the values of a group with the least and the most; nothing where there are not two."""
    if len(shown) < 2:
        return NO_ENDS
    low, high = int(values.argmin()), int(values.argmax())
    least, most = (
        {"value": group.values[shown[at]], "level": float(values[at]), "said": said[at]} for at in (low, high)
    )
    return least, most


def number_tie(group: Target, cohort: Cohort, outcome: Numbers, seed: int) -> dict[str, Any]:
    """Return the bias-corrected correlation ratio, its p by exchange, and the range of medians or of O/E.

    For survival it is of martingale residuals, and the range is of events seen over events expected.
    """
    known = (group.labels >= 0) & ~np.isnan(outcome.values)
    v, p = correlation_ratio(group.labels[known], outcome.values[known], seed)
    held = sizes(group.labels[known], len(group.values))
    shown = np.flatnonzero(held >= SMALLEST_CELL) if not group.block else np.zeros(0, dtype=np.int64)
    of, levels, said = levels_of(group.labels, shown, cohort, outcome)
    ends = ends_of(group, shown, levels, said)
    ratio = {"statistic": "bias-corrected correlation ratio", "v": v, "p": p, "auroc": float("nan")}
    return {**ratio, "of": of, "lowest": ends[0], "highest": ends[1]}


def levels_of(
    labels: np.ndarray, shown: np.ndarray, cohort: Cohort, outcome: Numbers
) -> tuple[str, np.ndarray, list[str]]:
    """Return what is said of each of the values of a group, as a number and in words."""
    known = ~np.isnan(outcome.values)
    if cohort.outcome is None or cohort.outcome.event is None:
        levels = np.array([np.median(outcome.values[known & (labels == at)]) for at in shown])
        return f"median {outcome.name}", levels, [f"{level:.3g}" for level in levels]
    time, event = (column.to_numpy(dtype=np.float64) for column in (cohort.outcome.values, cohort.outcome.event))
    hazard = np.full(len(time), np.nan)
    hazard[known] = cumulative_hazard(time[known], event[known])
    ratios = []
    for at in shown:
        here = known & (labels == at)
        ratios.append(float(event[here].sum() / max(hazard[here].sum(), 1e-12)))
    return f"{outcome.name}", np.array(ratios), [f"{ratio:.2f} times the events expected" for ratio in ratios]


def correlation_ratio(labels: np.ndarray, values: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the root of epsilon squared (Kelley 1935), 0 independent and 1 determined, and p by 199 exchanges.

    Of an outcome of 0 and 1 its square is bias-corrected in another way than V's, and else the same.
    """
    member = np.unique(labels, return_inverse=True)[1]
    groups, patients = int(member.max(initial=-1)) + 1, len(values)
    if groups < 2 or patients <= groups or np.ptp(values) == 0:
        return float("nan"), float("nan")
    own = (values - values.mean()) / np.sqrt(((values - values.mean()) ** 2).sum())
    order = np.argsort(member, kind="stable")
    held = np.bincount(member)
    starts = np.concatenate([[0], np.cumsum(held)[:-1]])
    drawn = exchanges(own[order], np.zeros(patients), ROUNDS, np.random.default_rng(seed))
    explained = [(np.add.reduceat(rows, starts, axis=1) ** 2 / held).sum(axis=1) for rows in (own[None, order], drawn)]
    here = float(explained[0][0])
    epsilon = here - (groups - 1) * (1.0 - here) / (patients - groups)
    return float(np.sqrt(max(epsilon, 0.0))), p_of(here, explained[1])
