"""What a network reads of patients and their graph, as tensors on a device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import Parts
from graphmml.model.edges import EdgeTensors, edge_tensors


@dataclass(frozen=True, eq=False)
class PartTensors:
    """Nodes that belong to patients: `owner` int64 [node], and how they start (see `Parts`)."""

    owner: Tensor
    modality: str | None
    features: Tensor | None

    @classmethod
    def of(cls, parts: Parts, device: torch.device) -> "PartTensors":
        """Lay out parts on a device."""
        features = None if parts.features is None else torch.from_numpy(parts.features).to(device)
        return cls(torch.from_numpy(parts.owner).to(device), parts.modality, features)


@dataclass(frozen=True, eq=False)
class GraphTensors:
    """What a network reads: features {modality: [patient, column]}, present [patient, modality], edges and parts."""

    features: Mapping[str, Tensor]
    present: Tensor
    edges: Sequence[EdgeTensors]
    parts: Mapping[str, PartTensors] = field(default_factory=dict)
    owned: dict[str, "GraphTensors"] = field(default_factory=dict, init=False, repr=False)
    """The graphs of single modalities that were asked for, kept for the next epoch."""

    @cached_property
    def measured(self) -> dict[str, Tensor]:
        """The features with zeros where a modality is absent, whatever stands there: {modality: [patient, column]}."""
        return {
            name: matrix.masked_fill(~self.present[:, at, None], 0.0)
            for at, (name, matrix) in enumerate(self.features.items())
        }

    @classmethod
    def of(
        cls,
        graph: PatientGraph,
        source: EncodedCohort,
        target: EncodedCohort | None = None,
        *,
        device: torch.device,
    ) -> "GraphTensors":
        """Lay out source and attached patients, in the graph's order, on a device."""
        sides = [source] if target is None else [source, target]

        def joined(matrix: str) -> Tensor:
            return torch.cat([torch.from_numpy(side.features[matrix]) for side in sides]).to(device)

        present = torch.cat([torch.from_numpy(side.present) for side in sides]).to(device)
        parts = {kind: PartTensors.of(nodes, device) for kind, nodes in graph.parts.items()}
        return cls({name: joined(name) for name in source.modalities}, present, edge_tensors(graph, device), parts)
