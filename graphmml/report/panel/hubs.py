"""Do a few patients speak to everybody, and are they those of whom little is known?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.measures import hub_measures, missing_share
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import low_to_high


def measure(subject: Subject) -> dict[str, Any]:
    """Return who listens and who is listened to."""
    return {**hub_measures(subject.adjacency, subject.speakers, missing_share(subject.cohort))}


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM203: whether there are hubs. GM204: whether missing cells make them."""
    heard = measures["listened_to"]
    said = (
        f"skew {heard['skew']:.1f} of being listened to; the most listened-to patient is in "
        f"{heard['top_share']:.1%} of lists, {heard['never']:.1%} are in none"
    )
    if heard["skew"] <= subject.limit("GM203", "skew"):
        yield Finding("GM203", "pass", said)
    else:
        yield Finding("GM203", "warn", said, "neighbours:edges=mutual keeps a link only if both list each other")
    yield imputed(heard["rho_missing"], subject.limit("GM204", "rho"))


def imputed(rho: float, limit: float) -> Finding:
    """GM204: whether the hubs are those of whom little is known."""
    if isnan(rho):
        return Finding("GM204", "n.a.", "patients do not differ in what is missing, or all are listened to alike")
    said = f"being listened to goes with the share of missing cells: rank correlation {rho:+.2f}"
    if abs(rho) <= limit:
        return Finding("GM204", "pass", said)
    who = "most" if rho > 0 else "least"
    fix = f"patients with {who} missing are hubs: neighbours:edges=mutual, or link by a modality measured in all"
    return Finding("GM204", "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say degrees, least/median/most, and the skew."""
    if "listened_to" in measures:
        to, by = measures["listens_to"], measures["listened_to"]
        yield f"  listens to {low_to_high(to)} · is listened to by {low_to_high(by)} · skew {by['skew']:.1f}"


HUBS = Part("hubs", ("GM203", "GM204"), measure, judge, lines)
