"""Networks in which each modality has a graph of its own: messages first and fusion after, or fused predictions.

A relation named after a modality, or one that joins its nodes, is that modality's own; relations that belong to no
modality are heard by all. A modality that has none hears nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from graphmml.errors import GraphError
from graphmml.graph.patient_graph import GraphSchema
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import Kind, slot
from graphmml.model.front import Encoder, FusedFront
from graphmml.model.fusion.operations import MeanFusion
from graphmml.model.heads import Answer, Cost, mean_probability
from graphmml.model.network import GraphNetwork
from graphmml.model.passing import Conv, MessagePassing
from graphmml.model.strategy import Fusion, Intermediate, Late, Strategy, strategy_of
from graphmml.model.structure import Structure
from graphmml.model.tensors import GraphTensors


class OwnGraphNetwork(nn.Module):
    """Encode each modality, pass messages along its own graph, fuse, read out."""

    def __init__(
        self,
        columns: Mapping[str, int],
        schema: GraphSchema,
        *,
        outputs: int,
        width: int,
        encoder: Encoder,
        strategy: Intermediate,
        conv: Conv,
    ) -> None:
        super().__init__()
        self.modalities = tuple(columns)
        self.front = FusedFront(strategy, columns, width, encoder)
        self.passing = nn.ModuleDict(
            {slot(name): MessagePassing(own_schema(schema, name, self.modalities), width, conv) for name in columns}
        )
        self.head = nn.Linear(width, outputs)

    def forward(self, graph: GraphTensors) -> Tensor:
        """Return [patient, output] for every patient of the graph."""
        return self.answer(graph).logits

    def answer(self, graph: GraphTensors) -> Answer:
        """Return what is trained on: the logits and the penalties."""
        start = self.front.fuse(*self.vectors(graph))
        return Answer(self.head(start.fused), {}, start.penalty)

    def vectors(self, graph: GraphTensors) -> tuple[dict[str, Tensor], GraphTensors]:
        """Return what messages make of each modality, {modality: [patient, width]}, and the graph it is fused on."""
        encoded, states = self.front.encoded(graph), {}
        for name, vectors in encoded.items():
            own = own_graph(graph, name, self.modalities)
            has = graph.present[:, self.modalities.index(name), None]
            states[name] = self.passing[slot(name)](own, vectors.masked_fill(~has, 0.0), encoded, own.edges)
        return states, replace(graph, parts={})

    def predicted(self, answer: Answer, present: Tensor) -> Tensor:
        """Return the prediction: [patient, output]."""
        return answer.logits

    def losses(self, answer: Answer, present: Tensor, cost: Cost) -> dict[str, Tensor]:
        """Return the loss of the whole."""
        return {"": cost(answer.logits, None) + answer.penalty}

    def held_out(self, answer: Answer, present: Tensor, cost: Cost) -> dict[str, Tensor]:
        """Return the loss of the prediction, by which the whole stops."""
        return {"": cost(answer.logits, None)}

    def towers(self) -> dict[str, nn.Module]:
        """Return the parts that are trained and stopped by themselves: here the whole."""
        return {"": self}

    def rest(self, names: Iterable[str]) -> None:
        """Do nothing: when the whole is done, training is."""

    def rebalance(self, answer: Answer, present: Tensor, codes: Tensor) -> None:
        """Leave the gradients as they are."""


class LateNetwork(nn.Module):
    """A GraphNetwork for each modality; they share nothing, and each is trained and stopped by its own loss."""

    def __init__(
        self,
        columns: Mapping[str, int],
        schema: GraphSchema,
        *,
        outputs: int,
        width: int,
        encoder: Encoder,
        conv: Conv,
    ) -> None:
        super().__init__()
        self.modalities = tuple(columns)
        self.resting: frozenset[str] = frozenset()
        self.each = nn.ModuleDict(
            {
                slot(name): GraphNetwork(
                    {name: count},
                    own_schema(schema, name, self.modalities),
                    outputs=outputs,
                    width=width,
                    encoder=encoder,
                    fusion=MeanFusion,
                    conv=conv,
                )
                for name, count in columns.items()
            }
        )

    def forward(self, graph: GraphTensors) -> Tensor:
        """Return the logarithm of the mean probability over present modalities: [patient, output]."""
        return self.predicted(self.answer(graph), graph.present)

    def answer(self, graph: GraphTensors) -> Answer:
        """Return the logits of each modality alone, those at rest left out; there are no joint ones."""
        alone = {}
        for at, name in enumerate(self.modalities):
            if name in self.resting:
                continue
            if name not in graph.owned:
                own = own_graph(graph, name, self.modalities)
                graph.owned[name] = replace(own, features={name: graph.features[name]}, present=graph.present[:, [at]])
            alone[name] = self.each[slot(name)](graph.owned[name])
        some = next(iter(alone.values()))
        return Answer(torch.zeros_like(some), alone, some.new_zeros(()))

    def predicted(self, answer: Answer, present: Tensor) -> Tensor:
        """Return the prediction: [patient, output]."""
        return mean_probability(answer.alone, present).clamp(min=1e-12).log()

    def losses(self, answer: Answer, present: Tensor, cost: Cost) -> dict[str, Tensor]:
        """Return the loss of each modality's network, over the patients who have the modality."""
        return {name: cost(logits, present[:, self.modalities.index(name)]) for name, logits in answer.alone.items()}

    def held_out(self, answer: Answer, present: Tensor, cost: Cost) -> dict[str, Tensor]:
        """Return the loss of each modality's network, by which it stops."""
        return self.losses(answer, present, cost)

    def towers(self) -> dict[str, nn.Module]:
        """Return the networks by modality."""
        return {name: self.each[slot(name)] for name in self.modalities}

    def rest(self, names: Iterable[str]) -> None:
        """Ask these modalities' networks nothing until told otherwise."""
        self.resting = frozenset(names)

    def rebalance(self, answer: Answer, present: Tensor, codes: Tensor) -> None:
        """Leave the gradients as they are."""


def network_for(
    columns: Mapping[str, int],
    schema: GraphSchema,
    *,
    outputs: int,
    width: int,
    encoder: Encoder,
    fusion: Fusion | Strategy,
    conv: Conv,
    structure: Structure | None = None,
) -> "Network":
    """Build the network of a strategy."""
    strategy = strategy_of(fusion)
    own = isinstance(strategy, Late) or (isinstance(strategy, Intermediate) and strategy.own_graphs)
    if own and structure is not None:
        raise GraphError(
            f"a structure is learned for one network on one graph, and {strategy} has a graph for each modality; leave "
            "the structure out, or use Intermediate() or Hybrid()"
        )
    if isinstance(strategy, Late):
        return LateNetwork(columns, schema, outputs=outputs, width=width, encoder=encoder, conv=conv)
    if isinstance(strategy, Intermediate) and strategy.own_graphs:
        return OwnGraphNetwork(
            columns, schema, outputs=outputs, width=width, encoder=encoder, strategy=strategy, conv=conv
        )
    return GraphNetwork(
        columns, schema, outputs=outputs, width=width, encoder=encoder, fusion=strategy, conv=conv, structure=structure
    )


def is_own(kind: Kind, modality: str, modalities: Sequence[str]) -> bool:
    """Return whether a relation is heard by a modality: it is its own, or nobody's."""
    return modality in owners(kind, modalities) or not owners(kind, modalities)


def owners(kind: Kind, modalities: Sequence[str]) -> list[str]:
    """Return the modalities that a relation is named after, or whose nodes it joins."""
    source, name, target = kind
    nodes = [each for each in modalities if each in {source, target} - {PATIENT}]
    named = [each for each in modalities if each == name or name.startswith(f"{each} ")]  # "labs 2" of Layers
    return nodes or sorted(named, key=len)[-1:]  # "rna seq" is not of "rna"


def own_schema(schema: GraphSchema, modality: str, modalities: Sequence[str]) -> GraphSchema:
    """Return what a modality's own graph is made of."""
    relations = tuple(kind for kind in schema.relations if is_own(kind, modality, modalities))
    nodes = {end for source, _, target in relations for end in (source, target)}
    return GraphSchema(
        relations,
        {kind: count for kind, count in schema.concepts.items() if kind in nodes},
        {kind: count for kind, count in schema.parts.items() if kind in nodes},
    )


def own_graph(graph: GraphTensors, modality: str, modalities: Sequence[str]) -> GraphTensors:
    """Return a modality's own edges and parts."""
    edges = [item for item in graph.edges if is_own(item.kind, modality, modalities)]
    nodes = {end for item in edges for end in (item.kind[0], item.kind[2])}
    return replace(graph, edges=edges, parts={kind: part for kind, part in graph.parts.items() if kind in nodes})


Network = GraphNetwork | OwnGraphNetwork | LateNetwork
"""They answer, name their losses and the parts that stop by themselves, and predict alike."""
