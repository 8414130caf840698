"""Do links join patients who lack the same things?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from graphmml.data.cohort import Cohort
from graphmml.data.contingency import cramers_v, crossed
from graphmml.data.findings import Finding
from graphmml.graph.relations import PATIENT
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.rewired import MOST_LABELS, layered_homophily, rewired_p
from graphmml.report.panel.signal import signal_of
from graphmml.report.within import large_enough

ROUNDS = 199
RARE = 0.05
"""Columns that fewer patients lack, or fewer have, make no pattern."""


def measure(subject: Subject) -> dict[str, Any]:
    """Return how alike linked patients are in what they lack, and what that pattern goes with.

    `layered` holds each relation against its own chance level: that only patients with a modality are linked by
    it, and are alike in having it, does not count.
    """
    labels = gap_patterns(subject.cohort)
    count = int(labels.max(initial=-1)) + 1
    if count < 2:
        return {"gap_pattern": {}}
    layers = layers_of(subject)
    everybody = np.ones(len(labels), dtype=bool)
    targets = {target.name: target for target in subject.targets if large_enough(target.labels, everybody)}
    goes_with = {name: crossed(labels, target.labels) for name, target in targets.items()}
    return {
        "gap_pattern": {
            "patterns": count,
            "patients": int((labels >= 0).sum()),
            "adjusted": layered_homophily([subject.adjacency], labels),
            "layered": layered_homophily(layers, labels),
            "p": rewired_p(layers, labels, rounds=ROUNDS, seed=subject.seed),
            "cramers_v": {name: cramers_v(table) for name, table in goes_with.items()},
        }
    }


def gap_patterns(cohort: Cohort) -> np.ndarray:
    """Number what patients lack, the commonest pattern first: int [patient], -1 in one that few share.

    Patterns are of columns that 5 to 95 % of the patients lack; where more than half of the patients would then be
    of a rare pattern, of modalities.
    """
    columns = [table.isna().to_numpy() for table in cohort.tables.values()]
    labels = numbered(np.concatenate([lacks[:, common(lacks)] for lacks in columns], axis=1))
    if (labels >= 0).mean() >= 0.5:
        return labels
    lacks = ~cohort.present
    return numbered(lacks[:, common(lacks)])


def common(lacks: np.ndarray) -> np.ndarray:
    """Which columns neither few patients lack nor few have: bool [column]."""
    share = lacks.mean(axis=0)
    return np.asarray((share >= RARE) & (share <= 1.0 - RARE))


def numbered(lacks: np.ndarray) -> np.ndarray:
    """Number the rows that are alike, the commonest first, at most 30; -1 where fewer than 11 are: int [patient]."""
    packed = np.packbits(lacks, axis=1)
    _, member, sizes = np.unique(packed, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(len(sizes), dtype=np.int64)
    place = np.arange(len(sizes))
    rank[order] = np.where((sizes[order] >= SMALLEST_CELL) & (place < MOST_LABELS), place, -1)
    return np.asarray(rank[member.ravel()])


def layers_of(subject: Subject) -> list[csr_array]:
    """Return each relation between patients, [listener, speaker]; all links together where concepts join them."""
    graph = subject.graph.by_patient()
    if any((relation.source, relation.target) != (PATIENT, PATIENT) for relation in graph.relations):
        return [subject.adjacency]
    return [csr_array(graph.matrix(relation)[subject.order][:, subject.order]) for relation in graph.relations]


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM404: whether links follow what is missing rather than the outcome."""
    row = measures["gap_pattern"]
    if not row:
        yield Finding("GM404", "n.a.", "patients do not differ in what is missing, or hardly two lack the same")
        return
    if isnan(row["layered"]) or isnan(row["p"]):
        yield Finding("GM404", "n.a.", "no link joins patients who could differ in what is missing")
        return
    yield followed(subject, measures, row)


def followed(subject: Subject, measures: Measures, row: Measures) -> Finding:
    """Compare with chance and with the outcome."""
    signal, limit = signal_of(measures), subject.limit
    tied = " and ".join(f"{name} (Cramer's V {v:.2f})" for name, v in marked(subject, row))
    said = f"what is missing follows {tied}; " if tied else ""
    said += f"links join patients who lack the same: adjusted homophily {row['layered']:.3f}, p {row['p']:.3f}"
    said += f"; {signal.called} of {signal.name} {signal.strength:.3f}" if signal else ""
    least = max(limit("GM404", "assortative"), signal.strength if signal else 0.0)
    if row["p"] >= limit("GM404", "p") or row["layered"] <= least:
        return Finding("GM404", "pass", said)
    fix = "compare patients by what both have: neighbours:metric=gower, or link by a modality measured in all"
    return Finding("GM404", "warn", said, fix)


def marked(subject: Subject, row: Measures) -> list[tuple[str, float]]:
    """Return what the pattern goes with as much as GM403 minds."""
    least = subject.limit("GM403", "cramers_v")
    found = sorted(row["cramers_v"].items(), key=lambda item: -item[1])
    return [(name, v) for name, v in found if v > least]


def lines(measures: Measures) -> Iterator[str]:
    """Say how alike linked patients are in what they lack."""
    row = measures.get("gap_pattern")
    if row and not isnan(row["layered"]):
        name = f"what is missing ({row['patterns']} patterns)"
        yield f"  {name:<30}{'':17}{row['layered']:7.3f}{'':9}{row['p']:5.3f}"


PATTERN = Part("pattern", ("GM404",), measure, judge, lines)
