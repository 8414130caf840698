"""Occlusion: what the model says without each part; the reference that other methods are held against."""

from dataclasses import dataclass

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import source_links
from graphmml.report.explain.altered import without
from graphmml.report.explain.attribution import Attributed
from graphmml.report.explain.part import Part
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.typical import Instead, refuse_instead
from graphmml.train.worth import lacking

UNIT = "fall of the probability without it"


@dataclass(frozen=True)
class Occlusion:
    """Take each part away and see how far the probability falls (occlusion, Zeiler and Fergus, ECCV 2014).

    Exact: an effect is the difference of two predictions that `predict_proba` makes. A feature is given the training
    median or most frequent name, or with `instead="missing"` its cell is blanked, which also tells a model that has
    met gaps in that column that there is one; a modality is absent; a relation, or one edge of it, is not there. With
    `relink` (True) who has another cell, or lacks a modality, is also linked as such a patient would be; False holds
    the links, and tells what came through the network alone. Parts that say the same hide each other: neither of two
    copies of a column is missed.
    """

    instead: Instead = "typical"
    relink: bool = True

    def __post_init__(self) -> None:
        refuse_instead(self.instead)

    def attribute(self, subject: Subject) -> Attributed:
        """Return the fall of the probability without each modality, feature, relation and link."""
        whole = subject.held(subject.person)[:, :, subject.target]
        effects = {**self.tables(subject), **self.cells(subject), **self.edges(subject), **second_hand(subject)}
        return Attributed.of({part: (whole - p[:, None])[:, 0] for part, p in effects.items()}, UNIT)

    def answers(self, subject: Subject, copies: EncodedCohort) -> np.ndarray:
        """Return the probability of the class explained for copies: [member, copy]."""
        asked = subject.redrawn if self.relink else subject.held
        return np.asarray(asked(copies)[:, :, subject.target])

    def tables(self, subject: Subject) -> dict[Part, np.ndarray]:
        """Return the probability without each modality: {part: [member]}."""
        names = subject.person.modalities
        return {
            Part("modality", name): self.answers(
                subject, lacking(subject.person, np.array([other == name for other in names]))
            )[:, 0]
            for name in subject.modalities
        }

    def cells(self, subject: Subject) -> dict[Part, np.ndarray]:
        """Return the probability without each feature."""
        count = len(subject.features)
        if not count:
            return {}
        p = self.answers(subject, without(subject, np.eye(count, dtype=bool), self.instead))
        return dict(zip(subject.features, p.T, strict=True))

    def edges(self, subject: Subject) -> dict[Part, np.ndarray]:
        """Return the probability without each relation and each link."""
        if not subject.links:
            return {}
        of = np.array([link.relation for link in subject.links])
        relations = [Part("relation", name) for name in subject.relations]
        gone = np.concatenate([np.stack([of == part.name for part in relations]), np.eye(len(of), dtype=bool)])
        p = subject.held(subject.copies(len(gone)), ~gone)[:, :, subject.target]
        return dict(zip([*relations, *subject.edges], p.T, strict=True))


def second_hand(subject: Subject) -> dict[Part, np.ndarray]:
    """Return the probability where those whom the patient hears have heard nobody, by relation; felt from depth 2."""
    names = {
        relation.name
        for member in subject.members
        for relation in source_links(subject.network.constructor, member.source)
        if len(relation) and not relation.own
    }
    found = {name: subject.held(subject.person, silent=name)[:, 0, subject.target] for name in sorted(names)}
    whole = subject.held(subject.person)[:, 0, subject.target]
    return {Part("second hand", name): p for name, p in found.items() if not np.allclose(p, whole, atol=1e-7)}
