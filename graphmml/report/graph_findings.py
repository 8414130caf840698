"""Findings on a graph: thresholds and words, each sentence with its numbers beside their chance level."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding

SMALLEST_GIANT = 0.9
ISOLATED = 0.05
HUB_SKEW = 3.0
MISSING_RHO = 0.3
ALPHA = 0.05
GROUP_ABOVE = 0.2
GROUP_V = 0.2


def graph_findings(cohort: Cohort, counts: Mapping[str, int], measures: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return every finding, in the order of codes."""
    return (
        *structure(counts, measures),
        *label_relation(cohort, measures),
        *confounding(cohort, measures),
    )


def structure(counts: Mapping[str, int], measures: Mapping[str, Any]) -> Iterator[Finding]:
    """GM2xx: components, isolated patients, hubs."""
    giant = measures["giant"]
    yield Finding(
        "GM201",
        "warn" if giant < SMALLEST_GIANT else "pass",
        f"{counts['components']} components; the largest holds {giant:.0%} of the patients",
        "raise k, or link over several modalities" if giant < SMALLEST_GIANT else "",
    )
    share = counts["isolated"] / max(counts["patients"], 1)
    yield Finding(
        "GM202",
        "warn" if share > ISOLATED else "pass",
        f"{counts['isolated']} patients ({share:.1%}) have no link and are predicted from themselves alone",
        "they may lack the modality: link over several, as in --links neighbours:each=true" if share > ISOLATED else "",
    )
    degree = measures["degree"]
    hubs = degree["hub_skew"] > HUB_SKEW
    yield Finding(
        "GM203",
        "warn" if hubs else "pass",
        f"one patient is listened to by {degree['hub_max']:g} others, {degree['never_heard']:.0%} by nobody "
        f"(skew {degree['hub_skew']:.1f}, severe above {HUB_SKEW:g})",
        "--links neighbours:edges=mutual" if hubs else "",
    )
    rho = degree["heard_by_missingness"]
    if np.isnan(rho):
        yield Finding("GM204", "n.a.", "no patient has more gaps than another, or all are heard alike")
    else:
        gaps = abs(rho) > MISSING_RHO
        yield Finding(
            "GM204",
            "warn" if gaps else "pass",
            f"being listened to goes with having gaps (Spearman {rho:+.2f}, 0 if unrelated)",
            "imputed patients sit in the middle and become hubs: --links neighbours:edges=mutual" if gaps else "",
        )


def label_relation(cohort: Cohort, measures: Mapping[str, Any]) -> Iterator[Finding]:
    """GM3xx: whether linked patients are alike in outcome, beyond chance, in every class."""
    row = outcome_row(cohort, measures)
    if row is None or np.isnan(row["p"]):
        why = "there is no class outcome, no link between labelled patients, or too many paths to measure"
        yield Finding("GM301", "n.a.", why)
        return
    above = row["p"] < ALPHA and row["adjusted"] > 0
    yield Finding(
        "GM301",
        "pass" if above else "warn",
        f"linked patients share the outcome in {row['edge']:.0%} of links, {row['chance']:.0%} by chance "
        f"(adjusted {row['adjusted']:+.2f}, p {row['p']:.3f})",
        "" if above else "these links say nothing of the outcome; try another modality or metric",
    )
    yield Finding(
        "GM302",
        "pass",
        "links made from features repeat what the features say: only cv tells whether they add anything",
    )
    low = [name for name, share in row["by_value"].items() if share < class_share(cohort, name)]
    yield Finding(
        "GM303",
        "warn" if low and above else "pass",
        f"patients of {len(low)} class(es) listen to their like less than chance would have it"
        + (f": {', '.join(low[:5])}" if low else ""),
        "a mean over neighbours blurs this class; keep the residual of the conv" if low and above else "",
    )


def class_share(cohort: Cohort, name: str) -> float:
    """Return the share of labelled patients who have this class."""
    values = cohort.outcome.values if cohort.outcome is not None else None
    return 0.0 if values is None else float((values == name).sum() / values.notna().sum())


def confounding(cohort: Cohort, measures: Mapping[str, Any]) -> Iterator[Finding]:
    """GM4xx: whether the graph is about a group rather than the outcome."""
    row = outcome_row(cohort, measures)
    groups = [str(name) for name in cohort.groups if str(name) in measures["about"]]
    if not groups:
        yield Finding(
            "GM401",
            "n.a.",
            "no group is named to compare with",
            'name one, such as [group.site] path = "..." column = "site"',
        )
        return
    for group in groups:
        yield stronger_than_label(group, measures["about"][group], row)
    for group, value in measures["group_outcome"].items():
        linked = value > GROUP_V
        if not np.isnan(value):
            yield Finding(
                "GM403",
                "warn" if linked else "pass",
                f"{group} goes with the outcome (Cramer's V {value:.2f}, 0 if unrelated)",
                f"read the scores of: graphmml cv --leave-out {group}" if linked else "",
            )


def stronger_than_label(group: str, own: Mapping[str, Any], row: Mapping[str, Any] | None) -> Finding:
    """Compare a group's homophily with the outcome's, and the outcome's p free and within the group."""
    if row is None or np.isnan(own["adjusted"]) or group not in row["p_within"]:
        return Finding("GM401", "n.a.", f"{group}: its values are too small, or there is no outcome, to compare with")
    free, within = row["p"], row["p_within"][group]
    numbers = (
        f"adjusted homophily {own['adjusted']:+.2f} by {group}, {row['adjusted']:+.2f} by outcome "
        f"(p {free:.3f} free, {within:.3f} within {group})"
    )
    fix = f"graphmml cv --leave-out {group}; link over modalities that do not tell {group}"
    if free < ALPHA <= within and own["adjusted"] > 0 and own["p"] < ALPHA:
        return Finding("GM401", "fail", f"linked patients share a {group}, not an outcome: {numbers}", fix)
    if own["adjusted"] > max(row["adjusted"], GROUP_ABOVE):
        return Finding("GM401", "warn", f"the graph knows {group} better than the outcome: {numbers}", fix)
    return Finding("GM401", "pass", f"the graph is not mainly about {group}: {numbers}")


def outcome_row(cohort: Cohort, measures: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the outcome's measures, if there are any."""
    row: Mapping[str, Any] | None = None if cohort.outcome is None else measures["about"].get(cohort.outcome.name)
    return row
