"""RandomLike: as many edges as another constructor draws, between patients drawn by chance."""

from dataclasses import dataclass

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.chance import mixed, uniform
from graphmml.graph.controls import RandomEdges
from graphmml.graph.patient_graph import GraphConstructor, refuse_links, source_links
from graphmml.graph.relations import PATIENT, Relation, Relations


@dataclass(frozen=True)
class RandomLike:
    """For each relation of another constructor, one of the same mean degree and weight between random patients.

    `Shuffled` keeps every patient's degree; here only the mean stays, so that hubs are gone too. Where the mean
    is no whole number, edges of the next larger one are dropped by chance. Links that run through concepts or
    parts are refused, for random edges between patients would be another kind of graph.
    """

    links: GraphConstructor
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_links(self.links)

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one random relation for each of the inner constructor's."""
        within = source_links(self.links, source)
        if within.concepts or any({item.source, item.target} != {PATIENT} for item in within):
            raise GraphError("these links run through other nodes than patients; hold them against Shuffled")
        return Relations(tuple(self.drawn(item, at, source, target) for at, item in enumerate(within)))

    def drawn(self, like: Relation, at: int, source: EncodedCohort, target: EncodedCohort) -> Relation:
        """Draw a relation as dense as `like` is within the source."""
        mean = min(len(like) / len(source), len(source) - 1)
        k = int(np.ceil(mean))
        if not k:
            return Relation.of(like.name, *np.empty((2, 0), dtype=np.int64))
        drawn = RandomEdges(k, seed=self.seed * 101 + at).link(source, target)["random"].edges
        listener = target.keys[drawn[1]]
        kept = uniform(mixed(listener, at) ^ source.keys[drawn[0]], self.seed) < mean / k
        sources, targets = drawn[:, kept]
        return Relation.of(like.name, sources, targets, np.full(len(sources), like.weight.mean()))
