"""Detached: the links of another constructor, which nobody may be attached by."""

from dataclasses import dataclass, replace

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import GraphConstructor, refuse_links, source_links
from graphmml.graph.relations import Relations


@dataclass(frozen=True)
class Detached:
    """The source is linked as another constructor links it; a newcomer listens to nobody.

    Put in place of a fitted model's links, it shows what a prediction owes to the edges that attach a patient:
    only what is the patient's own is left, its features and the edges among its own parts.
    """

    links: GraphConstructor

    def __post_init__(self) -> None:
        refuse_links(self.links)

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the inner constructor's relations, without edges to newcomers."""
        if source.ids.equals(target.ids):
            return source_links(self.links, source)
        drawn = self.links.link(source, target)
        empty = {item.name: replace(item, edges=item.edges[:, :0], weight=item.weight[:0]) for item in drawn}
        return drawn.map({item.name: empty[item.name] for item in drawn if not item.own})
