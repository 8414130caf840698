"""KnownEdges: patients linked by what somebody wrote down - kinship, referral, contact."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from graphmml.data.columns import FLOAT32_MAX
from graphmml.data.encode import EncodedCohort
from graphmml.data.tables import open_table, want
from graphmml.errors import GraphError
from graphmml.graph.relations import Relation, Relations


@dataclass(frozen=True)
class KnownEdges:
    """Patients listen to whom a CSV says they are linked to: one row an edge, two columns of patient ids.

    The patient in column `target` listens to the one in column `source`, and the other way round too unless
    `directed=True`. Ids are text, written as in the cohort; rows that name anybody else are passed over, so one file
    serves every fold and every new patient. A pair that stands on several rows, or in both orders, is one edge of
    the largest of its weights; a row of weight zero and a patient linked to itself are no edge. A path is relative
    to the folder you are in. The file is no part of a saved model: keep it where it was, and do not edit its rows
    about training patients, for a process that has drawn the training edges keeps them while new patients attach by
    the file as it is then.
    """

    path: str
    source: str = "source"
    target: str = "target"
    weight: str | None = None
    name: str = "known"
    directed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(self.path))
        columns = [self.source, self.target, *([] if self.weight is None else [self.weight])]
        if len(set(columns)) < len(columns) or not all([self.path, self.name, *columns]):
            raise GraphError(
                f"the columns are {', '.join(map(repr, columns))}, the path {self.path!r} and the name {self.name!r}; "
                "give a path, a name and columns that differ"
            )

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation, of the rows whose speaker is in the source and whose listener is in the target."""
        rows = read_edges(self.path, self.source, self.target, self.weight)
        if not rows.names.isin(source.ids).any():
            raise GraphError(
                f"none of the {len(rows.names)} ids in {self.path} is one of the {len(source)} patients to listen to; "
                f"check that '{self.source}' and '{self.target}' hold patient ids, written as in the cohort"
            )
        speakers, listeners, weight = rows.among(source.ids, target.ids, directed=self.directed)
        return Relations((Relation.of(self.name, speakers, listeners, weight),))


@dataclass(frozen=True, eq=False)
class EdgeList:
    """Rows of a CSV: `names[source[i]]` speaks to `names[target[i]]`, and that weighs `weight[i]`."""

    names: pd.Index
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray

    def among(
        self, sources: pd.Index, targets: pd.Index, *, directed: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the edges whose ends are both there: source positions, target positions and weights, a pair once."""
        one, other, weight = self.source, self.target, self.weight
        if not directed:
            one, other, weight = np.append(one, other), np.append(other, one), np.append(weight, weight)
        there, here = sources.get_indexer(self.names)[one], targets.get_indexer(self.names)[other]
        edge = (there >= 0) & (here >= 0) & (one != other) & (weight > 0)
        pair = there[edge].astype(np.int64) * max(len(targets), 1) + here[edge]
        pairs, number = np.unique(pair, return_inverse=True)
        most = np.zeros(len(pairs))
        np.maximum.at(most, number, weight[edge])
        return pairs // max(len(targets), 1), pairs % max(len(targets), 1), most


def read_edges(path: str, source: str, target: str, weight: str | None, *, needed: bool = True) -> EdgeList:
    """Read a CSV of edges; without a column of weights each weighs 1, and a named one must be there if `needed`."""
    place = Path(path)
    if not place.exists():
        raise GraphError(f"{place} is not there; a CSV of edges is wanted, its path relative to the folder you are in")
    facts = place.stat()
    return parsed(place.resolve(), (facts.st_mtime_ns, facts.st_size), (source, target), weight, needed)


@lru_cache(maxsize=4)
def parsed(place: Path, state: tuple[int, int], ends: tuple[str, str], weight: str | None, needed: bool) -> EdgeList:
    """Parse a file once for every `state` it is in, since each fold and each new patient asks for it."""
    table = open_table(place)
    want(table, ends, place)
    number, names = pd.factorize(pd.concat([table[end] for end in ends]))
    weights = np.ones(len(table))
    if weight is not None and (needed or weight in table.columns):
        want(table, [weight], place)
        numbers = pd.to_numeric(table[weight], errors="coerce").astype("float64")
        wrong = ~numbers.between(0, FLOAT32_MAX)
        if wrong.any():
            raise GraphError(
                f"{place}: {int(wrong.sum())} of {len(table)} rows have a '{weight}' that is no number or below zero; "
                "a weight says how strong a link is, so give numbers of zero or more"
            )
        weights = numbers.to_numpy()
    return EdgeList(pd.Index(names, dtype="str"), number[: len(table)], number[len(table) :], weights)
