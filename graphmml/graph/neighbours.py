"""Neighbours: link the k most alike patients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers, shown
from graphmml.errors import GraphError
from graphmml.graph.approximate import searched
from graphmml.graph.relations import Relation, Relations
from graphmml.graph.similarity import METRICS, Metric, lay_out, nearest, one_of, squared_distance

Edges = Literal["directed", "union", "mutual", "scaled"]
Weight = Literal["binary", "similarity", "rbf"]
FURTHER = 4
"""Local scaling chooses among so many times k nearest."""


@dataclass(frozen=True)
class Neighbours:
    """Each patient listens to the k patients most alike in one modality, several, or all (None).

    Two patients are compared by the modalities that both have, each weighing the same however wide it is; a
    patient with none of them gets no link. `each=True` draws one relation a modality instead of one over all.

    `metric`: "cosine", "euclidean" and "correlation" compare encoded columns, gaps imputed; "gower" (numbers and
    names), "jaccard" (what both have) and "hamming" (what is equal) compare the raw cells that both patients have,
    as the first three do when `overlap` says how many cells, at least, two must share in a modality.

    `edges` says what a training patient's list means: "directed" (it listens to its list), "union" (also to those
    whose list it is in), "mutual" (only to those whose list it is in, which tames hubs: Radovanovic et al., JMLR
    2010) or "scaled" (of its 4 k nearest, the k nearest by d^2 / (s_i s_j), s the distance to a patient's k-th
    neighbour, so that a hub's closeness to everybody counts less: local scaling, Schnitzer et al., JMLR 2012). New
    patients listen to their own list, for "mutual" to the part of it that they are near enough to be listed by.

    `weight` is "binary", "similarity" (above zero; for euclidean exp(-d^2 / 2s^2) with s the median distance to
    the k-th neighbour in the source) or "rbf" (exp(-d^2 / s_i s_j), self-tuning: Zelnik-Manor and Perona, NeurIPS
    2004, who take the 7th neighbour where we take the k-th).

    With `each` (one relation a modality) a modality that k or fewer others have links those who have it to all others:
    where a modality is rare that is meant, and a k beyond the cohort, which is refused without `each`, links everybody.

    `recall` (0 to 1) searches approximately, as far as a sample says that this share of neighbours is found: from
    20,000 patients on, by encoded columns.
    """

    modality: str | tuple[str, ...] | None = None
    k: int = 10
    metric: Metric = "cosine"
    edges: Edges = "directed"
    weight: Weight = "binary"
    each: bool = False
    overlap: int | None = None
    recall: float | None = None

    def __post_init__(self) -> None:
        refuse_modality(self.modality)
        refuse_numbers(self)
        if self.k < 1:
            raise GraphError(f"k is {self.k}; choose one or more neighbours")
        one_of(self.metric, METRICS)
        one_of(self.edges, ("directed", "union", "mutual", "scaled"))
        one_of(self.weight, ("binary", "similarity", "rbf"))
        if self.overlap is not None and self.overlap < 1:
            raise GraphError(f"overlap is {self.overlap}; two patients must share one cell or more")
        if self.recall is not None and not 0 < self.recall <= 1:
            raise GraphError(
                f"recall is {self.recall}; choose a share above 0 and up to 1, or leave it out to be exact"
            )
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation, or one a modality."""
        modalities = chosen(self.modality, source)
        parts = [(name, [name]) for name in modalities] if self.each else [(called(self.modality), list(modalities))]
        return Relations(tuple(self.relation(name, part, source, target) for name, part in parts))

    def relation(self, name: str, modalities: Sequence[str], source: EncodedCohort, target: EncodedCohort) -> Relation:
        """Search, then keep, mirror or drop by `edges`, then weigh."""
        measured = len(lay_out(source, source, modalities, self.metric, self.overlap)[0])
        if self.k >= measured and self.each:  # who has a rare modality is linked to all others who have it
            if measured < 2:
                return Relation.of(name, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
            fewer: Neighbours = replace(self, k=measured - 1)
            return fewer.relation(name, modalities, source, target)
        if self.k >= measured:
            mend = (
                f"choose k below {measured}"
                if measured > 1
                else "link by another modality, or give it values that vary"
            )
            raise GraphError(
                f"k is {self.k} but {measured} of the {len(source)} source patients have {' or '.join(modalities)}; "
                f"{mend}"
            )
        near, similar = self.nearest(source, target, modalities, min(self.width, measured - 1))
        if self.edges == "directed" and self.weight == "binary":
            near = np.sort(near, axis=1)  # as a relation is sorted
            targets, rank = np.nonzero(near >= 0)
            return Relation.of(name, near[targets, rank], targets)
        within = similar if target is source else self.nearest(source, source, modalities, self.k)[1]
        reach = Reach.of(within[:, : self.k], similar[:, : self.k], self.metric)
        if self.edges == "scaled":
            near, similar = self.scaled(near, similar, reach)
        targets, rank = np.nonzero(near >= 0)
        sources, score = near[targets, rank], similar[targets, rank]
        if self.edges == "mutual":
            # listed by the other as well: at least as similar as the other's own last neighbour
            kept = score >= within[:, self.k - 1][sources] - 1e-12
            sources, targets, score = sources[kept], targets[kept], score[kept]
        if self.edges == "union" and source.ids.equals(target.ids):
            sources, targets, score = mirrored(sources, targets, score)
        return Relation.of(name, sources, targets, self.weights(score, reach, sources, targets))

    def nearest(
        self, source: EncodedCohort, target: EncodedCohort, modalities: Sequence[str], k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and similarities of the k nearest: [target, k]."""
        return nearest(source, target, modalities, k=k, metric=self.metric, overlap=self.overlap, recall=self.recall)

    def measured_recall(self, source: EncodedCohort) -> float:
        """Return what share of their true neighbours a sample of patients is given: 1 where the search is exact.

        It is a mean over source patients; those unlike most of them, in what they lack for instance, may get fewer.
        """
        modalities = chosen(self.modality, source)
        if self.recall is None:
            return 1.0
        parts = [[name] for name in modalities] if self.each else [list(modalities)]
        laid = [lay_out(source, source, part, self.metric, self.overlap)[1] for part in parts]
        found = [searched(base, min(self.width, len(base) - 1), self.recall) for base in laid if len(base) > 1]
        return min((one.recall for one in found), default=1.0)

    @property
    def width(self) -> int:
        """How many are searched for, to keep k of them."""
        return self.k * FURTHER if self.edges == "scaled" else self.k

    def scaled(self, near: np.ndarray, similar: np.ndarray, reach: "Reach") -> tuple[np.ndarray, np.ndarray]:
        """Order the nearest by locally scaled distance and keep k: [target, k]."""
        far = np.full(near.shape, np.inf)
        targets, rank = np.nonzero(near >= 0)
        width = np.sqrt(reach.there[near[targets, rank]] * reach.here[targets])
        far[targets, rank] = squared_distance(similar[targets, rank], self.metric) / width
        order = np.argsort(far, axis=1, kind="stable")[:, : self.k]
        return np.take_along_axis(near, order, axis=1), np.take_along_axis(similar, order, axis=1)

    def weights(self, score: np.ndarray, reach: "Reach", sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return one weight an edge, from its similarity and how far its two ends reach: float [edge]."""
        if self.weight == "binary":
            return np.ones(len(score))
        if self.weight == "rbf":
            width = np.sqrt(reach.there[sources] * reach.here[targets])
            return np.asarray(np.exp(-squared_distance(score, self.metric) / width))
        if self.metric != "euclidean":
            return np.asarray(np.clip(score, 1e-6, None))
        return np.asarray(np.exp(-0.5 * squared_distance(score, self.metric) / reach.median))


@dataclass(frozen=True, eq=False)
class Reach:
    """Squared distance of patients to their last neighbour in the source: source patients, target patients."""

    there: np.ndarray
    here: np.ndarray
    median: float

    @classmethod
    def of(cls, within: np.ndarray, similar: np.ndarray, metric: Metric) -> "Reach":
        """Read reaches off the similarities of neighbours, [patient, k]; who has none is given the median."""
        there, here = (squared_distance(last_of(part), metric) for part in (within, similar))
        known = there[np.isfinite(there)]
        median = max(float(np.median(known)) if len(known) else 0.0, 1e-12)
        there, here = (np.maximum(np.where(np.isfinite(part), part, median), 1e-12) for part in (there, here))
        return cls(there, here, median)


def last_of(similar: np.ndarray) -> np.ndarray:
    """Return the similarity of each patient's last neighbour, -inf where there is none: float64 [patient]."""
    last = np.where(np.isfinite(similar), similar, np.inf).min(axis=1)
    return np.asarray(np.where(np.isfinite(last), last, -np.inf))


def chosen(modality: str | tuple[str, ...] | None, source: EncodedCohort) -> tuple[str, ...]:
    """Return the modalities compared, sorted, or raise GraphError for one that is not there."""
    if modality is None:
        return source.modalities
    wanted = (modality,) if isinstance(modality, str) else modality
    for name in wanted:
        source.has(name)
    return tuple(sorted(wanted))


def refuse_modality(modality: object) -> None:
    """Raise GraphError for what names no modality; a number there was meant for k."""
    names = modality if isinstance(modality, list | tuple) else (modality,)
    if modality is not None and not all(isinstance(name, str) for name in names):
        number = modality if isinstance(modality, int) else 10
        raise GraphError(f"modality is {shown(modality)}; a name is wanted; say how many neighbours by k={number}")


def called(modality: str | tuple[str, ...] | None, otherwise: str = "neighbours") -> str:
    """Return what one relation over these modalities is called."""
    if modality is None:
        return otherwise
    return modality if isinstance(modality, str) else "_".join(sorted(modality))


def mirrored(sources: np.ndarray, targets: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add the reverse of every edge, each pair once."""
    both = np.concatenate([np.stack([sources, targets]), np.stack([targets, sources])], axis=1)
    size = int(both.max(initial=0)) + 1
    pairs, first = np.unique(both[0] * size + both[1], return_index=True)
    return pairs // size, pairs % size, np.concatenate([score, score])[first]
