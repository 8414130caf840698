"""Patient graphs from tables, graph networks on them, and an honest answer whether the graph helped.

The public names; each is loaded when it is first used, so that `import graphmml` costs nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AttentionFusion": "graphmml.model.fusion",
    "Baseline": "graphmml.train.baselines",
    "CVResult": "graphmml.train.result",
    "Cohort": "graphmml.data.cohort",
    "CohortEncoder": "graphmml.data.encode",
    "CohortError": "graphmml.errors",
    "ConcatFusion": "graphmml.model.fusion",
    "Concepts": "graphmml.graph.concepts",
    "Diagnosis": "graphmml.report.diagnose",
    "EncodedCohort": "graphmml.data.encode",
    "Folds": "graphmml.data.folds",
    "GATStack": "graphmml.model.convs",
    "GCNStack": "graphmml.model.convs",
    "GatedFusion": "graphmml.model.fusion",
    "GraphClassifier": "graphmml.train.estimator",
    "GraphConstructor": "graphmml.graph.patient_graph",
    "GraphError": "graphmml.errors",
    "GraphNetwork": "graphmml.model.network",
    "GraphmmlError": "graphmml.errors",
    "LeaveGroupOut": "graphmml.data.folds",
    "LinearEncoder": "graphmml.model.encoders",
    "MLPEncoder": "graphmml.model.encoders",
    "MeanFusion": "graphmml.model.fusion",
    "Neighbours": "graphmml.graph.neighbours",
    "NoEdges": "graphmml.graph.controls",
    "NotFittedError": "graphmml.errors",
    "OfficialSplit": "graphmml.data.folds",
    "PatientGraph": "graphmml.graph.patient_graph",
    "RandomEdges": "graphmml.graph.controls",
    "Relation": "graphmml.graph.relations",
    "Relations": "graphmml.graph.relations",
    "SAGEStack": "graphmml.model.convs",
    "SharedPhenotype": "graphmml.graph.phenotype",
    "Shuffled": "graphmml.graph.controls",
    "StoreError": "graphmml.errors",
    "Training": "graphmml.train.loop",
    "build_graph": "graphmml.graph.patient_graph",
    "check": "graphmml.data.check",
    "cross_validate": "graphmml.train.cross_validate",
    "diagnose": "graphmml.report.diagnose",
    "load": "graphmml.train.store",
    "load_heart": "graphmml.data.datasets",
    "make_cohort": "graphmml.data.synthetic",
    "read_cohort": "graphmml.data.read",
    "save": "graphmml.train.store",
    "to_networkx": "graphmml.graph.convert",
    "to_pyg": "graphmml.graph.convert",
    "write_gexf": "graphmml.graph.convert",
    "write_graphml": "graphmml.graph.convert",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"graphmml has no '{name}'; dir(graphmml) lists what it has")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
