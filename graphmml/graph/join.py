"""join_graphs: the relations of two graphs of the same patients side by side."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import pandas as pd

from graphmml.data.kinds import wanted
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import PATIENT, Parts, Relation

Nodes = TypeVar("Nodes", tuple[str, ...], Parts)


def join_graphs(one: PatientGraph, other: PatientGraph) -> PatientGraph:
    """Return one graph with the relations of both, so that a new modality's graph is added to those built before.

    Both are of the same patients, the same of them in training; the order is that of `one`. Concepts of the same
    kind and names are shared.
    """
    for graph in (one, other):
        wanted(graph, PatientGraph)
    other = in_order_of(other, one.ids, one.trained)
    twice = sorted({relation.name for relation in one.relations} & {relation.name for relation in other.relations})
    if twice:
        raise GraphError(f"both graphs have a relation '{twice[0]}'; join graphs of other modalities or constructors")
    return PatientGraph(
        one.ids,
        one.trained,
        (*one.relations, *other.relations),
        shared(one.concepts, other.concepts),
        shared(one.parts, other.parts),
    )


def in_order_of(graph: PatientGraph, ids: pd.Index, trained: int) -> PatientGraph:
    """Return the graph with its patients in the order of `ids`, or raise GraphError where they are others."""
    if graph.ids.equals(ids) and graph.trained == trained:
        return graph
    place = ids.get_indexer(graph.ids)
    strangers = int((place < 0).sum())
    if strangers or len(place) != len(ids):
        raise GraphError(
            f"{strangers} of the {len(place)} patients of the second graph are not among the {len(ids)} of the first; "
            "build both of the same cohort"
        )
    if graph.trained != trained or (place[:trained] >= trained).any():
        raise GraphError(
            f"the first graph has {trained} patients in training and the second {graph.trained}, or others; "
            "build both of the same training patients"
        )
    places, parts = {PATIENT: place}, {}
    for kind, nodes in graph.parts.items():
        owner = place[nodes.owner]
        order = np.argsort(owner, kind="stable")
        places[kind] = np.argsort(order)
        features = None if nodes.features is None else nodes.features[order]
        parts[kind] = Parts(owner[order], nodes.modality, features)
    relations = tuple(renumbered(relation, places) for relation in graph.relations)
    return PatientGraph(ids, trained, relations, graph.concepts, parts)


def renumbered(relation: Relation, places: Mapping[str, np.ndarray]) -> Relation:
    """Return the relation with its nodes at other places, sorted by target, then source."""
    sources, targets = (
        places[kind][nodes] if kind in places else nodes
        for kind, nodes in zip((relation.source, relation.target), relation.edges, strict=True)
    )
    drawn = Relation.of(relation.name, sources, targets, relation.weight)
    return drawn.between(relation.source, relation.target, own=relation.own)


def shared(one: Mapping[str, Nodes], other: Mapping[str, Nodes]) -> dict[str, Nodes]:
    """Return the nodes of both by kind, or raise GraphError where one kind means two things."""
    for kind in sorted(set(one) & set(other)):
        if not alike(one[kind], other[kind]):
            raise GraphError(
                f"both graphs have nodes of kind '{kind}', and they are not the same ({len(one[kind])} and "
                f"{len(other[kind])}); build both with the same settings"
            )
    return {**one, **other}


def alike(one: tuple[str, ...] | Parts, other: tuple[str, ...] | Parts) -> bool:
    """Return whether two sets of nodes are the same."""
    if not isinstance(one, Parts) or not isinstance(other, Parts):
        return one == other
    return (
        np.array_equal(one.owner, other.owner)
        and one.modality == other.modality
        and (one.features is None or np.array_equal(one.features, np.asarray(other.features)))
    )
