"""Diagnose: what a patient graph links, before anything is trained on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from textwrap import wrap
from typing import Any

import pandas as pd
from scipy.sparse import csr_array

from graphmml.data.cohort import Cohort
from graphmml.data.encode import CohortEncoder
from graphmml.data.findings import Finding
from graphmml.graph.neighbours import Neighbours
from graphmml.graph.patient_graph import GraphConstructor, PatientGraph, build_graph
from graphmml.report.measures import (
    LARGEST_PROJECTION,
    aligned,
    component_measures,
    component_of,
    hub_measures,
    missing_share,
    projected_links,
    relation_measures,
    size_measures,
    target_measures,
    targets_of,
)
from graphmml.report.verdicts import count, findings_of

SCHEMA = "graphmml.diagnose/1"
WIDTH = 100
LINES = 30
ROWS = 8


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """Sizes, measures and verdicts of one graph; nothing in it names a patient.

    `graph` has patients, edges, components and isolated. `measures` has components, listens_to, listened_to,
    relations, and homophily for "outcome:NAME" and each "group:NAME". All rows with a known outcome took part:
    it describes, and is not for choosing k, metric or modality.
    """

    graph: Mapping[str, int]
    measures: Mapping[str, Any]
    findings: tuple[Finding, ...]
    title: str = field(default="")

    def frame(self) -> pd.DataFrame:
        """Return one row for the outcome and each group."""
        plain = ("name", "kind", "values", "patients", "edge", "chance", "adjusted", "informativeness", "node", "p")
        rows = []
        for row in self.measures["homophily"].values():
            within = {f"p within {group}": p for group, p in row.get("p_within", {}).items()}
            rows.append({key: row[key] for key in plain} | within)
        return pd.DataFrame(rows, columns=None if rows else list(plain)).set_index("name")

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml diagnose --json` prints; undefined numbers are null."""
        return {
            "schema": SCHEMA,
            "graph": dict(self.graph),
            "measures": plain_json(self.measures),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def summary(self) -> str:
        """Say what was measured, without the verdicts."""
        return "\n".join(self.measured())

    def measured(self) -> Iterator[str]:
        """Yield the lines of `summary`."""
        yield from wrap(self.title, WIDTH, subsequent_indent="  ")
        sizes = [f"{self.graph['patients']:,} patients", count(self.graph["edges"], "edge")]
        sizes += [count(self.graph["components"], "component"), f"{self.graph['isolated']:,} isolated"]
        yield "graph  " + " · ".join(sizes)
        yield from wrap(f"  drawn by {', '.join(self.measures['relations']) or 'no relation'}", WIDTH)[:2]
        if "listened_to" in self.measures:
            to, by = self.measures["listens_to"], self.measures["listened_to"]
            yield f"  listens to {low_to_high(to)} · is listened to by {low_to_high(by)} · skew {by['skew']:.1f}"
        yield from self.table()

    def table(self) -> Iterator[str]:
        """Yield a line for the outcome and each group, chance beside homophily."""
        rows = list(self.measures["homophily"].values())
        if rows:
            yield f"  {'descriptive: all labelled rows':<30}  edge  chance  adjusted   node      p"
        for row in rows[:ROWS]:
            numbers = f"{row['edge']:6.3f}  {row['chance']:6.3f}  {row['adjusted']:8.3f}  {row['node']:5.3f}"
            within = [f"{p:.3f} within {short(name, 12)}" for name, p in row.get("p_within", {}).items() if isfinite(p)]
            line = f"  {short(row['name'], 28):<28}  {numbers}  {row['p']:5.3f}"
            yield " · ".join([line, *within[:1]])
        if len(rows) > ROWS:
            yield f"  and {count(len(rows) - ROWS, 'group')} more in frame()"

    def __repr__(self) -> str:
        lines = list(self.measured())
        told = [item for status in ("warn", "fail") for item in self.findings if item.status == status]
        counts = {status: sum(item.status == status for item in self.findings) for status in STATUSES}
        last = " · ".join(f"{number} {status}" for status, number in counts.items() if number)
        for at, item in enumerate(reversed(told)):
            part = wrap(f"{item.status.upper()} {item.code}  {item.message}", WIDTH, subsequent_indent=" " * 12)
            if len(lines) + len(part) > LINES - 2:
                lines.append(f"and {len(told) - at} more in .findings")
                break
            lines += part
        return "\n".join([*lines, last])


STATUSES = ("fail", "warn", "pass", "n.a.", "skipped")


def diagnose(cohort: Cohort, links: GraphConstructor | None = None, *, seed: int = 0) -> Diagnosis:
    """Link all patients of a cohort (by default to their nearest neighbours in each modality) and measure the graph.

    Encoding and links are learned from all rows, as for a description; cross-validation learns them from
    training rows alone.
    """
    encoded = CohortEncoder().fit(cohort).transform(cohort)
    return diagnose_graph(cohort, build_graph(links or Neighbours(each=True), encoded), seed=seed)


def diagnose_graph(cohort: Cohort, graph: PatientGraph, *, seed: int = 0) -> Diagnosis:
    """Measure a graph of these patients; the order of the cohort's rows decides nothing."""
    cohort = cohort[aligned(cohort, graph)]
    component = component_of(graph)
    size = size_measures(graph, component)
    measures: dict[str, Any] = {
        "components": component_measures(cohort, component),
        "relations": relation_measures(graph),
        "homophily": {},
        "skipped": "",
    }
    bound = projected_links(graph)
    if bound > LARGEST_PROJECTION:
        measures["skipped"] = f"up to {bound:,} links between patients who share a concept: too many to lay out"
        # what needs no links is still said of the groups and the outcome
        empty = csr_array((len(cohort), len(cohort)))
        measures["homophily"] = target_measures(empty, targets_of(cohort), seed)
    else:
        # by id, so that the chance exchanges do not depend on the order of rows
        order = cohort.sorted_rows
        adjacency = csr_array(graph.between_patients()[order][:, order])
        cohort = cohort[order]
        measures |= hub_measures(adjacency, order < graph.trained, missing_share(cohort))
        measures["homophily"] = target_measures(adjacency, targets_of(cohort), seed)
    return Diagnosis(size, measures, findings_of(size, measures), title_of(cohort, seed))


def title_of(cohort: Cohort, seed: int) -> str:
    """Say which cohort it is, in one line."""
    parts = [f"{len(cohort.tables)} modalities"]
    parts += [] if cohort.outcome is None else [f"outcome {cohort.outcome!r}"]
    parts += [count(cohort.groups.shape[1], "group")] if cohort.groups.shape[1] else []
    return f"{cohort.name}  " + " · ".join([*parts, f"seed {seed}"])


def low_to_high(spread: Mapping[str, float]) -> str:
    """Write smallest/median/largest."""
    return "/".join(f"{spread[name]:g}" for name in ("min", "median", "max"))


def short(name: str, width: int) -> str:
    """Cut a long name."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def plain_json(value: Any) -> Any:
    """Write numbers that JSON has no word for as None, throughout."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value
