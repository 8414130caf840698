"""NeighbourSampler: some patients, whom they listen to, whom those listen to; for PyG's NodeLoader.

PyG's own samplers need pyg-lib or torch-sparse; this one needs numpy, takes any kinds of node and relation, and draws
the same for the same seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.sampler import BaseSampler, HeteroSamplerOutput, NodeSamplerInput

from graphmml.graph.chance import choose
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors, Kind
from graphmml.model.tensors import GraphTensors

NOBODY = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Listed:
    """A relation's edges target by target: those of target i are `edge[start[i]:start[i + 1]]`."""

    start: np.ndarray
    edge: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, item: EdgeTensors) -> "Listed":
        """List the edges of a relation."""
        ends = item.index.cpu().numpy()
        start = np.concatenate([[0], np.bincount(ends[1], minlength=item.shape[1]).cumsum()])
        return cls(start, np.argsort(ends[1], kind="stable"), ends)

    def drawn(self, targets: np.ndarray, most: int | None, random: np.random.Generator) -> np.ndarray:
        """Return up to `most` edges of each target, every set of them as likely as another (None: all)."""
        first, count = self.start[targets], self.start[targets + 1] - self.start[targets]
        if most is None or count.max(initial=0) <= most:
            who = np.repeat(np.arange(len(targets)), count)
            rank = np.arange(len(who)) - np.repeat(count.cumsum() - count, count)
        else:
            place = choose(random.integers(0, 2**63, len(targets), dtype=np.uint64), count, most, 0)
            who, column = np.nonzero(place >= 0)
            rank = place[who, column]
        drawn: np.ndarray = self.edge[first[who] + rank]
        return drawn


class Reached:
    """Nodes of one kind, numbered in the order in which they were reached; `known` ones have their number before."""

    def __init__(self, count: int, known: np.ndarray) -> None:
        self.nodes, self.place = known, np.full(count, -1, dtype=np.int64)
        self.place[known] = np.arange(len(known))
        self.visited = np.zeros(count, dtype=bool)

    def visit(self, nodes: np.ndarray) -> np.ndarray:
        """Return those that have not been visited before."""
        fresh = np.unique(nodes[~self.visited[nodes]])
        self.visited[fresh] = True
        new = fresh[self.place[fresh] < 0]
        self.place[new] = len(self.nodes) + np.arange(len(new))
        self.nodes = np.concatenate([self.nodes, new])
        return fresh


class NeighbourSampler(BaseSampler):  # type: ignore[misc]  # PyG has no types
    """Follow relations backwards `hops` times, up to `neighbours` edges a node and relation (None: all).

    A node's edges are drawn once, however often it is reached. All concepts are always there, for their vectors are
    learned; a part comes with the patient whom it belongs to.
    """

    def __init__(self, graph: GraphTensors, hops: int, neighbours: int | None, seed: int) -> None:
        self.counts = counts(graph)
        self.owners = {kind: part.owner.cpu().numpy() for kind, part in graph.parts.items()}
        self.listed = {item.kind: Listed.of(item) for item in graph.edges}
        self.hops, self.neighbours = hops, neighbours
        self.random = np.random.default_rng(seed)

    def sample_from_nodes(self, index: NodeSamplerInput, **_: Any) -> HeteroSamplerOutput:
        """Return the patients asked for, then whom they listen to, and the edges that were drawn."""
        asked = index.node.numpy()
        reached = {kind: Reached(count, self.known(kind, asked)) for kind, count in self.counts.items()}
        drawn: dict[Kind, list[np.ndarray]] = {kind: [NOBODY] for kind in self.listed}
        frontier = dict.fromkeys(self.counts, NOBODY) | {PATIENT: reached[PATIENT].visit(asked)}
        for _hop in range(self.hops):
            spoke: dict[str, list[np.ndarray]] = {kind: [NOBODY] for kind in self.counts}
            for kind, listed in self.listed.items():
                edge = listed.drawn(frontier[kind[2]], self.neighbours, self.random)
                drawn[kind].append(edge)
                spoke[kind[0]].append(listed.ends[0, edge])
            frontier = {kind: reached[kind].visit(np.concatenate(nodes)) for kind, nodes in spoke.items()}
        for part, owner in self.owners.items():
            reached[PATIENT].visit(owner[reached[part].nodes])
        return self.output(reached, {kind: np.concatenate(edges) for kind, edges in drawn.items()}, index)

    def known(self, kind: str, asked: np.ndarray) -> np.ndarray:
        """Return the nodes that are there before anybody is listened to."""
        if kind == PATIENT:
            return asked
        return NOBODY if kind in self.owners else np.arange(self.counts[kind])

    def output(
        self, reached: Mapping[str, Reached], drawn: Mapping[Kind, np.ndarray], index: NodeSamplerInput
    ) -> HeteroSamplerOutput:
        """Write what was reached in the numbers of this batch."""

        def side(at: int) -> dict[Kind, Tensor]:
            ends = {kind: reached[kind[2 * at]].place[self.listed[kind].ends[at, edge]] for kind, edge in drawn.items()}
            return {kind: torch.from_numpy(end) for kind, end in ends.items()}

        return HeteroSamplerOutput(
            node={kind: torch.from_numpy(nodes.nodes) for kind, nodes in reached.items()},
            row=side(0),
            col=side(1),
            edge={kind: torch.from_numpy(edge) for kind, edge in drawn.items()},
            metadata=(index.input_id, index.time),
        )

    def sample_from_edges(self, index: Any, neg_sampling: Any = None) -> HeteroSamplerOutput:
        """Refuse: patients are asked for here, never links."""
        raise NotImplementedError("patients are sampled, links are not")


def counts(graph: GraphTensors) -> dict[str, int]:
    """Return how many nodes of each kind a graph has."""
    ends = {item.kind[side]: item.shape[side // 2] for item in graph.edges for side in (0, 2)}
    return ends | {kind: len(part.owner) for kind, part in graph.parts.items()} | {PATIENT: len(graph.present)}
