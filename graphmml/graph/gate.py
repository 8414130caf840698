"""PhenotypeGate: link patients who agree on phenotypes, weighed by how alike they are in a modality."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.agreeing import Phenotype, agreement, by_column, phenotypes
from graphmml.graph.chance import own_position, rank_by_key
from graphmml.graph.points import tie_columns
from graphmml.graph.relations import Relation, Relations
from graphmml.graph.search import strongest
from graphmml.graph.similarity import METRICS, Metric, lay_out

SAMPLE = 512
"""The mean distance is that of all pairs of this many source patients, chosen by a hash of their ids."""


@dataclass(frozen=True)
class PhenotypeGate:
    """Each patient listens to the k with the strongest agreement times Gaussian of distance in a modality.

    The population graph of Parisot et al. (Medical Image Analysis 2018): an edge weighs the summed `weights` of
    the phenotypes that agree (names equal, numbers within `tolerance`, missing with nobody), times
    exp(-d^2 / 2s^2), d the distance in the modality (one minus the similarity; for euclidean the root mean
    square difference of a column). Without agreement, or without the modality, there is no edge. Where we differ
    from the released code: s, the mean distance of two patients, is learned from source patients alone (at most
    512 of them, chosen by a hash of ids) and not from those to be predicted; and of the many pairs that agree
    on something each patient keeps the k strongest of all, so that a graph of 70,000 has no billion edges.
    Weights within a ten-thousandth of each other are ties, ordered by a hash of both ids.
    """

    modality: str
    columns: str | tuple[str, ...]
    tolerance: float | tuple[float, ...] = 0.0
    weights: float | tuple[float, ...] = 1.0
    metric: Metric = "correlation"
    k: int = 10

    def __post_init__(self) -> None:
        names, spread = by_column(self.columns, self.tolerance, "tolerances", zero=True)
        object.__setattr__(self, "columns", names)
        object.__setattr__(self, "tolerance", spread)
        object.__setattr__(self, "weights", by_column(names, self.weights, "weights", zero=False)[1])
        refuse_numbers(self)
        if self.k < 1:
            raise GraphError(f"k is {self.k}; choose one or more neighbours")
        if self.metric not in METRICS:
            raise GraphError(f"'{self.metric}' is not one of {', '.join(METRICS)}")

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation named after the modality and the phenotypes."""
        there, points = lay_out(source, source, [self.modality], self.metric)
        here, query = lay_out(source, target, [self.modality], self.metric)
        if len(there) < 2:
            raise GraphError(
                f"{len(there)} of {len(source)} source patients have '{self.modality}', too few for a distance; "
                "choose another modality"
            )
        order = rank_by_key(source)
        sample = order[source.has(self.modality)[order]][:SAMPLE]
        scale = mean_distance(points, np.searchsorted(there, sample), self.metric)
        parts = phenotypes(source, target, self.columns, floats(self.tolerance))
        base, mine = (
            Gated(laid, rows, tie_columns(cohort)[rows], parts, floats(self.weights), scale, self.metric)
            for laid, rows, cohort in ((points, there, source), (query, here, target))
        )
        if target is source and all(part.exact for part in parts):
            mine = base  # agreement goes both ways (a tolerance may round otherwise), so each pair is looked at once
        own = own_position(source, target)[here]
        own = np.where(np.isin(own, there), np.searchsorted(there, own), -1)
        position, _ = strongest(mine, base, self.k, own)
        targets, rank = np.nonzero(position >= 0)
        sources = position[targets, rank]
        weight = mine.strength(targets, base, sources)
        name = "_".join(["gate", self.modality, *self.columns])
        return Relations((Relation.of(name, there[sources], here[targets], weight),))


def floats(values: float | tuple[float, ...]) -> tuple[float, ...]:
    """Return one or several numbers as several."""
    return values if isinstance(values, tuple) else (values,)


def distance(similar: np.ndarray, metric: Metric) -> np.ndarray:
    """Turn similarities into distances, never below zero: one minus the similarity, for euclidean its own."""
    gap = np.maximum(-2.0 * similar, 0.0) if metric == "euclidean" else np.maximum(1.0 - similar, 0.0)
    return np.asarray(np.sqrt(gap) if metric == "euclidean" else gap)


def mean_distance(points: Any, sample: np.ndarray, metric: Metric) -> float:
    """Return the mean distance of two of the sample, over pairs that can be compared; never zero."""
    first, second = np.triu_indices(len(sample), k=1)
    similar = points.pairs(sample[first], points, sample[second])
    apart = distance(similar[np.isfinite(similar)], metric)
    return max(float(apart.mean()) if len(apart) else 0.0, 1e-6)


@dataclass(frozen=True, eq=False)
class Gated:
    """The patients of one side who have the modality, as points: the similarity of two is the log of their weight.

    `points` are laid out for the metric; `rows` are their positions in the cohort, which `parts` count by. Two sides
    that are compared are laid out alike.
    """

    points: Any
    rows: np.ndarray
    ties: np.ndarray
    parts: Sequence[Phenotype]
    weights: Sequence[float]
    scale: float
    metric: Metric

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def margin(self) -> float:
        """How far `block` may be from `pairs`: the slope of the log, times what the similarity may be off."""
        slope = 1.0 if self.metric == "euclidean" else 2.0
        return 1e-5 + float(self.points.margin) * slope / self.scale**2

    def block(self, rows: slice, other: Any, columns: slice) -> np.ndarray:
        """Return log weights and luck in ties: float32 [row, column], -inf where there is no edge."""
        score = self.points.block(rows, other.points, columns)
        if self.metric == "euclidean":
            score *= np.float32(1.0 / self.scale**2)
        else:
            score -= 1.0
            score *= score
            score *= np.float32(-0.5 / self.scale**2)
        score += self.ties[rows] @ other.ties[columns].T
        agreed = np.zeros(score.shape, dtype=np.float32)
        mine, theirs = self.rows[rows][:, None], other.rows[columns][None, :]
        for part, weight in zip(self.parts, self.weights, strict=True):
            agreed += part.agreed(theirs, mine) * np.float32(weight)
        with np.errstate(divide="ignore"):
            score += np.log(agreed, out=agreed)
        return np.asarray(score)

    def pairs(self, rows: np.ndarray, other: Any, columns: np.ndarray) -> np.ndarray:
        """Return the same of given pairs: float64, the same alone and among others."""
        luck = np.einsum("pt,pt->p", self.ties[rows].astype(np.float64), other.ties[columns].astype(np.float64))
        agreed, fallen = self.terms(rows, other, columns)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(agreed) - fallen + luck)

    def terms(self, rows: np.ndarray, other: Any, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what agrees, and d^2 / 2s^2, of given pairs."""
        agreed = agreement(self.parts, self.weights, other.rows[columns], self.rows[rows])
        apart = distance(self.points.pairs(rows, other.points, columns), self.metric)
        return agreed, apart**2 / (2 * self.scale**2)

    def strength(self, rows: np.ndarray, other: Any, columns: np.ndarray) -> np.ndarray:
        """Return the weights of given pairs, above zero: float64 [pair]."""
        agreed, fallen = self.terms(rows, other, columns)
        return np.asarray(agreed * np.maximum(np.exp(-fallen), 1e-30))
