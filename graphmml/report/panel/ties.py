"""What groups are tied to before any link is looked at: to the outcome, and to how the links are drawn."""

from collections.abc import Iterator
from math import isnan
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.association import cramers_v
from graphmml.report.panel.confounding import NO_GROUP
from graphmml.report.panel.part import Measures, Part, Subject

CODES = ("GM402", "GM403")


def measure(subject: Subject) -> dict[str, Any]:
    """Return the bias-corrected Cramer's V of each group and the outcome."""
    outcome = subject.outcome
    if outcome is None:
        return {"cramers_v": {}}
    return {"cramers_v": {group.name: cramers_v(group.labels, outcome.labels) for group in subject.groups}}


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM402, then GM403 once a group."""
    if not subject.groups:
        yield from (Finding(code, "n.a.", NO_GROUP) for code in CODES)
        return
    yield by_construction([group.name for group in subject.groups], measures["relations"])
    for group in subject.groups:
        yield tied(subject, group.name, measures["cramers_v"])


def by_construction(groups: list[str], relations: Measures) -> Finding:
    """GM402: whether a group is itself what links patients."""
    shared = [name for name in relations if name.startswith("same_")]
    if not shared:
        return Finding("GM402", "n.a.", "no relation links patients by a shared phenotype")
    for relation in shared:
        for group in groups:
            if f"_{group}_" in f"{relation.removeprefix('same')}_":
                said = f"relation '{relation}' is drawn by group {group}: patients are alike in it by construction"
                return Finding("GM402", "warn", said, f"leave {group} out of the links, or say why it belongs")
    return Finding("GM402", "pass", "no group is used to link patients")


def tied(subject: Subject, name: str, cramers: Measures) -> Finding:
    """GM403: whether the group tells the outcome."""
    if subject.outcome is None:
        return Finding("GM403", "n.a.", f"the cohort has no outcome of classes to hold {name} against")
    outcome, v = subject.outcome.name, cramers[name]
    if isnan(v):
        return Finding("GM403", "n.a.", f"{name} or {outcome} does not vary enough to be held against the other")
    said = f"{name} and {outcome} go together: bias-corrected Cramer's V {v:.2f}"
    if v <= subject.limit("GM403", "cramers_v"):
        return Finding("GM403", "pass", said)
    return Finding("GM403", "warn", said, f"read the scores of: graphmml cv --leave-out {name}")


TIES = Part("ties", CODES, measure, judge, laid=False)
