"""A networkx graph to a PatientGraph: one of ours, or one from elsewhere, of which less is known."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from graphmml.errors import GraphError
from graphmml.graph.convert import LINKED
from graphmml.graph.facts import in_order
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import PATIENT, Parts, Relation

Nodes = Sequence[tuple[Any, Mapping[str, Any]]]
Places = Mapping[Any, tuple[str, int]]
"""Each node's kind and its position among the nodes of that kind."""


def from_networkx(drawn: nx.Graph) -> PatientGraph:
    """Make a graph of what `to_networkx` gave, or of any networkx graph; the names of nodes become patient ids.

    Of a graph from elsewhere, nodes without `kind` are patients, in the order in which they stand; edges without
    `relation` are "linked", those without `weight` weigh one, and undirected ones go both ways.
    """
    try:
        said = json.loads(drawn.graph.get("graphmml", '{"relations": [], "kinds": {}}'))
        nodes = by_kind(drawn, said["kinds"])
        places = {name: (kind, at) for kind, members in nodes.items() for at, (name, _) in enumerate(members)}
        concepts, parts = {}, {}
        for kind, members in nodes.items():
            columns = said["kinds"].get(kind, -1)
            if columns >= 0 or any("owner" in known for _, known in members):
                parts[kind] = parts_of(members, places, columns)
            elif kind != PATIENT:
                concepts[kind] = tuple(str(known.get("name", name)) for name, known in members)
        relations = relations_of(drawn, places, [tuple(kind) for kind in said["relations"]])
    except GraphError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GraphError(f"this is no graph of patients ({type(error).__name__}); export it again") from None
    ids = pd.Index([str(name) for name, _ in nodes[PATIENT]], dtype="str")
    trained = sum(bool(known.get("trained", True)) for _, known in nodes[PATIENT])
    return PatientGraph(ids, trained, relations, concepts, parts)


def by_kind(drawn: nx.Graph, kinds: Mapping[str, int]) -> dict[str, Nodes]:
    """Return the nodes of each kind in their order, patients in training before others."""
    nodes: dict[str, list[tuple[Any, Mapping[str, Any]]]] = {kind: [] for kind in (PATIENT, *kinds)}
    for name, known in drawn.nodes(data=True):
        nodes.setdefault(str(known.get("kind", PATIENT)), []).append((name, known))
    return {
        kind: sorted(members, key=lambda node: (not node[1].get("trained", True), node[1].get("order", 0)))
        for kind, members in nodes.items()
    }


def parts_of(members: Nodes, places: Places, columns: int) -> Parts:
    """Read one kind of part; `columns` is how many features each has, where the graph says so."""
    owner = np.array([places[known["owner"]][1] for _, known in members], dtype=np.int64)
    if not columns or any("modality" in known for _, known in members):
        return Parts(owner, str(members[0][1]["modality"]) if members else PATIENT)
    features = [json.loads(known["features"]) for _, known in members]
    return Parts(owner, None, np.array(features, dtype=np.float32).reshape(len(owner), max(columns, 0) or -1))


def relations_of(drawn: nx.Graph, places: Places, kinds: Sequence[tuple[str, str, str]]) -> tuple[Relation, ...]:
    """Read the edges of each relation, first of those that the graph says it has, with or without edges."""
    found: dict[tuple[str, str, str], list[tuple[int, int, float]]] = {kind: [] for kind in kinds}
    for start, end, known in drawn.to_directed(as_view=True).edges(data=True):
        (source, a), (target, b) = places[start], places[end]
        kind = (source, str(known.get("relation", LINKED)), target)
        found.setdefault(kind, []).append((a, b, float(known.get("weight", 1.0))))
    drawn_up = []
    for kind, edges in found.items():
        sources, targets, weight = np.array(edges, dtype=np.float64).reshape(-1, 3).T
        drawn_up.append(in_order(kind, sources.astype(np.int64), targets.astype(np.int64), weight))
    return tuple(drawn_up)
