"""Do modalities link the same patients, and does one of them draw nearly everything?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from graphmml.data.findings import Finding
from graphmml.graph.neighbours import Neighbours
from graphmml.graph.relations import PATIENT, Relation
from graphmml.report.agreement import agreement, correlation, overlap_at_k, pairs_of
from graphmml.report.describe_links import looks_at
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import short

CODES = ("GM510",)
NOT_ASKED = "no two relations join patients, and the one is of one modality, of none, or of over 5,000 patients"
MOST_LAYERS = 10
"""So many relations are held against each other, each against each."""
CHEAP = 5_000
"""Up to so many patients each modality is linked by itself, to see which of them a fused graph follows."""
K = 10


@dataclass(frozen=True, eq=False)
class Layers:
    """What is held against each other: csr [listener, speaker] a name; `whole` is the graph they are parts of.

    `basis` is "relations" where the graph has one a layer, or "modalities" where each modality was linked by itself.
    """

    basis: str
    lists: Mapping[str, csr_array]
    whole: csr_array


def layers_of(subject: Subject) -> Layers | None:
    """Return the relations between patients or, where there is only one, the neighbours in each modality."""
    graph = subject.graph.by_patient()
    drawn = [item for item in graph.relations if item.source == item.target == PATIENT and len(item)]
    lists = {item.name: matrix(item, subject) for item in drawn[:MOST_LAYERS]}
    if len(lists) > 1:
        return Layers("relations", lists, csr_array(sum(lists.values(), csr_array(subject.adjacency.shape))))
    if len(lists) == 1 and len(subject.cohort) <= CHEAP and of_several(subject, next(iter(lists))):
        alone = each_modality(subject)
        if len(alone) > 1:
            return Layers("modalities", alone, next(iter(lists.values())))
    return None


def of_several(subject: Subject, relation: str) -> bool:
    """Whether the one relation may be made from several modalities, so far as is known."""
    seen = () if subject.links is None else looks_at(subject.links, subject.encoded.modalities)
    return len(seen) != 1 and relation not in subject.encoded.modalities


def matrix(relation: Relation, subject: Subject) -> csr_array:
    """Return a relation in the order of the subject: csr [listener, speaker] of ones."""
    size = len(subject.order)
    place = np.empty(size, dtype=np.int64)
    place[subject.order] = np.arange(size)
    source, target = place[relation.edges]
    ones = csr_array((np.ones(len(relation)), (target, source)), shape=(size, size))
    ones.data[:] = 1.0
    return ones


def each_modality(subject: Subject) -> dict[str, csr_array]:
    """Return the nearest neighbours in each modality that enough patients have."""
    found = {}
    for modality in subject.encoded.modalities[:MOST_LAYERS]:
        if subject.encoded.has(modality).sum() > K:
            (drawn,) = Neighbours(modality, k=K).link(subject.encoded, subject.encoded)
            ones = csr_array((np.ones(len(drawn)), drawn.edges[::-1]), shape=subject.adjacency.shape)
            found[modality] = ones
    return found


def measure(subject: Subject) -> dict[str, Any]:
    """Return which layers draw which pairs, and how far each two agree, beside chance."""
    layers = layers_of(subject)
    if layers is None:
        return {"modalities": {}}
    pairs = {name: pairs_of(lists) for name, lists in layers.lists.items()}
    pairs = {name: found for name, found in pairs.items() if found.nnz}
    whole = pairs_of(layers.whole)
    voices = csr_array(sum(pairs.values(), csr_array(whole.shape))).multiply(whole)
    total = max(whole.nnz, 1)
    single = csr_array(voices == 1)
    return {
        "modalities": {
            "basis": layers.basis,
            "pairs": whole.nnz,
            "share": {name: found.multiply(whole).nnz / total for name, found in pairs.items()},
            "only": {name: found.multiply(single).nnz / total for name, found in pairs.items()},
            "agreement": [held_against(names, layers, pairs) for names in combinations(pairs, 2)],
        }
    }


def held_against(names: tuple[str, str], layers: Layers, pairs: Mapping[str, csr_array]) -> dict[str, Any]:
    """Hold two layers against each other."""
    one, other = (pairs[name] for name in names)
    found, together = agreement(names, one, other), correlation(one, other)
    overlap, by_chance = overlap_at_k(*(layers.lists[name] for name in names))
    return {
        **{key: getattr(found, key) for key in ("one", "other", "shared", "jaccard", "chance")},
        "qap": together.r,
        "z": together.z,
        "overlap_at_k": overlap,
        "overlap_at_k_chance": by_chance,
    }


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM510: whether one layer draws nearly all pairs."""
    found = measures["modalities"]
    if not found:
        yield Finding("GM510", "n.a.", NOT_ASKED)
        return
    name = max(found["only"], key=lambda name: found["only"][name])
    said = f"{found['only'][name]:.0%} of linked pairs are drawn by {short(name, 40)} and by no other of "
    said += f"{len(found['only'])} {found['basis']}"
    if found["only"][name] <= subject.limit("GM510", "share"):
        yield Finding("GM510", "pass", said)
        return
    fix = (
        "neighbours:each=true gives every modality a relation of its own, whose weight the network learns; or leave "
        "the others out of the links"
    )
    yield Finding("GM510", "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say which two layers agree most, beside chance."""
    rows = [row for row in measures.get("modalities", {}).get("agreement", []) if isfinite(row["qap"])]
    if rows:
        best = max(rows, key=lambda row: row["qap"])
        names = f"{short(best['one'], 18)} and {short(best['other'], 18)}"
        yield (
            f"  of {measures['modalities']['basis']} {names} agree most: {best['jaccard']:.1%} of pairs, "
            f"{best['chance']:.1%} by chance"
        )


MODALITIES = Part("modalities", CODES, measure, judge, lines, laid=False)
