"""ModalityNodes: what was measured of a patient in one modality is a node of its own."""

from dataclasses import dataclass

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT, Parts, Relation, Relations
from graphmml.graph.similarity import Metric, nearest


@dataclass(frozen=True)
class ModalityNodes:
    """Each modality that a patient has is a node beside the patient; message passing does the fusion.

    A missing modality is a missing node, so nothing is imputed and no mask is read. The patient starts without
    these modalities and listens to its nodes; a node listens to its patient and, with k above 0, to the k nodes
    of its kind that are most alike (`metric`). A step of message passing is an edge: depth=1 is fusion alone, at
    depth=2 neighbours are felt, at depth=4 what neighbours have in other modalities. `modality` names one,
    several, or all (None); the others are fused as always.

    After MUSE (Wu et al., ICLR 2024), whose graph joins patients to one node a modality and puts what was
    measured on the edges. Here every patient has nodes of its own, so that alike patients may listen to each
    other one modality at a time, and there is no contrastive loss.
    """

    k: int = 10
    metric: Metric = "cosine"
    modality: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if self.k < 0:
            raise GraphError(f"k is {self.k}; choose neighbours for each node, or 0 for none")
        if self.metric not in ("cosine", "euclidean", "correlation"):
            raise GraphError(f"'{self.metric}' is not one of cosine, euclidean, correlation")
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return for each modality node -> patient, patient -> node and, with k, alike node -> node."""
        items: list[Relation] = []
        parts: dict[str, Parts] = {}
        for modality in self.chosen(source):
            owner = np.flatnonzero(target.has(modality))
            node = np.arange(len(owner))
            parts[modality] = Parts(owner, modality)
            items += [
                Relation.of(f"of_{modality}", node, owner).between(modality, PATIENT, own=True),
                Relation.of(f"has_{modality}", owner, node).between(PATIENT, modality, own=True),
            ]
            if self.k:
                items.append(self.near(modality, source, target))
        return Relations(tuple(items), parts=parts)

    def chosen(self, source: EncodedCohort) -> tuple[str, ...]:
        """Return the modalities that become nodes, sorted, or raise GraphError for one that cannot."""
        wanted = (self.modality,) if isinstance(self.modality, str) else self.modality or source.modalities
        for modality in wanted:
            measured = int(source.has(modality).sum())
            if modality == PATIENT:
                raise GraphError(f"'{PATIENT}' is what the graph calls its patients; give the modality another name")
            if self.k and measured <= self.k:
                raise GraphError(
                    f"k is {self.k} but {measured} of the {len(source)} source patients have {modality}; "
                    f"choose k below {max(measured, 1)}, or name the other modalities"
                )
        return tuple(sorted(set(wanted)))

    def near(self, modality: str, source: EncodedCohort, target: EncodedCohort) -> Relation:
        """Let each node listen to the k source nodes of its kind that are most alike."""
        found, _ = nearest(source, target, [modality], k=self.k, metric=self.metric)
        targets, rank = np.nonzero(found >= 0)
        there, here = (np.cumsum(cohort.has(modality)) - 1 for cohort in (source, target))
        return Relation.of(f"near_{modality}", there[found[targets, rank]], here[targets]).between(modality, modality)
