"""Subject: the one patient who is explained, and how the model answers altered copies of that patient.

New patients listen to training patients and nobody listens to them, so altered copies attached side by side are each
answered as if alone: what a model would say without a cell, a table or an edge is asked exactly, many at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.errors import CohortError, GraphmmlError
from graphmml.graph.patient_graph import source_links
from graphmml.graph.relations import PATIENT, Relation, Relations
from graphmml.model.strategy import strategy_of
from graphmml.report.explain.held import Held
from graphmml.report.explain.part import Part
from graphmml.train.baselines import Baseline
from graphmml.train.chance import chosen_device
from graphmml.train.estimator import GraphClassifier
from graphmml.train.layers import Inner
from graphmml.train.member import Member

BATCH = 256
"""Copies that are answered at a time."""


@dataclass(frozen=True)
class Link:
    """Whom the patient hears through which relation: a training patient by position in `model.source_`, or a concept.

    `weight` is the mean over all members, those included that do not draw it, as each knows other training patients.
    """

    relation: str
    kind: str
    source: int | str
    weight: float
    members: int

    @property
    def key(self) -> tuple[str, str, int | str]:
        """What tells links apart."""
        return (self.relation, self.kind, self.source)


@dataclass(frozen=True, eq=False)
class Subject:
    """One patient as the model sees them (`person`, of length one), and the links each member draws for them.

    A plain model draws none; it answers as an ensemble of one.
    """

    model: Inner
    person: EncodedCohort
    links: tuple[Link, ...]
    drawn: tuple[Relations, ...]
    numbers: tuple[tuple[np.ndarray, ...], ...]
    target: int = 0

    @classmethod
    def of(cls, model: Inner, cohort: Cohort) -> "Subject":
        """Attach one patient and number the links; the class explained is the predicted one."""
        model.check_fitted()
        if len(cohort) != 1:
            raise CohortError(f"{len(cohort)} patients are given; one is explained at a time: cohort[[row]]")
        person = model.encoder_.transform(cohort)
        made = cls(model, person, (), (), ()) if isinstance(model, Baseline) else cls.linked(model, person)
        return replace(made, target=int(made.held(person).mean(axis=(0, 1)).argmax()))

    @classmethod
    def linked(cls, model: GraphClassifier, person: EncodedCohort) -> "Subject":
        """Draw and number the links of one patient."""
        drawn = tuple(listened(model, member, person) for member in model.members_)
        keys = [
            [edge_keys(model, member, relation) for relation in relations]
            for member, relations in zip(model.members_, drawn, strict=True)
        ]
        links = numbered(drawn, keys)
        number = {link.key: at for at, link in enumerate(links)}
        numbers = tuple(
            tuple(np.array([number.get(key, -1) if key else -1 for key in of], dtype=np.int64) for of in each)
            for each in keys
        )
        return cls(model, person, links, drawn, numbers)

    @property
    def network(self) -> GraphClassifier:
        """The model, or GraphmmlError where it is plain."""
        if isinstance(self.model, Baseline):
            raise GraphmmlError("a plain model has neither links nor gradients to ask; explain it by Occlusion")
        return self.model

    @property
    def members(self) -> Sequence[Member]:
        """The networks; none of a plain model."""
        return () if isinstance(self.model, Baseline) else self.model.members_

    def held(self, copies: EncodedCohort, kept: np.ndarray | None = None, silent: str | None = None) -> np.ndarray:
        """Return each member's answers to copies who keep the patient's links, or those marked: [member, copy, class].

        `kept` is bool [copy, link]; `silent` is a relation in which training patients do not hear each other.
        """
        if isinstance(self.model, Baseline):
            return self.model.predict_encoded(copies)
        kept = np.ones((len(copies), len(self.links)), dtype=bool) if kept is None else kept
        strategy, device = strategy_of(self.model.fusion), chosen_device(self.model.device)
        answers = []
        for member, drawn, numbers in zip(self.model.members_, self.drawn, self.numbers, strict=True):
            parts = []
            for rows in batches(len(copies)):
                links = Held(self.model.constructor, drawn, numbers, kept[rows], silent)
                parts.append(member.predicted(links, copies[rows], device, strategy, self.model.combined_))
            answers.append(np.concatenate(parts))
        return np.stack(answers)

    def redrawn(self, copies: EncodedCohort) -> np.ndarray:
        """Return each member's answers to copies whose links are drawn anew: [member, copy, class]."""
        predicted = self.model.predict_encoded
        try:
            parts = [predicted(copies[rows]) for rows in batches(len(copies))]
        except pd.errors.InvalidIndexError:  # links that look patients up by id want each once
            parts = [predicted(copies[[at]]) for at in range(len(copies))]  # type: ignore[index]
        return np.concatenate(parts, axis=1)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What each link's source is called: concepts by name, patients by number, the most heard first."""
        heard: dict[int | str, float] = {}
        for link in self.links:
            if link.kind == PATIENT:
                heard[link.source] = heard.get(link.source, 0.0) + link.weight
        order = sorted(heard, key=lambda source: (-heard[source], source))
        called = {source: f"neighbour {at + 1}" for at, source in enumerate(order)}
        return tuple(called[link.source] if link.kind == PATIENT else str(link.source) for link in self.links)

    @cached_property
    def features(self) -> tuple[Part, ...]:
        """The columns in which the patient has a value, of modalities that the model sees."""
        here = dict(zip(self.person.modalities, self.person.present[0], strict=True))
        return tuple(
            Part("feature", str(column), modality)
            for modality, table in self.person.tables.items()
            if here[modality]
            for column, known in zip(table.columns, table.notna().to_numpy()[0], strict=True)
            if known
        )

    @cached_property
    def edges(self) -> tuple[Part, ...]:
        """The links as parts."""
        return tuple(
            Part("link", name, link.relation, at)
            for at, (name, link) in enumerate(zip(self.names, self.links, strict=True))
        )

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations through which the patient hears anybody, in the graph's order."""
        return tuple(dict.fromkeys(link.relation for link in self.links))

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that the patient has."""
        return tuple(name for name, here in zip(self.person.modalities, self.person.present[0], strict=True) if here)

    def copies(self, count: int) -> EncodedCohort:
        """Return the patient as they are, so many times."""
        return self.person[np.zeros(count, dtype=np.int64)]

    def value(self, feature: Part) -> object:
        """Return what the patient has in a column."""
        return self.person.tables[feature.through][feature.name].iloc[0]


def batches(count: int) -> list[np.ndarray]:
    """Return the rows of each batch."""
    return [np.arange(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]


def listened(model: GraphClassifier, member: Member, person: EncodedCohort) -> Relations:
    """Return what the links draw for the patient alone, without what only training patients hear."""
    drawn = model.constructor.link(member.source, person)
    ends = {PATIENT, *drawn.parts}
    return replace(drawn, items=tuple(item for item in drawn if item.target in ends))


Key = tuple[str, str, int | str] | None


def edge_keys(model: GraphClassifier, member: Member, relation: Relation) -> list[Key]:
    """Return whom each edge comes from, in terms that all members share; None for what joins a patient's own parts."""
    sources = relation.edges[0]
    if relation.own or not len(relation):
        return [None] * len(relation)
    within = source_links(model.constructor, member.source)
    if relation.source in within.concepts:
        names = within.concepts[relation.source]
        return [(relation.name, relation.source, names[at]) for at in sources]
    if relation.source in within.parts:
        sources = within.parts[relation.source].owner[sources]
    return [(relation.name, PATIENT, int(member.rows[at])) for at in sources]


def numbered(drawn: Sequence[Relations], keys: Sequence[Sequence[Sequence[Key]]]) -> tuple[Link, ...]:
    """Return every link once, by relation, the most heard first."""
    weights: dict[tuple[str, str, int | str], dict[int, float]] = {}
    for at, (relations, names) in enumerate(zip(drawn, keys, strict=True)):
        for relation, edges in zip(relations, names, strict=True):
            for key, weight in zip(edges, relation.weight, strict=True):
                if key is not None:
                    known = weights.setdefault(key, {})
                    known[at] = known.get(at, 0.0) + float(weight)
    order = list(dict.fromkeys(relation.name for relations in drawn for relation in relations))
    made = [Link(*key, sum(of.values()) / len(drawn), len(of)) for key, of in weights.items()]
    return tuple(sorted(made, key=lambda link: (order.index(link.relation), -link.weight, str(link.source).zfill(9))))


def refuse_unknown(name: str, known: Sequence[str], what: str) -> None:
    """Raise where something is asked for that is not there."""
    if name not in known:
        raise GraphmmlError(f"no {what} '{name}'; there are: {', '.join(known)}")
