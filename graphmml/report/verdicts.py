"""From measures of a graph to findings: one verdict a code, its numbers in a sentence."""

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.permutation import rounds_for

Measures = Mapping[str, Any]

GIANT = 0.9
SKEW = 3.0
RHO = 0.3
ASSORTATIVE = 0.2
CRAMER = 0.2
SIGNIFICANT = 0.05
STRONG = 0.001
ENRICHED = 1.1


def findings_of(size: Mapping[str, int], measures: Measures) -> tuple[Finding, ...]:
    """Return every verdict, in order of code."""
    outcome = next((row for row in measures["homophily"].values() if row["kind"] == "outcome"), None)
    groups = [row for row in measures["homophily"].values() if row["kind"] == "group"]
    reason = measures["skipped"]
    found = [components(size, measures), isolated(size, measures)]
    found += [skipped(code, reason) for code in ("GM203", "GM204")] if reason else [hubs(measures), imputed(measures)]
    if outcome is None:
        found += [Finding(code, "n.a.", "the cohort has no outcome of classes") for code in OF_OUTCOME]
    elif reason:
        found += [skipped(code, reason) for code in OF_OUTCOME]
    else:
        found += [signal(outcome), circular(outcome), rarest(outcome)]
    found += confounding(size, outcome, groups, measures)
    return tuple(found)


OF_OUTCOME = ("GM301", "GM302", "GM303")


def skipped(code: str, reason: str) -> Finding:
    """Say that the graph was too dense to be measured, and how it can be."""
    fix = "leave common concepts out (a lower `most`, a higher `support`), then this is measured"
    return Finding(code, "skipped", reason, fix)


def components(size: Mapping[str, int], measures: Measures) -> Finding:
    """GM201: whether the graph hangs together."""
    share = measures["components"]["giant_share"]
    said = f"{count(size['components'], 'component')}, the largest holds {share:.1%} of {size['patients']} patients"
    if share >= GIANT:
        return Finding("GM201", "pass", said)
    return Finding("GM201", "warn", said, "raise k, or link by a modality that more patients have")


def isolated(size: Mapping[str, int], measures: Measures) -> Finding:
    """GM202: who has no link at all."""
    alone = size["isolated"]
    if not alone:
        return Finding("GM202", "pass", "every patient has a link")
    lacking = measures["components"]["isolated_without"]
    worst = max(lacking, key=lambda name: lacking[name], default=None)
    why = "" if worst is None else f"; {lacking[worst]} of them lack '{worst}'"
    said = f"{alone} of {size['patients']} patients ({alone / size['patients']:.1%}) have no link{why}"
    return Finding(
        "GM202",
        "warn",
        said,
        "link over all modalities (neighbours without a modality), or accept that "
        "they are predicted from their own features alone",
    )


def hubs(measures: Measures) -> Finding:
    """GM203: whether a few patients speak to everybody."""
    heard = measures["listened_to"]
    said = (
        f"skew {heard['skew']:.1f} of being listened to; the most listened-to patient is in "
        f"{heard['top_share']:.1%} of lists, {heard['never']:.1%} are in none"
    )
    if heard["skew"] <= SKEW:
        return Finding("GM203", "pass", said)
    return Finding("GM203", "warn", said, "neighbours:edges=mutual keeps a link only if both list each other")


def imputed(measures: Measures) -> Finding:
    """GM204: whether the hubs are those of whom little is known."""
    rho = measures["listened_to"]["rho_missing"]
    if isnan(rho):
        return Finding("GM204", "n.a.", "patients do not differ in what is missing, or all are listened to alike")
    said = f"being listened to goes with the share of missing cells: rank correlation {rho:+.2f}"
    if abs(rho) <= RHO:
        return Finding("GM204", "pass", said)
    who = "most" if rho > 0 else "least"
    fix = f"patients with {who} missing are hubs: neighbours:edges=mutual, or link by a modality measured in all"
    return Finding("GM204", "warn", said, fix)


def signal(outcome: Measures) -> Finding:
    """GM301: whether links join equal outcomes more often than chance."""
    if isnan(outcome["p"]):
        return Finding("GM301", "n.a.", "no link joins two patients with known outcomes of more than one class")
    said = (
        f"{outcome['edge']:.1%} of links join equal {outcome['name']}, {outcome['chance']:.1%} by chance: "
        f"adjusted homophily {outcome['adjusted']:.3f}, p {outcome['p']:.3f}"
    )
    if outcome["p"] < SIGNIFICANT:
        return Finding("GM301", "pass", said)
    return Finding("GM301", "warn", said, "link by another modality or metric, or expect no gain from the graph")


def circular(outcome: Measures) -> Finding:
    """GM302: what homophily of a graph drawn from features can say."""
    said = (
        f"links drawn from patients' features agree on {outcome['name']} when the features carry it; that is no "
        "proof that the graph adds anything"
    )
    return Finding("GM302", "pass", said, "graphmml cv holds the graph against the same network without edges")


def rarest(outcome: Measures) -> Finding:
    """GM303: whether the rarest class has neighbours of its own."""
    name = min(outcome["by_value"], key=lambda value: outcome["by_value"][value]["patients"], default="")
    row = outcome["by_value"].get(name)
    if row is None or isnan(row["node"]) or len(outcome["by_value"]) < 2:
        return Finding("GM303", "n.a.", "no class has neighbours with a known outcome to compare it with")
    said = (
        f"rarest class {outcome['name']}={name}: {row['node']:.1%} of those its patients listen to are of it, "
        f"{row['share']:.1%} of all patients are"
    )
    if row["node"] >= ENRICHED * row["share"]:
        return Finding("GM303", "pass", said)
    return Finding(
        "GM303",
        "warn",
        said,
        "averaging over neighbours hides this class: fewer neighbours, another "
        "modality, or a convolution that keeps a patient's own features apart (sage)",
    )


def confounding(
    size: Mapping[str, int], outcome: Measures | None, groups: list[Measures], measures: Measures
) -> Iterator[Finding]:
    """GM401 to GM403, one each a group."""
    if not groups:
        yield from (Finding(code, "n.a.", "no group is declared") for code in ("GM401", "GM402", "GM403"))
        return
    for group in groups:
        yield stronger(size, outcome, group, measures["skipped"])
    yield by_construction(groups, measures["relations"])
    for group in groups:
        yield tied(outcome, group)


def stronger(size: Mapping[str, int], outcome: Measures | None, group: Measures, reason: str) -> Finding:
    """GM401: whether the group links patients, and the outcome only through it."""
    if reason:
        return skipped("GM401", reason)
    name = group["name"]
    said = f"links join equal {name}: adjusted homophily {group['adjusted']:.3f}"
    if outcome is None or isnan(outcome["p"]):
        return Finding("GM401", "n.a.", f"{said}; there is no homophily of the outcome to hold it against")
    within = outcome["p_within"][name]
    said += f", of {outcome['name']} {outcome['adjusted']:.3f} (p {outcome['p']:.3f} free, " + (
        f"groups too small to ask within {name})" if isnan(within) else f"{within:.3f} within {name})"
    )
    fix = f"judge by: graphmml cv --leave-out {name}; link over modalities that do not tell one {name} from another"
    # the smallest p that the exchanges can give counts as below STRONG, however few they are
    free = outcome["p"] <= max(STRONG, 1.0 / (rounds_for(size["patients"]) + 1)) + 1e-12
    if group["p"] < SIGNIFICANT and free and within > SIGNIFICANT:
        return Finding("GM401", "fail", f"{said}: the signal vanishes within {name}", fix)
    if group["adjusted"] > max(ASSORTATIVE, outcome["adjusted"]):
        return Finding("GM401", "warn", f"{said}: neighbours share {name} rather than {outcome['name']}", fix)
    return Finding("GM401", "pass", said)


def by_construction(groups: list[Measures], relations: Measures) -> Finding:
    """GM402: whether a group is itself what links patients."""
    shared = [name for name in relations if name.startswith("same_")]
    if not shared:
        return Finding("GM402", "n.a.", "no relation links patients by a shared phenotype")
    for relation in shared:
        for group in groups:
            if f"_{group['name']}_" in f"{relation.removeprefix('same')}_":
                said = (
                    f"relation '{relation}' is drawn by group {group['name']}: patients are alike in it by construction"
                )
                return Finding("GM402", "warn", said, f"leave {group['name']} out of the links, or say why it belongs")
    return Finding("GM402", "pass", "no group is used to link patients")


def tied(outcome: Measures | None, group: Measures) -> Finding:
    """GM403: whether the group tells the outcome."""
    name = group["name"]
    if outcome is None:
        return Finding("GM403", "n.a.", f"the cohort has no outcome of classes to hold {name} against")
    v = outcome["cramers_v"][name]
    if isnan(v):
        return Finding(
            "GM403", "n.a.", f"{name} or {outcome['name']} does not vary enough to be held against the other"
        )
    said = f"{name} and {outcome['name']} go together: bias-corrected Cramer's V {v:.2f}"
    if v <= CRAMER:
        return Finding("GM403", "pass", said)
    return Finding("GM403", "warn", said, f"read the scores of: graphmml cv --leave-out {name}")


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
