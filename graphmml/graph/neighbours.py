"""Neighbours: link the k most alike patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.relations import Relation, Relations
from graphmml.graph.similarity import Metric, nearest


@dataclass(frozen=True)
class Neighbours:
    """Each patient listens to the k patients most alike in one modality, several, or all (None).

    Two patients are compared by the modalities that both have, each weighing the same however wide it is; a
    patient with none of them gets no link. `each=True` draws one relation a modality instead of one over all.
    `edges` says what a training patient's list means: "directed" (it listens to its list), "union" (also to
    those whose list it is in) or "mutual" (only to those whose list it is in, which tames hubs: Radovanovic et
    al. 2010). New patients listen to their own list, for "mutual" to the part of it that they are near enough
    to be listed by. `weight` is "binary", or "similarity" (cosine and correlation above zero; for euclidean
    exp(-d^2 / 2s^2) with s the median distance to the k-th neighbour in the source).
    """

    modality: str | tuple[str, ...] | None = None
    k: int = 10
    metric: Metric = "cosine"
    edges: Literal["directed", "union", "mutual"] = "directed"
    weight: Literal["binary", "similarity"] = "binary"
    each: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise GraphError(f"k is {self.k}; choose one or more neighbours")
        for value, known in (
            (self.metric, ("cosine", "euclidean", "correlation")),
            (self.edges, ("directed", "union", "mutual")),
            (self.weight, ("binary", "similarity")),
        ):
            if value not in known:
                raise GraphError(f"'{value}' is not one of {', '.join(known)}")
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation, or one a modality."""
        modalities = self.chosen(source)
        parts = [(name, [name]) for name in modalities] if self.each else [(self.name(), list(modalities))]
        return Relations(tuple(self.relation(name, part, source, target) for name, part in parts))

    def chosen(self, source: EncodedCohort) -> tuple[str, ...]:
        """Return the modalities compared, sorted, or raise GraphError for one that is not there."""
        if self.modality is None:
            return source.modalities
        wanted = (self.modality,) if isinstance(self.modality, str) else self.modality
        for modality in wanted:
            source.has(modality)
        return tuple(sorted(wanted))

    def name(self) -> str:
        """Return what the one relation is called."""
        if self.modality is None:
            return "neighbours"
        return self.modality if isinstance(self.modality, str) else "_".join(sorted(self.modality))

    def relation(self, name: str, modalities: Sequence[str], source: EncodedCohort, target: EncodedCohort) -> Relation:
        """Search, then keep, mirror or drop by `edges`, then weigh."""
        measured = int(np.logical_or.reduce([source.has(modality) for modality in modalities]).sum())
        if self.k >= measured:
            raise GraphError(
                f"k is {self.k} but {measured} of the {len(source)} source patients have {' or '.join(modalities)}; "
                f"choose k below {max(measured, 1)}"
            )
        near, similar = nearest(source, target, modalities, k=self.k, metric=self.metric)
        targets, rank = np.nonzero(near >= 0)
        sources, score = near[targets, rank], similar[targets, rank]
        reach = None
        if self.edges == "mutual" or (self.weight == "similarity" and self.metric == "euclidean"):
            reach = nearest(source, source, modalities, k=self.k, metric=self.metric)[1].min(axis=1)
        if self.edges == "mutual" and reach is not None:
            # listed by the other as well: at least as similar as the other's own last neighbour
            kept = score >= reach[sources] - 1e-12
            sources, targets, score = sources[kept], targets[kept], score[kept]
        if self.edges == "union" and source.ids.equals(target.ids):
            sources, targets, score = mirrored(sources, targets, score)
        return Relation.of(name, sources, targets, self.weights(score, reach))

    def weights(self, score: np.ndarray, reach: np.ndarray | None) -> np.ndarray:
        """Return one weight an edge: float [edge]."""
        if self.weight == "binary":
            return np.ones(len(score))
        if reach is None:
            return np.asarray(np.clip(score, 1e-6, None))
        # similarities here are minus half squared distances, so s^2 is minus twice their median reach
        scale = float(np.median(-2.0 * reach[np.isfinite(reach)]))
        return np.asarray(np.exp(np.minimum(score, 0.0) / max(scale, 1e-12)))


def mirrored(sources: np.ndarray, targets: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add the reverse of every edge, each pair once."""
    both = np.concatenate([np.stack([sources, targets]), np.stack([targets, sources])], axis=1)
    pairs, first = np.unique(both, axis=1, return_index=True)
    return pairs[0], pairs[1], np.concatenate([score, score])[first]
