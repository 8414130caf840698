"""What a step learns from and what a network is asked about: all patients at once, or some at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from graphmml.model.heads import Answer
from graphmml.model.sampled import Batches, hops_of
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import Network


@dataclass(frozen=True, eq=False)
class Part:
    """Patients to learn from or to stop by: their tensors and class numbers, -1 for those that do not count.

    `counts` says as how many each counts in the loss: float [patient], None for one each.
    """

    graph: GraphTensors
    codes: Tensor
    counts: Tensor | None = None

    @property
    def known(self) -> Tensor:
        """The positions of those that count: int64 [patient]."""
        return torch.nonzero(self.codes >= 0).flatten()


@dataclass(frozen=True, eq=False)
class Steps:
    """The parts of an epoch, one a step."""

    train: Part
    batches: Batches

    def __iter__(self) -> Iterator[Part]:
        for rows, graph in self.batches:
            codes = torch.full((len(graph.present),), -1, device=self.train.codes.device)
            codes[: len(rows)] = self.train.codes[rows]
            counts = self.train.counts
            if counts is not None:
                counts = torch.cat([counts[rows], counts.new_zeros(len(codes) - len(rows))])
            yield Part(graph, codes, counts)


def steps(train: Part, network: Network, batch: int | None, neighbours: int | None) -> Iterable[Part]:
    """Return what the steps of an epoch learn from; drawn anew each epoch, by torch's seed."""
    if batch is None:
        return [train]
    seed = int(torch.randint(2**31, ()))
    hops = hops_of(network)
    return Steps(
        train, Batches(train.graph, train.known, batch, hops=hops, neighbours=neighbours, shuffle=True, seed=seed)
    )


class Question:
    """What a network says of the patients of `rows`, whether they are asked about at once or `batch` at a time."""

    def __init__(self, network: Network, graph: GraphTensors, rows: Tensor, batch: int | None) -> None:
        self.network, self.graph, self.rows = network, graph, rows
        self.present = graph.present[rows]
        self.batches = None if batch is None else Batches(graph, rows, batch, hops=hops_of(network))

    def answer(self) -> Answer:
        """Return the logits of all and of single modalities, in the order of `rows`."""
        self.network.eval()
        with torch.no_grad():
            if self.batches is None:
                return of_rows(self.network.answer(self.graph), self.rows)
            return joined([of_rows(self.network.answer(graph), slice(len(rows))) for rows, graph in self.batches])

    def predicted(self) -> Tensor:
        """Return the prediction: [patient, output]."""
        return self.network.predicted(self.answer(), self.present)


def of_rows(answer: Answer, rows: Tensor | slice) -> Answer:
    """Return what is said of some patients."""
    return Answer(answer.logits[rows], {name: logits[rows] for name, logits in answer.alone.items()}, answer.penalty)


def joined(answers: list[Answer]) -> Answer:
    """Return what is said of the patients of several batches, one batch behind another."""
    alone = {name: torch.cat([answer.alone[name] for answer in answers]) for name in answers[0].alone}
    return Answer(torch.cat([answer.logits for answer in answers]), alone, answers[0].penalty)
