"""Concepts: patients and what they share - codes, drugs, categories, numbers - as nodes of one graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.hierarchy import Hierarchy, checked, lineage
from graphmml.graph.known import read_edges
from graphmml.graph.membership import Membership, held, rolled_up, scales
from graphmml.graph.relations import PATIENT, Relation, Relations
from graphmml.graph.vocabulary import Vocabulary, vocabulary_of


@dataclass(frozen=True)
class Concepts:
    """Each code or category of a modality is a node; patients speak to it and listen to it.

    In a table of counts (one column a code) a patient has a concept where the count is above zero; a column of
    names gives one concept a level, "column=level", or with `shared=True` "level", the same in whatever column it
    stands. Concepts are learned from the source: those that fewer than `support` or more than `most` (a share) of
    its patients have are left out, the one because nobody else shares it, the other because everybody does. Missing
    is no concept. An edge weighs log(n / n_c), rarer concepts more (inverse document frequency, Sparck Jones
    1972), unless `rarity=False`.

    `numbers` says what a column of numbers is: "present", a count as above; an integer, cut into that many
    quantile bins ("age in [40, 55)"), fewer where values tie; or "weights", one concept a column, whose edges weigh
    the rank of the patient's value in the source, scaled into (0, 1), whatever `most` and `rarity` say. (GRAPE, You
    et al., NeurIPS 2020, joins patients and columns so, by the raw value as a feature of the edge; a rank is
    positive, as a weighted mean wants it, and knows no outlier. GATStack reads no weights: give it bins.)

    `hierarchy` ("icd9", "icd9_procedures", "icd10", or the lengths of the prefixes that are parents, as (1, 3, 5)
    for ATC) gives whoever has a code its category and chapter too, as GRAM does (Choi et al., KDD 2017, which learns
    how much each counts): a code too rare for `support`, or never seen in the source, still speaks through its
    parents. Each concept speaks to its parent ("is_a") and listens to it ("includes").

    `known` is the path of a CSV with columns source, target and, if it likes, weight, which name concepts: an
    ontology, a pathway, protein interactions. Its edges go both ways; names of no concept are passed over. How its
    rows are read, and when, is that of KnownEdges.
    """

    modality: str
    support: int = 2
    most: float = 0.5
    rarity: bool = True
    numbers: str | int = "present"
    shared: bool = False
    hierarchy: Hierarchy = None
    known: str | None = None

    def __post_init__(self) -> None:
        refuse_numbers(self)
        object.__setattr__(self, "hierarchy", checked(self.hierarchy))
        object.__setattr__(self, "known", None if self.known is None else str(self.known))
        if self.modality == PATIENT:
            raise GraphError(f"'{PATIENT}' is what the graph calls its patients; give the modality another name")
        if self.support < 1 or not 0 < self.most <= 1:
            raise GraphError(f"support is {self.support} and most {self.most}; wanted: 1 or more, and a share up to 1")
        bins = type(self.numbers) is int and self.numbers >= 2
        if not bins and self.numbers not in ("present", "weights"):
            raise GraphError(
                f"numbers is {self.numbers!r}; wanted: 'present', 'weights', or a number of bins, two or more"
            )

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return source patient -> concept and concept -> target patient, then what joins concepts."""
        source.has(self.modality)
        known = _LEARNED.setdefault(source, {})
        if self not in known:  # a newcomer must not cost as much as the source
            known[self] = self.learned(source)
        vocabulary, fixed = known[self]
        patients, concepts, weight = vocabulary.among(self.members(target, vocabulary.scales))
        listen = Relation.of(f"of_{self.modality}", concepts, patients, weight)
        speak, *between = fixed
        items = (speak, replace(listen, source=self.modality), *between)
        return Relations(items, {self.modality: tuple(vocabulary.names)})

    def members(self, cohort: EncodedCohort, learned: Mapping[str, np.ndarray]) -> Membership:
        """Return who has which concept, ancestors included, numbers read by the scales that were learned."""
        members = held(cohort.tables[self.modality], learned, self.numbers, shared=self.shared)
        return members if self.hierarchy is None else rolled_up(members, self.hierarchy)

    def learned(self, source: EncodedCohort) -> tuple[Vocabulary, tuple[Relation, ...]]:
        """Learn the vocabulary of the source, and draw all that does not depend on a target."""
        learned = scales(source.tables[self.modality], self.numbers)
        members = self.members(source, learned)
        if self.hierarchy is not None:
            self.refuse_unread([code for code in members.codes if code])
        vocabulary = vocabulary_of(members, learned, len(source), self.support, self.most, rarity=self.rarity)
        if not len(vocabulary.names):
            raise GraphError(
                f"no concept of '{self.modality}' is held by at least {self.support} and at most "
                f"{self.most:.0%} of {len(source)} patients; lower support or raise most"
            )
        speak = Relation.of(f"has_{self.modality}", *vocabulary.among(members))
        between = [*self.ancestry(vocabulary), *self.written(vocabulary.names)]
        joined = [replace(relation, source=self.modality, target=self.modality) for relation in between]
        return vocabulary, (replace(speak, target=self.modality), *joined)

    def refuse_unread(self, codes: Sequence[str]) -> None:
        """Raise where the hierarchy knows a parent of no code."""
        if not any(len(lineage(code, self.hierarchy)) > 1 for code in codes):
            raise GraphError(
                f"none of {len(codes)} codes of '{self.modality}' has a parent in the hierarchy {self.hierarchy!r}"
                f"{examples(codes)}; choose the hierarchy that they are written in, or None"
            )

    def ancestry(self, vocabulary: Vocabulary) -> list[Relation]:
        """Return "is_a" and "includes" between each concept and its parent, where that was not left out."""
        if self.hierarchy is None:
            return []
        parents = [
            # whoever has a code has its parent: where `most` leaves the parent out, no ancestor of it is left either
            (name.removesuffix(code) + line[1] if len(line := lineage(code, self.hierarchy)) > 1 else None)
            for name, code in zip(vocabulary.names, vocabulary.codes, strict=True)
        ]
        parent = vocabulary.names.get_indexer(parents)
        child = np.flatnonzero(parent >= 0)
        up, down = f"is_a_{self.modality}", f"includes_{self.modality}"
        return [Relation.of(up, child, parent[child]), Relation.of(down, parent[child], child)]

    def written(self, names: pd.Index) -> list[Relation]:
        """Return the edges between concepts that the user's CSV gives."""
        if self.known is None:
            return []
        rows = read_edges(self.known, "source", "target", "weight", needed=False)
        if not rows.names.isin(names).any():
            raise GraphError(
                f"none of the {len(rows.names)} names in {self.known} is one of the {len(names)} concepts of "
                f"'{self.modality}'{examples(names)}; write them alike, or lower support"
            )
        return [Relation.of(f"known_{self.modality}", *rows.among(names, names, directed=False))]


_LEARNED: WeakKeyDictionary[EncodedCohort, dict[Concepts, tuple[Vocabulary, tuple[Relation, ...]]]] = (
    WeakKeyDictionary()
)


def examples(names: Sequence[str] | pd.Index) -> str:
    """Show how a few concepts are written."""
    return f" (for instance {', '.join(repr(name) for name in names[:3])})" if len(names) else ""
