"""Fronts: from columns to the vector that each patient starts message passing with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphmml.errors import GraphError
from graphmml.graph.patient_graph import GraphSchema
from graphmml.model.edges import slot
from graphmml.model.fusion.presence import somebody
from graphmml.model.strategy import Early, Hybrid, Intermediate, Late, Strategy
from graphmml.model.tensors import GraphTensors

Encoder = Callable[[int, int], nn.Module]


@dataclass(frozen=True, eq=False)
class Start:
    """Where patients start: `fused` [patient, width], each modality `encoded`, what was `completed`, a penalty."""

    fused: Tensor
    encoded: Mapping[str, Tensor]
    completed: Tensor  # bool [patient, modality]
    penalty: Tensor


class JoinedFront(nn.Module):
    """One encoder on the columns of all modalities and a column each for their presence."""

    def __init__(self, columns: Mapping[str, int], width: int, encoder: Encoder) -> None:
        super().__init__()
        self.columns = dict(columns)
        self.total = sum(columns.values()) + len(columns)
        self.encoder = encoder(self.total, width)

    def forward(self, graph: GraphTensors) -> Start:
        """Map every patient's columns."""
        # the encoder divides by all columns; here by those of each modality, so that the widest does not decide
        parts = [graph.measured[name] * (self.total / count) for name, count in self.columns.items()]
        joined = torch.cat([*parts, graph.present.to(parts[0].dtype) * self.total], dim=1)
        fused = somebody(self.encoder(joined), graph.present)
        return Start(fused, {}, torch.zeros_like(graph.present), fused.new_zeros(()))


class FusedFront(nn.Module):
    """An encoder a modality, then completion where wanted, then fusion."""

    def __init__(
        self, strategy: Intermediate | Hybrid, columns: Mapping[str, int], width: int, encoder: Encoder
    ) -> None:
        super().__init__()
        count = len(columns)
        self.modalities = tuple(columns)
        self.encoders = nn.ModuleDict({slot(name): encoder(count, width) for name, count in columns.items()})
        self.fusion = strategy.fusion(width, count)
        self.complete = strategy.complete(width, count) if strategy.complete else None
        self.auxiliary = strategy.auxiliary(width, count) if strategy.auxiliary else None
        self.drop = strategy.drop

    def forward(self, graph: GraphTensors) -> Start:
        """Encode and fuse every patient."""
        return self.fuse(self.encoded(graph), graph)

    def encoded(self, graph: GraphTensors) -> dict[str, Tensor]:
        """Return every modality encoded: {modality: [patient, width]}."""
        return {name: self.encoders[slot(name)](graph.measured[name]) for name in self.modalities}

    def fuse(self, encoded: Mapping[str, Tensor], graph: GraphTensors) -> Start:
        """Complete and fuse what is present and stands for no node of its own."""
        x, usable, penalty = self.usable(encoded, graph)
        fused: Tensor = self.fusion(x, usable)
        if self.auxiliary is not None and self.training:
            # of what was encoded: a hidden modality is compared as what it is, and no stand-in with anything
            whole = torch.stack(list(encoded.values()), dim=1)
            penalty = penalty + self.auxiliary(whole, graph.present, fused)
        return Start(fused, encoded, usable & ~graph.present, penalty)

    def usable(self, encoded: Mapping[str, Tensor], graph: GraphTensors) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is fused [patient, modality, width], what of it may be used, and a penalty."""
        apart = {part.modality for part in graph.parts.values()}
        within = torch.tensor([name not in apart for name in self.modalities], device=graph.present.device)
        x, present = torch.stack(list(encoded.values()), dim=1), graph.present & within
        if self.training and self.drop:
            present = thinned(present, self.drop)
        if self.complete is None:
            return x, present, x.new_zeros(())
        done = self.complete(x.masked_fill(~present.unsqueeze(-1), 0.0), present, graph.edges)
        return done.x, done.usable & within, done.penalty

    def weights(self, encoded: Mapping[str, Tensor], graph: GraphTensors) -> tuple[Tensor, Tensor]:
        """Return how much each modality counts, and bool what was given to the fusion: both [patient, modality]."""
        weigh = getattr(self.fusion, "weights", None)
        if weigh is None:
            raise GraphError(
                f"{type(self.fusion).__name__} has no weight a modality to read; MeanFusion, GatedFusion, "
                "AttentionFusion, HierarchicalFusion, ChannelFusion and CrossAttentionFusion have"
            )
        x, usable, _ = self.usable(encoded, graph)
        return weigh(x, usable), usable


def thinned(present: Tensor, drop: float) -> Tensor:
    """Hide each present modality with probability `drop`, never a patient's last: bool [patient, modality]."""
    kept = present & (torch.rand(present.shape, device=present.device) >= drop)
    return torch.where(kept.any(dim=1, keepdim=True), kept, present)


def front_for(
    strategy: Strategy, columns: Mapping[str, int], schema: GraphSchema, width: int, encoder: Encoder
) -> JoinedFront | FusedFront:
    """Build what a strategy puts before message passing."""
    if isinstance(strategy, Late) or (isinstance(strategy, Intermediate) and strategy.own_graphs):
        raise GraphError(f"{strategy} has a graph for each modality; GraphClassifier builds its network")
    if not isinstance(strategy, Early):
        return FusedFront(strategy, columns, width, encoder)
    if 0 in schema.parts.values():
        raise GraphError(
            "Early has no vector of a single modality for the nodes of ModalityNodes to start from; use Intermediate, "
            "or other links"
        )
    return JoinedFront(columns, width, encoder)
