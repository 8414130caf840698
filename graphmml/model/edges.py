"""A PatientGraph's relations as tensors, normalised once however many layers and epochs use them."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import Relation
from graphmml.model.sparse import Sparse

Kind = tuple[str, str, str]


def slot(name: str) -> str:
    """Write a name of the user's as one torch takes for a part: no dot, and none of torch's own names."""
    return ":" + name.replace("~", "~0").replace(".", "~1")


@dataclass(frozen=True, eq=False)
class EdgeTensors:
    """One relation: `index` int64 [2, edge], `weight` float [edge], `shape` (source nodes, target nodes).

    `heard`, float [edge], multiplies each edge's message after all normalising; None, but for explanations, is all of
    it. A weight cannot silence a patient's only edge, as weights are divided by their sum; this can.
    Where nodes and edges are a sample, `of_all` is each target's `degree` in the whole graph: float [target].
    """

    kind: Kind
    index: Tensor
    weight: Tensor
    shape: tuple[int, int]
    heard: Tensor | None = None
    of_all: Tensor | None = None

    @property
    def learned(self) -> bool:
        """Whether a loss reaches the weights or what is heard; then no matrix can be laid out once and for all."""
        return self.weight.requires_grad or self.heard is not None

    @cached_property
    def shares(self) -> Tensor:
        """Weights that sum to one for each target, and what is heard of them: float [edge]."""
        total = self.weight.new_zeros(self.shape[1]).index_add(0, self.index[1], self.weight)
        share = self.weight / total.index_select(0, self.index[1]).clamp(min=1e-12)
        return share if self.heard is None else share * self.heard

    @cached_property
    def degree(self) -> Tensor:
        """The sum of each target's weights and of one for itself: float [target]."""
        if self.of_all is not None:
            return self.of_all
        return self.weight.new_ones(self.shape[1]).index_add(0, self.index[1], self.weight)

    @cached_property
    def count(self) -> Tensor:
        """How many edges each target has: int64 [target]."""
        return torch.bincount(self.index[1], minlength=self.shape[1])

    @cached_property
    def looped(self) -> tuple[Tensor, Tensor]:
        """The edges of D^-1/2 (A + I) D^-1/2 with D the weighted in-degree, as in Kipf and Welling 2017.

        Index and values, a loop for each node behind the edges. Edges are directed, so D counts who a node listens
        to; for an undirected graph this is the paper's.
        """
        nodes = self.shape[1]
        loops = torch.arange(nodes, device=self.index.device)
        index = torch.cat([self.index, torch.stack([loops, loops])], dim=1)
        weight = torch.cat([self.weight, self.weight.new_ones(nodes)])
        root = self.degree.rsqrt()
        value = weight * root.index_select(0, index[0]) * root.index_select(0, index[1])
        return index, value if self.heard is None else value * torch.cat([self.heard, value.new_ones(nodes)])

    @cached_property
    def mean(self) -> Sparse:
        """The shares as a matrix [target, source]."""
        return Sparse(self.index, self.shares, (self.shape[1], self.shape[0]))

    @cached_property
    def symmetric(self) -> Sparse:
        """The looped edges as a matrix [node, node]."""
        index, value = self.looped
        return Sparse(index, value, (self.shape[1], self.shape[0]))

    @cached_property
    def reached(self) -> Tensor:
        """One for each target that has an edge, else zero: float [target]."""
        return self.weight.new_zeros(self.shape[1]).index_fill(0, self.index[1], 1.0)

    def averaged(self, x: Tensor) -> Tensor:
        """Return the weighted mean of what each target listens to: [source, width] to [target, width]."""
        return spread(x, self.index, self.shares, self.shape[1]) if self.learned else self.mean @ x

    def normalised(self, x: Tensor) -> Tensor:
        """Return the symmetrically normalised sum, own state included: [node, width] to [node, width]."""
        return spread(x, *self.looped, self.shape[1]) if self.learned else self.symmetric @ x


def spread(x: Tensor, index: Tensor, value: Tensor, targets: int) -> Tensor:
    """Sum each target's sources by value, with gradients in both; memory grows with the edges."""
    return x.new_zeros(targets, x.shape[1]).index_add(0, index[1], value[:, None] * x.index_select(0, index[0]))


def edge_tensors(graph: PatientGraph, device: torch.device, dtype: torch.dtype = torch.float32) -> list[EdgeTensors]:
    """Return a graph's relations as tensors on a device."""

    def one(relation: Relation) -> EdgeTensors:
        return EdgeTensors(
            kind=relation.kind,
            index=torch.from_numpy(relation.edges).to(device),
            weight=torch.from_numpy(relation.weight).to(device, dtype),
            shape=(graph.count(relation.source), graph.count(relation.target)),
        )

    return [one(relation) for relation in graph.relations]
