"""A comparison read aloud: which graph follows the outcome, which is a map of a group, which two agree."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from graphmml.data.thresholds import thresholds
from graphmml.report.agreement import Agreement
from graphmml.report.graph_row import GraphRow
from graphmml.report.permutation import smallest_p
from graphmml.report.words import count

SHIPPED = thresholds()
SIGNIFICANT, ASSORTATIVE = SHIPPED("GM401", "p"), SHIPPED("GM401", "assortative")
ALIKE = 1.5
"""Jaccard below this many times chance is called little."""
NESTED = 0.999
NAMED = 2


def reading(rows: Sequence[GraphRow], agreements: Sequence[Agreement], cohort: Mapping[str, Any]) -> Iterator[str]:
    """Yield one to three sentences."""
    known = [row for row in rows if row.outcome is not None and isfinite(row.outcome["adjusted"])]
    if known:
        yield follows(known, cohort)
    elif cohort["outcome"] is None or cohort["outcome_kind"] != "class":
        yield "The cohort has no outcome of classes, so nothing is said of what the graphs follow."
    group = strongest_group(rows)
    if group:
        yield mapped(rows, group, cohort)
    yield from alike(rows, agreements)


def asked_within(row: GraphRow) -> tuple[str, float, float]:
    """Return the group within which least of the outcome's homophily is left, what is left, and its p."""
    within = {} if row.outcome is None else row.outcome["within"]
    left = {name: item for name, item in within.items() if isfinite(item["p"]) and isfinite(item["adjusted"])}
    if not left:
        return "", float("nan"), float("nan")
    name = min(left, key=lambda group: (left[group]["adjusted"], group))
    return name, left[name]["adjusted"], left[name]["p"]


def follows(rows: Sequence[GraphRow], cohort: Mapping[str, Any]) -> str:
    """Say which graph follows the outcome most, within the group that explains most where one can be asked."""
    outcome = cohort["outcome"]
    found = [(row, *asked_within(row)) for row in rows]
    inside = any(name for _, name, _, _ in found)
    scored = []
    for row, group, left, p in found:
        free = row.outcome or {}
        scored.append((left, p, row, group) if inside else (free["adjusted"], free["p"], row, ""))
    bar = max(SIGNIFICANT / len(scored), smallest_p(cohort["patients"]))
    clear = [item for item in scored if isfinite(item[0]) and item[0] > 0 and item[1] <= bar + 1e-12]
    if not clear:
        where = f" once asked within {found[0][1] or 'a group'}" if inside else ""
        return f"No graph follows {outcome} more than chance{where}."
    value, p, row, group = max(clear, key=lambda item: item[0])
    if not group:
        return f"'{row.name}' follows {outcome} most: adjusted homophily {value:+.2f} (0 chance, 1 perfect), p {p:.3f}."
    asked = f"p {p:.3f} ({(row.outcome or {})['adjusted']:+.2f} over all)"
    return f"Within {group}, '{row.name}' follows {outcome} most: adjusted homophily {value:+.2f}, {asked}."


def strongest_group(rows: Sequence[GraphRow]) -> str:
    """Return the group that some graph follows most, those drawn by it aside; empty where there is none."""
    found = {
        name: max((row.groups[name]["adjusted"] for row in rows if free_of(row, name)), default=float("nan"))
        for name in {name: None for row in rows for name in row.groups}
    }
    known = {name: value for name, value in found.items() if isfinite(value)}
    return max(known, key=lambda name: known[name], default="")


def free_of(row: GraphRow, group: str) -> bool:
    """Whether a graph was measured against a group that did not draw its links."""
    return measured_by(row, group) and not drawn_by(row, group)


def drawn_by(row: GraphRow, group: str) -> bool:
    """Whether a graph's links are drawn by the values of a group."""
    return any(f"_{group}_" in f"{name.removeprefix('same')}_" for name in row.relations if name.startswith("same_"))


def measured_by(row: GraphRow, group: str) -> bool:
    """Whether a graph was measured against a group."""
    return group in row.groups and isfinite(row.groups[group]["adjusted"])


def mapped(rows: Sequence[GraphRow], group: str, cohort: Mapping[str, Any]) -> str:
    """Say which graphs follow a group rather than the outcome, and where nothing of the outcome is left within it."""
    rival = [row for row in rows if free_of(row, group)]
    maps = sorted((row for row in rival if is_map(row, group)), key=lambda row: -row.groups[group]["adjusted"])
    empty = [f"'{row.name}'" for row in rows if vanishes(row, group)]
    verb = "follows" if len(empty) == 1 else "follow"
    left = f" Within {group}, {listed(empty)} {verb} {cohort['outcome']} no more than chance." if empty else ""
    own = said_of_drawn(rows, group)
    if not maps:
        most = max(row.groups[group]["adjusted"] for row in rival)
        none = "No other graph" if own else "No graph"
        return f"{own}{none} is a map of {group}: adjusted homophily by {group} is at most {most:+.2f}.{left}"
    rather = f" rather than {cohort['outcome']}" if maps[0].outcome is not None else ""
    told = [f"'{row.name}' ({group} {row.groups[group]['adjusted']:+.2f}{beside(row)})" for row in maps]
    return f"{own}{'Map' if len(maps) == 1 else 'Maps'} of {group}{rather}: {listed(told)}.{left}"


def said_of_drawn(rows: Sequence[GraphRow], group: str) -> str:
    """Say which graphs are maps of a group because they are drawn by it."""
    own = [row for row in rows if measured_by(row, group) and drawn_by(row, group)]
    if not own:
        return ""
    least, most = (end(row.groups[group]["adjusted"] for row in own) for end in (min, max))
    hence = f"{most:+.2f}" if f"{least:.2f}" == f"{most:.2f}" else f"{least:+.2f} to {most:+.2f}"
    names = listed([f"'{row.name}'" for row in own])
    return f"{names} {'is' if len(own) == 1 else 'are'} drawn by {group}, hence {hence}. "


def vanishes(row: GraphRow, group: str) -> bool:
    """Whether the outcome follows the links, and no longer once asked within the group."""
    within = {} if row.outcome is None else row.outcome["within"].get(group, {})
    return bool(row.outcome and row.outcome["p"] < SIGNIFICANT and within.get("p", 0.0) > SIGNIFICANT)


def is_map(row: GraphRow, group: str) -> bool:
    """Whether links join one value of a group, more than by chance and more than they join one outcome."""
    found = row.groups[group]
    outcome = row.outcome["adjusted"] if row.outcome is not None else 0.0
    rival = outcome if isfinite(outcome) else 0.0
    return bool(found["adjusted"] > max(ASSORTATIVE, rival) and found["p"] < SIGNIFICANT)


def beside(row: GraphRow) -> str:
    """Write the outcome's homophily of the same graph."""
    if row.outcome is None or not isfinite(row.outcome["adjusted"]):
        return ""
    return f", {row.outcome['name']} {row.outcome['adjusted']:+.2f}"


def alike(rows: Sequence[GraphRow], agreements: Sequence[Agreement]) -> Iterator[str]:
    """Yield which two graphs of different modalities share most links beyond chance; without such two, which of all."""
    looks = {row.name: set(row.looks_at) for row in rows}
    free = [item for item in agreements if item.overlap < NESTED]
    apart = [item for item in free if looks[item.one] and looks[item.other] and not looks[item.one] & looks[item.other]]
    chosen = apart or free
    if not chosen:
        return
    best = max(chosen, key=lambda item: item.jaccard - item.chance)
    common = f"{percent(best.jaccard)} % of their links in common ({percent(best.chance)} % by chance)"
    said = f"'{best.one}' and '{best.other}' have {common}"
    if not best.lift >= ALIKE:
        yield f"No two graphs{' of different modalities' if apart else ''} agree much beyond chance; at most {said}."
    else:
        yield f"Most alike{' of those from different modalities' if apart else ''}: {said}."


def listed(items: Sequence[str]) -> str:
    """Write the first few, and how many more there are."""
    rest = len(items) - NAMED
    if rest > 0:
        return f"{', '.join(items[:NAMED])} and {count(rest, 'other')}"
    return " and ".join(items)


def percent(share: float) -> str:
    """Write a share in percent, without the sign, with about two digits that count."""
    value = 100.0 * share
    if value >= 9.95 or value < 0.005:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.095 else f"{value:.2f}".removeprefix("0")
