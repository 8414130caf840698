"""PatientGraph: patients, their parts and concepts joined by named relations; and what a constructor is."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import shown, wanted
from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT, Parts, Relation, Relations


class GraphConstructor(Protocol):
    """Anything that says which source patients a target patient listens to.

    `link(train, train)` is the training graph, `link(train, new)` attaches new patients to it. Whatever is
    learned (width, threshold, bins, vocabulary) is learned from `source` alone; a patient never listens to
    itself, recognised by id. A constructor is a frozen dataclass with this one method.
    """

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the relations from source to target."""


def is_constructor(links: object) -> bool:
    """Return whether a value has the method that a constructor has, and is no class."""
    return not isinstance(links, type) and callable(getattr(links, "link", None))


def refuse_links(links: object) -> None:
    """Raise GraphError for what draws no links."""
    if not is_constructor(links):
        raise GraphError(f"links is {shown(links)}; a constructor is wanted, for instance gm.Neighbours(k=10)")


@dataclass(frozen=True)
class GraphSchema:
    """What a network must know of a graph before it meets a patient.

    `relations` are kinds of relation as (source kind, name, target kind), `concepts` maps kinds of concept to
    their counts, `parts` kinds of part to their columns of features, 0 where they start from a modality.
    """

    relations: tuple[tuple[str, str, str], ...]
    concepts: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class PatientGraph:
    """Patients, their parts, concepts and the directed relations between them.

    The first `trained` patients are the source: they, their parts and the concepts exchange messages. The others
    were attached: they and their parts listen, and nobody else listens to them. Positions of patients and of
    parts in every relation count those of the source first, attached ones after them.
    """

    ids: pd.Index
    trained: int
    relations: tuple[Relation, ...]
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, Parts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        twice = sorted({PATIENT, *self.parts} & set(self.concepts)) or sorted({PATIENT} & set(self.parts))
        if twice:
            raise GraphError(f"two kinds of node are called '{twice[0]}'; give the modality another name")
        for kind, parts in self.parts.items():
            if len(parts) and not 0 <= parts.owner.min() <= parts.owner.max() < self.patients:
                raise GraphError(f"a {kind} belongs to a patient beyond the {self.patients} there are")
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
        nodes = self.parts.get(kind, self.concepts.get(kind))
        if nodes is None:
            known = ", ".join([PATIENT, *self.concepts, *self.parts])
            raise GraphError(f"no nodes of kind '{kind}'; there are: {known}")
        return len(nodes)

    @property
    def edges(self) -> int:
        """How many directed edges there are over all relations."""
        return sum(len(relation) for relation in self.relations)

    @property
    def schema(self) -> GraphSchema:
        """What kinds of relation and node there are."""
        columns = {kind: 0 if parts.features is None else parts.features.shape[1] for kind, parts in self.parts.items()}
        return GraphSchema(self.kinds, {kind: len(names) for kind, names in self.concepts.items()}, columns)

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

        A part speaks and listens for its patient, and paths through concepts are counted as one step; for a
        concept that many share this is large, so it is meant for description, not for training.
        """
        if self.parts:
            return self.by_patient().between_patients()
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

    def by_patient(self) -> "PatientGraph":
        """Return the graph without parts: what a part says or hears is its patient's, own edges are gone."""
        relations = []
        for relation in self.relations:
            ends = (relation.source, relation.target)
            rows = np.stack([self.owners(kind, row) for kind, row in zip(ends, relation.edges, strict=True)])
            source, target = (PATIENT if kind in self.parts else kind for kind in ends)
            kept = (rows[0] != rows[1]) | (source != target)
            edges = rows[:, kept]
            relations.append(Relation(relation.name, edges, relation.weight[kept], source, target))
        return replace(self, relations=tuple(relations), parts={})

    def owners(self, kind: str, nodes: np.ndarray) -> np.ndarray:
        """Return the patients that these parts belong to; nodes of another kind stand for themselves: int [node]."""
        return self.parts[kind].owner[nodes] if kind in self.parts else nodes

    def __repr__(self) -> str:
        attached = self.patients - self.trained
        head = f"PatientGraph: {self.trained} patients" + (f" + {attached} attached" if attached else "")
        lines = [f"{head}, {self.edges} edges"]
        lines += [f"  {kind}: {len(names)} concepts" for kind, names in self.concepts.items()]
        lines += [f"  {kind}: {len(parts)} parts of patients" for kind, parts in self.parts.items()]
        lines += [f"  {item.source} -{item.name}-> {item.target}: {len(item)} edges" for item in self.relations]
        return "\n".join(lines)


def build_graph(links: GraphConstructor, source: EncodedCohort, target: EncodedCohort | None = None) -> PatientGraph:
    """Link the source patients among themselves and, if given, attach the target patients to them."""
    refuse_links(links)
    wanted(source, EncodedCohort)
    within = source_links(links, source)
    if target is None:
        return PatientGraph(source.ids, len(source), within.items, within.concepts, within.parts)
    drawn = links_between(links, source, target)
    offsets = {PATIENT: len(source)} | {kind: len(parts) for kind, parts in within.parts.items()}
    attached = {relation.kind: relation for relation in drawn if relation.target in offsets}
    relations = []
    for relation in within:
        new = attached.get(relation.kind)
        relations.append(relation if new is None else appended(relation, new, offsets))
    parts = {kind: known + drawn.parts[kind].shifted(len(source)) for kind, known in within.parts.items()}
    ids = source.ids.append(target.ids)
    return PatientGraph(ids, len(source), tuple(relations), within.concepts, parts)


def appended(relation: Relation, new: Relation, offsets: Mapping[str, int]) -> Relation:
    """Return the relation with the edges of attached patients and their parts behind its own."""
    behind = offsets.get(new.source, 0) if new.own else 0
    shifted = new.edges + np.array([[behind], [offsets[new.target]]])
    edges = np.concatenate([relation.edges, shifted], axis=1)
    weight = np.concatenate([relation.weight, new.weight])
    return replace(relation, edges=edges, weight=weight)


_LINKED: WeakKeyDictionary[EncodedCohort, WeakKeyDictionary[EncodedCohort, dict[Hashable, Relations]]] = (
    WeakKeyDictionary()
)


def source_links(links: GraphConstructor, source: EncodedCohort) -> Relations:
    """Return `links.link(source, source)`, remembered for as long as the source lives."""
    return links_between(links, source, source)


def links_between(links: GraphConstructor, source: EncodedCohort, target: EncodedCohort) -> Relations:
    """Return `links.link(source, target)`, remembered for as long as both live."""
    if not isinstance(links, Hashable):
        return links.link(source, target)
    known = _LINKED.setdefault(source, WeakKeyDictionary()).setdefault(target, {})
    if links not in known:
        known[links] = links.link(source, target)
    return known[links]
