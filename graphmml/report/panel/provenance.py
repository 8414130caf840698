"""What was a graph made of: did test patients take part, and was the outcome used to draw it?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from graphmml.data.few import masked
from graphmml.data.findings import Finding
from graphmml.graph.neighbours import Neighbours
from graphmml.graph.relations import PATIENT, Relation
from graphmml.report.homophily import adjusted_homophily, mixing
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.twins import official_sides
from graphmml.report.words import count, short

CODES = ("GM612", "GM613", "GM614")
HERE = "the links were drawn here to describe them, from all rows; nothing is trained on them"
NO_SPLIT = "the cohort has no official split to hold the graph against; name one with split = {...} in cohort.toml"
LEAST_LINKS = 50
"""Relations with fewer links between known outcomes may be pure by chance."""
SAMPLE = 4_000
K = 5
REBUILD = "build it from training patients and attach the others: graphmml build COHORT --split -o GRAPH"


def measure(subject: Subject) -> dict[str, Any]:
    """Return how many test patients the graph was built from, who they speak to, and how pure its relations are."""
    side = official_sides(subject.cohort)
    pure = purities(subject)
    found = {
        "given": subject.facts is not None,
        "patients": int(subject.speakers.sum()),
        "test": int((side == 1).sum()),
        "test_among_source": int(((side == 1) & subject.speakers).sum()),
        "spoken_by_test": spoken(subject, side == 1),
        "spoken_by_attached": spoken(subject, ~subject.speakers),
        "learned_from": learned_from(subject),
        "purity": pure,
    }
    if any(value > subject.limit("GM614", "warn") for value in pure.values()):
        found["features"] = from_features(subject)
    return {"provenance": found}


def spoken(subject: Subject, who: np.ndarray) -> int:
    """Return how many edges lead from these patients to another patient or to a concept."""
    graph = subject.graph.by_patient()
    speaks = np.zeros(graph.patients, dtype=bool)
    speaks[subject.order] = who
    return sum(int(speaks[item.edges[0]].sum()) for item in graph.relations if item.source == PATIENT)


def learned_from(subject: Subject) -> str:
    """Say how the rows that were learned from compare to those of the graph: "same", "changed", "more", "unknown"."""
    facts = (subject.facts or {}).get("learned_from")
    if not facts:
        return "unknown"
    if facts["patients"] != subject.speakers.sum():
        return "more" if facts["patients"] > subject.speakers.sum() else "changed"
    return "same" if facts["fingerprint"] == subject.cohort[subject.speakers].fingerprint else "changed"


def purities(subject: Subject) -> dict[str, float]:
    """Return the adjusted homophily of the outcome for each relation between patients with enough links."""
    outcome = subject.outcome
    if outcome is None:
        return {}
    graph = subject.graph.by_patient()
    labels = np.full(graph.patients, -1, dtype=np.int64)
    labels[subject.order] = outcome.labels
    between = [item for item in graph.relations if item.source == item.target == PATIENT]
    return {item.name: purity(item, labels) for item in between if known_links(item, labels) >= LEAST_LINKS}


def known_links(relation: Relation, labels: np.ndarray) -> int:
    """Return how many edges join two known labels."""
    return int((labels[relation.edges] >= 0).all(axis=0).sum())


def purity(relation: Relation, labels: np.ndarray) -> float:
    """Return the adjusted homophily of one relation."""
    known = (labels[relation.edges] >= 0).all(axis=0) & (relation.edges[0] != relation.edges[1])
    one, other = labels[relation.edges[:, known]]
    size = int(labels.max(initial=-1)) + 1
    seen = np.bincount(one * size + other, relation.weight[known], size * size).reshape(size, size)
    ends = (seen + seen.T).sum(axis=1) / (2.0 * seen.sum())
    chance = float((ends**2).sum())
    same = float(np.trace(seen) / seen.sum())
    return (same - chance) / (1.0 - chance) if chance < 1.0 - 1e-12 else float("nan")


def from_features(subject: Subject) -> float:
    """Return the adjusted homophily of the nearest neighbours over all modalities, on a sample."""
    labels = np.full(0, -1) if subject.outcome is None else subject.outcome.labels
    rows = np.flatnonzero((labels >= 0) & subject.encoded.present.any(axis=1))
    rows = rows[np.argsort(subject.encoded.keys[rows], kind="stable")[:SAMPLE]]
    if len(rows) <= K:
        return float("nan")
    encoded = subject.encoded[rows]
    (drawn,) = Neighbours(k=K, metric="euclidean").link(encoded, encoded)
    links = coo_array((np.ones(len(drawn)), drawn.edges), shape=(len(rows), len(rows)))
    return adjusted_homophily(mixing(links.tocsr(), labels[rows]))


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM612: built with test patients? GM613: do test patients speak? GM614: drawn by the outcome?"""
    found = measures["provenance"]
    split = subject.cohort.split is not None
    yield built_from(found, split)
    yield speaking(found, split, measures.get("metapaths", {}))
    yield drawn_by_outcome(subject, found)


def built_from(found: Measures, split: bool) -> Finding:
    """GM612: whether test patients of the official split are among those the graph was built from."""
    if not found["given"]:
        return Finding("GM612", "n.a.", HERE)
    if split and found["test_among_source"]:
        said = (
            f"built from {found['patients']} patients, of whom {counted(found['test_among_source'])} are test patients "
            "of the official split: what is trained on this graph reads what it is tested on"
        )
        return Finding("GM612", "fail", said, REBUILD)
    if found["learned_from"] == "more":
        said = "scales and links were learned from more patients than the graph names as its training patients"
        return Finding("GM612", "fail", said, REBUILD)
    if found["learned_from"] == "changed":
        said = "the tables of the patients that the graph was built from are not what they were when it was built"
        return Finding("GM612", "warn", said, "build it anew: graphmml build COHORT -o GRAPH")
    if not split:
        return Finding("GM612", "n.a.", NO_SPLIT)
    return Finding(
        "GM612", "pass", f"built from {found['patients']} patients, none a test patient of the official split"
    )


def speaking(found: Measures, split: bool, metapaths: Measures) -> Finding:
    """GM613: whether anybody listens to a test patient, or to a patient who was attached."""
    if not found["given"]:
        return Finding("GM613", "n.a.", HERE)
    if split and found["test_among_source"]:
        return Finding("GM613", "n.a.", "test patients are among those the graph was built from; see GM612")
    spoken, who = found["spoken_by_attached"], "attached patients"
    if split and found["spoken_by_test"]:
        spoken, who = found["spoken_by_test"], "official test patients"
    if not spoken:
        return Finding("GM613", "pass", "nobody listens to a test patient or to one who was attached")
    said = f"{count(spoken, 'link')} from {who} to other patients or to concepts: predictions read those who are tested"
    only = sum(row["only_through_test"] for row in metapaths.values())
    said += f"; {count(only, 'concept')} there through test patients alone" if only else ""
    return Finding("GM613", "fail", said, f"draw links to test patients from training patients alone, or {REBUILD}")


def drawn_by_outcome(subject: Subject, found: Measures) -> Finding:
    """GM614: whether a relation agrees with the outcome too well to have been drawn without it."""
    if subject.outcome is None:
        return Finding("GM614", "n.a.", "the cohort has no outcome of classes")
    known = {name: value for name, value in found["purity"].items() if not isnan(value)}
    if not known:
        return Finding("GM614", "n.a.", f"no relation joins {LEAST_LINKS} pairs of patients with known outcomes")
    name = max(known, key=lambda name: known[name])
    said = f"relation {short(name, 40)!r} joins equal {subject.outcome.name}: adjusted homophily {known[name]:.3f}"
    if known[name] <= subject.limit("GM614", "warn"):
        return Finding("GM614", "pass", said + " at most")
    said += f"; neighbours by all features reach {found['features']:.3f}"
    explained = found["features"] > subject.limit("GM614", "warn")
    if found["given"] and known[name] > subject.limit("GM614", "fail") and not explained:
        fix = "was the outcome used to draw the links? draw them without it, and from training patients"
        return Finding("GM614", "fail", f"{said}: links agree with the outcome almost perfectly", fix)
    fix = "a column may give the outcome away: graphmml check COHORT; was the outcome used to draw the links?"
    return Finding("GM614", "warn", f"{said}: too good to be taken on trust", fix)


def counted(count: int) -> str:
    """Write a count of patients as it may be shown."""
    return masked(count, min_cell=SMALLEST_CELL)


PROVENANCE = Part("provenance", CODES, measure, judge, laid=False)
