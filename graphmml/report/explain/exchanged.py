"""Links of newcomers with one relation taken away, or exchanged between them."""

from dataclasses import dataclass, replace

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import GraphConstructor, source_links
from graphmml.graph.relations import Relation, Relations
from graphmml.report.explain.held import emptied


@dataclass
class Without:
    """The links of another constructor; newcomers hear nobody through one relation of it."""

    links: GraphConstructor
    relation: str

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the links, among the source as they are."""
        if target is source:
            return source_links(self.links, source)
        drawn = self.links.link(source, target)
        return drawn.map({self.relation: emptied(drawn[self.relation])})


@dataclass
class Exchanged:
    """The links of another constructor; in one relation each newcomer has those of newcomer `order[i]`."""

    links: GraphConstructor
    relation: str
    order: np.ndarray

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the links, among the source as they are."""
        if target is source:
            return source_links(self.links, source)
        drawn = self.links.link(source, target)
        return drawn.map({self.relation: self.given(drawn[self.relation])})

    def given(self, relation: Relation) -> Relation:
        """Return the relation with its listeners exchanged, sorted by listener, then source."""
        place = np.argsort(self.order)  # who is given the links of each
        edges = np.stack([relation.edges[0], place[relation.edges[1]]])
        by = np.lexsort((edges[0], edges[1]))
        return replace(relation, edges=edges[:, by], weight=relation.weight[by])
