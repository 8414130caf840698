"""Do links join patients of the same outcome, or of the same group?"""

from collections.abc import Iterator
from math import isfinite, isnan
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.measures import SMALLEST_CELL, Target, target_measures
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.rewired import rewired_p
from graphmml.report.panel.signal import outcome_row
from graphmml.report.permutation import rounds_for
from graphmml.report.within import all_strata, homophily_within
from graphmml.report.words import bounded, count, short

CODES = ("GM301", "GM302", "GM303")
ROWS = 8
NO_OUTCOME = "the cohort has no outcome"
NO_CLASSES = "the outcome is not of classes"


def measure(subject: Subject) -> dict[str, Any]:
    """Return homophily and its p for the outcome and each group; without links, what can be said of the tables.

    The outcome is also measured within each group (`within`, `p_within`) and everything against links drawn anew
    (`p_rewired`).
    """
    rows = target_measures(subject.adjacency, list(subject.targets), subject.seed, informed=True)
    for target in subject.targets:
        rounds = rounds_for(len(target.labels))
        row = rows[target.key]
        row["p_rewired"] = rewired_p([subject.adjacency], target.labels, rounds=rounds, seed=subject.seed)
        if target.kind == "outcome":
            row["within"] = left_within(subject, target)
    return {"homophily": rows}


def left_within(subject: Subject, outcome: Target) -> dict[str, float]:
    """Return what is left of the outcome's homophily within each group; NaN where strata are too small to ask."""
    groups = {group.name: group.labels for group in subject.groups}
    return {
        name: float("nan") if strata is None else homophily_within(subject.adjacency, outcome.labels, strata)
        for name, strata in all_strata(groups, outcome.labels >= 0).items()
    }


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM301 to GM303, of the outcome; of an outcome that is not of classes GM301 alone."""
    outcome = outcome_row(measures)
    limit = subject.limit("GM301", "p")
    if outcome is None:
        none = NO_OUTCOME if subject.cohort.outcome is None else NO_CLASSES
        yield alike(measures["numbers"], limit) if measures.get("numbers") else Finding("GM301", "n.a.", none)
        yield from (Finding(code, "n.a.", none) for code in CODES[1:])
        return
    yield signal(outcome, limit)
    yield circular(outcome, measures["label_relation"].get("votes"))
    yield smallest(outcome, subject.limit("GM303", "enriched"), subject.limit("GM303", "adjusted"))


def signal(outcome: Measures, limit: float) -> Finding:
    """GM301: whether links join equal outcomes more often than chance."""
    if isnan(outcome["p"]):
        return Finding("GM301", "n.a.", "no link joins two patients with known outcomes of more than one class")
    said = (
        f"{outcome['edge']:.1%} of links join equal {outcome['name']}, {outcome['chance']:.1%} by chance: "
        f"adjusted homophily {outcome['adjusted']:.3f}, p {outcome['p']:.3f}"
    )
    if outcome["p"] < limit:
        return Finding("GM301", "pass", said)
    if outcome["p_informativeness"] < limit:
        fix = "unlike patients are linked: a convolution that keeps a patient's own features apart (sage) can use that"
        told = f"{said}; but a neighbour's {outcome['name']} tells one's own (p {outcome['p_informativeness']:.3f})"
        return Finding("GM301", "warn", told, fix)
    return Finding("GM301", "warn", said, "link by another modality or metric, or expect no gain from the graph")


def alike(row: Measures, limit: float) -> Finding:
    """GM301 for numbers and survival times: whether linked patients have values more alike than chance."""
    if isnan(row["p"]):
        return Finding("GM301", "n.a.", "no link joins two patients with known outcomes that differ")
    of = row["name"] if row["what"] == "value" else f"how long patients go without {row['name']}"
    said = (
        f"linked patients are {1 - row['regression']:.1%} of the range apart in {of}, "
        f"{1 - row['regression_by_chance']:.1%} by chance: Moran's I of its {row['what']}s {row['moran']:.3f}, "
        f"p {row['p']:.3f}"
    )
    if row["p"] < limit:
        return Finding("GM301", "pass", said)
    return Finding("GM301", "warn", said, "link by another modality or metric, or expect no gain from the graph")


def circular(outcome: Measures, votes: Measures | None) -> Finding:
    """GM302: what homophily of a graph drawn from features can say."""
    if not votes or isnan(votes["accuracy"]):
        return Finding("GM302", "n.a.", f"no link joins two patients with known {outcome['name']}")
    said = (
        f"a vote of those a patient listens to tells {outcome['name']}: balanced accuracy {votes['accuracy']:.2f}, "
        f"AUROC {votes['auroc']:.2f}; {outcome['node']:.0%} of neighbours are alike, {votes['majority']:.0%} of "
        "patients are of the commonest class. If links were drawn from features, this is what nearest neighbours can "
        "do without any network, and no proof that the graph adds anything"
    )
    return Finding("GM302", "pass", said, "graphmml cv holds the graph against the same network without edges")


def smallest(outcome: Measures, enriched: float, adjusted: float) -> Finding:
    """GM303: whether the smallest class has neighbours of its own."""
    name = min(outcome["by_value"], key=lambda value: outcome["by_value"][value]["patients"], default="")
    row = outcome["by_value"].get(name)
    if row is None or isnan(row["node"]) or len(outcome["by_value"]) < 2:
        return Finding("GM303", "n.a.", "no class has neighbours with a known outcome to compare it with")
    whole = sum(of["patients"] for of in outcome["by_value"].values())
    few = row["patients"] < SMALLEST_CELL
    share = bounded(row["patients"], whole)[1] if few else f"{row['share']:.1%}"
    said = (
        f"smallest class {outcome['name']}={name}: {row['node']:.1%} of those its patients listen to are of it, "
        f"{share} of all patients are"
    )
    # of a class of half the patients a tenth more is much, of a rare one little
    if row["node"] >= min(enriched * row["share"], row["share"] + adjusted * (1.0 - row["share"])):
        return Finding("GM303", "pass", said)
    fix = (
        "averaging over neighbours hides this class: fewer neighbours, another modality, or a convolution that keeps "
        "a patient's own features apart (sage)"
    )
    return Finding("GM303", "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say a line for the outcome and each group, chance beside homophily."""
    rows = list(measures["homophily"].values())
    if rows:
        yield f"  {'descriptive: all labelled rows':<30}  edge  chance  adjusted   node      p"
    for row in rows[:ROWS]:
        numbers = f"{row['edge']:6.3f}  {row['chance']:6.3f}  {row['adjusted']:8.3f}  {row['node']:5.3f}"
        yield f"  {short(row['name'], 28):<28}  {numbers}  {row['p']:5.3f}"
        within = [(name, p) for name, p in row.get("p_within", {}).items() if isfinite(p)]
        for name, p in within[:1]:
            yield f"    within {short(name, 19):<19}  {'':31}  {p:5.3f}"
    if len(rows) > ROWS:
        yield f"  and {count(len(rows) - ROWS, 'group')} more in frame()"


LABELS = Part("labels", CODES, measure, judge, lines)
