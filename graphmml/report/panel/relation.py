"""What further measures say of links and outcome: walks, neighbourhoods, smoothness, the neighbours' vote."""

from collections.abc import Iterator
from math import isnan
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.panel.hops import LARGE, SAMPLE, hop_homophily
from graphmml.report.panel.label_smoothness import label_smoothness
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.similarity import (
    class_similarity,
    distance_by_chance,
    neighbourhoods,
    similarity_distance,
    votes,
)
from graphmml.report.words import bounded, short

SHOWN = 3
MOST_CLASSES = 30


def measure(subject: Subject) -> dict[str, Any]:
    """Return what is measured of an outcome of classes; nothing of another, or one of very many classes."""
    outcome, links = subject.outcome, subject.adjacency
    if outcome is None or not 2 <= len(outcome.values) <= MOST_CLASSES:
        return {"label_relation": {}}
    heard = neighbourhoods(links, outcome.labels)
    similarity = class_similarity(heard, outcome.labels)
    smooth = label_smoothness(links, outcome.labels, subject.seed)
    patients = len(outcome.labels)
    return {
        "label_relation": {
            "hops": hop_homophily(links, outcome.labels, seed=subject.seed),
            "walks_from": SAMPLE if patients > LARGE else patients,
            "similarity": similarity.tolist(),
            "similarity_distance": similarity_distance(similarity),
            "similarity_distance_by_chance": distance_by_chance(links, outcome.labels, subject.seed),
            "smoothness": dict(zip(outcome.values, smooth, strict=True)),
            "votes": votes(heard, outcome.labels),
        }
    }


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """Give no verdict: GM301 and GM302 are given with the labels."""
    yield from ()


def lines(measures: Measures) -> Iterator[str]:
    """Say how far likeness reaches, and of each class whether its neighbours are of it."""
    found = measures.get("label_relation")
    if not found or isnan(found["hops"]["1"]):
        return
    row = next(row for row in measures["homophily"].values() if row["kind"] == "outcome")
    sampled = f" (from {found['walks_from']:,})" if found["walks_from"] == SAMPLE else ""
    distance, chance = found["similarity_distance"], found["similarity_distance_by_chance"]
    yield (
        f"  outcome    adjusted {found['hops']['2']:.2f} at 2 links, {found['hops']['3']:.2f} at 3{sampled} · "
        f"informativeness {row['informativeness']:.2f} · CCNS distance {distance:.2f} ({chance:.2f})"
    )
    shown = list(row["by_value"].items())[:SHOWN]
    whole = sum(of["patients"] for of in row["by_value"].values())
    said = [f"{short(name, 10)} {of['node']:.0%} ({bounded(of['patients'], whole)[1]} of all)" for name, of in shown]
    said += ["..."] if len(row["by_value"]) > SHOWN else []
    yield "  own class  among neighbours: " + " · ".join(said)


RELATION = Part("relation", (), measure, judge, lines)
