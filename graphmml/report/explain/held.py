"""Held: one patient's own links, for any number of copies, each of which may keep only some of them."""

from dataclasses import dataclass, replace

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import GraphConstructor, source_links
from graphmml.graph.relations import PATIENT, Parts, Relation, Relations


@dataclass
class Held:
    """What `links` drew for one patient, given to copies of that patient whatever they have now.

    `numbers` names each edge of each relation as one of the patient's links, -1 for what joins the patient to its own
    parts, which is never taken; `kept` is bool [copy, link]. `silent` is a relation in which training patients do not
    hear each other. It has no hash, so that no graph of training patients remembers it.
    """

    links: GraphConstructor
    drawn: Relations
    numbers: tuple[np.ndarray, ...]
    kept: np.ndarray
    silent: str | None = None

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the training patients' own links, or those of the copies."""
        if target is source:
            within = source_links(self.links, source)
            return within if self.silent is None else within.map({self.silent: emptied(within[self.silent])})
        items = map(self.copied, self.drawn, self.numbers)
        parts = {kind: copied_parts(part, len(target)) for kind, part in self.drawn.parts.items()}
        return Relations(tuple(items), self.drawn.concepts, parts)

    def copied(self, relation: Relation, numbers: np.ndarray) -> Relation:
        """Return the relation once a copy, without the links that the copy has lost."""
        copies = np.arange(len(self.kept))[:, None]
        behind = [copies * self.step(relation.source) if relation.own else 0, copies * self.step(relation.target)]
        edges = np.stack([(row + step + 0 * copies).ravel() for row, step in zip(relation.edges, behind, strict=True)])
        weight = np.tile(relation.weight, len(self.kept))
        here = (kept_of(self.kept, numbers)).ravel()
        return replace(relation, edges=edges[:, here], weight=weight[here])

    def step(self, kind: str) -> int:
        """Return how many nodes of a kind each copy has."""
        return 1 if kind == PATIENT else len(self.drawn.parts[kind])


def kept_of(kept: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return which edges each copy keeps: bool [copy, edge]."""
    if not kept.shape[1]:
        return np.ones((len(kept), len(numbers)), dtype=bool)
    return np.asarray(kept[:, np.maximum(numbers, 0)] | (numbers < 0))


def copied_parts(parts: Parts, copies: int) -> Parts:
    """Return one patient's parts once a copy, in order of owner."""
    owner = np.repeat(np.arange(copies), len(parts))
    features = None if parts.features is None else np.tile(parts.features, (copies, 1))
    return Parts(owner, parts.modality, features)


def emptied(relation: Relation) -> Relation:
    """Return the relation without its edges."""
    return replace(relation, edges=relation.edges[:, :0], weight=relation.weight[:0])
