"""Novelty: how unlike the training patients a patient is, as a p-value among patients like those of training."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.graph.similarity import nearest

NEAREST = 5
"""A patient is as far from training as from so many nearest patients, on average."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """How far training patients are from each other: per modality the median distance, and from it to the 95th %.

    By these a patient's distance in one modality can be held against that in another.
    """

    source: EncodedCohort
    middle: Mapping[str, float]
    spread: Mapping[str, float]

    @classmethod
    def of(cls, source: EncodedCohort) -> "Surroundings":
        """Learn from training patients alone, each held against the others."""
        middle, spread = {}, {}
        for modality in source.modalities:
            away = distances(source, source, modality)
            known = away[np.isfinite(away)]
            middle[modality], upper = np.quantile(known, [0.5, 0.95]) if len(known) else (0.0, 1.0)
            spread[modality] = float(upper - middle[modality]) or 1.0
        return cls(source, {name: float(value) for name, value in middle.items()}, spread)

    def strangeness(self, target: EncodedCohort) -> np.ndarray:
        """Return how far each patient is in the modality where it is furthest: float64 [patient], -inf for nobody."""
        each = [
            (distances(self.source, target, modality) - self.middle[modality]) / self.spread[modality]
            for modality in self.source.modalities
        ]
        return np.asarray(np.where(np.isnan(each), -np.inf, each).max(axis=0))


@dataclass(frozen=True, eq=False)
class Novelty:
    """Strangeness of held-out patients, among which a new patient's is ranked (Laxhammar and Falkman 2010).

    Where a new patient is drawn as the held-out ones were, p is below a with probability a at most. With n held-out
    patients p is never below 1 / (n + 1), so that fewer than a hundred flag nobody at 0.01.
    """

    around: Surroundings
    known: np.ndarray

    def p(self, target: EncodedCohort) -> np.ndarray:
        """Return the share of held-out patients at least as strange, each counted with the new one: float64 [patient].

        It is 1 for a patient with nothing measured, of whom nothing can be said.
        """
        mine = self.around.strangeness(target)
        as_strange = len(self.known) - np.searchsorted(np.sort(self.known), mine, side="left")
        return np.asarray((1.0 + as_strange) / (1.0 + len(self.known)))


def distances(source: EncodedCohort, target: EncodedCohort, modality: str) -> np.ndarray:
    """Return the mean distance per column to the nearest source patients: float64 [patient], NaN without modality."""
    found, _ = nearest(source, target, [modality], k=NEAREST, metric="euclidean")
    mine, theirs = target.features[modality].astype(np.float64), source.features[modality].astype(np.float64)
    # computed anew: the search adds a little to each distance, which breaks ties
    away = [np.sqrt(((mine - theirs[column]) ** 2).mean(axis=1)) for column in found.T]
    total = np.where(found.T >= 0, away, 0.0).sum(axis=0)
    count = (found >= 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
