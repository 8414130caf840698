"""Relations: who listens to whom, as edge lists with weights; and the nodes that stand beside patients."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from graphmml.errors import GraphError

PATIENT = "patient"


@dataclass(frozen=True, eq=False)
class Relation:
    """Directed weighted edges of one kind: node `edges[1]` listens to node `edges[0]`.

    `edges` is int64 [2, edge]. `source` and `target` name the kinds of node at the two ends, "patient", a kind
    of concept or a kind of part. As a result of `link(source, target)`, patients (and parts) in row 0 are
    positions in the source cohort and those in row 1 positions in the target cohort; unless the relation is
    `own`: it joins what belongs to one and the same patient, and both rows are positions in the target.
    """

    name: str
    edges: np.ndarray
    weight: np.ndarray
    source: str = PATIENT
    target: str = PATIENT
    own: bool = False

    def __post_init__(self) -> None:
        if self.edges.shape != (2, len(self.weight)):
            raise GraphError(f"relation '{self.name}' has {self.edges.shape} edges and {len(self.weight)} weights")

    @classmethod
    def of(cls, name: str, sources: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None) -> "Relation":
        """Make a relation between patients from two columns of positions, sorted by target, then source."""
        weight = np.ones(len(sources), dtype=np.float32) if weight is None else weight.astype(np.float32)
        edges = np.stack([sources, targets]).astype(np.int64, copy=False)
        # one number a pair sorts several times faster than two columns
        pair = edges[1] * (int(edges[0].max(initial=0)) + 1) + edges[0]
        if (pair[1:] < pair[:-1]).any():
            order = np.argsort(pair, kind="stable")
            edges, weight = edges[:, order], weight[order]
        return cls(name, edges, weight)

    def between(self, source: str, target: str, *, own: bool = False) -> "Relation":
        """Return the same edges between other kinds of node."""
        return replace(self, source=source, target=target, own=own)

    @property
    def kind(self) -> tuple[str, str, str]:
        """The kinds of node and the name, as PyG writes an edge type."""
        return (self.source, self.name, self.target)

    def __len__(self) -> int:
        return int(self.edges.shape[1])

    def __repr__(self) -> str:
        return f"Relation({self.source} -{self.name}-> {self.target}, {len(self)} edges)"


@dataclass(frozen=True, eq=False)
class Parts:
    """Nodes of one kind that belong to patients: visits, or what was measured in one modality.

    `owner` is int64 [node], the position of each node's patient, ascending. With `modality` a node starts as its
    owner's vector of that modality; otherwise `features`, float32 [node, column], say what is known of it.
    """

    owner: np.ndarray
    modality: str | None = None
    features: np.ndarray | None = None

    def __post_init__(self) -> None:
        if (self.modality is None) == (self.features is None):
            raise GraphError("parts start from their owner's modality or from features of their own; give one of them")
        if self.features is not None and len(self.features) != len(self.owner):
            raise GraphError(f"there are {len(self.owner)} parts and features of {len(self.features)}")

    def __len__(self) -> int:
        return len(self.owner)

    def __add__(self, other: "Parts") -> "Parts":
        features = None
        if self.features is not None and other.features is not None:
            features = np.concatenate([self.features, other.features])
        return Parts(np.concatenate([self.owner, other.owner]), self.modality, features)

    @property
    def number(self) -> np.ndarray:
        """Each node's number among its owner's: int [node]."""
        return np.asarray(np.arange(len(self.owner)) - np.searchsorted(self.owner, self.owner))

    def shifted(self, patients: int) -> "Parts":
        """Return the same parts, their owners counted behind that many other patients."""
        return replace(self, owner=self.owner + patients)


@dataclass(frozen=True, eq=False)
class Relations:
    """Everything a constructor drew: its relations, and the nodes that stand beside the patients.

    `concepts` maps a kind of concept ("diagnoses") to the names of its nodes, learned from the source alone and
    shared by all; `parts` maps a kind of part ("visit") to the target patients' own nodes.
    """

    items: tuple[Relation, ...]
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, Parts] = field(default_factory=dict)

    @classmethod
    def from_mask(cls, name: str, mask: np.ndarray) -> "Relations":
        """Make one relation of a bool [source patient, target patient] matrix; for small cohorts."""
        sources, targets = np.nonzero(mask)
        return cls((Relation.of(name, sources, targets),))

    def __iter__(self) -> Iterator[Relation]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, name: str) -> Relation:
        for relation in self.items:
            if relation.name == name:
                return relation
        raise GraphError(f"no relation '{name}'; there are: {', '.join(item.name for item in self.items)}")

    @property
    def edges(self) -> int:
        """How many edges there are over all relations."""
        return sum(len(relation) for relation in self.items)

    def map(self, change: "Mapping[str, Relation]") -> "Relations":
        """Return the same with some relations replaced by name."""
        return replace(self, items=tuple(change.get(item.name, item) for item in self.items))
