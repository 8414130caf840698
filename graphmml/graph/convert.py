"""PatientGraph to PyG and networkx, and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import torch
from torch_geometric.data import Data, HeteroData

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import wanted
from graphmml.errors import GraphError
from graphmml.graph.facts import in_order, numbered
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import PATIENT, Parts, Relation

LINKED = "linked"
"""The relation of a graph from elsewhere that does not name its own."""
OURS = ("kind", "order", "trained", "name", "owner", "modality", "features")
GEXF = ("id", "label", "pid", "start", "end", "parents", "slices", "spells", "viz")
"""Node attributes that mean something to GEXF."""


def to_pyg(graph: PatientGraph, features: EncodedCohort | None = None) -> Data | HeteroData:
    """Return `Data` for at most one relation between patients, else `HeteroData`; `x` joins all modalities.

    With `features`, encoded for the graph's patients in the graph's order, `x` is float32 [patient, column] and
    `present` bool [patient, modality]. Patient ids do not travel; the names of concepts do.
    """
    wanted(graph, PatientGraph)
    x = None
    if features is not None:
        wanted(features, EncodedCohort)
        if not features.ids.equals(graph.ids):
            raise GraphError("the features are of other patients than the graph, or in another order")
        x = torch.from_numpy(np.concatenate(list(features.features.values()), axis=1))
    if not graph.concepts and not graph.parts and len(graph.relations) <= 1:
        data = plain_data(graph)
        node = data
    else:
        data = hetero_data(graph)
        node = data[PATIENT]
    node.num_nodes = graph.patients
    node.train_mask = torch.arange(graph.patients) < graph.trained
    if x is not None and features is not None:
        node.x = x
        node.present = torch.from_numpy(features.present)
    return data


def plain_data(graph: PatientGraph) -> Data:
    """Lay out a graph of one relation, whose name is in `relation`, or of none."""
    nothing = Relation("none", np.zeros((2, 0), dtype=np.int64), np.zeros(0, dtype=np.float32))
    relation = graph.relations[0] if graph.relations else nothing
    data = Data(edge_index=torch.from_numpy(relation.edges), edge_weight=torch.from_numpy(relation.weight))
    if graph.relations:
        data.relation = relation.name
    return data


def hetero_data(graph: PatientGraph) -> HeteroData:
    """Lay out a graph of several relations or kinds of node."""
    data = HeteroData()
    data[PATIENT].num_nodes = graph.patients
    for kind, names in graph.concepts.items():
        data[kind].num_nodes = len(names)
        data[kind].names = list(names)
    for kind, parts in graph.parts.items():
        data[kind].num_nodes = len(parts)
        data[kind].owner = torch.from_numpy(parts.owner)
        if parts.features is None:
            data[kind].modality = parts.modality
        else:
            data[kind].x = torch.from_numpy(parts.features)
    for relation in graph.relations:
        data[relation.kind].edge_index = torch.from_numpy(relation.edges)
        data[relation.kind].edge_weight = torch.from_numpy(relation.weight)
    return data


def from_pyg(data: Data | HeteroData, ids: Sequence[str] | None = None) -> PatientGraph:
    """Make a graph of what `to_pyg` gave, or of PyG data from elsewhere whose patients are of kind "patient".

    `ids` names the patients in order, p0, p1 ... unless given. In `train_mask`, where there is one, patients in
    training come first. A kind of node with `owner` is of parts, any other of concepts. An edge weighs what
    `edge_weight` says, or the one column of `edge_attr`, or else one.
    """
    wanted(data, Data, HeteroData, mend="PyG data, for instance what gm.to_pyg or gm.read_pyg gives")
    if isinstance(data, HeteroData) and PATIENT not in data.node_types:
        raise GraphError(
            f"no nodes are of kind '{PATIENT}'; there are: {', '.join(data.node_types)}. Rename those who are patients"
        )
    node = data if isinstance(data, Data) else data[PATIENT]
    count = int(node.num_nodes or 0)
    names = numbered(count) if ids is None else list(map(str, ids))
    if len(names) != count:
        raise GraphError(f"{len(names)} ids are given but the graph has {count} patients; give one a patient, in order")
    mask = node.train_mask.numpy() if "train_mask" in node else np.ones(count, dtype=bool)
    trained = int(mask.sum())
    if not mask[:trained].all():
        raise GraphError("train_mask has patients in training behind others; put those in training first")
    concepts, parts = {}, {}
    if isinstance(data, Data):
        named = data.relation if "relation" in data else LINKED
        kinds = {(PATIENT, named, PATIENT): data} if "relation" in data or data.num_edges else {}
    else:
        kinds = {kind: data[kind] for kind in data.edge_types}
        for kind in data.node_types:
            if "owner" in data[kind]:
                parts[kind] = pyg_parts(data[kind])
            elif kind != PATIENT:
                concepts[kind] = tuple(data[kind].get("names") or map(str, range(data[kind].num_nodes)))
    relations = tuple(pyg_relation(kind, store) for kind, store in kinds.items())
    return PatientGraph(pd.Index(names, dtype="str"), trained, relations, concepts, parts)


def pyg_relation(kind: tuple[str, str, str], store: Any) -> Relation:
    """Read one relation of PyG; edges without weight weigh one."""
    edges = store.edge_index.numpy()
    return in_order(kind, edges[0], edges[1], pyg_weight(kind[1], store, edges.shape[1]))


def pyg_weight(name: str, store: Any, edges: int) -> np.ndarray:
    """Return what each edge of a relation weighs, or raise GraphError where several columns could say so."""
    if "edge_weight" not in store and "edge_attr" not in store:
        return np.ones(edges, dtype=np.float32)
    said: np.ndarray = (store.edge_weight if "edge_weight" in store else store.edge_attr).numpy()
    if said.size != edges:
        raise GraphError(
            f"relation '{name}' has {edges} edges and weights of shape {said.shape}; put one number an edge into "
            "edge_weight"
        )
    return said.reshape(edges)


def pyg_parts(store: Any) -> Parts:
    """Read one kind of part of PyG."""
    features = store.x.numpy() if "x" in store else None
    return Parts(store.owner.numpy(), store.modality if features is None else None, features)


def node_names(graph: PatientGraph, *, ids: bool) -> dict[str, list[str]]:
    """Name every node: p0 or the patient's id, "kind:concept", "kind:p3#1" for a patient's second part."""
    names = {PATIENT: list(map(str, graph.ids)) if ids else numbered(graph.patients)}
    names |= {kind: [f"{kind}:{name}" for name in concepts] for kind, concepts in graph.concepts.items()}
    names |= {kind: part_names(kind, parts, names[PATIENT]) for kind, parts in graph.parts.items()}
    every = [name for nodes in names.values() for name in nodes]
    if len(set(every)) < len(every):
        raise GraphError(
            f"{len(every) - len(set(every))} node(s) would bear the name of another; leave patient ids out (ids=False) "
            "or rename the concepts"
        )
    return names


def part_names(kind: str, parts: Parts, patients: Sequence[str]) -> list[str]:
    """Name each part after its patient and its number among that patient's: "visit:p3#1"."""
    number = np.arange(len(parts)) - np.searchsorted(parts.owner, parts.owner)
    return [f"{kind}:{patients[owner]}#{at}" for owner, at in zip(parts.owner, number, strict=True)]


def to_networkx(graph: PatientGraph, attributes: pd.DataFrame | None = None, *, ids: bool = False) -> nx.MultiDiGraph:
    """Return a multigraph whose edges carry `relation` and `weight`, whose nodes carry `kind` and attributes.

    Patients are named p0, p1 ... unless `ids=True`. Attributes are indexed by patient id; a missing one is left
    out, since GraphML and GEXF have no word for missing.
    """
    names = node_names(graph, ids=ids)
    drawn = nx.MultiDiGraph(graphmml=json.dumps({"relations": graph.kinds, "kinds": kinds_of(graph)}))
    for kind, nodes in names.items():
        drawn.add_nodes_from((name, {"kind": kind, "order": at}) for at, name in enumerate(nodes))
        for name, concept in zip(nodes, graph.concepts.get(kind, ()), strict=False):
            drawn.nodes[name]["name"] = concept
    for at, name in enumerate(names[PATIENT]):
        drawn.nodes[name]["trained"] = at < graph.trained
    for kind, parts in graph.parts.items():
        for at, name in enumerate(names[kind]):
            drawn.nodes[name].update(part_attributes(parts, at, names[PATIENT]))
    if attributes is not None:
        add_attributes(drawn, names[PATIENT], attributes.reindex(graph.ids))
    for relation in graph.relations:
        starts, ends = names[relation.source], names[relation.target]
        drawn.add_edges_from(
            (starts[a], ends[b], {"relation": relation.name, "weight": float(w)})
            for a, b, w in zip(*relation.edges.tolist(), relation.weight.tolist(), strict=True)
        )
    return drawn


def kinds_of(graph: PatientGraph) -> dict[str, int]:
    """Return the kinds of concept, as -1, and of part, with their columns of features: those without nodes too."""
    return dict.fromkeys(graph.concepts, -1) | dict(graph.schema.parts)


def part_attributes(parts: Parts, at: int, patients: Sequence[str]) -> dict[str, str]:
    """Return whose part a node is, and what it starts from."""
    known = {"owner": patients[parts.owner[at]]}
    if parts.features is None:
        return known | {"modality": str(parts.modality)}
    return known | {"features": json.dumps(list(map(float, parts.features[at])))}


def add_attributes(drawn: nx.MultiDiGraph, patients: Sequence[str], rows: pd.DataFrame) -> None:
    """Write a table's cells onto the patients, nothing where one is missing."""
    taken = sorted({*OURS, *GEXF} & set(map(str, rows.columns)))
    if taken:
        raise GraphError(f"the attribute '{taken[0]}' means something else in a graph file; rename that column")
    for name, (_, row) in zip(patients, rows.iterrows(), strict=True):
        drawn.nodes[name].update(plain(row.to_dict()))


def plain(row: Mapping[Any, Any]) -> dict[str, str | float]:
    """Keep what a graph file can hold: text and numbers, nothing missing."""
    return {
        str(key): float(value) if isinstance(value, (int, float, np.number)) else str(value)
        for key, value in row.items()
        if not pd.isna(value)
    }
