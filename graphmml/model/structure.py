"""Learned structure: candidate edges that a constructor proposed get weights that are learned with the rest.

Shared contract: built from the columns of each modality, the width and the relations' kinds; takes features
{modality: [patient, column]}, present [patient, modality], the fused vectors [patient, width] and the edges; gives
the edges back with weights that carry a gradient, and perhaps fewer of them. Relations between patients are
learned, those with concepts pass through. An edge's weight depends on its target, what the target may listen to,
and nobody else: a newcomer's edges are the same whoever comes along.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors, Kind, slot
from graphmml.model.fusion.operations import MeanFusion

Structure = Callable[[Mapping[str, int], int, Sequence[Kind]], nn.Module]


class PhenotypeEdges(nn.Module):
    """Weigh each edge by how alike its ends' phenotypes are once encoded (EV-GCN, Huang and Chung, MICCAI 2020).

    The weight is the candidate's times (cos(f(p_i), f(p_j)) + 1) / 2, f a two-layer map of the encoded columns of
    the modalities named. Where an end has none of them, nothing is known and the factor is one half. The paper's
    code takes sites for numbers, standardises over all pairs and normalises batches; here levels are columns,
    statistics come from training rows and every patient is encoded alone. Edges are dropped in training only.
    """

    def __init__(
        self,
        columns: Mapping[str, int],
        width: int,
        relations: Sequence[Kind],
        *,
        modality: str | Sequence[str],
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.modalities = (modality,) if isinstance(modality, str) else tuple(modality)
        unknown = [name for name in self.modalities if name not in columns]
        if unknown or not self.modalities:
            raise GraphError(f"no modality '{', '.join(unknown)}' to weigh edges by; there are: {', '.join(columns)}")
        self.at = [list(columns).index(name) for name in self.modalities]
        self.inward = nn.ModuleDict({slot(name): nn.Linear(columns[name], width) for name in self.modalities})
        self.mix = MeanFusion(width, len(self.modalities))
        self.onward = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width))
        self.dropout = dropout

    def forward(
        self, features: Mapping[str, Tensor], present: Tensor, fused: Tensor, edges: Sequence[EdgeTensors]
    ) -> list[EdgeTensors]:
        """Return the edges, those between patients with learned weights."""
        directions = self.directions(features, present[:, self.at])

        def weighed(item: EdgeTensors) -> EdgeTensors:
            speaking, listening = (directions.index_select(0, row) for row in item.index)
            cosine = (speaking * listening).sum(dim=1)
            weight = item.weight * (cosine + 1) / 2
            return replace(item, weight=functional.dropout(weight, self.dropout, self.training))

        return [weighed(item) if between_patients(item.kind) else item for item in edges]

    def directions(self, features: Mapping[str, Tensor], present: Tensor) -> Tensor:
        """Encode phenotypes as unit vectors, zeros for a patient without any: [patient, width]."""
        encoded = [
            self.inward[slot(name)](features[name].masked_fill(~present[:, at, None], 0.0))
            for at, name in enumerate(self.modalities)
        ]
        onward = self.onward(self.mix(torch.stack(encoded, dim=1), present))
        return functional.normalize(onward, dim=1).masked_fill(~present.any(dim=1, keepdim=True), 0.0)


class NeighbourEdges(nn.Module):
    """Let each patient choose its neighbours among the candidates (DGM, Kazi et al., IEEE TPAMI 2022).

    The weight is the candidate's times sigmoid(t (c - d)): d is the squared distance between mapped fused vectors,
    divided by its mean over the candidates of the same target, so that scale does not matter; t and c are learned,
    one pair a relation. With `k`, each target keeps its k heaviest candidates; in training they are drawn in
    proportion to weight (Gumbel top-k, Kool et al., ICML 2019), at prediction nothing is drawn. The paper chooses
    among all pairs, draws at prediction too, and learns the map of its sampled graph from a reward; here what is
    kept is heard by its weight, so that the loss itself reaches the map.
    """

    def __init__(
        self, columns: Mapping[str, int], width: int, relations: Sequence[Kind], *, k: int | None = None
    ) -> None:
        super().__init__()
        if k is not None and k < 1:
            raise GraphError(f"k is {k}; choose one or more neighbours, or None to keep every candidate")
        self.k = k
        self.kinds = tuple(kind for kind in relations if between_patients(kind))
        self.map = nn.Linear(width, width, bias=False)
        self.centre = nn.Parameter(torch.ones(len(self.kinds)))
        self.steepness = nn.Parameter(torch.ones(len(self.kinds)))  # its logarithm, so that it stays above zero

    def forward(
        self, features: Mapping[str, Tensor], present: Tensor, fused: Tensor, edges: Sequence[EdgeTensors]
    ) -> list[EdgeTensors]:
        """Return the edges, those between patients with learned weights and, with `k`, the chosen ones alone."""
        mapped = self.map(fused)
        return [self.weighed(item, mapped) if between_patients(item.kind) else item for item in edges]

    def weighed(self, item: EdgeTensors, mapped: Tensor) -> EdgeTensors:
        """Weigh one relation's candidates and keep the chosen."""
        sources, targets = item.index
        distance = (mapped.index_select(0, sources) - mapped.index_select(0, targets)).square().sum(dim=1)
        count = torch.bincount(targets, minlength=item.shape[1]).clamp(min=1)
        mean = distance.new_zeros(item.shape[1]).index_add(0, targets, distance) / count
        at = self.kinds.index(item.kind)
        score = self.centre[at] - distance / mean.index_select(0, targets).clamp(min=1e-12)
        weight = item.weight * (self.steepness[at].exp() * score).sigmoid()
        if self.k is None:
            return replace(item, weight=weight)
        kept = heaviest(weight.detach().log() + self.noise(weight), targets, self.k)
        heard = None if item.heard is None else item.heard[kept]
        return replace(item, index=item.index[:, kept], weight=weight[kept], heard=heard)

    def noise(self, weight: Tensor) -> Tensor:
        """Return what makes a top-k a draw: Gumbel noise in training, nothing at prediction."""
        if not self.training:
            return torch.zeros_like(weight)
        return -torch.empty_like(weight).exponential_().log()


def heaviest(score: Tensor, targets: Tensor, k: int) -> Tensor:
    """Return which edges are among the k highest scores of their target, in the order of edges: int64 [kept]."""
    order = score.argsort(descending=True, stable=True)
    order = order[targets[order].argsort(stable=True)]
    ordered = targets[order]
    rank = torch.arange(len(order), device=order.device) - torch.searchsorted(ordered, ordered)
    kept: Tensor = order[rank < k].sort().values
    return kept


def between_patients(kind: Kind) -> bool:
    """Return whether a relation joins patients to patients."""
    return kind[0] == kind[2] == PATIENT


def structure_for(
    structure: Structure | None, conv: nn.Module, columns: Mapping[str, int], width: int, relations: Sequence[Kind]
) -> nn.Module | None:
    """Build a structure, or say why it would learn nothing; without any relation there is none."""
    if structure is None or not relations:
        return None
    if not getattr(conv, "weighs", True):
        raise GraphError(
            f"{type(conv).__name__} does not listen to weights, so that no structure can be learned through it; "
            "use SAGEStack or GCNStack"
        )
    if not any(map(between_patients, relations)):
        raise GraphError(
            "a structure is learned on edges between patients, and these links have none; use Neighbours, "
            "SharedPhenotype or RandomEdges, or no structure"
        )
    return structure(columns, width, relations)
