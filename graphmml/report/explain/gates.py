"""Gates: a number from 0 to 1 for each feature and each link of a patient, and the probability as a function of them.

The encoded patient is a base plus what each original column adds to it; the gate multiplies that. A link's gate
multiplies its message, after normalising and after attention, as PyG masks messages. At 1 everything is as it is, at
0 no cell is known (but modalities are present as they were) and no message arrives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from graphmml.errors import GraphmmlError
from graphmml.graph.patient_graph import PatientGraph, build_graph
from graphmml.model.combine import MeanProbability
from graphmml.model.edges import EdgeTensors
from graphmml.model.strategy import Late, strategy_of
from graphmml.model.tensors import GraphTensors
from graphmml.report.explain.altered import without
from graphmml.report.explain.held import Held
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.typical import Instead
from graphmml.train.chance import chosen_device


@dataclass(frozen=True, eq=False)
class Gates:
    """The probability of every class as a function of gates; `added` is {modality: [feature, column]}."""

    subject: Subject
    added: Mapping[str, Tensor]
    device: torch.device
    known: dict[int, tuple[int, PatientGraph, GraphTensors]] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject, instead: Instead) -> "Gates":
        """Find out what each column adds, by taking it away; or refuse a model that has no gradient."""
        strategy = strategy_of(subject.network.fusion)
        if isinstance(strategy, Late) and not isinstance(strategy.combine, MeanProbability):
            raise GraphmmlError(
                f"{type(strategy.combine).__name__} joins finished predictions, and no gradient passes it; explain by "
                "Occlusion()"
            )
        device = chosen_device(subject.network.device)
        count = len(subject.features)
        bare = without(subject, np.eye(count, dtype=bool), instead) if count else subject.copies(0)
        added = {
            name: torch.from_numpy(subject.person.features[name] - bare.features[name]).to(device)
            for name in subject.person.modalities
        }
        return cls(subject, added, device)

    def mean(self, features: Tensor, links: Tensor) -> Tensor:
        """Return the ensemble's probabilities: [copy, class] of gates [copy, feature] and [copy, link]."""
        each = [self.probability(at, features, links) for at in range(len(self.subject.network.members_))]
        return torch.stack(each).mean(dim=0)

    def probability(self, at: int, features: Tensor, links: Tensor) -> Tensor:
        """Return one member's probabilities: float64 [copy, class]."""
        member = self.subject.network.members_[at]
        graph, tensors = self.laid_out(at, len(features))
        tensors = replace(
            tensors,
            features=self.gated(tensors, features.to(self.device)),
            edges=self.listened(graph, tensors.edges, at, links.to(self.device)),
        )
        network = member.network.to(self.device).eval()
        weights = {name: weight.detach() for name, weight in network.named_parameters()}  # no gradient is left on them
        logits: Tensor = functional_call(network, weights, (tensors,))[len(member.source) :]
        return logits.double().softmax(dim=1)

    def laid_out(self, at: int, count: int) -> tuple[PatientGraph, GraphTensors]:
        """Return a member's graph with so many copies attached, and its tensors; the last of each is remembered."""
        if at not in self.known or self.known[at][0] != count:
            member, copies = self.subject.network.members_[at], self.subject.copies(count)
            kept = np.ones((count, len(self.subject.links)), dtype=bool)
            held = Held(self.subject.network.constructor, self.subject.drawn[at], self.subject.numbers[at], kept)
            graph = build_graph(held, member.source, copies)
            self.known[at] = count, graph, GraphTensors.of(graph, member.source, copies, device=self.device)
        return self.known[at][1:]

    def gated(self, tensors: GraphTensors, gates: Tensor) -> dict[str, Tensor]:
        """Return the columns of training patients, and of copies with their gates: {modality: [patient, column]}."""
        found = {}
        for name, added in self.added.items():
            source, known = tensors.features[name].tensor_split([len(tensors.present) - len(gates)])
            found[name] = torch.cat([source, known - (1.0 - gates) @ added])
        return found

    def listened(self, graph: PatientGraph, edges: Sequence[EdgeTensors], at: int, links: Tensor) -> list[EdgeTensors]:
        """Return the edges with what is heard of each: all among training patients, to the copies by their gates."""
        drawn = {
            relation.kind: torch.from_numpy(numbers)
            for relation, numbers in zip(self.subject.drawn[at], self.subject.numbers[at], strict=True)
        }
        found = []
        for relation, item in zip(graph.relations, edges, strict=True):
            numbers = drawn.get(relation.kind, torch.zeros(0, dtype=torch.int64)).to(self.device)
            open_ = torch.where(numbers >= 0, links[:, numbers.clamp(min=0)], 1.0) if links.shape[1] else None
            if open_ is None or not len(numbers):
                found.append(item)
                continue
            before = item.weight.new_ones(len(relation) - open_.numel())
            found.append(replace(item, heard=torch.cat([before, open_.reshape(-1)])))
        return found
