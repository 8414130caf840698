"""GraphNetwork: encoders, fusion, message passing and head in one forward."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors, Kind, edge_tensors, slot

Encoder = Callable[[int, int], nn.Module]
Fusion = Callable[[int, int], nn.Module]
Conv = Callable[[int, Sequence[Kind]], nn.Module]


@dataclass(frozen=True, eq=False)
class GraphTensors:
    """What a network reads: features {modality: [patient, column]}, present [patient, modality], and edges."""

    features: Mapping[str, Tensor]
    present: Tensor
    edges: Sequence[EdgeTensors]

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
        parts = [source] if target is None else [source, target]

        def joined(matrix: str) -> Tensor:
            return torch.cat([torch.from_numpy(part.features[matrix]) for part in parts]).to(device)

        present = torch.cat([torch.from_numpy(part.present) for part in parts]).to(device)
        return cls({name: joined(name) for name in source.modalities}, present, edge_tensors(graph, device))


class GraphNetwork(nn.Module):
    """Encode each modality, fuse what is present, pass messages along the graph, read out.

    `columns` maps each modality to its number of columns, `relations` are the graph's kinds of relation and
    `concepts` its kinds of concept with their counts; a concept starts as a learned vector.
    """

    def __init__(
        self,
        columns: Mapping[str, int],
        relations: Sequence[Kind],
        *,
        concepts: Mapping[str, int],
        outputs: int,
        width: int,
        encoder: Encoder,
        fusion: Fusion,
        conv: Conv,
    ) -> None:
        super().__init__()
        self.modalities, self.kinds = tuple(columns), tuple(concepts)
        self.encoders = nn.ModuleDict({slot(name): encoder(count, width) for name, count in columns.items()})
        self.fusion = fusion(width, len(columns))
        self.concepts = nn.ParameterDict(
            {slot(kind): nn.Parameter(torch.randn(count, width) / width**0.5) for kind, count in concepts.items()}
        )
        self.conv = conv(width, relations)
        self.head = nn.Linear(width, outputs)

    def forward(self, graph: GraphTensors) -> Tensor:
        """Return [patient, output] for every patient of the graph."""
        # an absent modality holds zeros, but noise written there must not matter either
        encoded = [
            self.encoders[slot(name)](graph.features[name].masked_fill(~graph.present[:, at, None], 0.0))
            for at, name in enumerate(self.modalities)
        ]
        fused = self.fusion(torch.stack(encoded, dim=1), graph.present)  # [patient, width]
        concepts = {kind: self.concepts[slot(kind)] for kind in self.kinds}
        patients = self.conv({PATIENT: fused, **concepts}, graph.edges)
        logits: Tensor = self.head(patients)
        return logits
