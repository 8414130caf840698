"""Message passing over the relations of a PatientGraph: GCN, GAT and GraphSAGE stacks on PyG.

Shared contract: built from the width and the relations' kinds, with depth, dropout, residual and norm as plain
parameters; takes x {kind of node: [node, width]} and the edge tensors, gives the patients' [patient, width].
Where several relations reach a node, the messages of those in which it has an edge are averaged: who lacks a modality
hears as loudly as the others, from fewer relations. Without edges every patient is mapped alone, by the same weights.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv, GCNConv, SAGEConv

from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT
from graphmml.model.dropout import Dropout
from graphmml.model.edges import EdgeTensors, Kind, slot

Nodes = Mapping[str, Tensor]
Norm = Callable[[int], nn.Module]


class SAGEStack(nn.Module):
    """GraphSAGE with the (weighted) mean of neighbours (Hamilton, Ying and Leskovec 2017)."""

    def __init__(
        self,
        width: int,
        relations: Sequence[Kind],
        *,
        depth: int = 1,
        dropout: float = 0.5,
        residual: bool = True,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        refuse_settings(depth, dropout)
        # rows of the mean matrix sum to one, so a sum over them is the weighted mean
        new = partial(SAGEConv, (width, width), width, aggr="sum", root_weight=False, bias=False)
        self.layers = nn.ModuleList(Layer(width, relations, new, dropout, residual, norm) for _ in range(depth))

    def forward(self, x: Nodes, edges: Sequence[EdgeTensors]) -> Tensor:
        """Pass messages `depth` times: {kind: [node, width]} -> [patient, width]."""
        for layer in self.layers:
            x = layer(x, edges, mean_message)
        return x[PATIENT]


class GCNStack(nn.Module):
    """Graph convolutions with symmetric normalisation and self-loops (Kipf and Welling 2017).

    Relations between patients only: the normalisation is not defined between two kinds of node.
    """

    def __init__(
        self,
        width: int,
        relations: Sequence[Kind],
        *,
        depth: int = 1,
        dropout: float = 0.5,
        residual: bool = True,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        refuse_settings(depth, dropout)
        across = [name for source, name, target in relations if (source, target) != (PATIENT, PATIENT)]
        if across:
            raise GraphError(
                f"GCNStack cannot pass messages through concepts ({', '.join(across)}); use SAGEStack or GATStack"
            )
        new = partial(GCNConv, width, width, normalize=False, bias=False)
        self.layers = nn.ModuleList(Layer(width, relations, new, dropout, residual, norm) for _ in range(depth))

    def forward(self, x: Nodes, edges: Sequence[EdgeTensors]) -> Tensor:
        """Pass messages `depth` times: {kind: [node, width]} -> [patient, width]."""
        for layer in self.layers:
            x = layer(x, edges, symmetric_message)
        return x[PATIENT]


class GATStack(nn.Module):
    """Graph attention (Velickovic et al. 2018); edge weights are not used, attention finds its own."""

    weighs = False

    def __init__(
        self,
        width: int,
        relations: Sequence[Kind],
        *,
        depth: int = 1,
        heads: int = 4,
        dropout: float = 0.5,
        residual: bool = True,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        refuse_settings(depth, dropout, heads)
        if width % heads:
            raise GraphError(f"width is {width} and heads {heads}; choose a width that heads divides")
        new = partial(GATConv, (width, width), width // heads, heads, add_self_loops=False, bias=False)
        self.layers = nn.ModuleList(Layer(width, relations, new, dropout, residual, norm) for _ in range(depth))

    def forward(self, x: Nodes, edges: Sequence[EdgeTensors]) -> Tensor:
        """Pass messages `depth` times: {kind: [node, width]} -> [patient, width]."""
        for layer in self.layers:
            x = layer(x, edges, attention_message)
        return x[PATIENT]


Message = Callable[[nn.Module, Tensor, Tensor, EdgeTensors], Tensor]


class Layer(nn.Module):
    """One step: what each node is itself, plus the mean of what it hears over its relations, then a rectifier.

    A relation counts for the nodes that have an edge in it. A node without any takes the mean over all, which is
    nothing, or with GCN's self-loops itself.
    """

    def __init__(
        self,
        width: int,
        relations: Sequence[Kind],
        new: Callable[[], nn.Module],
        dropout: float,
        residual: bool,
        norm: Norm | None,
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleDict({key(kind): new() for kind in relations})
        self.kinds = tuple(dict.fromkeys([PATIENT, *targets(relations)]))
        self.own = nn.ModuleDict({slot(kind): nn.Linear(width, width) for kind in self.kinds})
        self.norms = nn.ModuleDict({slot(kind): norm(width) for kind in self.kinds} if norm else {})
        self.dropout = Dropout(dropout)
        self.residual = residual

    def forward(self, x: Nodes, edges: Sequence[EdgeTensors], message: Message) -> dict[str, Tensor]:
        """Return the next state of every kind of node: {kind: [node, width]}."""
        after = dict(x)
        for kind in self.kinds:
            items = [item for item in edges if item.kind[2] == kind and item.index.shape[1]]
            told = [message(self.convs[key(item.kind)], x[item.kind[0]], x[kind], item) for item in items]
            state = self.own[slot(kind)](x[kind])
            if len(told) == 1:
                state.add_(told[0])  # a linear map's backward does not ask for what it gave
            elif told:
                state.add_((shares(items).unsqueeze(-1) * torch.stack(told)).sum(dim=0))
            if len(self.norms):
                state = self.norms[slot(kind)](state)
            state = self.dropout(state.relu())
            after[kind] = x[kind] + state if self.residual else state
        return after


def shares(items: Sequence[EdgeTensors]) -> Tensor:
    """Return how much each relation counts for each node, over relations summing to one: [relation, node]."""
    heard = torch.stack([item.reached for item in items])
    counts = heard.sum(dim=0)
    return torch.where(counts > 0, heard / counts.clamp(min=1.0), 1.0 / len(items))


def refuse_settings(depth: int, dropout: float, heads: int = 1) -> None:
    """Raise GraphError for options that no stack can be made of."""
    for name, value in (("depth", depth), ("heads", heads)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise GraphError(f"{name} is {value}; choose a whole number, one or more")
    if not 0.0 <= dropout < 1.0:
        raise GraphError(f"dropout is {dropout}; choose a share from 0 to below 1")


def mean_message(conv: nn.Module, source: Tensor, target: Tensor, item: EdgeTensors) -> Tensor:
    """Return the weighted mean of what each target listens to, mapped."""
    heard: Tensor = conv.lin_l(item.averaged(source))  # type: ignore[operator]
    return heard


def symmetric_message(conv: nn.Module, source: Tensor, target: Tensor, item: EdgeTensors) -> Tensor:
    """Return the symmetrically normalised sum, own state included, of what is mapped first."""
    return item.normalised(conv.lin(source))  # type: ignore[operator]


def attention_message(conv: nn.Module, source: Tensor, target: Tensor, item: EdgeTensors) -> Tensor:
    """Return what attention makes of a target's sources; what is heard of each is of its finished message."""
    heard = item.heard
    if heard is None:
        told: Tensor = conv((source, target), item.index)
        return told
    hook = conv.register_message_forward_hook(  # type: ignore[operator]
        lambda conv, inputs, message: message * heard[:, None, None]
    )
    try:
        told = conv((source, target), item.index)
    finally:
        hook.remove()
    return told


def key(kind: Kind) -> str:
    """Write a relation's kind as the name of a module."""
    return slot("/".join(kind))


def targets(relations: Sequence[Kind]) -> list[str]:
    """Return the kinds of node that hear anything, each once, in order."""
    return list(dict.fromkeys(target for _, _, target in relations))
