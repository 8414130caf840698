"""Several graphs side by side, as of one shape: what networks that are trained as one program learn from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from graphmml.model.edges import EdgeTensors
from graphmml.model.tensors import GraphTensors
from graphmml.train.batches import Part


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
    """The parts of several networks, filled up to the largest by patients whom nobody hears of and columns of zeros.

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


def filled(tensors: Sequence[Tensor], count: int = 0, value: float = 0) -> Tensor:
    """Stack tensors [row, ...] that are filled up to the largest on every side, to `count` rows: [tensor, row, ...]."""
    sizes = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
    sizes[:1] = [max(size, count) for size in sizes[:1]]
    return torch.stack([pad(tensor, missing(tensor, sizes), value=value) for tensor in tensors])


def missing(tensor: Tensor, sizes: Sequence[int]) -> list[int]:
    """Return what `pad` wants to hear: how much to add before and behind each side, the last side first."""
    return [more for side in reversed(range(tensor.ndim)) for more in (0, sizes[side] - tensor.shape[side])]


def joined(items: Sequence[EdgeTensors], count: int) -> EdgeTensors:
    """Return the edges of several graphs of up to `count` patients as those of one."""
    index = torch.cat([item.index + at * count for at, item in enumerate(items)], dim=1)
    nodes = count * len(items)
    return EdgeTensors(items[0].kind, index, torch.cat([item.weight for item in items]), (nodes, nodes))


def relations_of(graphs: Sequence[GraphTensors]) -> Iterator[tuple[EdgeTensors, ...]]:
    """Yield the edges of every graph, relation by relation."""
    return zip(*(graph.edges for graph in graphs), strict=True)
