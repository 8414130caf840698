"""What groups are tied to before any link is looked at: to the outcome, and to how the links are drawn."""

from collections.abc import Iterator
from math import isnan
from typing import Any

from graphmml.data.contingency import holm
from graphmml.data.findings import Finding
from graphmml.report.measures import Target
from graphmml.report.panel.confounding import NO_GROUP
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.prevalence import class_tie, number_tie
from graphmml.report.panel.residuals import numbers_of
from graphmml.report.within import large_enough
from graphmml.report.words import short, small

CODES = ("GM402", "GM403")


def measure(subject: Subject) -> dict[str, Any]:
    """Return for each group how far it goes with the outcome, and in which of its values the outcome is rarest."""
    return {"group_ties": {group.name: tie for group in subject.groups if (tie := tie_of(subject, group))}}


def tie_of(subject: Subject, group: Target) -> dict[str, Any]:
    """Measure one group; nothing without an outcome."""
    if subject.outcome is not None:
        return class_tie(group, subject.outcome)
    outcome = numbers_of(subject.cohort)
    return {} if outcome is None else number_tie(group, subject.cohort, outcome, subject.seed)


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM402, then GM403 once a group; the p of several groups are Holm's."""
    if not subject.groups:
        yield from (Finding(code, "n.a.", NO_GROUP) for code in CODES)
        return
    yield by_construction([group.name for group in subject.groups], measures["relations"])
    ties = measures["group_ties"]
    p = holm([1.0 if isnan(tie["p"]) else tie["p"] for tie in ties.values()])
    adjusted = dict(zip(ties, p.tolist(), strict=True))
    for group in subject.groups:
        yield tied(subject, group, ties.get(group.name), adjusted.get(group.name, 1.0))


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


def tied(subject: Subject, group: Target, tie: Measures | None, p: float) -> Finding:
    """GM403: whether the group tells the outcome."""
    outcome, name, labels = subject.cohort.outcome, group.name, group.labels
    if outcome is None or tie is None:
        return Finding("GM403", "n.a.", f"the cohort has no outcome to hold {name} against")
    if not large_enough(labels, labels >= 0):
        return Finding("GM403", "n.a.", f"most values of {name} are of fewer than five patients")
    if isnan(tie["v"]):
        return Finding("GM403", "n.a.", f"{name} or {outcome.name} does not vary enough to be held against the other")
    numbers = f"{tie['statistic']} {tie['v']:.2f} (0 by chance), p {small(p)}"
    if tie["v"] <= subject.limit("GM403", "cramers_v") or p >= subject.limit("GM403", "p"):
        return Finding("GM403", "pass", f"{name} and {outcome.name} hardly go together: {numbers}")
    said = f"{name} and {outcome.name} go together{in_words(tie)}: {numbers}{alone(name, tie)}"
    return Finding("GM403", "warn", said, f"read the scores of: graphmml cv --leave-out {name}")


def in_words(tie: Measures) -> str:
    """Say between which values of the group the outcome ranges, if it may be said."""
    low, high = tie["lowest"], tie["highest"]
    if low is None or high is None:
        return ""
    ends = " to ".join(f"{end['said']} in {short(end['value'], 24)}" for end in (low, high))
    return f", {tie['of']} ranges from {ends}"


def alone(name: str, tie: Measures) -> str:
    """Say how well the group alone predicts the outcome."""
    return "" if isnan(tie["auroc"]) else f"; {name} alone predicts it with AUROC {tie['auroc']:.2f} (.50 by chance)"


TIES = Part("ties", CODES, measure, judge, laid=False)
