"""A PatientGraph without its edges as JSON types: what a list of edges or a sparse matrix cannot say."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.columns import FLOAT32_MAX
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import Parts, Relation

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Positions of the sources, positions of the targets, weights."""


def facts_of(graph: PatientGraph, *, ids: bool = False) -> dict[str, Any]:
    """Return how many patients there are, the kinds of relation, concepts and parts; ids only if asked for."""
    return {
        "schema": "graphmml.facts/1",
        "patients": graph.patients,
        "trained": graph.trained,
        "ids": list(map(str, graph.ids)) if ids else None,
        "relations": [list(kind) for kind in graph.kinds],
        "concepts": {kind: list(names) for kind, names in graph.concepts.items()},
        "parts": {kind: facts_of_parts(parts) for kind, parts in graph.parts.items()},
    }


def facts_of_parts(parts: Parts) -> dict[str, Any]:
    """Return owners, and the modality or the features that parts start from."""
    features = None if parts.features is None else [list(map(float, row)) for row in parts.features]
    columns = 0 if parts.features is None else int(parts.features.shape[1])
    return {"owner": parts.owner.tolist(), "modality": parts.modality, "columns": columns, "features": features}


def parts_of(facts: Mapping[str, Any]) -> Parts:
    """Undo `facts_of_parts`."""
    owner, features = np.array(facts["owner"], dtype=np.int64), facts["features"]
    if features is not None:
        features = np.array(features, dtype=np.float32).reshape(len(owner), int(facts["columns"]))
    return Parts(owner, facts["modality"], features)


def graph_of(text: str, edges: Sequence[Edges], *, ids: Sequence[str] | None = None) -> PatientGraph:
    """Make a graph of its facts as JSON and the edges of each relation; `ids` are those of the facts unless given.

    Where patient ids did not travel, patients are called p0, p1 ...
    """
    try:
        facts = json.loads(text)
        count = int(facts["patients"])
        names = list(ids or facts["ids"] or numbered(count))
        kinds = [tuple(map(str, kind)) for kind in facts["relations"]]
        concepts = {kind: tuple(map(str, names)) for kind, names in facts["concepts"].items()}
        parts = {kind: parts_of(known) for kind, known in facts["parts"].items()}
        trained = int(facts["trained"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GraphError("the file says of itself what no graph can be made of; export the graph again") from None
    if len(names) != count:
        raise GraphError(f"{len(names)} ids are given but the graph has {count} patients; give one a patient, in order")
    relations = tuple(
        in_order((source, name, target), *found) for (source, name, target), found in zip(kinds, edges, strict=True)
    )
    return PatientGraph(pd.Index(names, dtype="str"), trained, relations, concepts, parts)


def in_order(kind: tuple[str, str, str], sources: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> Relation:
    """Return a relation of these edges, sorted by target, then source, or raise GraphError where one has no weight."""
    source, name, target = kind
    strong = np.asarray(weight)
    wrong = int((~((strong >= 0) & (strong <= FLOAT32_MAX))).sum())
    if wrong:
        raise GraphError(
            f"relation '{name}': {wrong} of {len(strong)} edges have a weight that is no number or below zero; "
            "a weight says how strong a link is, so give numbers of zero or more"
        )
    return Relation.of(name, np.asarray(sources), np.asarray(targets), strong).between(source, target)


def numbered(patients: int) -> list[str]:
    """Name patients by position, so that their ids stay at home: p0, p1 ..."""
    return [f"p{at}" for at in range(patients)]


def by_name(graph: PatientGraph) -> dict[str, Relation]:
    """Return the relations by name, or raise GraphError where two share one."""
    named = {relation.name: relation for relation in graph.relations}
    if len(named) < len(graph.relations):
        raise GraphError("two relations of the graph have the same name, and here it must tell them apart; rename one")
    return named
