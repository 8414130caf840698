"""Batches of a graph: some patients and those whom they listen to, as a graph that a network reads like any other."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from torch_geometric.loader import NodeLoader

from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT
from graphmml.model.completion import NeighbourCompletion
from graphmml.model.edges import EdgeTensors
from graphmml.model.passing import MessagePassing
from graphmml.model.sampler import NeighbourSampler, counts
from graphmml.model.tensors import GraphTensors


class Batches:
    """The patients of `rows`, `size` at a time; what comes is where they stand in the graph, and their own graph.

    In it they come first, as they were asked for. With `neighbours`, each node draws so many edges a relation, and
    with `shuffle` patients come in another order, both by `seed` and anew in every round; without either each answer
    is that on the whole graph. A drawn edge weighs more, as if it spoke for those that were not: sums are what they are
    on the whole graph in the mean over draws, weighted means nearly so.
    """

    def __init__(
        self,
        graph: GraphTensors,
        rows: Tensor,
        size: int,
        *,
        hops: int,
        neighbours: int | None = None,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        data = HeteroData()
        for kind, count in counts(graph).items():
            data[kind].num_nodes = count
        for item in graph.edges:
            data[item.kind].edge_index = item.index.cpu()
        self.graph = graph
        self.loader = NodeLoader(
            data,
            NeighbourSampler(graph, hops, neighbours, seed),
            input_nodes=(PATIENT, rows.cpu()),
            batch_size=size,
            shuffle=shuffle,
            generator=torch.Generator().manual_seed(seed),
        )

    def __iter__(self) -> Iterator[tuple[Tensor, GraphTensors]]:
        for batch in self.loader:
            yield batch[PATIENT].n_id[: batch[PATIENT].batch_size], sampled(self.graph, batch)


def sampled(graph: GraphTensors, batch: HeteroData) -> GraphTensors:
    """Return the part of a graph that a batch names."""
    patients = batch[PATIENT].n_id.to(graph.present.device)
    place = torch.full((len(graph.present),), -1, device=patients.device)
    place[patients] = torch.arange(len(patients), device=patients.device)
    parts = {}
    for kind, part in graph.parts.items():
        nodes = batch[kind].n_id.to(patients.device)
        features = None if part.features is None else part.features[nodes]
        parts[kind] = replace(part, owner=place[part.owner[nodes]], features=features)
    return GraphTensors(
        {name: matrix[patients] for name, matrix in graph.measured.items()},
        graph.present[patients],
        [thinned(item, batch) for item in graph.edges],
        parts,
    )


def thinned(item: EdgeTensors, batch: HeteroData) -> EdgeTensors:
    """Return the edges of one relation that a batch has, weighing as many as their target has of them."""
    device = item.weight.device
    index, edge = batch[item.kind].edge_index.to(device), batch[item.kind].e_id.to(device)
    sources, targets = (batch[item.kind[side]].n_id.to(device) for side in (0, 2))
    drawn = torch.bincount(index[1], minlength=len(targets)).clamp(min=1)
    speaks_for = item.count[targets] / drawn
    return EdgeTensors(
        kind=item.kind,
        index=index,
        weight=item.weight[edge] * speaks_for[index[1]].to(item.weight.dtype),
        shape=(len(sources), len(targets)),
        of_all=item.degree[targets],
    )


def hops_of(network: nn.Module) -> int:
    """Return how many steps away a patient can be heard from, or raise GraphError where nobody can say."""
    if getattr(network, "structure", None) is not None:
        raise GraphError("a structure is learned on the whole graph; leave it out, or leave out batch")
    stacks = [part.conv for part in network.modules() if isinstance(part, MessagePassing)]
    far = [len(layers) for layers in (getattr(stack, "layers", None) for stack in stacks) if layers is not None]
    if len(far) < len(stacks):
        raise GraphError("a conv of yours does not say how far it listens; give it `layers`, one for each step")
    completes = any(isinstance(part, NeighbourCompletion) for part in network.modules())
    return max(far, default=0) + completes
