"""Which communities does the graph fall into, and are they those of the outcome or of a group?"""

from collections.abc import Iterator
from math import isfinite, isnan
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from graphmml.data.findings import Finding
from graphmml.report.measures import Target
from graphmml.report.panel.linked import linked, linked_by_chance
from graphmml.report.panel.louvain import louvain, modularity
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import short

LARGE = 20_000
"""Among more patients links by chance are not searched for communities."""
MOST_VALUES = 200
"""A group of more values is nearer to an identity than to a group."""
WIDEST = 100
LARGEST = 4_000_000
"""With more links communities are not looked for."""


def measure(subject: Subject) -> dict[str, Any]:
    """Return communities, their modularity beside that of links by chance, and how they go with each labelling."""
    links = linked(subject)
    if not 0 < links.nnz <= 2 * LARGEST:
        why = "nobody has a link" if not links.nnz else f"{links.nnz // 2:,} links are too many to search"
        return {"communities": {"why_not": why, "modularity": float("nan"), "goes_with": {}}}
    label = louvain(links, subject.seed)
    sizes = np.bincount(label)
    return {
        "communities": {
            "communities": int((sizes > 1).sum()),
            "largest_share": float(sizes.max() / len(label)),
            "modularity": modularity(links, label),
            "modularity_by_chance": by_chance(subject),
            "goes_with": {target.key: goes_with(label, target) for target in subject.targets},
        }
    }


def by_chance(subject: Subject) -> float:
    """Return the modularity of the communities that are found among links by chance; NaN for many patients."""
    if len(subject.cohort) > LARGE:
        return float("nan")
    chance = linked_by_chance(subject)
    return modularity(chance, louvain(chance, subject.seed))


def goes_with(label: np.ndarray, target: Target) -> float:
    """Return the adjusted mutual information of communities and a labelling (Vinh et al. 2010): 0 chance, 1 the same.

    Only patients whose label is known take part; NaN for a single label, and for one nearer to an identity.
    """
    known = target.labels >= 0
    if not 2 <= len(np.unique(target.labels[known])) <= MOST_VALUES or target.block:
        return float("nan")
    return float(adjusted_mutual_info_score(target.labels[known], label[known]))


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM206: whether communities follow a group rather than the outcome."""
    found = measures["communities"]
    outcome = subject.outcome
    mine = float("nan") if outcome is None else found["goes_with"].get(outcome.key, float("nan"))
    groups = {
        group.name: found["goes_with"][group.key]
        for group in subject.groups
        if isfinite(found["goes_with"].get(group.key, float("nan")))
    }
    if isnan(found["modularity"]):
        yield Finding("GM206", "n.a.", found["why_not"])
        return
    said = f"{found['communities']} communities (modularity {found['modularity']:.2f}"
    chance = found["modularity_by_chance"]
    said += ")" if isnan(chance) else f", {chance:.2f} if links fell by chance)"
    if not groups:
        yield Finding("GM206", "n.a.", f"{said}; no group is declared that could be compared with them")
        return
    worst = max(groups, key=lambda name: groups[name])
    than = "" if isnan(mine) or outcome is None else f", {outcome.name} with {mine:.2f}"
    said += f" match {worst} with {groups[worst]:.2f}{than} (adjusted mutual information: 0 chance, 1 the same)"
    limit = subject.limit("GM206", "agreement")
    if groups[worst] <= max(limit, 0.0 if isnan(mine) else mine):
        yield Finding("GM206", "pass", said)
        return
    fix = f"judge by: graphmml cv --leave-out {worst}; link over modalities that do not tell one {worst} from another"
    yield Finding("GM206", "warn", f"{said}: the graph falls into {worst} rather than into outcomes", fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say clustering and communities, chance beside each."""
    found, cliques = measures.get("communities", {}), measures.get("clustering", {})
    parts = []
    if isfinite(cliques.get("global", float("nan"))):
        parts.append(f"clustering {cliques['global']:.2f} ({cliques['global_by_chance']:.2f} by chance)")
    if isfinite(found.get("modularity", float("nan"))):
        chance = found["modularity_by_chance"]
        beside = "" if isnan(chance) else f" ({chance:.2f})"
        parts.append(f"{found['communities']} communities, Q {found['modularity']:.2f}{beside}")
        known = {name: value for name, value in found["goes_with"].items() if isfinite(value)}
        parts += [f"AMI {short(name.partition(':')[2], 12)} {value:.2f}" for name, value in list(known.items())[:2]]
    line = "  structure  " + " · ".join(parts)
    if len(line) <= WIDEST:
        yield from [line] if parts else []
        return
    yield "  structure  " + " · ".join(parts[:2])
    yield "             " + " · ".join(parts[2:])


COMMUNITIES = Part("communities", ("GM206",), measure, judge, lines)
