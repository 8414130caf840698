"""PatientGraph to what others read: PyG, networkx, GraphML, GEXF, CSV - and edge lists back."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import torch
from torch_geometric.data import Data, HeteroData

from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import PATIENT, Relation


def to_pyg(graph: PatientGraph, features: EncodedCohort | None = None) -> Data | HeteroData:
    """Return `Data` for at most one relation between patients, else `HeteroData`; `x` joins all modalities.

    With `features`, encoded for the graph's patients in the graph's order, `x` is float32 [patient, column] and
    `present` bool [patient, modality]. Patient ids do not travel.
    """
    x = None
    if features is not None:
        if not features.ids.equals(graph.ids):
            raise GraphError("the features are of other patients than the graph, or in another order")
        x = torch.from_numpy(np.concatenate(list(features.features.values()), axis=1))
    if not graph.concepts and len(graph.relations) <= 1:
        nothing = Relation("none", np.zeros((2, 0), dtype=np.int64), np.zeros(0, dtype=np.float32))
        relation = graph.relations[0] if graph.relations else nothing
        data = Data(edge_index=torch.from_numpy(relation.edges), edge_weight=torch.from_numpy(relation.weight))
        node = data
    else:
        data = HeteroData()
        node = data[PATIENT]
        for kind, names in graph.concepts.items():
            data[kind].num_nodes = len(names)
        for relation in graph.relations:
            data[relation.kind].edge_index = torch.from_numpy(relation.edges)
            data[relation.kind].edge_weight = torch.from_numpy(relation.weight)
    node.num_nodes = graph.patients
    node.train_mask = torch.arange(graph.patients) < graph.trained
    if x is not None and features is not None:
        node.x = x
        node.present = torch.from_numpy(features.present)
    return data


def to_networkx(graph: PatientGraph, attributes: pd.DataFrame | None = None, *, ids: bool = False) -> nx.MultiDiGraph:
    """Return a multigraph whose edges carry `relation` and `weight`, whose nodes carry `kind` and attributes.

    Patients are named p0, p1 ... unless `ids=True`. Attributes are indexed by patient id; a missing one is left
    out, since GraphML and GEXF have no word for missing.
    """
    names = {PATIENT: list(map(str, graph.ids)) if ids else [f"p{at}" for at in range(graph.patients)]}
    names |= {kind: [f"{kind}:{name}" for name in concepts] for kind, concepts in graph.concepts.items()}
    drawn = nx.MultiDiGraph()
    for kind, nodes in names.items():
        drawn.add_nodes_from(nodes, kind=kind)
    if attributes is not None:
        rows = attributes.reindex(graph.ids)
        for name, (_, row) in zip(names[PATIENT], rows.iterrows(), strict=True):
            drawn.nodes[name].update(plain(row.to_dict()))
    for relation in graph.relations:
        starts, ends = names[relation.source], names[relation.target]
        drawn.add_edges_from(
            (starts[a], ends[b], {"relation": relation.name, "weight": float(w)})
            for a, b, w in zip(*relation.edges.tolist(), relation.weight.tolist(), strict=True)
        )
    return drawn


def plain(row: Mapping[Any, Any]) -> dict[str, str | float]:
    """Keep what a graph file can hold: text and numbers, nothing missing."""
    return {
        str(key): float(value) if isinstance(value, (int, float, np.number)) else str(value)
        for key, value in row.items()
        if not pd.isna(value)
    }


def write_graphml(graph: PatientGraph, path: str | Path, attributes: pd.DataFrame | None = None) -> None:
    """Write GraphML, which Cytoscape, Gephi and igraph read."""
    nx.write_graphml(to_networkx(graph, attributes), path)


def write_gexf(graph: PatientGraph, path: str | Path, attributes: pd.DataFrame | None = None) -> None:
    """Write GEXF, which Gephi reads."""
    nx.write_gexf(to_networkx(graph, attributes), path)


def edge_frame(graph: PatientGraph) -> pd.DataFrame:
    """Return every edge as a row: relation, the two kinds, the two positions, weight."""
    parts = [
        pd.DataFrame(
            {
                "relation": relation.name,
                "source_kind": relation.source,
                "target_kind": relation.target,
                "source": relation.edges[0],
                "target": relation.edges[1],
                "weight": relation.weight,
            }
        )
        for relation in graph.relations
    ]
    columns = ["relation", "source_kind", "target_kind", "source", "target", "weight"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def write(graph: PatientGraph, path: Path, to: str, *, ids: bool = False) -> None:
    """Write a graph as "graphml", "gexf", "csv" (edges) or "pyg" (`torch.load(path, weights_only=True)`)."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if to == "graphml":
            nx.write_graphml(to_networkx(graph, ids=ids), fresh)
        elif to == "gexf":
            nx.write_gexf(to_networkx(graph, ids=ids), fresh)
        elif to == "csv":
            edge_frame(graph).to_csv(fresh, index=False)
        elif to == "pyg":
            torch.save(to_pyg(graph).to_dict(), fresh)
        else:
            raise GraphError(f"no format '{to}'; choose graphml, gexf, pyg or csv")
        fresh.replace(path)
    except OSError as error:
        raise GraphError(f"{path} could not be written: {error}") from None
    finally:
        fresh.unlink(missing_ok=True)
