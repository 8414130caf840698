"""GraphNetwork: encoders, fusion, message passing and head in one forward."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import GraphSchema, PatientGraph
from graphmml.graph.relations import PATIENT, Parts
from graphmml.model.edges import EdgeTensors, Kind, edge_tensors, slot
from graphmml.model.structure import Structure, structure_for

Encoder = Callable[[int, int], nn.Module]
Fusion = Callable[[int, int], nn.Module]
Conv = Callable[[int, Sequence[Kind]], nn.Module]


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


class GraphNetwork(nn.Module):
    """Encode each modality, fuse what is present, pass messages along the graph, read out.

    `columns` maps each modality to its number of columns, `schema` says what the graph is made of. A concept
    starts as a learned vector; a part as its owner's encoded modality, or as a learned map of its features. A
    modality that stands beside the patient as a node of its own is left out of the fusion: the patient starts
    without it (at zeros, where all are nodes) and messages bring it in.
    """

    def __init__(
        self,
        columns: Mapping[str, int],
        schema: GraphSchema,
        *,
        outputs: int,
        width: int,
        encoder: Encoder,
        fusion: Fusion,
        conv: Conv,
        structure: Structure | None = None,
    ) -> None:
        super().__init__()
        self.modalities, self.kinds = tuple(columns), tuple(schema.concepts)
        self.encoders = nn.ModuleDict({slot(name): encoder(count, width) for name, count in columns.items()})
        self.fusion = fusion(width, len(columns))
        self.concepts = nn.ParameterDict(
            {slot(k): nn.Parameter(torch.randn(count, width) / width**0.5) for k, count in schema.concepts.items()}
        )
        self.starts = nn.ModuleDict({slot(kind): nn.Linear(n, width) for kind, n in schema.parts.items() if n})
        self.conv = conv(width, schema.relations)
        self.head = nn.Linear(width, outputs)
        # made last, so that the other parts start as they do without it
        self.structure = structure_for(structure, self.conv, columns, width, schema.relations)

    def forward(self, graph: GraphTensors) -> Tensor:
        """Return [patient, output] for every patient of the graph."""
        encoded = self.encoded(graph)
        fused = self.fused(graph, encoded)
        concepts = {kind: self.concepts[slot(kind)] for kind in self.kinds}
        parts = {kind: self.start(kind, part, encoded) for kind, part in graph.parts.items()}
        patients = self.conv({PATIENT: fused, **concepts, **parts}, self.edges(graph, fused))
        logits: Tensor = self.head(patients)
        return logits

    def encoded(self, graph: GraphTensors) -> dict[str, Tensor]:
        """Return every modality encoded: {modality: [patient, width]}."""
        # an absent modality holds zeros, but noise written there must not matter either
        return {
            name: self.encoders[slot(name)](graph.features[name].masked_fill(~graph.present[:, at, None], 0.0))
            for at, name in enumerate(self.modalities)
        }

    def fused(self, graph: GraphTensors, encoded: Mapping[str, Tensor]) -> Tensor:
        """Return what each patient starts as: [patient, width]."""
        apart = {part.modality for part in graph.parts.values()}
        within = torch.tensor([name not in apart for name in self.modalities], device=graph.present.device)
        fused: Tensor = self.fusion(torch.stack(list(encoded.values()), dim=1), graph.present & within)
        return fused

    def edges(self, graph: GraphTensors, fused: Tensor) -> Sequence[EdgeTensors]:
        """Return the edges that are heard: the graph's, with weights of their own where a structure is learned."""
        if self.structure is None:
            return graph.edges
        learned: Sequence[EdgeTensors] = self.structure(graph.features, graph.present, fused, graph.edges)
        return learned

    def start(self, kind: str, part: PartTensors, encoded: Mapping[str, Tensor]) -> Tensor:
        """Return the first state of a kind of part: [node, width]."""
        if part.modality is not None:
            return encoded[part.modality][part.owner]
        state: Tensor = self.starts[slot(kind)](part.features)
        return state
