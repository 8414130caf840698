"""Reweighted: the edges of another constructor with other weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.agreeing import agreement, by_column, phenotypes
from graphmml.graph.combine import linked
from graphmml.graph.patient_graph import GraphConstructor, is_constructor
from graphmml.graph.relations import PATIENT, Relation, Relations
from graphmml.graph.similarity import METRICS, Metric, nearest, similarity_of, squared_distance

FAINT = 1e-6
"""The least weight of an edge between patients who could be compared."""
BY = ("rbf", "similarity", "agreement", "binary")


@dataclass(frozen=True)
class Reweighted:
    """The edges of another constructor, weighed anew `by` what the two patients are.

    "rbf": exp(-d_ij^2 / (s_i s_j)) in a modality (or several, or all: None), s_i the distance of patient i to its
    `scale`-th nearest source patient, so that dense and sparse regions weigh alike (self-tuning, Zelnik-Manor
    and Perona, NIPS 2004, with their 7). "similarity": cosine, correlation, gower, jaccard or hamming, above zero.
    "agreement": how many of the phenotypes in `columns` agree, numbers within `tolerance`. "binary": 1. An edge
    between two patients who cannot be compared, or who agree on nothing, would weigh nothing and is left out.
    Edges to concepts and parts take "binary" alone.
    """

    links: GraphConstructor
    by: Literal["rbf", "similarity", "agreement", "binary"] = "rbf"
    modality: str | tuple[str, ...] | None = None
    metric: Metric = "cosine"
    scale: int = 7
    columns: str | tuple[str, ...] = ()
    tolerance: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if not is_constructor(self.links):
            raise GraphError("Reweighted takes one constructor; join several with Union or Layers")
        for value, known in ((self.by, BY), (self.metric, METRICS)):
            if value not in known:
                raise GraphError(f"'{value}' is not one of {', '.join(known)}")
        if self.by == "similarity" and self.metric == "euclidean":
            raise GraphError('euclidean similarity is below zero and is no weight; choose by="rbf", or cosine')
        if self.scale < 1:
            raise GraphError(f"scale is {self.scale}; choose the 1st nearest or a later one")
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))
        self.settle_columns()

    def settle_columns(self) -> None:
        """Make columns and tolerances tuples of one length, or raise GraphError."""
        names: tuple[str, ...] = ()
        spread: tuple[float, ...] | float = self.tolerance
        if self.by == "agreement":
            names, spread = by_column(self.columns, self.tolerance, "tolerances", zero=True)
        elif self.columns:
            raise GraphError(f'columns are compared by="agreement" alone, by is "{self.by}"; leave one out')
        object.__setattr__(self, "columns", names)
        object.__setattr__(self, "tolerance", spread)

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the inner constructor's relations, weighed anew."""
        drawn = linked(self.links, source, target)
        return replace(drawn, items=tuple(self.weighed(relation, source, target) for relation in drawn))

    def weighed(self, relation: Relation, source: EncodedCohort, target: EncodedCohort) -> Relation:
        """Return one relation with new weights, without the edges that weigh nothing."""
        if self.by == "binary":
            return replace(relation, weight=np.ones(len(relation), dtype=np.float32))
        if not relation.source == relation.target == PATIENT:
            raise GraphError(
                f"relation '{relation.name}' leads to nodes that are no patients, which have no {self.by}; reweigh the "
                "constructors between patients and put the others beside them with Layers"
            )
        sources, targets = relation.edges
        if self.by == "agreement":
            spread = self.tolerance if isinstance(self.tolerance, tuple) else (self.tolerance,)
            parts = phenotypes(source, target, self.columns, spread)
            weight = agreement(parts, (1.0,) * len(parts), sources, targets)
        else:
            weight = self.alike(sources, targets, source, target)
        kept = weight > 0
        return replace(relation, edges=relation.edges[:, kept], weight=weight[kept].astype(np.float32))

    def alike(
        self, sources: np.ndarray, targets: np.ndarray, source: EncodedCohort, target: EncodedCohort
    ) -> np.ndarray:
        """Return similarities or self-tuned Gaussians of given pairs, 0 where they cannot be compared: float64."""
        modalities = self.chosen(source)
        similar = similarity_of(source, target, sources, targets, modalities, self.metric)
        known = np.isfinite(similar)
        value = np.where(known, similar, 0.0)
        if self.by == "rbf":
            there = self.reach(source, source, modalities)[sources]
            here = self.reach(source, target, modalities)[targets]
            value = np.exp(-squared_distance(value, self.metric) / np.maximum(there * here, 1e-12))
        return np.asarray(np.where(known, np.maximum(value, FAINT), 0.0))

    def reach(self, source: EncodedCohort, target: EncodedCohort, modalities: Sequence[str]) -> np.ndarray:
        """Return each target's distance to its `scale`-th nearest source patient, or its last: float64 [target]."""
        k = max(1, min(self.scale, len(source) - 1))
        similar = nearest(source, target, modalities, k=k, metric=self.metric)[1]
        last = np.where(np.isfinite(similar), similar, np.inf).min(axis=1)
        return np.asarray(np.sqrt(squared_distance(np.where(np.isfinite(last), last, 0.0), self.metric)))

    def chosen(self, source: EncodedCohort) -> tuple[str, ...]:
        """Return the modalities compared, sorted."""
        if self.modality is None:
            return source.modalities
        wanted = (self.modality,) if isinstance(self.modality, str) else self.modality
        return tuple(sorted(wanted))
