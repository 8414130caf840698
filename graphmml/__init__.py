"""Patient graphs from tables, graph networks on them, and an honest answer whether the graph helped.

The public names; each is loaded when it is first used, so that `import graphmml` costs nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AttentionFusion": "graphmml.model.fusion",
    "Audit": "graphmml.train.audit_result",
    "Baseline": "graphmml.train.baselines",
    "CVResult": "graphmml.train.result",
    "Cohort": "graphmml.data.cohort",
    "CohortEncoder": "graphmml.data.encode",
    "CohortError": "graphmml.errors",
    "Comparison": "graphmml.report.comparison",
    "ConcatFusion": "graphmml.model.fusion",
    "Concepts": "graphmml.graph.concepts",
    "Densest": "graphmml.graph.threshold",
    "Detached": "graphmml.graph.detached",
    "Diagnosis": "graphmml.report.diagnosis",
    "EncodedCohort": "graphmml.data.encode",
    "Folds": "graphmml.data.folds",
    "FusedSimilarity": "graphmml.graph.fused",
    "GATStack": "graphmml.model.convs",
    "GCNStack": "graphmml.model.convs",
    "GatedFusion": "graphmml.model.fusion",
    "GraphClassifier": "graphmml.train.estimator",
    "GraphConstructor": "graphmml.graph.patient_graph",
    "GraphError": "graphmml.errors",
    "GraphNetwork": "graphmml.model.network",
    "GraphmmlError": "graphmml.errors",
    "Intersection": "graphmml.graph.combine",
    "KnownEdges": "graphmml.graph.known",
    "Layers": "graphmml.graph.combine",
    "LeaveGroupOut": "graphmml.data.folds",
    "LinearEncoder": "graphmml.model.encoders",
    "MLPEncoder": "graphmml.model.encoders",
    "MeanFusion": "graphmml.model.fusion",
    "ModalityNodes": "graphmml.graph.modality_nodes",
    "NeighbourEdges": "graphmml.model.structure",
    "Neighbours": "graphmml.graph.neighbours",
    "NoEdges": "graphmml.graph.controls",
    "NotFittedError": "graphmml.errors",
    "OfficialSplit": "graphmml.data.folds",
    "PatientGraph": "graphmml.graph.patient_graph",
    "PhenotypeEdges": "graphmml.model.structure",
    "PhenotypeGate": "graphmml.graph.gate",
    "RandomEdges": "graphmml.graph.controls",
    "RandomLike": "graphmml.graph.random_like",
    "Relation": "graphmml.graph.relations",
    "Relations": "graphmml.graph.relations",
    "Report": "graphmml.report.report",
    "Restricted": "graphmml.graph.restricted",
    "Reweighted": "graphmml.graph.reweighted",
    "SAGEStack": "graphmml.model.convs",
    "SharedPhenotype": "graphmml.graph.phenotype",
    "Shuffled": "graphmml.graph.controls",
    "StoreError": "graphmml.errors",
    "Training": "graphmml.train.loop",
    "Union": "graphmml.graph.combine",
    "Visits": "graphmml.graph.visits",
    "Within": "graphmml.graph.threshold",
    "audit": "graphmml.train.audit",
    "build_graph": "graphmml.graph.patient_graph",
    "check": "graphmml.data.check",
    "compare": "graphmml.report.compare",
    "cross_validate": "graphmml.train.cross_validate",
    "diagnose": "graphmml.report.diagnose",
    "from_anndata": "graphmml.graph.anndata",
    "from_csr": "graphmml.graph.sparse",
    "from_networkx": "graphmml.graph.from_networkx",
    "from_pyg": "graphmml.graph.convert",
    "join_graphs": "graphmml.graph.join",
    "learned_graph": "graphmml.train.learned",
    "load": "graphmml.train.store",
    "load_heart": "graphmml.data.datasets",
    "make_cohort": "graphmml.data.synthetic",
    "read_cohort": "graphmml.data.read",
    "read_csr": "graphmml.graph.sparse",
    "read_edges": "graphmml.graph.edge_list",
    "read_gexf": "graphmml.graph.files",
    "read_graphml": "graphmml.graph.files",
    "read_pyg": "graphmml.graph.export",
    "report_on": "graphmml.report.report",
    "save": "graphmml.train.store",
    "thresholds": "graphmml.data.thresholds",
    "to_anndata": "graphmml.graph.anndata",
    "to_csr": "graphmml.graph.sparse",
    "to_mudata": "graphmml.graph.anndata",
    "to_networkx": "graphmml.graph.convert",
    "to_pyg": "graphmml.graph.convert",
    "write_csr": "graphmml.graph.sparse",
    "write_edges": "graphmml.graph.edge_list",
    "write_gexf": "graphmml.graph.files",
    "write_graphml": "graphmml.graph.files",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"graphmml has no '{name}'; dir(graphmml) lists what it has")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
