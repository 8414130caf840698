"""Would another k say something else?"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from math import isnan
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from graphmml.data.encode import EncodedCohort
from graphmml.data.findings import Finding
from graphmml.errors import GraphError
from graphmml.graph.patient_graph import GraphConstructor, build_graph
from graphmml.report.homophily import homophily
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.permutation import homophily_p

TRIED = (5, 10, 15, 20, 30)
ROUNDS = 199
LARGE, SAMPLE = 5_000, 2_000
"""Among more patients than LARGE a sample is linked."""


def measure(subject: Subject) -> dict[str, Any]:
    """Return for several k what the graph would be, and how the outcome would follow it."""
    own = own_k(subject.links)
    if own is None or subject.links is None:
        return {"sensitivity": {"k": None, "curve": {}}}
    encoded, labels = subject.encoded, None if subject.outcome is None else subject.outcome.labels
    if len(encoded) > LARGE:
        random = np.random.default_rng(subject.seed)
        rows = np.sort(random.choice(len(encoded), SAMPLE, replace=False))
        encoded, labels = encoded[rows], None if labels is None else labels[rows]
    curve = {}
    for k in sorted({*TRIED, own}):
        row = with_k(subject.links, k, encoded, labels)
        if row is not None:
            curve[str(k)] = row
    return {"sensitivity": {"k": own, "curve": curve, "patients": len(encoded)}}


def own_k(links: GraphConstructor | None) -> int | None:
    """Return how many neighbours the constructor takes; None if it does not count them."""
    if links is None or not is_dataclass(links) or "k" not in {field.name for field in fields(links)}:
        return None
    k = getattr(links, "k", None)
    return k if isinstance(k, int) else None


def with_k(
    links: GraphConstructor, k: int, encoded: EncodedCohort, labels: np.ndarray | None
) -> dict[str, float] | None:
    """Return what the graph of another k is like; None where there are too few patients for it."""
    try:
        other: Any = replace(links, k=k)  # type: ignore[type-var]  # a dataclass, as own_k has seen
        adjacency = csr_array(build_graph(other, encoded).between_patients())
    except GraphError:
        return None
    _, component = connected_components(adjacency, directed=False)
    sizes = np.bincount(component)
    row = {
        "giant_share": float(sizes.max() / len(component)),
        "isolated": float((sizes[component] == 1).mean()),
        "adjusted": float("nan"),
        "p": float("nan"),
    }
    if labels is not None:
        row["adjusted"] = homophily(adjacency, labels).adjusted
        row["p"] = homophily_p(adjacency, labels, rounds=ROUNDS)
    return row


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM211: whether what is concluded depends on k."""
    found = measures["sensitivity"]
    curve = found["curve"]
    if len(curve) < 2:
        yield Finding("GM211", "n.a.", "these links have no k to change, or there are too few patients for another")
        return
    said = f"from k {min(curve, key=int)} to {max(curve, key=int)} the largest component holds " + low_high(
        [row["giant_share"] for row in curve.values()], ".0%"
    )
    if subject.outcome is not None:
        said += f" and adjusted homophily of {subject.outcome.name} is "
        said += low_high([row["adjusted"] for row in curve.values()], ".3f")
    said += f" (k is {found['k']}; all labelled rows took part: this describes, and is not for choosing k)"
    why = changes(subject, curve, str(found["k"]))
    if not why:
        yield Finding("GM211", "pass", said)
        return
    fix = "say so beside the result; choose k in training rows alone (nested cross-validation), never by this curve"
    yield Finding("GM211", "warn", f"{said}: {why}", fix)


def low_high(values: list[float], form: str) -> str:
    """Write the range of numbers, as one where they are the same."""
    known = [value for value in values if not isnan(value)]
    if not known:
        return "undefined"
    low, high = format(min(known), form), format(max(known), form)
    return low if low == high else f"{low} to {high}"


def changes(subject: Subject, curve: Measures, own: str) -> str:
    """Say what another k would have led to, other than the chosen one; empty if nothing."""
    yes, no = subject.limit("GM211", "p_yes"), subject.limit("GM211", "p_no")
    mine = curve.get(own)
    if mine is None:
        return ""
    if mine["p"] <= yes and any(row["p"] > no for row in curve.values()):
        return f"links follow the outcome at k {own}, and at another k they do not"
    if mine["p"] > no and any(row["p"] <= yes for row in curve.values()):
        return f"links do not follow the outcome at k {own}, and at another k they do"
    larger = [int(k) for k, row in curve.items() if int(k) > int(own) and row["giant_share"] >= 0.99]
    if mine["giant_share"] < subject.limit("GM201", "giant_share") and larger:
        return f"the graph is in pieces at k {own} and whole from k {min(larger)} on"
    return ""


def lines(measures: Measures) -> Iterator[str]:
    """Say homophily and the largest component by k."""
    curve = measures.get("sensitivity", {}).get("curve", {})
    if len(curve) > 1:
        parts = [f"{k}: {row['adjusted']:.2f}" for k, row in curve.items() if not isnan(row["adjusted"])]
        if parts:
            yield "  by k (not to choose by): adjusted  " + " · ".join(parts)


SENSITIVITY = Part("sensitivity", ("GM211",), measure, judge, lines, full=True)
