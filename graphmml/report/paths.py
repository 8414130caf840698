"""Paths patient - concept - patient: what they join, worked out without laying them out."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import PATIENT


@dataclass(frozen=True, eq=False)
class Paths:
    """Who listens to which concept of a kind, and whom a concept listens to.

    `listen` holds weights csr [patient, concept], `speak` weights csr [concept, patient]. A path from j over a
    concept to i weighs the product of its two edges; listen @ speak, without its diagonal, would be the projected
    graph, and is never made here.
    """

    kind: str
    names: tuple[str, ...]
    listen: csr_array
    speak: csr_array

    @property
    def holders(self) -> csr_array:
        """Who is joined to which concept in either direction: csr [patient, concept] of ones."""
        both = csr_array((self.listen != 0) + (self.speak.T != 0))
        return csr_array(both.astype(np.float64))


def paths_of(graph: PatientGraph) -> tuple[Paths, ...]:
    """Return the paths through each kind of concept that patients are joined to; parts stand for their patients."""
    graph = graph.by_patient()
    found = []
    for kind, names in graph.concepts.items():
        listen, speak = csr_array((graph.patients, len(names))), csr_array((len(names), graph.patients))
        for relation in graph.relations:
            if (relation.source, relation.target) == (kind, PATIENT):
                listen = listen + graph.matrix(relation)
            elif (relation.source, relation.target) == (PATIENT, kind):
                speak = speak + graph.matrix(relation)
        if listen.nnz or speak.nnz:
            found.append(Paths(kind, tuple(names), csr_array(listen), csr_array(speak)))
    return tuple(found)


def mixing_of_paths(paths: Paths, labels: np.ndarray) -> csr_array:
    """Return the share of path ends between each two labels, as `mixing` of the projected graph: csr [label, label].

    `labels` is int [patient], -1 unknown. With Y the labels as columns of ones, the paths between two labels are
    (Y' listen)(speak Y), less those that lead from a patient back to itself.
    """
    indicator = columns_of(labels)
    back = indicator.T @ returning(paths)
    between = (paths.listen.T @ indicator).T @ (paths.speak @ indicator) - np.diag(back)
    between = np.maximum(between + between.T, 0.0)
    total = between.sum()
    return csr_array(between / total if total > 1e-12 else np.zeros_like(between))


def columns_of(labels: np.ndarray) -> np.ndarray:
    """Return labels as columns of ones: float [patient, label]; who is unknown has none."""
    count = int(labels.max(initial=-1)) + 1
    columns = np.zeros((len(labels), count))
    known = np.flatnonzero(labels >= 0)
    columns[known, labels[known]] = 1.0
    return columns


def returning(paths: Paths) -> np.ndarray:
    """Return the weight of each patient's paths back to itself: float [patient]."""
    return np.asarray(paths.listen.multiply(paths.speak.T).sum(axis=1), dtype=np.float64)


def path_homophily_p(paths: Paths, labels: np.ndarray, *, rounds: int, seed: int = 0) -> float:
    """Return the chance of an adjusted homophily at least as high if labels were exchanged among patients.

    p = (b + 1) / (B + 1), never 0 (Phipson and Smyth 2010); NaN without a path between known labels or with a
    single label.
    """
    known = np.flatnonzero(labels >= 0)
    observed = adjusted(mixing_of_paths(paths, labels))
    if np.isnan(observed):
        return float("nan")
    random = np.random.default_rng(seed)
    drawn, higher = labels.copy(), 0
    for _ in range(rounds):
        drawn[known] = random.permutation(labels[known])
        found = adjusted(mixing_of_paths(paths, drawn))
        higher += not found < observed - 1e-12
    return (higher + 1) / (rounds + 1)


def adjusted(shares: csr_array) -> float:
    """Return adjusted homophily, given the mixing; NaN for a single label or none."""
    plain = shares.toarray()
    chance = float((plain.sum(axis=1) ** 2).sum())
    return (float(np.trace(plain)) - chance) / (1.0 - chance) if 0.0 < chance < 1.0 - 1e-12 else float("nan")
