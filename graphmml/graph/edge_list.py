"""PatientGraph to a list of edges, as CSV or parquet, and back."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from graphmml.errors import GraphError
from graphmml.graph.facts import Edges, facts_of, graph_of, in_order, numbered
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.place import place
from graphmml.graph.relations import PATIENT

try:
    import pyarrow
    from pyarrow import parquet
except ImportError:  # an extra
    pyarrow = parquet = None

COLUMNS = ["relation", "source_kind", "target_kind", "source", "target", "weight"]
ELSEWHERE = {"relation": "linked", "source_kind": PATIENT, "target_kind": PATIENT, "weight": 1.0}
"""What a list of edges from elsewhere need not say."""


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
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def write_edges(graph: PatientGraph, path: str | Path, *, ids: bool = False) -> None:
    """Write one row an edge, as parquet where the path ends so, else as CSV.

    Edges do not say who has none, what concepts are called or who is in training: a CSV has that beside it in
    PATH.json, a parquet file in its metadata.
    """
    write_parquet(graph, path, ids=ids) if Path(path).suffix == ".parquet" else write_csv(graph, path, ids=ids)


def write_csv(graph: PatientGraph, path: str | Path, *, ids: bool = False) -> None:
    """Write edges as CSV and what they do not say as PATH.json."""
    table = edge_frame(graph).astype({"weight": "float64"})
    said = json.dumps(facts_of(graph, ids=ids))
    place(beside(path), lambda fresh: fresh.write_text(said, encoding="utf-8"))
    place(path, lambda fresh: table.to_csv(fresh, index=False))


def beside(path: str | Path) -> Path:
    """Return where what a CSV of edges does not say is kept."""
    return Path(path).with_name(f"{Path(path).name}.json")


def write_parquet(graph: PatientGraph, path: str | Path, *, ids: bool = False) -> None:
    """Write edges as parquet, with what they do not say in its metadata."""
    want_parquet()
    table = pyarrow.Table.from_pandas(edge_frame(graph), preserve_index=False)
    table = table.replace_schema_metadata({"graphmml": json.dumps(facts_of(graph, ids=ids))})
    place(path, lambda fresh: parquet.write_table(table, fresh))


def want_parquet() -> None:
    """Raise GraphError where the extra is not installed."""
    if parquet is None:
        raise GraphError("parquet needs pyarrow, which is not installed; pip install 'graphmml[parquet]', or use csv")


def read_edges(path: str | Path, ids: Sequence[str] | None = None) -> PatientGraph:
    """Read what `write_edges` wrote, or a CSV or parquet of edges from elsewhere; `ids` names patients in order.

    From elsewhere, `source` and `target` are positions of patients and the other columns may be absent: then edges
    are "linked" and weigh one. Without `ids` there are as many patients as the highest position says.
    """
    try:
        with Path(path).open("rb") as stream:
            compact = stream.read(4) == b"PAR1"
    except OSError as error:
        raise GraphError(f"{path} cannot be read: {error}") from None
    if compact:
        want_parquet()
    try:
        table, said = read_parquet(path) if compact else read_csv(path)
        absent = {name: value for name, value in ELSEWHERE.items() if name not in table}
        table = table.assign(**absent).astype({"source": "int64", "target": "int64", "weight": "float64"})
        kinds = [tuple(kind) for kind in json.loads(said)["relations"]] if said else None
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise GraphError(
            f"{path} is no list of edges ({type(error).__name__}); columns source and target, whole numbers, are wanted"
        ) from None
    rows = {
        kind: edges_of(part) for kind, part in table.groupby(["source_kind", "relation", "target_kind"], sort=False)
    }
    if kinds is None:
        return from_elsewhere(rows, ids)
    return graph_of(said, [rows.get(kind, edges_of(table[:0])) for kind in kinds], ids=ids)


def read_csv(path: str | Path) -> tuple[pd.DataFrame, str]:
    """Return the edges, and what stands beside them, "" where nothing does."""
    text = dict.fromkeys([*COLUMNS[:3], "weight"], "str")  # Python reads every digit of a weight
    table = pd.read_csv(path, dtype=text, keep_default_na=False)
    return table, beside(path).read_text(encoding="utf-8") if beside(path).exists() else ""


def read_parquet(path: str | Path) -> tuple[pd.DataFrame, str]:
    """Return the edges, and what the metadata says beyond them, "" where it says nothing."""
    table = parquet.read_table(path)
    return table.to_pandas(), (table.schema.metadata or {}).get(b"graphmml", b"").decode()


def edges_of(table: pd.DataFrame) -> Edges:
    """Return one relation's rows as sources, targets and weights."""
    return table["source"].to_numpy(), table["target"].to_numpy(), table["weight"].to_numpy()


def from_elsewhere(rows: Mapping[tuple[str, str, str], Edges], ids: Sequence[str] | None) -> PatientGraph:
    """Make a graph of edges between patients of whom nothing else is known."""
    others = sorted({kind for source, _, target in rows for kind in (source, target)} - {PATIENT})
    if others:
        raise GraphError(f"the edges name nodes of kind '{others[0]}', and nothing says which there are; export again")
    highest = max((int(max(sources.max(), targets.max())) for sources, targets, _ in rows.values()), default=-1)
    names = numbered(highest + 1) if ids is None else list(ids)
    relations = tuple(in_order(kind, *edges) for kind, edges in rows.items())
    return PatientGraph(pd.Index(names, dtype="str"), len(names), relations)
