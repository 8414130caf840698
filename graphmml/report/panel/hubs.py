"""Do a few patients speak to everybody, and who are they?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from graphmml.data.findings import Finding
from graphmml.report.measures import hub_measures, missing_share
from graphmml.report.panel.hubness import auroc, degree_assortativity, hub_occurrence, robin_hood, times_mean
from graphmml.report.panel.linked import linked
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import low_to_high


def measure(subject: Subject) -> dict[str, Any]:
    """Return who listens and who is listened to."""
    found = hub_measures(subject.adjacency, subject.speakers, missing_share(subject.cohort))
    heard = listened_to(subject)[subject.speakers]
    found["listened_to"] |= {
        "robin_hood": robin_hood(heard),
        "hub_occurrence": hub_occurrence(heard),
        "times_mean": times_mean(heard),
        "degree_assortativity": degree_assortativity(linked(subject)),
    }
    return {**found, "listened_to_by_class": by_class(subject)}


def listened_to(subject: Subject) -> np.ndarray:
    """Return how many patients listen to each: int [patient]."""
    return np.bincount(coo_array(subject.adjacency).col, minlength=len(subject.cohort))


def by_class(subject: Subject) -> dict[str, dict[str, float]]:
    """Return for each class how likely one of it is listened to by more than one of the others, .5 by chance."""
    if subject.outcome is None:
        return {}
    known = (subject.outcome.labels >= 0) & subject.speakers
    heard, labels = listened_to(subject)[known], subject.outcome.labels[known]
    found = {name: auroc(heard, labels == at) for at, name in enumerate(subject.outcome.values)}
    return {name: {"auroc": area, "p": p} for name, (area, p) in found.items()}


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM203: whether there are hubs."""
    heard = measures["listened_to"]
    if isnan(heard["times_mean"]):
        yield Finding("GM203", "n.a.", "nobody listens to anybody")
        return
    said = (
        f"the most listened-to patient is in {heard['top_share']:.1%} of lists, {heard['times_mean']:.1f} times the "
        f"mean; {heard['never']:.1%} are in none; those listened to twice as often as the mean hold "
        f"{heard['hub_occurrence']:.0%} of all places (skew {heard['skew']:.1f}, Gini {heard['gini']:.2f})"
    )
    names = ("skew", "gini", "times_mean")
    if all(heard[name] <= subject.limit("GM203", name) for name in names):
        yield Finding("GM203", "pass", said)
    else:
        fix = "neighbours:edges=mutual keeps a link only if both list each other; edges=scaled lets hubs count less"
        yield Finding("GM203", "warn", f"hubs: {said}", fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say degrees, least/median/most, and how unequal they are."""
    if "listened_to" in measures:
        to, by = measures["listens_to"], measures["listened_to"]
        yield (
            f"  listens to {low_to_high(to)} · is listened to by {low_to_high(by)} · skew {by['skew']:.1f}"
            f" · {by['never']:.0%} by nobody"
        )


HUBS = Part("hubs", ("GM203",), measure, judge, lines)
