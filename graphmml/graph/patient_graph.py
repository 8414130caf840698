"""PatientGraph: patients and concepts joined by named relations; and what a graph constructor is."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT, Relation, Relations


class GraphConstructor(Protocol):
    """Anything that says which source patients a target patient listens to.

    `link(train, train)` is the training graph, `link(train, new)` attaches new patients to it. Whatever is
    learned (width, threshold, bins, vocabulary) is learned from `source` alone; a patient never listens to
    itself, recognised by id. A constructor is a frozen dataclass with this one method.
    """

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the relations from source to target."""


@dataclass(frozen=True, eq=False, repr=False)
class PatientGraph:
    """Patients, concepts and the directed relations between them.

    The first `trained` patients are the source: they and the concepts exchange messages. The others were
    attached: they listen and are not listened to. Patient positions in every relation count source patients
    first, attached ones after them.
    """

    ids: pd.Index
    trained: int
    relations: tuple[Relation, ...]
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for relation in self.relations:
            for row, kind in enumerate((relation.source, relation.target)):
                count = self.count(kind)
                if len(relation) and not 0 <= relation.edges[row].min() <= relation.edges[row].max() < count:
                    raise GraphError(f"relation '{relation.name}' names a {kind} beyond the {count} there are")

    @property
    def patients(self) -> int:
        """How many patients there are, source and attached."""
        return len(self.ids)

    def count(self, kind: str) -> int:
        """Return how many nodes of a kind there are."""
        if kind == PATIENT:
            return self.patients
        if kind not in self.concepts:
            raise GraphError(f"no nodes of kind '{kind}'; there are: {', '.join([PATIENT, *self.concepts])}")
        return len(self.concepts[kind])

    @property
    def edges(self) -> int:
        """How many directed edges there are over all relations."""
        return sum(len(relation) for relation in self.relations)

    @property
    def kinds(self) -> tuple[tuple[str, str, str], ...]:
        """The relations as (source kind, name, target kind)."""
        return tuple(relation.kind for relation in self.relations)

    def matrix(self, relation: Relation) -> csr_array:
        """Return one relation as sparse weights: csr [target node, source node]."""
        shape = (self.count(relation.target), self.count(relation.source))
        return csr_array(coo_array((relation.weight, (relation.edges[1], relation.edges[0])), shape=shape))

    def between_patients(self) -> csr_array:
        """Return who reaches whom within one relation or one shared concept: csr [patient, patient], 0/1.

        Paths through concepts are counted as one step; for a concept that many share this is large, so it is
        meant for description, not for training.
        """
        total = csr_array((self.patients, self.patients), dtype=np.float32)
        inward = {kind: csr_array((self.patients, len(names))) for kind, names in self.concepts.items()}
        outward = {kind: csr_array((len(names), self.patients)) for kind, names in self.concepts.items()}
        for relation in self.relations:
            if relation.source == relation.target == PATIENT:
                total = total + self.matrix(relation)
            elif relation.target == PATIENT:
                inward[relation.source] = inward[relation.source] + self.matrix(relation)
            elif relation.source == PATIENT:
                outward[relation.target] = outward[relation.target] + self.matrix(relation)
        for kind in self.concepts:
            total = total + inward[kind] @ outward[kind]
        total = csr_array(total)
        total.setdiag(0)
        total.eliminate_zeros()
        total.data = np.ones_like(total.data)
        return total

    def __repr__(self) -> str:
        attached = self.patients - self.trained
        head = f"PatientGraph: {self.trained} patients" + (f" + {attached} attached" if attached else "")
        lines = [f"{head}, {self.edges} edges"]
        lines += [f"  {kind}: {len(names)} concepts" for kind, names in self.concepts.items()]
        lines += [f"  {item.source} -{item.name}-> {item.target}: {len(item)} edges" for item in self.relations]
        return "\n".join(lines)


def build_graph(links: GraphConstructor, source: EncodedCohort, target: EncodedCohort | None = None) -> PatientGraph:
    """Link the source patients among themselves and, if given, attach the target patients to them."""
    within = source_links(links, source)
    if target is None:
        return PatientGraph(source.ids, len(source), within.items, within.concepts)
    attached = {relation.kind: relation for relation in links.link(source, target) if relation.target == PATIENT}
    relations = []
    for relation in within:
        new = attached.get(relation.kind)
        relations.append(relation if new is None else appended(relation, new, len(source)))
    return PatientGraph(source.ids.append(target.ids), len(source), tuple(relations), within.concepts)


def appended(relation: Relation, new: Relation, offset: int) -> Relation:
    """Return the relation with the edges of attached patients behind its own."""
    shifted = new.edges + np.array([[0], [offset]])
    edges = np.concatenate([relation.edges, shifted], axis=1)
    weight = np.concatenate([relation.weight, new.weight])
    return Relation(relation.name, edges, weight, relation.source, relation.target)


_LINKED: WeakKeyDictionary[EncodedCohort, dict[Hashable, Relations]] = WeakKeyDictionary()


def source_links(links: GraphConstructor, source: EncodedCohort) -> Relations:
    """Return `links.link(source, source)`, remembered for as long as the source lives."""
    if not isinstance(links, Hashable):
        return links.link(source, source)
    known = _LINKED.setdefault(source, {})
    if links not in known:
        known[links] = links.link(source, source)
    return known[links]
