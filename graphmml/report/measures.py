"""What is measured on a patient graph: its size, its hubs, and who is linked with whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from graphmml.data.cohort import Cohort
from graphmml.data.few import with_complements
from graphmml.data.outcome import Outcome
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import PATIENT
from graphmml.report.association import gini, rank_correlation, skewness
from graphmml.report.homophily import homophily
from graphmml.report.permutation import homophily_chance, homophily_p
from graphmml.report.within import all_strata

LARGEST_PROJECTION = 20_000_000
"""More links than this between patients who share a concept are not laid out."""
SMALLEST_CELL = 11
"""Values of a group that fewer patients have are not shown one by one."""
MOST_VALUES = 30
MEASURES = (
    "edge", "chance", "adjusted", "informativeness", "informativeness_node", "insensitive", "unbiased", "node",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Target:
    """A labelling of patients: the outcome or a group. `labels` is int [patient], -1 unknown."""

    key: str
    name: str
    kind: str
    values: tuple[str, ...]
    labels: np.ndarray
    block: bool = False


def targets_of(cohort: Cohort) -> list[Target]:
    """Return the outcome, if it is of classes, then every group."""
    found = []
    if cohort.outcome is not None and cohort.outcome.kind == "class":
        found.append(outcome_target(cohort.outcome))
    for group in cohort.groups:
        codes, values = pd.factorize(cohort.groups[group], sort=True)
        known = tuple(map(str, values))
        block = group in cohort.blocks
        found.append(Target(f"group:{group}", str(group), "group", known, np.asarray(codes, dtype=np.int64), block))
    return found


def outcome_target(outcome: Outcome) -> Target:
    """Number the classes in the order in which the outcome names them."""
    labels = pd.Index(outcome.classes).get_indexer(outcome.values.to_numpy(dtype=object))
    labels = np.where(outcome.known, labels, -1).astype(np.int64)
    return Target(f"outcome:{outcome.name}", outcome.name, "outcome", outcome.classes, labels)


def aligned(cohort: Cohort, graph: PatientGraph) -> np.ndarray:
    """Return where the graph's patients stand in the cohort: int [graph patient]."""
    rows = cohort.ids.get_indexer(graph.ids)
    if (rows < 0).any() or len(graph.ids) != len(cohort):
        raise GraphError(
            f"the graph is of {graph.patients} patients and the cohort of {len(cohort)}, of whom "
            f"{int((rows >= 0).sum())} are the same; diagnose a graph with the cohort that it was built from"
        )
    return np.asarray(rows, dtype=np.int64)


def projected_links(graph: PatientGraph) -> int:
    """Return at most how many links `between_patients` would hold, without laying them out."""
    graph = graph.by_patient()
    total = sum(len(relation) for relation in graph.relations if relation.source == relation.target == PATIENT)
    for kind, names in graph.concepts.items():
        inward, outward = np.zeros(len(names)), np.zeros(len(names))
        for relation in graph.relations:
            if relation.source == PATIENT and relation.target == kind:
                inward += np.bincount(relation.edges[1], minlength=len(names))
            elif relation.source == kind and relation.target == PATIENT:
                outward += np.bincount(relation.edges[0], minlength=len(names))
        total += int(inward @ outward)
    return total


def component_of(graph: PatientGraph) -> np.ndarray:
    """Return the number of each patient's connected component, concepts joining patients: int [patient]."""
    graph = graph.by_patient()
    start, total = {PATIENT: 0}, graph.patients
    for kind, names in graph.concepts.items():
        start[kind], total = total, total + len(names)
    rows = [relation.edges[0] + start[relation.source] for relation in graph.relations]
    columns = [relation.edges[1] + start[relation.target] for relation in graph.relations]
    empty = np.zeros(0, dtype=np.int64)
    one, other = np.concatenate([*rows, empty]), np.concatenate([*columns, empty])
    joined = csr_array(coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(total, total)))
    _, component = connected_components(joined, directed=False)
    return np.asarray(component[: graph.patients])


def size_measures(graph: PatientGraph, component: np.ndarray) -> dict[str, int]:
    """Return how many patients, edges, components and isolated patients there are."""
    members = np.unique(component, return_counts=True)[1]
    return {
        "patients": graph.patients,
        "edges": graph.edges,
        "components": len(members),
        "isolated": int((members == 1).sum()),
    }


def component_measures(cohort: Cohort, component: np.ndarray) -> dict[str, Any]:
    """Return the giant component's share, and what the isolated patients lack."""
    _, member, sizes = np.unique(component, return_inverse=True, return_counts=True)
    alone = sizes[member] == 1
    lacking = (~cohort.present[alone]).sum(axis=0)
    named = zip(cohort.modalities, lacking.tolist(), strict=True)
    return {
        "giant_share": float(sizes.max(initial=0)) / max(len(component), 1),
        "isolated_without": {modality: count for modality, count in sorted(named) if count},
    }


def relation_measures(graph: PatientGraph) -> dict[str, dict[str, Any]]:
    """Return for each relation how many edges there are and how many patients they reach."""
    measured = {}
    for relation in graph.relations:
        ends = zip((relation.source, relation.target), relation.edges, strict=True)
        patients = [graph.owners(kind, nodes) for kind, nodes in ends if kind == PATIENT or kind in graph.parts]
        reached = len(np.unique(np.concatenate(patients))) if patients else 0
        measured[relation.name] = {
            "source": relation.source,
            "target": relation.target,
            "edges": len(relation),
            "sources": graph.count(relation.source),
            "targets": graph.count(relation.target),
            "patients_linked": reached / max(graph.patients, 1),
        }
    return measured


def spread(degree: np.ndarray) -> dict[str, float]:
    """Return smallest, median, largest and inequality of degrees."""
    low, middle, high = (float(np.percentile(degree, at)) for at in (0, 50, 100))
    return {"min": low, "median": middle, "max": high, "gini": gini(degree)}


def hub_measures(adjacency: csr_array, speakers: np.ndarray, missing: np.ndarray) -> dict[str, dict[str, float]]:
    """Return who listens and who is listened to; only `speakers` (bool [patient]) can be listened to."""
    plain = coo_array(adjacency)
    listens = np.bincount(plain.row, minlength=len(speakers))
    heard = np.bincount(plain.col, minlength=len(speakers))[speakers]
    return {
        "listens_to": spread(listens),
        "listened_to": {
            **spread(heard),
            "skew": skewness(heard),
            "top_share": float(heard.max(initial=0)) / max(len(speakers) - 1, 1),
            "never": float((heard == 0).mean()),
            "rho_missing": rank_correlation(heard, missing[speakers]),
        },
    }


def missing_share(cohort: Cohort) -> np.ndarray:
    """Return the share of cells a patient lacks, each modality weighing the same: float [patient]."""
    shares = np.stack([table.isna().to_numpy().mean(axis=1) for table in cohort.tables.values()])
    return np.asarray(shares.mean(axis=0))


def target_measures(
    adjacency: csr_array, targets: list[Target], seed: int, *, informed: bool = False
) -> dict[str, dict[str, Any]]:
    """Return homophily and its p for each target, for the outcome also within each group.

    `informed` adds the p of the outcome's label informativeness.
    """
    measured = {}
    for target in targets:
        result = homophily(adjacency, target.labels)
        outcome = target.kind == "outcome"
        chance = homophily_chance(adjacency, target.labels, seed=seed, informed=informed and outcome)
        row: dict[str, Any] = {
            "name": target.name,
            "kind": target.kind,
            "values": len(target.values),
            "patients": int((target.labels >= 0).sum()),
            **{name: getattr(result, name) for name in MEASURES},
            "p": chance.adjusted,
            "z": chance.z,
        }
        if outcome:
            row |= outcome_measures(adjacency, target, targets, seed) | {"p_informativeness": chance.informativeness}
        row["by_value"] = dict(by_value(target, result.node_of))
        measured[target.key] = row
    return measured


def outcome_measures(adjacency: csr_array, outcome: Target, targets: list[Target], seed: int) -> dict[str, Any]:
    """Return p within each group, and within several together."""
    groups = {target.name: target.labels for target in targets if target.kind == "group"}
    found = {}
    for name, strata in all_strata(groups, outcome.labels >= 0).items():
        asked = strata is not None
        found[name] = homophily_p(adjacency, outcome.labels, strata=strata, seed=seed) if asked else float("nan")
    return {"p_within": found}


def by_value(target: Target, node_of: np.ndarray) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yield each class, and each value of a group that is neither few patients nor an identity."""
    sizes = np.bincount(target.labels[target.labels >= 0], minlength=len(target.values))
    shown = np.arange(len(target.values))
    if target.kind == "group":
        shown = np.flatnonzero((sizes >= SMALLEST_CELL) & (not target.block) & (len(target.values) <= MOST_VALUES))
    for at in shown:
        share = float(sizes[at]) / max(int(sizes.sum()), 1)
        node = float(node_of[at]) if at < len(node_of) else float("nan")
        yield target.values[at], {"patients": int(sizes[at]), "share": share, "node": node}


def without_few(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was measured of a target without numbers of few patients by value, nor those that give them away."""
    values = row["by_value"]
    named = [of["patients"] for of in values.values()]
    sizes = np.array([*named, row["patients"] - sum(named)], dtype=np.int64)  # last, those whose value is not named
    held = with_complements((sizes > 0) & (sizes < SMALLEST_CELL), sizes, [np.arange(len(sizes))], SMALLEST_CELL)
    told = {
        value: {**of, "patients": None, "share": None} if hidden else of
        for (value, of), hidden in zip(values.items(), held[:-1].tolist(), strict=True)
    }
    return {**row, "by_value": told}
