"""PatientGraph to sparse matrices and back."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from graphmml.data.arrays import from_bytes, to_bytes
from graphmml.errors import GraphError
from graphmml.graph.facts import Edges, by_name, facts_of, graph_of, in_order, numbered
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.place import place
from graphmml.graph.relations import PATIENT, Parts, Relation


def to_csr(graph: PatientGraph) -> dict[str, csr_array]:
    """Return each relation by name as weights: csr [target node, source node]; a row says whom a node listens to."""
    return {name: matrix_of(graph, relation) for name, relation in by_name(graph).items()}


def matrix_of(graph: PatientGraph, relation: Relation) -> csr_array:
    """Return a relation as csr [target node, source node], or raise GraphError where an edge stands twice."""
    matrix = graph.matrix(relation)
    if matrix.nnz != len(relation):
        raise GraphError(
            f"relation '{relation.name}' has {len(relation) - matrix.nnz} edge(s) twice, and a matrix has one cell for "
            "them; give them names of their own"
        )
    matrix.sort_indices()
    return matrix


def edges_of(matrix: csr_array) -> Edges:
    """Return a matrix [target node, source node] as sources, targets and weights; a stored zero is an edge."""
    cells = coo_array(matrix)
    return cells.col.astype(np.int64), cells.row.astype(np.int64), cells.data.astype(np.float32)


def from_csr(
    matrices: Mapping[str, csr_array],
    *,
    ids: Sequence[str] | None = None,
    trained: int | None = None,
    kinds: Mapping[str, tuple[str, str]] | None = None,
    concepts: Mapping[str, tuple[str, ...]] | None = None,
    parts: Mapping[str, Parts] | None = None,
) -> PatientGraph:
    """Make a graph of one matrix [target node, source node] a relation.

    `kinds` maps a relation to its (source kind, target kind), patients at both ends unless given; `trained` is how
    many patients, the first ones, are in training: all unless given.
    """
    ends = {name: (kinds or {}).get(name, (PATIENT, PATIENT)) for name in matrices}
    sizes = [
        size
        for name, matrix in matrices.items()
        for kind, size in zip(ends[name][::-1], matrix.shape, strict=True)
        if kind == PATIENT
    ]
    count = len(ids) if ids is not None else max(sizes, default=0)
    if any(size != count for size in sizes):
        raise GraphError(f"the matrices are of {', '.join(map(str, sorted(set(sizes))))} patients; {count} are wanted")
    relations = tuple(
        in_order((ends[name][0], name, ends[name][1]), *edges_of(matrix)) for name, matrix in matrices.items()
    )
    names = pd.Index(numbered(count) if ids is None else list(ids), dtype="str")
    return PatientGraph(names, count if trained is None else trained, relations, concepts or {}, parts or {})


def write_csr(graph: PatientGraph, path: str | Path, *, ids: bool = False) -> None:
    """Write one .npz with the data, indices, indptr and shape of every relation, as scipy names them."""
    arrays = {"facts": np.array(json.dumps(facts_of(graph, ids=ids)))}
    for at, relation in enumerate(graph.relations):
        matrix = matrix_of(graph, relation)
        arrays |= {f"{at}/{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")}
        arrays[f"{at}/shape"] = np.array(matrix.shape)
    content = to_bytes(arrays)
    place(path, lambda fresh: fresh.write_bytes(content))


def read_csr(path: str | Path) -> PatientGraph:
    """Read a graph that `write_csr` wrote."""
    try:
        arrays = from_bytes(Path(path).read_bytes())
        relations = len(json.loads(str(arrays["facts"]))["relations"])
        edges = [
            edges_of(
                csr_array(
                    (arrays[f"{at}/data"], arrays[f"{at}/indices"], arrays[f"{at}/indptr"]),
                    shape=tuple(arrays[f"{at}/shape"]),
                )
            )
            for at in range(relations)
        ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise GraphError(f"{path} is no graph as .npz ({type(error).__name__}); export it again") from None
    return graph_of(str(arrays["facts"]), edges)
