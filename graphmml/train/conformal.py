"""Conformal sets: all classes that cannot be ruled out, so that the true one is among them as often as asked."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.kinds import number
from graphmml.errors import CohortError, GraphmmlError


@dataclass(frozen=True, eq=False)
class ConformalSets:
    """Thresholds on 1 less a class's probability, one a value of the group ("" where there is no group or no value).

    Split conformal prediction (Papadopoulos et al. 2002; Vovk et al. 2005) with the score of Sadinle et al.
    (JASA 2019), which makes the smallest sets: where patients are exchangeable with those held out, a set holds the
    true class with probability `coverage` or a little more, over draws of both. With a group each value has a
    threshold of its own (Mondrian) and the promise holds within each. A value of too few held-out patients for a
    threshold, one that none of them had included, gets every class.

    The probabilities must be the model's own, not calibrated ones: a calibrator that was learned from the outcomes
    of the same held-out patients has seen theirs and not a new patient's, so the two are not exchangeable any more.
    """

    coverage: float
    thresholds: Mapping[str, float]
    counts: Mapping[str, int]

    @classmethod
    def learned(cls, p: np.ndarray, codes: np.ndarray, groups: np.ndarray, coverage: float) -> "ConformalSets":
        """Learn from held-out probabilities [patient, class], class numbers (-1: not a class of the model) and groups.

        A patient whose class the model does not know is never covered, and counts as such.
        """
        scores = np.where(codes >= 0, 1.0 - p[np.arange(len(p)), codes], np.inf)
        values = sorted(set(groups.tolist()))
        return cls(
            coverage=coverage,
            thresholds={value: threshold(scores[groups == value], coverage) for value in values},
            counts={value: int((groups == value).sum()) for value in values},
        )

    def sets(self, p: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Return which classes are in each patient's set: bool [patient, class]; it may hold none, or all."""
        limit = np.array([self.thresholds.get(value, np.inf) for value in groups.tolist()])
        return np.asarray(1.0 - p <= limit[:, None])


def threshold(scores: np.ndarray, coverage: float) -> float:
    """Return the ceil((n + 1) coverage)-th smallest score; infinite where n patients are too few for that."""
    rank = int(np.ceil((len(scores) + 1) * coverage - 1e-9))  # 0.7 * 10 is a little above 7
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else float("inf")


def values_of(cohort: Cohort, group: str | None) -> np.ndarray:
    """Return each patient's value of the group as text, "" where it has none: object [patient]."""
    if group is None or group not in cohort.groups:
        return np.full(len(cohort), "", dtype=object)
    return np.asarray(cohort.groups[group].astype("str").fillna("").to_numpy(dtype=object))


def refuse_sets(coverage: float, group: str | None, cohort: Cohort) -> None:
    """Raise for a coverage that is no share, or a group that the cohort does not have."""
    number("coverage", coverage, 0.9)
    if not 0.0 < coverage < 1.0:
        raise GraphmmlError(f"coverage is {coverage}; choose a share between 0 and 1, such as 0.9")
    if group is not None and group not in cohort.groups:
        known = ", ".join(cohort.groups) or "none"
        raise CohortError(f"the cohort has no group '{group}' (it has: {known}); add [group.{group}]")
