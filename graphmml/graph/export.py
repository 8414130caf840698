"""Write a graph in any format that others read."""

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch_geometric.data import Data, HeteroData

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.anndata import write_h5ad, write_h5mu
from graphmml.graph.convert import to_pyg
from graphmml.graph.edge_list import write_csv, write_parquet
from graphmml.graph.files import write_gexf, write_graphml
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.place import place
from graphmml.graph.sparse import write_csr

WRITERS: dict[str, Callable[..., None]] = {
    "graphml": write_graphml,
    "gexf": write_gexf,
    "csv": write_csv,
    "parquet": write_parquet,
    "csr": write_csr,
}
WITH_FEATURES: dict[str, Callable[..., None]] = {"h5ad": write_h5ad, "h5mu": write_h5mu}
FORMATS = ("pyg", *WRITERS, *WITH_FEATURES)


def write(
    graph: PatientGraph,
    path: Path,
    to: str,
    *,
    ids: bool = False,
    features: Cohort | EncodedCohort | None = None,
) -> None:
    """Write a graph as "graphml", "gexf", "csv", "parquet", "csr" (.npz), "pyg", "h5ad" or "h5mu".

    What patients have goes along in h5ad and h5mu alone. A file for PyG is read by
    `torch.load(path, weights_only=True)`, or by `read_pyg`.
    """
    if to in WRITERS:
        WRITERS[to](graph, path, ids=ids)
    elif to in WITH_FEATURES:
        WITH_FEATURES[to](graph, path, features, ids=ids)
    elif to == "pyg":
        stored = to_pyg(graph).to_dict()
        place(path, lambda fresh: torch.save(stored, fresh))
    else:
        raise GraphError(f"no format '{to}'; choose {', '.join(FORMATS)}")


def read_pyg(path: str | Path) -> Data | HeteroData:
    """Read a file for PyG without unpickling; `from_pyg` makes it a graph of patients."""
    try:
        stored = torch.load(path, weights_only=True)
        return Data.from_dict(stored) if "edge_index" in stored else HeteroData.from_dict(stored)
    except (
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        UnpicklingError,
    ) as error:
        raise GraphError(f"{path} holds no PyG data ({type(error).__name__}); export it again") from None
