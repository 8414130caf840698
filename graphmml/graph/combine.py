"""Several constructors as one: side by side, all of their edges, or those that they agree on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import GraphConstructor, is_constructor, source_links
from graphmml.graph.relations import PATIENT, Parts, Relation, Relations

Merge = Literal["sum", "max", "mean", "min"]
MERGES = ("sum", "max", "mean", "min")


def several(links: Any) -> tuple[GraphConstructor, ...]:
    """Return one or several constructors as a tuple, or raise GraphError."""
    given = tuple(links) if isinstance(links, (tuple, list)) else (links,)
    if not given or not all(map(is_constructor, given)):
        raise GraphError(
            "give one or more constructors in a tuple, for instance (Neighbours(), SharedPhenotype('sex'))"
        )
    return given


def linked(links: GraphConstructor, source: EncodedCohort, target: EncodedCohort) -> Relations:
    """Return the links; those of the source among itself are remembered."""
    return (
        source_links(links, source)
        if source.ids.equals(target.ids) and source is target
        else links.link(source, target)
    )


@dataclass(frozen=True, init=False)
class Layers:
    """Several constructors side by side, each with relations of its own: one graph of many kinds of edge.

    A network learns weights for each relation. Where two constructors use one name, the second is called
    "labs 2". Concepts and parts of one kind are shared if they are the same, and refused if they are not.
    """

    links: tuple[GraphConstructor, ...]

    def __init__(self, links: tuple[GraphConstructor, ...], *more: object) -> None:
        if more:
            raise GraphError(
                f"{1 + len(more)} things are given one after another; give constructors in one tuple, for instance "
                "Layers((Neighbours(), SharedPhenotype('sex')))"
            )
        object.__setattr__(self, "links", several(links))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return every constructor's relations."""
        taken: set[str] = set()
        items: list[Relation] = []
        concepts: dict[str, tuple[str, ...]] = {}
        parts: dict[str, Parts] = {}
        for links in self.links:
            names = renamed(source_links(links, source), taken)
            drawn = linked(links, source, target)
            items += [replace(relation, name=names[relation.name]) for relation in drawn]
            shared(concepts, drawn.concepts, lambda one, other: one == other)
            shared(parts, drawn.parts, same_parts)
        for kind in sorted(set(concepts) & set(parts)):
            raise GraphError(
                f"one constructor makes concepts of '{kind}' and another parts of patients; leave one of the two out, "
                "or give one other modalities"
            )
        return Relations(tuple(items), concepts, parts)


def renamed(within: Relations, taken: set[str]) -> dict[str, str]:
    """Return a name that is not taken for each relation, and take it.

    The names are those of the training graph, so that a newcomer who lacks a relation does not shift them.
    """
    names = {}
    for name in dict.fromkeys(relation.name for relation in within):
        fresh, number = name, 1
        while fresh in taken:
            number += 1
            fresh = f"{name} {number}"
        taken.add(fresh)
        names[name] = fresh
    return names


def shared(known: dict[str, Any], more: Mapping[str, Any], same: Callable[[Any, Any], bool]) -> None:
    """Add kinds of node to those known, or raise GraphError where one name means two things."""
    for kind, nodes in more.items():
        if kind in known and not same(known[kind], nodes):
            raise GraphError(
                f"two constructors make different nodes of kind '{kind}'; give both the same settings "
                "for which nodes there are, or leave one out"
            )
        known[kind] = nodes


def same_parts(one: Parts, other: Parts) -> bool:
    """Whether two kinds of part are the same nodes of the same patients."""
    known = (one.features is None) == (other.features is None) and one.modality == other.modality
    alike = known and np.array_equal(one.owner, other.owner)
    return alike and (one.features is None or np.array_equal(one.features, other.features))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Union:
    """Every edge that any of several constructors draws, as one relation.

    `weight` says what an edge weighs that several draw: the "sum", "max", "mean" or "min" of the weights of
    those who draw it. A constructor with several relations speaks with each of them.
    """

    links: tuple[GraphConstructor, ...]
    weight: Merge = "sum"

    def __post_init__(self) -> None:
        object.__setattr__(self, "links", several(self.links))
        check_merge(self.weight)

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation, "union"."""
        voices = between_patients(self.links, source, target)
        return Relations((merged("union", voices, 1, self.weight, len(target)),))


@dataclass(frozen=True)
class Intersection:
    """The edges that several constructors agree on, as one relation: drawn by all, or by at least `least`.

    A constructor with several relations speaks with each of them: `Intersection((Neighbours(each=True),),
    least=2)` links who are neighbours in two modalities or more. `weight` as in Union, over those who draw it.
    """

    links: tuple[GraphConstructor, ...]
    least: int | None = None
    weight: Merge = "mean"

    def __post_init__(self) -> None:
        refuse_numbers(self)
        object.__setattr__(self, "links", several(self.links))
        check_merge(self.weight)
        if self.least is not None and self.least < 1:
            raise GraphError(f"least is {self.least}; give one or more, or None for all")

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation, "intersection"."""
        voices = between_patients(self.links, source, target)
        least = len(voices) if self.least is None else self.least
        if least > len(voices):
            raise GraphError(
                f"least is {least} but only {len(voices)} relations are drawn; choose {len(voices)} or less"
            )
        return Relations((merged("intersection", voices, least, self.weight, len(target)),))


def check_merge(weight: str) -> None:
    """Raise GraphError for an unknown way to merge weights."""
    if weight not in MERGES:
        raise GraphError(f"'{weight}' is not one of {', '.join(MERGES)}")


def between_patients(
    links: tuple[GraphConstructor, ...], source: EncodedCohort, target: EncodedCohort
) -> list[Relation]:
    """Return the relations of all constructors, or raise GraphError for one that is not between patients."""
    drawn = [relation for item in links for relation in linked(item, source, target)]
    for relation in drawn:
        if not relation.source == relation.target == PATIENT:
            raise GraphError(
                f"relation '{relation.name}' leads to nodes that are no patients, and edges of two kinds "
                "cannot be merged; put the constructors side by side with Layers"
            )
    return drawn


def merged(name: str, voices: list[Relation], least: int, how: str, targets: int) -> Relation:
    """Return the edges that at least `least` relations draw, their weights merged."""
    nothing = np.zeros(0, dtype=np.int64)
    pair = np.concatenate([nothing, *(voice.edges[0] * max(targets, 1) + voice.edges[1] for voice in voices)])
    weight = np.concatenate([np.zeros(0), *(voice.weight.astype(np.float64) for voice in voices)])
    pairs, where = np.unique(pair, return_inverse=True)
    count = np.bincount(where, minlength=len(pairs))
    total: np.ndarray
    if how in ("sum", "mean"):
        total = np.bincount(where, weight, minlength=len(pairs))
        total = total / np.maximum(count, 1) if how == "mean" else total
    else:
        total = np.full(len(pairs), -np.inf if how == "max" else np.inf)
        (np.maximum if how == "max" else np.minimum).at(total, where, weight)
    kept = count >= max(least, 1)
    sources, heard = np.divmod(pairs[kept], max(targets, 1))
    return Relation.of(name, sources, heard, total[kept])
