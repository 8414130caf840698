"""MessagePassing: concepts and parts take their place beside the patients, and messages go round."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from graphmml.graph.patient_graph import GraphSchema
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors, Kind, slot
from graphmml.model.tensors import GraphTensors, PartTensors

Conv = Callable[[int, Sequence[Kind]], nn.Module]


class MessagePassing(nn.Module):
    """A concept starts as a learned vector; a part as its owner's encoded modality, or a map of its features."""

    def __init__(self, schema: GraphSchema, width: int, conv: Conv) -> None:
        super().__init__()
        self.kinds = tuple(schema.concepts)
        self.concepts = nn.ParameterDict(
            {slot(k): nn.Parameter(torch.randn(count, width) / width**0.5) for k, count in schema.concepts.items()}
        )
        self.starts = nn.ModuleDict({slot(kind): nn.Linear(n, width) for kind, n in schema.parts.items() if n})
        self.conv = conv(width, schema.relations)

    def forward(
        self, graph: GraphTensors, patients: Tensor, encoded: Mapping[str, Tensor], edges: Sequence[EdgeTensors]
    ) -> Tensor:
        """Return what messages make of the patients: [patient, width]."""
        concepts = {kind: self.concepts[slot(kind)] for kind in self.kinds}
        parts = {kind: self.start(kind, part, encoded) for kind, part in graph.parts.items()}
        states: Tensor = self.conv({PATIENT: patients, **concepts, **parts}, edges)
        return states

    def start(self, kind: str, part: PartTensors, encoded: Mapping[str, Tensor]) -> Tensor:
        """Return the first state of a kind of part: [node, width]."""
        if part.modality is not None:
            return encoded[part.modality][part.owner]
        state: Tensor = self.starts[slot(kind)](part.features)
        return state
