"""Does the graph hang together, and who is left out of it?"""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.measures import component_measures, component_of, relation_measures, size_measures
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import WIDTH, count


def measure(subject: Subject) -> dict[str, Any]:
    """Return how large the graph is, its components, and for each relation whom it reaches."""
    component = component_of(subject.graph)[subject.order]
    return {
        "graph": size_measures(subject.graph, component),
        "components": component_measures(subject.cohort, component),
        "relations": relation_measures(subject.graph),
    }


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM201: whether the graph hangs together. GM202: who has no link at all."""
    size, share = measures["graph"], measures["components"]["giant_share"]
    said = f"{count(size['components'], 'component')}, the largest holds {share:.1%} of {size['patients']} patients"
    if share >= subject.limit("GM201", "giant_share"):
        yield Finding("GM201", "pass", said)
    else:
        yield Finding("GM201", "warn", said, "raise k, or link by a modality that more patients have")
    yield isolated(size, measures["components"]["isolated_without"])


def isolated(size: Measures, lacking: Measures) -> Finding:
    """GM202: who has no link at all, and what they lack."""
    alone = size["isolated"]
    if not alone:
        return Finding("GM202", "pass", "every patient has a link")
    worst = max(lacking, key=lambda name: lacking[name], default=None)
    why = "" if worst is None else f"; {lacking[worst]} of them lack '{worst}'"
    said = f"{alone} of {size['patients']} patients ({alone / size['patients']:.1%}) have no link{why}"
    fix = (
        "link over all modalities (neighbours without a modality), or accept that they are predicted from their own "
        "features alone"
    )
    return Finding("GM202", "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say the sizes, and what drew the links."""
    size = measures["graph"]
    sizes = [f"{size['patients']:,} patients", count(size["edges"], "edge")]
    sizes += [count(size["components"], "component"), f"{size['isolated']:,} isolated"]
    yield "graph  " + " · ".join(sizes)
    yield from wrap(f"  drawn by {', '.join(measures['relations']) or 'no relation'}", WIDTH)[:2]


SIZE = Part("size", ("GM201", "GM202"), measure, judge, lines, laid=False)
