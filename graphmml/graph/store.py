"""A PatientGraph on disk: `graphmml build` writes it, `diagnose` and `export` read it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.arrays import from_bytes, text, to_bytes
from graphmml.data.folder import read_folder, write_folder
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import Parts, Relation

SCHEMA = "graphmml.graph/1"


def save_graph(graph: PatientGraph, path: str | Path, facts: Mapping[str, Any] | None = None) -> None:
    """Write a graph with the ids of its patients; `facts` (JSON types) go into the manifest."""
    arrays: dict[str, np.ndarray] = {"ids": text(graph.ids)}
    for at, relation in enumerate(graph.relations):
        arrays[f"edges/{at}"] = relation.edges
        arrays[f"weight/{at}"] = relation.weight
    for at, names in enumerate(graph.concepts.values()):
        arrays[f"concepts/{at}"] = text(names)
    for at, parts in enumerate(graph.parts.values()):
        arrays[f"parts/{at}"] = parts.owner
        if parts.features is not None:
            arrays[f"parts/{at}/features"] = parts.features
    manifest = {
        **(facts or {}),
        "contains_patient_level_data": True,
        "trained": graph.trained,
        "relations": [list(relation.kind) for relation in graph.relations],
        "own": [relation.own for relation in graph.relations],
        "concepts": list(graph.concepts),
        "parts": [[kind, parts.modality] for kind, parts in graph.parts.items()],
    }
    write_folder(Path(path), SCHEMA, {"graph.npz": to_bytes(arrays)}, manifest)


def load_graph(path: str | Path) -> tuple[PatientGraph, dict[str, Any]]:
    """Read a graph and its manifest, or raise StoreError naming what is wrong."""
    manifest, files = read_folder(Path(path), SCHEMA)
    arrays = from_bytes(files["graph.npz"])
    kinds = manifest["relations"]
    own = manifest.get("own", [False] * len(kinds))
    relations = tuple(
        Relation(name, arrays[f"edges/{at}"], arrays[f"weight/{at}"], source, target, mine)
        for at, ((source, name, target), mine) in enumerate(zip(kinds, own, strict=True))
    )
    concepts = {kind: tuple(arrays[f"concepts/{at}"].tolist()) for at, kind in enumerate(manifest["concepts"])}
    parts = {
        kind: Parts(arrays[f"parts/{at}"], modality, arrays.get(f"parts/{at}/features"))
        for at, (kind, modality) in enumerate(manifest.get("parts", []))
    }
    ids = pd.Index(arrays["ids"].tolist(), dtype="str")
    return PatientGraph(ids, int(manifest["trained"]), relations, concepts, parts), manifest
