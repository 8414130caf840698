"""Several networks of one shape trained as one program: on a GPU, a step of many small ones takes hardly longer."""

import copy
from collections.abc import Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch_geometric.nn import GATConv, GCNConv, SAGEConv
from torch_geometric.nn import Linear as PyGLinear
from torch_geometric.nn.aggr import SumAggregation

from graphmml.graph.relations import PATIENT
from graphmml.model.dropout import Dropout
from graphmml.model.edges import EdgeTensors
from graphmml.model.encoders import LinearEncoder, MLPEncoder
from graphmml.model.front import FusedFront
from graphmml.model.network import GraphNetwork
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import Network
from graphmml.train.batches import Part
from graphmml.train.loop import Epoch, Stopped, Training, Watch
from graphmml.train.sides import Blocks, Sides, filled, relations_of
from graphmml.train.tasks import ClassTask

OURS = "graphmml.model."
KNOWN = (
    *(nn.Linear, nn.LayerNorm, nn.ReLU, nn.Sequential, nn.ModuleDict, nn.ModuleList, nn.ParameterDict),
    *(SAGEConv, GCNConv, GATConv, PyGLinear, SumAggregation),
)
"""Parts of others that take every patient by itself, or sum along edges."""
SUMMING = (nn.Linear, LinearEncoder, MLPEncoder)
"""Encoders that columns of zeros change nothing for, where the weights on them are zeros too, and stay so."""


class Judged(nn.Module):
    """A network and the loss of what it says."""

    def __init__(self, network: GraphNetwork, task: ClassTask) -> None:
        super().__init__()
        self.network, self.task = network, task

    def forward(
        self,
        features: dict[str, Tensor],
        present: Tensor,
        codes: Tensor,
        index: Sequence[Tensor],
        reached: Sequence[Tensor],
        whole: Sequence[EdgeTensors],
        classes: Tensor | None,
    ) -> Tensor:
        """Return the loss on the patients whose class is known."""
        shape = (len(codes), len(codes))
        edges = [
            Blocks(item.kind, pairs, torch.ones_like(pairs[0], dtype=some.dtype), shape, whole=item, some=some)
            for item, pairs, some in zip(whole, index, reached, strict=True)
        ]
        answer = self.network.answer(GraphTensors(features, present, edges))
        return self.task.loss(answer.logits, codes, classes)


class Stack:
    """The weights of several networks side by side: {name: [network, ...]}, filled up by zeros to the largest."""

    def __init__(self, networks: Sequence[GraphNetwork], task: ClassTask) -> None:
        self.networks = networks
        with torch.no_grad():
            weights = side_by_side([dict(network.named_parameters()) for network in networks])
            self.others = side_by_side([dict(network.named_buffers()) for network in networks])
        learned = dict(networks[0].named_parameters())
        self.weights = {name: weight.requires_grad_(learned[name].requires_grad) for name, weight in weights.items()}
        self.one = Judged(copy.deepcopy(networks[0]), task)
        for module in self.one.modules():
            if isinstance(module, Dropout):
                module.own = False

    def losses(self, sides: Sides, classes: Tensor | None = None) -> Tensor:
        """Return the loss of each network on its side, every one with chance of its own: [network]."""

        def one(state: dict[str, Tensor], classes: Tensor | None, *tensors: object) -> Tensor:
            named = {f"network.{name}": value for name, value in state.items()}
            loss: Tensor = functional_call(self.one, named, (*tensors, sides.whole, classes))
            return loss

        each = torch.vmap(one, in_dims=(0, None if classes is None else 0, 0, 0, 0, 0, 0), randomness="different")
        losses: Tensor = each(self.weights | self.others, classes, *sides.tensors())
        return losses

    def give_back(self, weights: dict[str, Tensor]) -> None:
        """Write weights into the networks."""
        with torch.no_grad():
            for at, network in enumerate(self.networks):
                for name, weight in network.named_parameters():
                    weight.copy_(weights[name][at][tuple(slice(size) for size in weight.shape)])


def side_by_side(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Stack tensors of the same names, filled up to the largest: {name: [network, ...]}."""
    return {name: filled([state[name] for state in states]) for name in states[0]}


def may_train_together(
    networks: Sequence[Network], parts: Sequence[tuple[Part, Part]], how: Training
) -> TypeGuard[Sequence[GraphNetwork]]:
    """Whether networks are of one shape, of parts known to look at other patients along their edges alone.

    Then patients who fill up a graph change nothing for the others. Networks may differ in how many columns their
    encoders sum. A relation that is empty in some graphs alone would count in all of them.
    """
    sides = [[part.graph for part in side] for side in zip(*parts, strict=True)]
    kinds = [[item.kind for item in graph.edges] for side in sides for graph in side]
    return (
        len(networks) > 1
        and each_alone(networks[0])
        and of_one_shape(networks, [graph for side in sides for graph in side])
        and all(kind == kinds[0] for kind in kinds)
        and all(kind[0] == kind[2] == PATIENT for kind in kinds[0])
        and not any(graph.parts for side in sides for graph in side)
        and all(len({item.index.shape[1] > 0 for item in of}) == 1 for side in sides for of in relations_of(side))
        and all(len(stop.known) for _, stop in parts)
        and (how.batch, how.pretraining, how.reweigh) == (None, 0, None)
    )


def of_one_shape(networks: Sequence[Network], graphs: Sequence[GraphTensors]) -> bool:
    """Whether parts are the same and weights of one shape, but for the number of columns where encoders sum them."""
    summed = summing(networks[0])
    made = [[made_as(part) for part in network.modules()] for network in networks]
    frozen = [[weight.requires_grad for weight in network.parameters()] for network in networks]
    shapes = [
        {name: weight.shape[:1] if name in summed else weight.shape for name, weight in network.state_dict().items()}
        for network in networks
    ]
    widths = [{name: matrix.shape[1:] for name, matrix in graph.features.items()} for graph in graphs]
    alike = all(width == widths[0] for width in widths) or len(summed) == len(widths[0])
    return alike and all(one == each[0] for each in (made, frozen, shapes) for one in each)


def made_as(part: nn.Module) -> tuple[type, float | None]:
    """Return what a part is, and how much it drops: the one setting that is no weight and may follow the columns."""
    return type(part), getattr(part, "p", None)


def summing(network: Network) -> set[str]:
    """Return the names of the weights that encoders sum a modality's columns by."""
    encoders = network.front.encoders.items() if isinstance(network.front, FusedFront) else ()
    first = {
        name: next(at for at, part in encoder.named_modules() if type(part) is nn.Linear)
        for name, encoder in encoders
        if type(encoder) in SUMMING
    }
    return {".".join(part for part in ("front.encoders", name, at, "weight") if part) for name, at in first.items()}


def each_alone(network: Network) -> bool:
    """Whether a network encodes and fuses every patient alone, with one head, and learns by gradients alone.

    Of parts that are not ours nobody knows.
    """
    if not isinstance(network, GraphNetwork) or network.structure is not None or network.heads.modalities:
        return False
    front = network.front
    if isinstance(front, FusedFront) and (front.complete or front.auxiliary or front.drop):
        return False
    return all(type(part).__module__.startswith(OURS) or type(part) in KNOWN for part in network.modules())


def train_together(
    networks: Sequence[GraphNetwork],
    task: ClassTask,
    parts: Sequence[tuple[Part, Part]],
    how: Training,
    watch: Watch | None = None,
) -> list[Stopped]:
    """Train in place as `train_network` does each, stopping each by its own loss; return where each was lowest.

    A network that is done waits for the others, and what it learns meanwhile is forgotten.
    """
    train, stop = (Sides.of(side) for side in zip(*parts, strict=True))
    stack = Stack(networks, task)
    optimizer = torch.optim.AdamW(
        stack.weights.values(), lr=how.learning_rate, weight_decay=how.weight_decay, fused=True
    )
    classes = torch.stack([task.balanced(part.codes) for part, _ in parts]) if how.balanced else None
    best = Bests(stack.weights, len(networks), how.patience)
    for number in range(how.epochs):
        stack.one.train()
        optimizer.zero_grad()
        loss = stack.losses(train, classes)
        loss.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        stack.one.eval()
        with torch.no_grad():
            held_out = stack.losses(stop, classes)
        if watch is not None:
            watch(Epoch(number, float(loss.detach().mean()), float(held_out.mean())))
        if not best.go_on(held_out):
            break
    stack.give_back(best.kept)
    return [Stopped(*one) for one in zip(best.lowest.tolist(), best.epochs.tolist(), strict=True)]


class Bests:
    """The lowest loss of each network so far and its weights then, as `Best` has it of one."""

    def __init__(self, weights: dict[str, Tensor], count: int, patience: int) -> None:
        self.now = {name: weight.detach() for name, weight in weights.items()}  # they share the weights' memory
        self.kept = {name: weight.clone() for name, weight in self.now.items()}
        device = next(iter(self.now.values())).device
        self.lowest = torch.full((count,), float("inf"), dtype=torch.float64, device=device)
        self.waited = torch.zeros(count, dtype=torch.int64, device=device)
        self.epochs, self.seen = torch.zeros_like(self.waited), 0
        self.patience = patience

    def go_on(self, losses: Tensor) -> bool:
        """Keep the weights of those whose loss is the lowest; return whether anyone has patience left."""
        better = (self.waited < self.patience) & (losses < self.lowest)
        self.lowest = torch.where(better, losses.double(), self.lowest)
        self.waited = torch.where(better, 0, self.waited + 1)
        self.seen += 1
        self.epochs = torch.where(better, self.seen, self.epochs)
        for name, kept in self.kept.items():
            whose = better.view(-1, *[1] * (kept.ndim - 1))
            kept.copy_(torch.where(whose, self.now[name], kept))
        return bool((self.waited < self.patience).any())
