"""PatientGraph to AnnData and MuData, which scanpy and muon read, and back."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, csr_matrix

from graphmml.data.cohort import Cohort, name_columns, number_columns
from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.facts import by_name, facts_of, graph_of, numbered
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.place import place
from graphmml.graph.relations import PATIENT
from graphmml.graph.sparse import edges_of, matrix_of

try:
    import anndata
    import mudata
except ImportError:  # an extra
    anndata = mudata = None

EVERYBODY = "patients"
"""The modality of a MuData that has a row for every patient and no column."""


def to_anndata(graph: PatientGraph, features: Cohort | EncodedCohort | None = None, *, ids: bool = False) -> Any:
    """Return an AnnData: patients in `obs` with their groups, relations between them in `obsp`.

    A row of `obsp` says whom a patient listens to. With `features`, of the graph's patients in the graph's order,
    `X` joins their modalities, NaN for what is missing, and `var` says whose column it is; of a Cohort, columns of
    names go to `obs`. Relations with concepts are in `obsm` [patient, concept]. Patients are called p0, p1 ...
    unless `ids=True`.
    """
    want_extra()
    names = obs_names(graph, ids=ids)
    described = anndata.AnnData(obs=observed(features, graph, names))
    if features is not None:
        matrices = {name: matrix(features, name) for name in features.modalities}
        columns = [f"{name}.{column}" for name, table in matrices.items() for column in table.columns]
        owner = [name for name, table in matrices.items() for _ in table.columns]
        described = anndata.AnnData(
            X=np.concatenate([table.to_numpy(dtype=np.float32) for table in matrices.values()], axis=1),
            obs=described.obs,
            var=pd.DataFrame({"modality": pd.Categorical(plain(owner))}, index=plain(columns)),
        )
    return with_relations(described, graph)


def to_mudata(graph: PatientGraph, features: Cohort | EncodedCohort, *, ids: bool = False) -> Any:
    """Return a MuData: one AnnData a modality, of the patients who have it, and the relations in its own `obsp`.

    The modality "patients" has everybody, their groups and no column, so that a patient with nothing measured is
    there too, and the order is the graph's.
    """
    want_extra()
    names = obs_names(graph, ids=ids)
    refuse_clashes([EVERYBODY, *map(key_of, features.modalities)])
    parts = {EVERYBODY: anndata.AnnData(obs=observed(features, graph, names))}
    for at, name in enumerate(features.modalities):
        here = np.flatnonzero(features.present[:, at])
        table = matrix(features, name).iloc[here]
        parts[key_of(name)] = anndata.AnnData(
            X=table.to_numpy(dtype=np.float32),
            obs=pd.DataFrame(index=names[here]),
            var=pd.DataFrame(index=plain([f"{name}.{column}" for column in table.columns])),
        )
    with mudata.set_options(pull_on_update=False):
        described = mudata.MuData(parts)
    return with_relations(described, graph)


def with_relations(described: Any, graph: PatientGraph) -> Any:
    """Write relations into an AnnData or MuData, each where its shape belongs, and what they do not say into `uns`."""
    named = by_name(graph)
    refuse_clashes([key_of(name) for name in named])
    beside = [
        key_of(name) for name, relation in named.items() if [relation.source, relation.target].count(PATIENT) == 1
    ]
    refuse_clashes(beside + list(getattr(described, "mod", {})))  # a MuData says in obsm who has which modality
    for name, relation in named.items():
        weights = matrix_of(graph, relation)
        if relation.source == relation.target == PATIENT:
            described.obsp[key_of(name)] = csr_matrix(weights)
        elif relation.target == PATIENT:
            described.obsm[key_of(name)] = csr_matrix(weights)
        elif relation.source == PATIENT:
            described.obsm[key_of(name)] = csr_matrix(weights.T)
        else:
            described.uns[f"graphmml {key_of(name)}"] = csr_matrix(weights)
    described.uns["graphmml"] = json.dumps(facts_of(graph))
    return described


def from_anndata(described: Any) -> PatientGraph:
    """Make a graph of an AnnData or MuData that `to_anndata` or `to_mudata` gave; `obs_names` become patient ids."""
    if "graphmml" not in described.uns:
        raise GraphError(
            "this AnnData or MuData holds no graph of ours (uns has no 'graphmml'); export one with a graph"
        )
    said = str(described.uns["graphmml"])
    try:
        edges = [edges_of(stored(described, *kind)) for kind in json.loads(said)["relations"]]
    except (KeyError, TypeError, ValueError) as error:
        raise GraphError(f"a relation of the graph is gone from the AnnData ({type(error).__name__})") from None
    return graph_of(said, edges, ids=list(map(str, described.obs_names)))


def stored(described: Any, source: str, name: str, target: str) -> csr_array:
    """Return a relation as csr [target node, source node] from where `with_relations` put it."""
    key = key_of(name)
    if source == target == PATIENT:
        return csr_array(described.obsp[key])
    if target == PATIENT:
        return csr_array(described.obsm[key])
    return (
        csr_array(described.obsm[key]).T.tocsr() if source == PATIENT else csr_array(described.uns[f"graphmml {key}"])
    )


def obs_names(graph: PatientGraph, *, ids: bool) -> pd.Index:
    """Return the names of patients: p0, p1 ... unless ids are asked for."""
    return plain(list(map(str, graph.ids)) if ids else numbered(graph.patients))


def observed(features: Cohort | EncodedCohort | None, graph: PatientGraph, names: pd.Index) -> pd.DataFrame:
    """Return what is known of patients beside numbers: groups, columns of names, and who is in training."""
    table = pd.DataFrame({"trained": np.arange(graph.patients) < graph.trained}, index=names)
    if features is None:
        return table
    if not features.ids.equals(graph.ids):
        raise GraphError("the features are of other patients than the graph, or in another order")
    columns = {str(name): features.groups[name] for name in features.groups}
    if isinstance(features, Cohort):
        for modality, rows in features.tables.items():
            columns |= {f"{modality}.{name}": rows[name] for name in name_columns(rows)}
    for name, values in columns.items():
        words = values.astype("object")
        table[name] = pd.Categorical(words.to_numpy(), categories=plain(sorted(words.dropna().unique())))
    return table


def matrix(features: Cohort | EncodedCohort, modality: str) -> pd.DataFrame:
    """Return a modality's numbers, NaN where a patient lacks them: [patient, column]."""
    if isinstance(features, Cohort):
        table = features.tables[modality]
        return table[number_columns(table)]
    values = np.where(features.has(modality)[:, None], features.features[modality], np.float32(np.nan))
    return pd.DataFrame(values, index=features.ids, columns=list(features.columns[modality]))


def plain(names: list[str]) -> pd.Index:
    """Return names as Python text, the one kind of text that every AnnData writes."""
    return pd.Index(names, dtype="object")


def as_plain_text(described: Any) -> None:
    """Give an AnnData or MuData names that it can write: some versions know no other text than Python's."""
    for table in (described.obs, described.var):
        table.index = plain(list(map(str, table.index)))


def key_of(name: str) -> str:
    """Write a name as a key of HDF5, where a stroke or dots alone mean a folder."""
    key = name.replace("/", "|")
    return key if key.strip(".") else f"{key}|"


def refuse_clashes(keys: list[str]) -> None:
    """Raise GraphError where two relations, or a relation and a modality, would have one key."""
    twice = sorted(key for key, count in Counter(keys).items() if count > 1)
    if twice:
        raise GraphError(f"two relations, or a relation and a modality, are called '{twice[0]}' here; rename one")


def want_extra() -> None:
    """Raise GraphError where the extra is not installed."""
    if anndata is None:
        raise GraphError("AnnData and MuData need packages that are not installed; pip install 'graphmml[anndata]'")


def write_h5ad(
    graph: PatientGraph, path: str | Path, features: Cohort | EncodedCohort | None = None, *, ids: bool = False
) -> None:
    """Write an AnnData, which scanpy reads."""
    described = to_anndata(graph, features, ids=ids)
    as_plain_text(described)
    place(path, described.write_h5ad)


def write_h5mu(
    graph: PatientGraph, path: str | Path, features: Cohort | EncodedCohort | None = None, *, ids: bool = False
) -> None:
    """Write a MuData, which muon reads."""
    if features is None:
        raise GraphError("a MuData has one table a modality; give the patients' features, or write h5ad")
    described = to_mudata(graph, features, ids=ids)
    for part in (described, *described.mod.values()):
        as_plain_text(part)
    with mudata.set_options(pull_on_update=False):
        place(path, described.write)
