"""The three scores that tell a group from an outcome: pooled, within the group, and where a group was left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.stats import rankdata

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, Folds, value_folds
from graphmml.errors import CohortError
from graphmml.train.intervals import Interval
from graphmml.train.result import CVResult
from graphmml.train.scores import auroc, one_against_rest
from graphmml.train.spread import clipped
from graphmml.train.unit import Unit

FEW = 20
"""Patients a value of a group, in the mean, from which on it is audited unasked; families are smaller."""
MOST_LEFT_OUT = 10
"""Values of a group that are left out one by one; of more, several at a time."""


@dataclass(frozen=True)
class GroupScores:
    """One model's AUROC over everybody, between patients of one group value, and on values it was not trained on."""

    model: str
    pooled: Interval
    within: Interval
    lost: Interval
    """Pooled less within, on the same folds."""
    left_out: Interval | None

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        spans = {"pooled": self.pooled, "within": self.within, "pooled_less_within": self.lost}
        left = None if self.left_out is None else self.left_out.to_dict()
        return {"model": self.model, **{name: span.to_dict() for name, span in spans.items()}, "left_out": left}


def usual_group(cohort: Cohort) -> str | None:
    """Return the first group of two or more values that are not too small to say anything."""
    for name in cohort.groups:
        values = cohort.groups[name][cohort.labelled].nunique()
        if values >= 2 and int(cohort.labelled.sum()) >= FEW * values:
            return str(name)
    return None


def auroc_within(y: np.ndarray, p: np.ndarray, groups: np.ndarray) -> float:
    """The chance that a patient with the class scores above one without it of the same group.

    The mean of the groups' AUROC, each weighing as many pairs as it has; `groups` is a number, -1 where unknown.
    """
    return one_against_rest(partial(area_within, groups=groups), y, p)


def area_within(hit: np.ndarray, score: np.ndarray, *, groups: np.ndarray) -> float:
    """Rank area over the pairs within groups, every group's ranks in one sort."""
    known = groups >= 0
    hit, score, groups = hit[known], score[known], groups[known]
    sizes = np.bincount(groups)
    behind = np.concatenate([[0], np.cumsum(sizes)])  # groups stand one behind the other
    ranks = rankdata(groups * (len(groups) + 1.0) + rankdata(score)) - behind[groups]
    positives = np.bincount(groups[hit], minlength=len(sizes))
    won = float(ranks[hit].sum() - (positives * (positives + 1) / 2).sum())
    pairs = float((positives * (sizes - positives)).sum())
    return won / pairs if pairs else float("nan")


@dataclass(frozen=True)
class LeftOutValues:
    """Folds that test values of a group on models that never saw them: one by one, or many in ten parts.

    Who shares a blocking group with a tested patient is not trained on. A fold that has nothing to learn from, or no
    two classes to tell apart, is not made.
    """

    group: str
    seed: int = 0

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield the folds, or raise CohortError where there are fewer than two."""
        yield from left_out_folds(cohort, self.group, self.seed)


def left_out_folds(cohort: Cohort, group: str, seed: int) -> list[Fold]:
    """Return the folds that test values of the group on models that never saw them.

    Values are left out one by one, or where there are many, in ten parts. A fold that has nothing to learn from,
    or no two classes to tell apart, is not made.
    """
    folds = list(value_folds(cohort, group, seed))
    if len(folds) > MOST_LEFT_OUT:
        apart = replace(cohort, blocks=tuple(dict.fromkeys((*cohort.blocks, group))))
        folds = list(Folds(MOST_LEFT_OUT, seed=seed).split(apart))
    folds = list(judgeable(cohort, folds))
    if len(folds) < 2:
        raise CohortError(f"{len(folds)} value(s) of '{group}' have two classes to tell apart; two are wanted")
    return folds


def judgeable(cohort: Cohort, folds: list[Fold]) -> Iterator[Fold]:
    """Yield the folds with two patients of each of two classes in training and two classes in test."""
    for fold in folds:
        if cohort.outcome is None:
            return
        learned = cohort.outcome.values.iloc[fold.train].value_counts()
        if len(learned) >= 2 and learned.min() >= 2 and cohort.outcome.values.iloc[fold.test].nunique() >= 2:
            yield fold


def group_scores(
    inside: CVResult,
    values: Mapping[tuple[int, int], np.ndarray],
    model: str,
    left_out: CVResult | None,
    apart: str | None = None,
) -> GroupScores:
    """Score one model over everybody, within the group, and where its value was left out (there under `apart`)."""
    units = inside.of(model)

    def within(unit: Unit, rows: np.ndarray) -> float:
        return auroc_within(unit.codes[rows], unit.probabilities[rows], values[unit.repeat, unit.fold][rows])

    def lost(unit: Unit, rows: np.ndarray) -> float:
        return auroc(unit.codes[rows], unit.probabilities[rows]) - within(unit, rows)

    units_apart = [] if left_out is None else left_out.of(apart or model)
    return GroupScores(
        model,
        pooled=inside.interval("auroc", units),
        within=clipped(inside.interval_of(within, units)),
        lost=inside.interval_of(lost, units),
        left_out=left_out.interval("auroc", units_apart) if left_out is not None and units_apart else None,
    )
