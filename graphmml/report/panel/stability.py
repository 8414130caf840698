"""Would the same links be drawn from fewer patients, or from fewer columns?"""

from collections.abc import Iterator
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from graphmml.data.cohort import Cohort
from graphmml.data.encode import CohortEncoder
from graphmml.data.findings import Finding
from graphmml.errors import CohortError, GraphError
from graphmml.graph.patient_graph import GraphConstructor, build_graph
from graphmml.report.panel.part import Measures, Part, Subject

PATIENT_ROUNDS, COLUMN_ROUNDS = 4, 10
"""Columns decide more than patients, and each draw encodes and links anew."""
KEPT = 0.8
LARGE, SAMPLE = 5_000, 2_000
"""Among more patients than LARGE the links of a sample are drawn and drawn again."""
FEWEST = 20


def measure(subject: Subject) -> dict[str, Any]:
    """Return which links are drawn again from four fifths of the patients, and of the columns."""
    if subject.links is None:
        return {"stability": {"why_not": "it is not known how the links were drawn"}}
    cohort, random = subject.cohort, np.random.default_rng(subject.seed)
    if len(cohort) > LARGE:
        cohort = cohort[np.sort(random.choice(len(cohort), SAMPLE, replace=False))]
    if len(cohort) < FEWEST:
        return {"stability": {"why_not": f"there are fewer than {FEWEST} patients"}}
    try:
        return {"stability": {"patients": len(cohort), **again(cohort, subject.links, random)}}
    except (CohortError, GraphError):
        return {"stability": {"why_not": "these links cannot be drawn from fewer patients or columns"}}


def again(cohort: Cohort, links: GraphConstructor, random: np.random.Generator) -> dict[str, float]:
    """Return the medians over draws, and the level of links by chance."""
    drawn, size = drawn_from(cohort, links), len(cohort)
    by_patients = []
    for _ in range(PATIENT_ROUNDS):
        rows = np.sort(random.choice(size, int(KEPT * size), replace=False))
        by_patients.append(survival(csr_array(drawn[rows][:, rows]), drawn_from(cohort[rows], links)))
    by_columns = [jaccard(drawn, drawn_from(fewer_columns(cohort, random), links)) for _ in range(COLUMN_ROUNDS)]
    density = drawn.nnz / max(size * (size - 1), 1)
    return {
        "by_patients": float(np.median(by_patients)),
        "by_columns": float(np.median(by_columns)),
        "by_columns_chance": density / (2.0 - density),
    }


def drawn_from(cohort: Cohort, links: GraphConstructor) -> csr_array:
    """Return who listens to whom, encoding and links learned from these patients alone."""
    with threadpool_limits(1, user_api="blas"):  # small decompositions wait longer for threads than they compute
        encoded = CohortEncoder().fit(cohort).transform(cohort)
    graph = build_graph(links, encoded)
    return csr_array(graph.between_patients())


def fewer_columns(cohort: Cohort, random: np.random.Generator) -> Cohort:
    """Return the cohort with four fifths of the columns of each modality, one at least."""
    tables = {}
    for name, table in cohort.tables.items():
        kept = np.sort(random.permutation(table.shape[1])[: max(1, round(KEPT * table.shape[1]))])
        tables[name] = table.iloc[:, kept]
    return replace(cohort, tables=tables)


def jaccard(one: csr_array, other: csr_array) -> float:
    """Return the links of both graphs over the links of either; NaN where neither has one."""
    both = csr_array((one != 0).multiply(other != 0)).nnz
    either = one.nnz + other.nnz - both
    return both / either if either else float("nan")


def survival(before: csr_array, after: csr_array) -> float:
    """Return the share of the links before that are there after; NaN where there was none.

    Not Jaccard: lists are filled up from further away when patients are left out, which is no instability.
    """
    return csr_array((before != 0).multiply(after != 0)).nnz / before.nnz if before.nnz else float("nan")


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM210: whether the same links are drawn again."""
    found = measures["stability"]
    if "by_patients" not in found or isnan(found["by_patients"]):
        yield Finding("GM210", "n.a.", found.get("why_not", "nobody has a link"))
        return
    said = (
        f"from four fifths of the patients {found['by_patients']:.0%} of links are drawn again; from four fifths of "
        f"the columns, links drawn both times are {found['by_columns']:.0%} of all drawn "
        f"({found['by_columns_chance']:.1%} by chance)"
    )
    said += f", on a sample of {found['patients']:,}" if found["patients"] < len(subject.cohort) else ""
    limits = {name: subject.limit("GM210", name) for name in ("by_patients", "by_columns")}
    if all(found[name] >= limit for name, limit in limits.items()):
        yield Finding("GM210", "pass", said)
        return
    fix = "more neighbours (neighbours:k=20), or links over all modalities (neighbours): both rest on more columns"
    yield Finding("GM210", "warn", f"{said}: who is linked depends on what happened to be measured", fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say how many links are drawn again."""
    found = measures.get("stability", {})
    if "by_patients" in found:
        yield (
            f"  stability  80 % of patients draw {found['by_patients']:.0%} of links again · "
            f"80 % of columns Jaccard {found['by_columns']:.2f} ({found['by_columns_chance']:.2f})"
        )


STABILITY = Part("stability", ("GM210",), measure, judge, lines, full=True)
