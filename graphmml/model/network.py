"""GraphNetwork: encoders, fusion, message passing and head in one forward."""

from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor, nn

from graphmml.graph.patient_graph import GraphSchema
from graphmml.model.edges import EdgeTensors, slot
from graphmml.model.front import Encoder, FusedFront, Start, front_for
from graphmml.model.heads import Answer, Cost, Heads
from graphmml.model.passing import Conv, MessagePassing
from graphmml.model.strategy import Fusion, Strategy, strategy_of
from graphmml.model.structure import Structure, structure_for
from graphmml.model.tensors import GraphTensors


class GraphNetwork(nn.Module):
    """Encode each modality, fuse what is present, pass messages along the graph, read out.

    `columns` maps each modality to its number of columns, `schema` says what the graph is made of; `fusion` is a
    fusion module, or one of `Early`, `Intermediate` and `Hybrid`. A modality that stands beside the patient as a
    node of its own is left out of the fusion: the patient starts without it (at zeros, where all are nodes) and
    messages bring it in.
    """

    def __init__(
        self,
        columns: Mapping[str, int],
        schema: GraphSchema,
        *,
        outputs: int,
        width: int,
        encoder: Encoder,
        fusion: Fusion | Strategy,
        conv: Conv,
        structure: Structure | None = None,
    ) -> None:
        super().__init__()
        strategy = strategy_of(fusion)
        self.front = front_for(strategy, columns, schema, width, encoder)
        self.passing = MessagePassing(schema, width, conv)
        self.head = nn.Linear(width, outputs)
        # made last, so that the other parts start as they do without them
        self.structure = structure_for(structure, self.passing.conv, columns, width, schema.relations)
        self.heads = Heads(strategy, tuple(columns), width, outputs)

    def forward(self, graph: GraphTensors) -> Tensor:
        """Return [patient, output] for every patient of the graph: logits, or logarithms of mixed probabilities."""
        return self.predicted(self.answer(graph), graph.present)

    def answer(self, graph: GraphTensors) -> Answer:
        """Return what is trained on: the joint logits, those of single heads, and the penalties."""
        start: Start = self.front(graph)
        states = self.passing(graph, start.fused, start.encoded, self.edges(graph, start.fused))
        return Answer(self.head(states), self.heads(start.encoded), start.penalty)

    def vectors(self, graph: GraphTensors) -> tuple[dict[str, Tensor], GraphTensors]:
        """Return what is fused, {modality: [patient, width]}, and the graph that it is fused on; none under `Early`."""
        return (self.front.encoded(graph) if isinstance(self.front, FusedFront) else {}), graph

    def predicted(self, answer: Answer, present: Tensor) -> Tensor:
        """Return the prediction: [patient, output]."""
        return self.heads.mixed(answer, present)

    def losses(self, answer: Answer, present: Tensor, cost: Cost) -> dict[str, Tensor]:
        """Return the loss of each part that is trained by itself: here of the whole."""
        return {"": self.heads.loss(answer, present, cost) + answer.penalty}

    def held_out(self, answer: Answer, present: Tensor, cost: Cost) -> dict[str, Tensor]:
        """Return the loss of each tower's prediction, by which it stops."""
        return {"": cost(self.predicted(answer, present), None)}

    def towers(self) -> dict[str, nn.Module]:
        """Return the parts that are trained and stopped by themselves: here the whole."""
        return {"": self}

    def rest(self, names: Iterable[str]) -> None:
        """Do nothing: when the whole is done, training is."""

    def rebalance(self, answer: Answer, present: Tensor, codes: Tensor) -> None:
        """Slow the encoders of modalities that are ahead, between the backward pass and the step."""
        for name, factor in self.heads.factors(answer.alone, present, codes).items():
            for weight in self.front.get_submodule(f"encoders.{slot(name)}").parameters():
                if weight.grad is not None:
                    weight.grad.mul_(factor)

    def edges(self, graph: GraphTensors, fused: Tensor) -> Sequence[EdgeTensors]:
        """Return the edges that are heard: the graph's, with weights of their own where a structure is learned."""
        if self.structure is None:
            return graph.edges
        learned: Sequence[EdgeTensors] = self.structure(graph.features, graph.present, fused, graph.edges)
        return learned
