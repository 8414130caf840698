"""Who lacks a modality, and does the graph leave those patients alone?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.few import masked
from graphmml.data.findings import Finding
from graphmml.graph.relations import PATIENT
from graphmml.report.measures import MOST_VALUES, SMALLEST_CELL, Target
from graphmml.report.panel.part import Measures, Part, Subject

CODES = ("GM511",)
MOST_PATTERNS = 12


def measure(subject: Subject) -> dict[str, Any]:
    """Return who lacks which modality, by class and group, and who of them has no link; small cells masked."""
    present, names = subject.cohort.present, subject.cohort.modalities
    degree = degrees(subject)
    rows = {}
    for at, name in enumerate(names):
        lacks = ~present[:, at]
        rows[name] = {
            "lacking": float(lacks.mean()),
            "cells": list(cells(lacks, subject)),
            "alone": {"lacking": alone(degree, lacks), "having": alone(degree, ~lacks)},
            "median_links": {"lacking": median(degree, lacks), "having": median(degree, ~lacks)},
        }
    return {"missingness": {"modalities": rows, "patterns": patterns(present, names)}}


def degrees(subject: Subject) -> np.ndarray:
    """Return how many edges, in and out, each patient has in the order of the subject: int [patient]."""
    graph = subject.graph.by_patient()
    degree = np.zeros(graph.patients, dtype=np.int64)
    for relation in graph.relations:
        for kind, nodes in zip((relation.source, relation.target), relation.edges, strict=True):
            if kind == PATIENT:
                degree += np.bincount(nodes, minlength=graph.patients)
    return np.asarray(degree[subject.order])


def alone(degree: np.ndarray, who: np.ndarray) -> dict[str, Any]:
    """Return how many of them there are, and the share without an edge."""
    share = float((degree[who] == 0).mean()) if who.any() else float("nan")
    return {"patients": masked(int(who.sum()), min_cell=SMALLEST_CELL), "share": share}


def median(degree: np.ndarray, who: np.ndarray) -> float:
    """Return the median number of edges of these patients."""
    return float(np.median(degree[who])) if who.any() else float("nan")


def patterns(present: np.ndarray, names: tuple[str, ...]) -> dict[str, str]:
    """Return how many patients have exactly which modalities, the commonest patterns first."""
    found, count = np.unique(present, axis=0, return_counts=True)
    order = np.argsort(-count, kind="stable")[:MOST_PATTERNS]
    called = (" + ".join(np.array(names)[found[at]]) or "nothing" for at in order)
    return {name: masked(int(count[at]), min_cell=SMALLEST_CELL) for name, at in zip(called, order, strict=True)}


def cells(lacks: np.ndarray, subject: Subject) -> Iterator[dict[str, str]]:
    """Yield how many patients of each class, and of each class in each value of a group, lack a modality."""
    outcome = subject.outcome
    groups = [group for group in subject.groups if not group.block and len(group.values) <= MOST_VALUES]
    for group in (None, *groups) if lacks.any() else ():
        table = pd.DataFrame({"class": named(outcome, len(lacks)), "value": named(group, len(lacks)), "lacks": lacks})
        for (label, value), part in table.groupby(["class", "value"], sort=True):
            yield {
                "class": str(label),
                "group": "" if group is None else group.name,
                "value": str(value),
                **hidden(int(part["lacks"].sum()), len(part)),
            }


def hidden(lacking: int, patients: int) -> dict[str, str]:
    """Write how many of so many patients lack something; neither they nor those who have it can be few."""
    few = 0 < patients - lacking < SMALLEST_CELL
    return {
        "patients": masked(patients, min_cell=SMALLEST_CELL),
        "lacking": f"all but <{SMALLEST_CELL}" if few else masked(lacking, min_cell=SMALLEST_CELL),
    }


def named(target: Target | None, patients: int) -> np.ndarray:
    """Return each patient's value of a labelling in words."""
    if target is None:
        return np.full(patients, "", dtype=object)
    return np.asarray(np.array([*target.values, "unknown"], dtype=object)[target.labels])


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM511: whether the patients without a modality stand outside the graph."""
    least, share = SMALLEST_CELL, subject.limit("GM511", "share")
    lacks = ~subject.cohort.present
    rows = {
        name: measures["missingness"]["modalities"][name]["alone"]
        for at, name in enumerate(subject.cohort.modalities)
        if lacks[:, at].sum() >= least
    }
    if not rows:
        yield Finding("GM511", "n.a.", f"no modality is lacking in {least} patients or more")
        return
    name = max(rows, key=lambda name: rows[name]["lacking"]["share"])
    of_lacking, of_having = (rows[name][who]["share"] for who in ("lacking", "having"))
    said = f"of {rows[name]['lacking']['patients']} patients without {name}, {of_lacking:.0%} have no link"
    said += "" if np.isnan(of_having) else f"; of those with it {of_having:.0%}"
    if of_lacking > share and not of_having > share:
        fix = "link over all modalities (neighbours:each=true): they are then reached through what they have"
        yield Finding("GM511", "warn", said, fix)
    else:
        yield Finding("GM511", "pass", said)


def lines(measures: Measures) -> Iterator[str]:
    """Say which modalities are lacking."""
    rows = {name: row["lacking"] for name, row in measures.get("missingness", {}).get("modalities", {}).items()}
    some = sorted((name for name in rows if rows[name] >= 0.005), key=lambda name: -rows[name])
    if some:
        yield "  patients without " + " · ".join(f"{name[:20]} {rows[name]:.0%}" for name in some[:3])


MISSINGNESS = Part("missingness", CODES, measure, judge, lines, laid=False)
