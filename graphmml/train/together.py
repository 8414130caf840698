"""Several networks of one shape trained as one program: on a GPU, a step of many small ones takes hardly longer."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.functional import pad
from torch_geometric.nn import GATConv, GCNConv, SAGEConv
from torch_geometric.nn import Linear as PyGLinear
from torch_geometric.nn.aggr import SumAggregation

from graphmml.graph.relations import PATIENT
from graphmml.model.dropout import Dropout
from graphmml.model.edges import EdgeTensors
from graphmml.model.front import FusedFront
from graphmml.model.network import GraphNetwork
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import Network
from graphmml.train.batches import Part
from graphmml.train.loop import Epoch, Training, Watch
from graphmml.train.tasks import ClassTask

OURS = "graphmml.model."
KNOWN = (
    *(nn.Linear, nn.LayerNorm, nn.ReLU, nn.Sequential, nn.ModuleDict, nn.ModuleList, nn.ParameterDict),
    *(SAGEConv, GCNConv, GATConv, PyGLinear, SumAggregation),
)
"""Parts of others that take every patient by itself, or sum along edges."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Blocks(EdgeTensors):
    """The edges of one of several graphs side by side: `whole` those of all, `some` a one for whom they reach."""

    whole: EdgeTensors
    some: Tensor

    @property
    def reached(self) -> Tensor:
        """One for each patient that has an edge, else zero: float [patient]."""
        return self.some

    def averaged(self, x: Tensor) -> Tensor:
        """Return the weighted mean of what each patient listens to."""
        return self.whole.mean @ x

    def normalised(self, x: Tensor) -> Tensor:
        """Return the symmetrically normalised sum, own state included."""
        return self.whole.symmetric @ x


@dataclass(frozen=True, eq=False)
class Sides:
    """The parts of several networks, each filled up to the largest by patients whom nobody hears of.

    features {modality: [network, patient, column]}, present and codes [network, patient ...]; for each relation the
    edges of all as of one graph, `index` int64 [network, 2, edge], filled up by edges of nobody, and `reached`
    [network, patient].
    """

    features: dict[str, Tensor]
    present: Tensor
    codes: Tensor
    index: tuple[Tensor, ...]
    reached: tuple[Tensor, ...]
    whole: tuple[EdgeTensors, ...]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Sides":
        """Fill up and stack; the last patient of each is nobody, from whom and to whom the edges that fill up go."""
        graphs, count = [part.graph for part in parts], 1 + max(len(part.codes) for part in parts)
        each = list(relations_of(graphs))
        return cls(
            {name: filled([graph.measured[name] for graph in graphs], count) for name in graphs[0].features},
            filled([graph.present for graph in graphs], count),
            filled([part.codes for part in parts], count, -1),
            tuple(filled([item.index.T for item in items], value=count - 1).mT for items in each),
            tuple(filled([item.reached for item in items], count) for items in each),
            tuple(joined(items, count) for items in each),
        )

    def tensors(self) -> tuple[dict[str, Tensor], Tensor, Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return everything that has a side for each network."""
        return self.features, self.present, self.codes, self.index, self.reached


def filled(tensors: Sequence[Tensor], count: int | None = None, value: float = 0) -> Tensor:
    """Stack tensors [row, ...] that are filled up to `count` rows, or to the longest: [tensor, row, ...]."""
    rows = count or max(len(tensor) for tensor in tensors)
    return torch.stack([pad(t, (0, 0) * (t.ndim - 1) + (0, rows - len(t)), value=value) for t in tensors])


def joined(items: Sequence[EdgeTensors], count: int) -> EdgeTensors:
    """Return the edges of several graphs of up to `count` patients as those of one."""
    index = torch.cat([item.index + at * count for at, item in enumerate(items)], dim=1)
    nodes = count * len(items)
    return EdgeTensors(items[0].kind, index, torch.cat([item.weight for item in items]), (nodes, nodes))


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
    """The weights of several networks side by side: {name: [network, ...]}."""

    def __init__(self, networks: Sequence[GraphNetwork], task: ClassTask) -> None:
        self.networks = networks
        self.weights, _ = stack_module_state(list(networks))
        self.one = Judged(copy.deepcopy(networks[0]), task)
        for module in self.one.modules():
            if isinstance(module, Dropout):
                module.own = False

    def losses(self, sides: Sides, classes: Tensor | None = None) -> Tensor:
        """Return the loss of each network on its side, every one with chance of its own: [network]."""

        def one(weights: dict[str, Tensor], classes: Tensor | None, *tensors: object) -> Tensor:
            named = {f"network.{name}": weight for name, weight in weights.items()}
            loss: Tensor = functional_call(self.one, named, (*tensors, sides.whole, classes))
            return loss

        each = torch.vmap(one, in_dims=(0, None if classes is None else 0, 0, 0, 0, 0, 0), randomness="different")
        losses: Tensor = each(self.weights, classes, *sides.tensors())
        return losses

    def give_back(self, weights: dict[str, Tensor]) -> None:
        """Write weights into the networks."""
        with torch.no_grad():
            for at, network in enumerate(self.networks):
                for name, weight in network.named_parameters():
                    weight.copy_(weights[name][at])


def may_train_together(
    networks: Sequence[Network], parts: Sequence[tuple[Part, Part]], how: Training
) -> TypeGuard[Sequence[GraphNetwork]]:
    """Whether networks are of one shape, of parts known to look at other patients along their edges alone.

    Then patients who fill up a graph change nothing for the others. A relation that is empty in some graphs alone
    would count in all of them.
    """
    shapes = [{name: weight.shape for name, weight in network.state_dict().items()} for network in networks]
    sides = [[part.graph for part in side] for side in zip(*parts, strict=True)]
    kinds = [[item.kind for item in graph.edges] for side in sides for graph in side]
    return (
        len(networks) > 1
        and all(shape == shapes[0] for shape in shapes)
        and all(kind == kinds[0] for kind in kinds)
        and all(kind[0] == kind[2] == PATIENT for kind in kinds[0])
        and not any(graph.parts for side in sides for graph in side)
        and all(len({item.index.shape[1] > 0 for item in of}) == 1 for side in sides for of in relations_of(side))
        and all(len(stop.known) for _, stop in parts)
        and (how.batch, how.pretraining, how.reweigh) == (None, 0, None)
        and each_alone(networks[0])
    )


def relations_of(graphs: Sequence[GraphTensors]) -> Iterator[tuple[EdgeTensors, ...]]:
    """Yield the edges of every graph, relation by relation."""
    return zip(*(graph.edges for graph in graphs), strict=True)


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
) -> Tensor:
    """Train in place as `train_network` does each, stopping each by its own loss; return the lowest: [network].

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
    return best.lowest


class Bests:
    """The lowest loss of each network so far and its weights then, as `Best` has it of one."""

    def __init__(self, weights: dict[str, Tensor], count: int, patience: int) -> None:
        self.now = {name: weight.detach() for name, weight in weights.items()}  # they share the weights' memory
        self.kept = {name: weight.clone() for name, weight in self.now.items()}
        device = next(iter(self.now.values())).device
        self.lowest = torch.full((count,), float("inf"), dtype=torch.float64, device=device)
        self.waited = torch.zeros(count, dtype=torch.int64, device=device)
        self.patience = patience

    def go_on(self, losses: Tensor) -> bool:
        """Keep the weights of those whose loss is the lowest; return whether anyone has patience left."""
        better = (self.waited < self.patience) & (losses < self.lowest)
        self.lowest = torch.where(better, losses.double(), self.lowest)
        self.waited = torch.where(better, 0, self.waited + 1)
        for name, kept in self.kept.items():
            whose = better.view(-1, *[1] * (kept.ndim - 1))
            kept.copy_(torch.where(whose, self.now[name], kept))
        return bool((self.waited < self.patience).any())
