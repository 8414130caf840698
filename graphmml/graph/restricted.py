"""Restricted: the links of another constructor, within a group or across groups only."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import GraphConstructor, is_constructor, source_links
from graphmml.graph.relations import PATIENT, Relation, Relations


@dataclass(frozen=True)
class Restricted:
    """Patients listen only to those of other groups (`across`), of their own (`within`), or of each (`evenly`).

    With `across="site"` no message comes from a patient's own site, so that neighbours cannot tell a network how
    often the site has the outcome. They still leave a trace of which site it is not: of two sites, all that a
    patient hears is the other. With `evenly="site"` everybody hears as many of each site, and the company says
    nothing of one's own. Edges are not filtered afterwards: for each value of the group the inner constructor
    links those who listen to those whom they may hear, and learns from the latter alone, so that k neighbours
    stay k (evenly: k of each value). A patient whose group is not known is neither of the same nor of another and
    gets no edge, nor does, within, a newcomer of a value that no source patient has. Where who listens is not who
    is heard, `edges="union"` of Neighbours mirrors nothing. Constructors with concepts or parts are refused: two
    patients of one site would meet there.
    """

    links: GraphConstructor
    across: str | None = None
    within: str | None = None
    evenly: str | None = None

    def __post_init__(self) -> None:
        if len(self.chosen) != 1:
            raise GraphError('give one group: across="site", within="site" or evenly="site"')
        if not is_constructor(self.links):
            raise GraphError("Restricted takes one constructor; join several with Union or Layers")

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """How edges are restricted, and the group that decides."""
        given = (("across", self.across), ("within", self.within), ("evenly", self.evenly))
        return [(how, group) for how, group in given if group is not None]

    @property
    def group(self) -> str:
        """The group that decides."""
        return self.chosen[0][1]

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the inner constructor's relations, linked anew for each value of the group."""
        pieces: dict[str, list[Relation]] = {}
        for speakers, listeners in self.sides(source, target):
            heard = source[speakers]
            same = target is source and np.array_equal(speakers, listeners)
            drawn = self.inner(heard, heard if same else target[listeners], len(source))
            for relation in drawn:
                edges = np.stack([speakers[relation.edges[0]], listeners[relation.edges[1]]])
                pieces.setdefault(relation.name, []).append(replace(relation, edges=edges))
        if not pieces and not source.ids.equals(target.ids):
            pieces = {
                relation.name: [replace(relation, edges=relation.edges[:, :0], weight=relation.weight[:0])]
                for relation in source_links(self, source)
            }
        return Relations(tuple(joined(parts) for parts in pieces.values()))

    def sides(self, source: EncodedCohort, target: EncodedCohort) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield for each value of the group who may be heard and who listens: source and target positions."""
        there, here = text(source.column(self.group)), text(target.column(self.group))
        known = pd.unique(there.dropna())
        how = self.chosen[0][0]
        if len(known) < (2 if how == "across" else 1):
            raise GraphError(
                f"'{self.group}' has {len(known)} value(s) among {len(source)} source patients, nobody can be linked "
                f"{how} it; choose another group"
            )
        for value in sorted(known if how == "evenly" else pd.unique(here.dropna())):
            heard = there.notna() & (there != value) if how == "across" else there == value
            listening = here.notna() if how == "evenly" else here == value
            if heard.any() and listening.any():
                yield np.flatnonzero(heard), np.flatnonzero(listening)

    def inner(self, source: EncodedCohort, target: EncodedCohort, patients: int) -> Relations:
        """Link one value's patients; say in an error that it was about a part of the source."""
        try:
            drawn = self.links.link(source, target)
        except GraphError as error:
            raise GraphError(
                f"one value of '{self.group}' leaves a part of the {patients} source patients to listen to: {error}; "
                "or merge small values of it"
            ) from None
        if drawn.concepts or any({relation.source, relation.target} != {PATIENT} for relation in drawn):
            raise GraphError(
                f"these links meet in other nodes than patients, which would join what '{self.group}' is to keep "
                "apart; restrict a constructor between patients, for instance Neighbours"
            )
        return drawn


def text(values: pd.Series) -> pd.Series:
    """Return a column as text by position, missing where missing."""
    plain = values.reset_index(drop=True)
    return plain.astype("object").astype(str).where(plain.notna())


def joined(parts: list[Relation]) -> Relation:
    """Return one relation of several with one name, sorted by target, then source."""
    edges = np.concatenate([part.edges for part in parts], axis=1)
    weight = np.concatenate([part.weight for part in parts])
    order = np.lexsort((edges[0], edges[1]))
    return replace(parts[0], edges=edges[:, order], weight=weight[order])
