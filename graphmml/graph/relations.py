"""Relations: who listens to whom, as edge lists with weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from graphmml.errors import GraphError

PATIENT = "patient"


@dataclass(frozen=True, eq=False)
class Relation:
    """Directed weighted edges of one kind: node `edges[1]` listens to node `edges[0]`.

    `edges` is int64 [2, edge]. `source` and `target` name the kinds of node at the two ends, "patient" or a
    kind of concept. As a result of `link(source, target)`, patients in row 0 are positions in the source
    cohort and patients in row 1 positions in the target cohort.
    """

    name: str
    edges: np.ndarray
    weight: np.ndarray
    source: str = PATIENT
    target: str = PATIENT

    def __post_init__(self) -> None:
        if self.edges.shape != (2, len(self.weight)):
            raise GraphError(f"relation '{self.name}' has {self.edges.shape} edges and {len(self.weight)} weights")

    @classmethod
    def of(cls, name: str, sources: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None) -> "Relation":
        """Make a relation between patients from two columns of positions, sorted by target, then source."""
        weight = np.ones(len(sources)) if weight is None else weight
        order = np.lexsort((sources, targets))
        edges = np.stack([sources[order], targets[order]]).astype(np.int64)
        return cls(name, edges, weight[order].astype(np.float32))

    @property
    def kind(self) -> tuple[str, str, str]:
        """The kinds of node and the name, as PyG writes an edge type."""
        return (self.source, self.name, self.target)

    def __len__(self) -> int:
        return int(self.edges.shape[1])

    def __repr__(self) -> str:
        return f"Relation({self.source} -{self.name}-> {self.target}, {len(self)} edges)"


@dataclass(frozen=True, eq=False)
class Relations:
    """Everything a constructor drew: its relations, and the concepts that stand between patients.

    `concepts` maps a kind of concept ("diagnoses") to the names of its nodes, learned from the source alone.
    """

    items: tuple[Relation, ...]
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
