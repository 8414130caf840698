"""Diagnose: what a patient graph links, before anything is trained on it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from graphmml.data.cohort import Cohort
from graphmml.data.encode import CohortEncoder, EncodedCohort
from graphmml.data.kinds import wanted
from graphmml.data.thresholds import Thresholds, thresholds
from graphmml.graph.neighbours import Neighbours
from graphmml.graph.patient_graph import GraphConstructor, PatientGraph, build_graph
from graphmml.report.diagnosis import Diagnosis
from graphmml.report.measures import LARGEST_PROJECTION, SMALLEST_CELL, aligned, projected_links, targets_of
from graphmml.report.panel.panel import asked, lines_of
from graphmml.report.panel.part import Subject
from graphmml.report.picture import picture_of
from graphmml.report.words import count

Watch = Callable[[str], None]


def diagnose(
    cohort: Cohort,
    links: GraphConstructor | None = None,
    *,
    full: bool = False,
    limit: Thresholds | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> Diagnosis:
    """Link all patients of a cohort (by default to their nearest neighbours in each modality) and measure the graph.

    Encoding and links are learned from all rows, as for a description; cross-validation learns them from training
    rows alone. `full` adds what takes longer, `limit` replaces the shipped thresholds, `watch` is told each part.
    """
    wanted(cohort, Cohort)
    links = Neighbours(each=True) if links is None else links
    cohort = cohort[cohort.sorted_rows]
    encoded = CohortEncoder().fit(cohort).transform(cohort)
    graph = build_graph(links, encoded)
    subject = subject_of(cohort, encoded, graph, links, limit or thresholds(), seed)
    return diagnosed(subject, full=full, watch=watch)


def diagnose_graph(
    cohort: Cohort,
    graph: PatientGraph,
    *,
    links: GraphConstructor | None = None,
    facts: Mapping[str, Any] | None = None,
    full: bool = False,
    limit: Thresholds | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> Diagnosis:
    """Measure a graph of these patients; the order of the cohort's rows decides nothing.

    `links` is what drew it, if that is known: some parts link again, with other settings or from fewer patients.
    `facts` are its manifest's, which say what it was built from.
    """
    cohort = cohort[aligned(cohort, graph)]
    cohort = cohort[cohort.sorted_rows]
    encoded = CohortEncoder().fit(cohort).transform(cohort)
    subject = subject_of(cohort, encoded, graph, links, limit or thresholds(), seed)
    return diagnosed(replace(subject, facts=facts or {}), full=full, watch=watch)


def subject_of(
    cohort: Cohort,
    encoded: EncodedCohort,
    graph: PatientGraph,
    links: GraphConstructor | None,
    limit: Thresholds,
    seed: int,
) -> Subject:
    """Lay a graph out in the order of its cohort, which is that of ids."""
    order = np.asarray(graph.ids.get_indexer(cohort.ids), dtype=np.int64)
    return Subject(
        cohort=cohort,
        encoded=encoded,
        graph=graph,
        order=order,
        adjacency=csr_array((len(cohort), len(cohort))) if too_dense(graph) else between(graph, order),
        speakers=order < graph.trained,
        targets=tuple(targets_of(cohort)),
        links=links,
        limit=limit,
        seed=seed,
    )


def between(graph: PatientGraph, order: np.ndarray) -> csr_array:
    """Return who listens to whom, in this order of patients."""
    return csr_array(graph.between_patients()[order][:, order])


def too_dense(graph: PatientGraph) -> str:
    """Say why the links between patients are not laid out; empty if they are."""
    bound = projected_links(graph)
    if bound <= LARGEST_PROJECTION:
        return ""
    return f"up to {bound:,} links between patients who share a concept: too many to lay out"


def diagnosed(subject: Subject, *, full: bool, watch: Watch | None) -> Diagnosis:
    """Ask every part of the panel."""
    measures, findings = asked(subject, dense=too_dense(subject.graph), full=full, watch=watch)
    told = tuple(lines_of(measures))
    size = measures.pop("graph")
    drawn = partial(picture_of, subject.cohort, subject.adjacency, subject.targets, seed=subject.seed)
    return Diagnosis(size, measures, findings, title_of(subject.cohort, subject.seed), told, drawn)


def title_of(cohort: Cohort, seed: int) -> str:
    """Say which cohort it is, in one line."""
    parts = [f"{len(cohort.tables)} modalities"]
    parts += [] if cohort.outcome is None else [f"outcome {cohort.outcome.told(min_cell=SMALLEST_CELL)}"]
    parts += [count(cohort.groups.shape[1], "group")] if cohort.groups.shape[1] else []
    return f"{cohort.name}  " + " · ".join([*parts, f"seed {seed}"])
