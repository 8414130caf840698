"""Does the graph find a group (a site, a scanner) where it should find the outcome?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

from graphmml.data.contingency import holm
from graphmml.data.findings import Finding
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.signal import Signal, signal_of
from graphmml.report.permutation import smallest_p

NO_GROUP = "no group is declared"


def measure(subject: Subject) -> dict[str, Any]:
    """Return nothing of its own: the homophily of outcome and groups is measured with the labels."""
    return {}


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM401, once a group; the p of several groups' homophily are Holm's."""
    groups = [row for row in measures["homophily"].values() if row["kind"] == "group"]
    signal = signal_of(measures)
    if not groups:
        yield Finding("GM401", "n.a.", NO_GROUP)
    for group, p in zip(groups, holm([1.0 if isnan(row["p"]) else row["p"] for row in groups]), strict=True):
        yield stronger(subject, signal, group, float(p))


def stronger(subject: Subject, signal: Signal | None, group: Measures, p: float) -> Finding:
    """GM401: whether the group links patients, and the outcome only through it."""
    name, limit = group["name"], subject.limit
    said = f"adjusted homophily {group['adjusted']:.3f} of {name} (0 by chance)"
    if isnan(group["p"]):
        return Finding("GM401", "n.a.", f"no link joins two patients with known {name} of more than one value")
    if signal is None:
        return Finding("GM401", "n.a.", f"{said}; there is no signal of the outcome to hold it against")
    said += f", {in_words(signal, name)}"
    fix = f"judge by: graphmml cv --leave-out {name}; link over modalities that do not tell one {name} from another"
    if p < limit("GM401", "p") and vanishes(subject, signal, name):
        told = f"the signal of {signal.name} vanishes within {name}: {said}"
        return Finding("GM401", "fail", told, fix)
    if p < limit("GM401", "p") and group["adjusted"] > max(limit("GM401", "assortative"), signal.strength):
        told = f"neighbours share {name} rather than {signal.name}: {said}"
        return Finding("GM401", "warn", told, fix)
    return Finding("GM401", "pass", said)


def in_words(signal: Signal, group: str) -> str:
    """Say how strong the signal is, over all patients and within a group."""
    within, called = signal.p_within[group], "" if signal.called == "adjusted homophily" else f"{signal.called} "
    said = f"{called}{signal.strength:.3f} of {signal.name} (p {signal.p:.3f})"
    if isnan(within):
        return f"{said}; groups too small to ask within {group}"
    return f"{said}, of which {signal.left[group]:.3f} is left within {group} (p {within:.3f})"


def vanishes(subject: Subject, signal: Signal, group: str) -> bool:
    """Whether there is a signal over all patients, of which little is left within the group."""
    limit, within = subject.limit, signal.p_within[group]
    if isnan(within):
        return False
    # the smallest p that the exchanges can give counts as below the limit, however few they are
    free = signal.p <= max(limit("GM401", "p_free"), smallest_p(len(subject.cohort))) + 1e-12
    little = signal.left[group] < limit("GM401", "left") * signal.strength
    return bool(free and little and within > limit("GM401", "p_within"))


CONFOUNDING = Part("confounding", ("GM401",), measure, judge)
