"""Does the graph find a group (a site, a scanner) where it should find the outcome?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.permutation import smallest_p

NO_GROUP = "no group is declared"


def measure(subject: Subject) -> dict[str, Any]:
    """Return nothing of its own: the homophily of outcome and groups is measured with the labels."""
    return {}


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM401, once a group."""
    rows = list(measures["homophily"].values())
    outcome = next((row for row in rows if row["kind"] == "outcome"), None)
    groups = [row for row in rows if row["kind"] == "group"]
    if not groups:
        yield Finding("GM401", "n.a.", NO_GROUP)
    for group in groups:
        yield stronger(subject, outcome, group)


def stronger(subject: Subject, outcome: Measures | None, group: Measures) -> Finding:
    """GM401: whether the group links patients, and the outcome only through it."""
    name, limit = group["name"], subject.limit
    said = f"links join equal {name}: adjusted homophily {group['adjusted']:.3f}"
    if outcome is None or isnan(outcome["p"]):
        return Finding("GM401", "n.a.", f"{said}; there is no homophily of the outcome to hold it against")
    within = outcome["p_within"][name]
    said += f", of {outcome['name']} {outcome['adjusted']:.3f} (p {outcome['p']:.3f} free, " + (
        f"groups too small to ask within {name})" if isnan(within) else f"{within:.3f} within {name})"
    )
    fix = f"judge by: graphmml cv --leave-out {name}; link over modalities that do not tell one {name} from another"
    # the smallest p that the exchanges can give counts as below the limit, however few they are
    free = outcome["p"] <= max(limit("GM401", "p_free"), smallest_p(len(subject.cohort))) + 1e-12
    if group["p"] < limit("GM401", "p") and free and within > limit("GM401", "p"):
        return Finding("GM401", "fail", f"{said}: the signal vanishes within {name}", fix)
    if group["adjusted"] > max(limit("GM401", "assortative"), outcome["adjusted"]):
        return Finding("GM401", "warn", f"{said}: neighbours share {name} rather than {outcome['name']}", fix)
    return Finding("GM401", "pass", said)


CONFOUNDING = Part("confounding", ("GM401",), measure, judge)
