"""Do links join patients of the same outcome, or of the same group?"""

from collections.abc import Iterator
from math import isfinite, isnan
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.measures import target_measures
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import count, short

CODES = ("GM301", "GM302", "GM303")
ROWS = 8


def measure(subject: Subject) -> dict[str, Any]:
    """Return homophily and its p for the outcome and each group; without links, what can be said of the tables."""
    return {"homophily": target_measures(subject.adjacency, list(subject.targets), subject.seed)}


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM301 to GM303, of the outcome."""
    outcome = next((row for row in measures["homophily"].values() if row["kind"] == "outcome"), None)
    if outcome is None:
        yield from (Finding(code, "n.a.", "the cohort has no outcome of classes") for code in CODES)
        return
    yield signal(outcome, subject.limit("GM301", "p"))
    yield circular(outcome)
    yield rarest(outcome, subject.limit("GM303", "enriched"))


def signal(outcome: Measures, limit: float) -> Finding:
    """GM301: whether links join equal outcomes more often than chance."""
    if isnan(outcome["p"]):
        return Finding("GM301", "n.a.", "no link joins two patients with known outcomes of more than one class")
    said = (
        f"{outcome['edge']:.1%} of links join equal {outcome['name']}, {outcome['chance']:.1%} by chance: "
        f"adjusted homophily {outcome['adjusted']:.3f}, p {outcome['p']:.3f}"
    )
    if outcome["p"] < limit:
        return Finding("GM301", "pass", said)
    return Finding("GM301", "warn", said, "link by another modality or metric, or expect no gain from the graph")


def circular(outcome: Measures) -> Finding:
    """GM302: what homophily of a graph drawn from features can say."""
    said = (
        f"links drawn from patients' features agree on {outcome['name']} when the features carry it; that is no "
        "proof that the graph adds anything"
    )
    return Finding("GM302", "pass", said, "graphmml cv holds the graph against the same network without edges")


def rarest(outcome: Measures, enriched: float) -> Finding:
    """GM303: whether the rarest class has neighbours of its own."""
    name = min(outcome["by_value"], key=lambda value: outcome["by_value"][value]["patients"], default="")
    row = outcome["by_value"].get(name)
    if row is None or isnan(row["node"]) or len(outcome["by_value"]) < 2:
        return Finding("GM303", "n.a.", "no class has neighbours with a known outcome to compare it with")
    said = (
        f"rarest class {outcome['name']}={name}: {row['node']:.1%} of those its patients listen to are of it, "
        f"{row['share']:.1%} of all patients are"
    )
    if row["node"] >= enriched * row["share"]:
        return Finding("GM303", "pass", said)
    fix = (
        "averaging over neighbours hides this class: fewer neighbours, another modality, or a convolution that keeps "
        "a patient's own features apart (sage)"
    )
    return Finding("GM303", "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say a line for the outcome and each group, chance beside homophily."""
    rows = list(measures["homophily"].values())
    if rows:
        yield f"  {'descriptive: all labelled rows':<30}  edge  chance  adjusted   node      p"
    for row in rows[:ROWS]:
        numbers = f"{row['edge']:6.3f}  {row['chance']:6.3f}  {row['adjusted']:8.3f}  {row['node']:5.3f}"
        within = [f"{p:.3f} within {short(name, 12)}" for name, p in row.get("p_within", {}).items() if isfinite(p)]
        line = f"  {short(row['name'], 28):<28}  {numbers}  {row['p']:5.3f}"
        yield " · ".join([line, *within[:1]])
    if len(rows) > ROWS:
        yield f"  and {count(len(rows) - ROWS, 'group')} more in frame()"


LABELS = Part("labels", CODES, measure, judge, lines)
