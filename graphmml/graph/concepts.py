"""Concepts: patients and what they share - codes, drugs, categories - as nodes of one graph."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphmml.data.columns import is_number
from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT, Relation, Relations


@dataclass(frozen=True)
class Concepts:
    """Each code or category of a modality is a node; patients speak to it and listen to it.

    In a table of counts (one column a code) a patient has a concept where the count is above zero; a column of
    names gives one concept a level, "column=level". Concepts are learned from the source: those that fewer than
    `support` or more than `most` (a share) of its patients have are left out, the one because nobody else
    shares it, the other because everybody does. Missing is no concept. An edge weighs log(n / n_c), rarer
    concepts more (inverse document frequency, Sparck Jones 1972), unless `rarity=False`.
    """

    modality: str
    support: int = 2
    most: float = 0.5
    rarity: bool = True

    def __post_init__(self) -> None:
        if self.modality == PATIENT:
            raise GraphError(f"'{PATIENT}' is what the graph calls its patients; give the modality another name")
        if self.support < 1 or not 0 < self.most <= 1:
            raise GraphError(f"support is {self.support} and most {self.most}; wanted: 1 or more, and a share up to 1")

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return source patient -> concept and concept -> target patient."""
        source.has(self.modality)
        names, weights, speaking = [], [], []
        members = held(source.tables[self.modality])
        for name, patients in members:
            share = len(patients) / max(len(source), 1)
            if len(patients) >= self.support and share <= self.most:
                names.append(name)
                weights.append(-np.log(share) if self.rarity and share < 1 else 1.0)
                speaking.append(patients)
        if not names:
            raise GraphError(
                f"no concept of '{self.modality}' is held by at least {self.support} and at most "
                f"{self.most:.0%} of {len(source)} patients; lower support or raise most"
            )
        known = {name: at for at, name in enumerate(names)}
        listening: list[np.ndarray] = [np.zeros(0, dtype=np.int64)] * len(names)
        for name, patients in held(target.tables[self.modality]):
            if name in known:
                listening[known[name]] = patients
        has, of = f"has_{self.modality}", f"of_{self.modality}"
        return Relations(
            (
                edges(has, speaking, weights, PATIENT, self.modality),
                edges(of, listening, weights, self.modality, PATIENT),
            ),
            {self.modality: tuple(names)},
        )


def held(table: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each concept of a table with the positions of the patients who have it, in order of name."""
    for column in sorted(table.columns):
        values = table[column]
        if is_number(values):
            yield str(column), np.flatnonzero(values.to_numpy() > 0)
        else:
            codes, levels = values.factorize(sort=True)
            order = np.argsort(codes, kind="stable")
            ends = np.searchsorted(codes[order], np.arange(len(levels) + 1))
            for at, level in enumerate(levels):
                yield f"{column}={level}", order[ends[at] : ends[at + 1]]


def edges(name: str, members: list[np.ndarray], weights: list[float], source: str, target: str) -> Relation:
    """Lay out concept memberships as edges, in the direction that the two kinds say."""
    patients = np.concatenate(members)
    sizes = [len(part) for part in members]
    concepts = np.repeat(np.arange(len(members)), sizes)
    weight = np.repeat(np.asarray(weights), sizes)
    speakers, listeners = (patients, concepts) if source == PATIENT else (concepts, patients)
    drawn = Relation.of(name, speakers, listeners, weight)
    return Relation(name, drawn.edges, drawn.weight, source, target)
