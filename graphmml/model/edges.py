"""A PatientGraph's relations as tensors, normalised once however many layers and epochs use them."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import Relation

Kind = tuple[str, str, str]


def slot(name: str) -> str:
    """Write a name of the user's as one torch takes for a part: no dot, and none of torch's own names."""
    return ":" + name.replace("~", "~0").replace(".", "~1")


@dataclass(frozen=True, eq=False)
class EdgeTensors:
    """One relation: `index` int64 [2, edge], `weight` float [edge], `shape` (source nodes, target nodes).

    `heard`, float [edge], multiplies each edge's message after all normalising; None, but for explanations, is all of
    it. A weight cannot silence a patient's only edge, as weights are divided by their sum; this can.
    """

    kind: Kind
    index: Tensor
    weight: Tensor
    shape: tuple[int, int]
    heard: Tensor | None = None

    @property
    def learned(self) -> bool:
        """Whether a loss reaches the weights; then CSR will not do, for torch gives its values a dense gradient."""
        return self.weight.requires_grad or self.heard is not None

    @cached_property
    def shares(self) -> Tensor:
        """Weights that sum to one for each target, and what is heard of them: float [edge]."""
        total = self.weight.new_zeros(self.shape[1]).index_add(0, self.index[1], self.weight)
        share = self.weight / total.index_select(0, self.index[1]).clamp(min=1e-12)
        return share if self.heard is None else share * self.heard

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
        degree = weight.new_zeros(nodes).index_add(0, index[1], weight)
        root = degree.rsqrt()
        value = weight * root.index_select(0, index[0]) * root.index_select(0, index[1])
        return index, value if self.heard is None else value * torch.cat([self.heard, value.new_ones(nodes)])

    @cached_property
    def mean(self) -> Tensor:
        """The shares as sparse CSR [target, source]."""
        return self.csr(self.shares)

    @cached_property
    def symmetric(self) -> Tensor:
        """The looped edges as sparse CSR [node, node]."""
        index, value = self.looped
        return self.csr(value, index)

    def csr(self, value: Tensor, index: Tensor | None = None) -> Tensor:
        """Lay out values on the edges as CSR [target, source]."""
        index = self.index if index is None else index
        coo = torch.sparse_coo_tensor(index.flip(0), value, (self.shape[1], self.shape[0]), check_invariants=False)
        with warnings.catch_warnings():  # torch calls every CSR tensor beta, once a process
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
            return coo.coalesce().to_sparse_csr()


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
