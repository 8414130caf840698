"""A comparison as rich tables: the graphs side by side, then who agrees with whom."""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from graphmml.report.compare_words import SIGNIFICANT, asked_within, percent, strongest_group
from graphmml.report.comparison import DESCRIPTIVE, Comparison
from graphmml.report.graph_row import GraphRow
from graphmml.report.permutation import rounds_for
from graphmml.report.words import short

WIDE = 96
"""From this width on there is room for pairs and hubs."""
MOST = 8
NOTHING = "-"


def comparison_parts(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    """Yield what `graphmml compare` prints, from the table to the sentences nearest the prompt."""
    yield graphs_table(comparison, wide=width >= WIDE)
    yield Text(legend(comparison, wide=width >= WIDE), style="dim")
    for at, row in enumerate(comparison.rows, 1):
        if row.note:
            yield Text(f"{at}  {row.note}", style="yellow" if row.status == "failed" else "dim")
    if comparison.agreements:
        yield Text()
        yield agreement_table(comparison)
    yield Text()
    for sentence in comparison.verdict:
        yield Text(sentence)
    yield Text(DESCRIPTIVE, style="dim")


def graphs_table(comparison: Comparison, *, wide: bool) -> Table:
    """Show one graph a line; what nobody has takes no column."""
    table = Table(title=comparison.title(), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("links", overflow="fold", min_width=12)
    columns = shown(comparison, wide=wide)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True, vertical="top")
    for at, row in enumerate(comparison.rows, 1):
        cells = (columns[heading](row) if row.status != "failed" else NOTHING for heading in columns)
        table.add_row(str(at), Text(spaced(row.name)), *cells)
    return table


def shown(comparison: Comparison, *, wide: bool) -> dict[str, Any]:
    """Return what writes the cells below each heading."""
    group = strongest_group(comparison.rows)
    columns: dict[str, Any] = {"pairs": lambda row: compact(row.pairs)} if wide else {}
    columns |= {
        "degree": degree,
        "alone": lambda row: compact(row.isolated),
    }
    columns |= {"parts": lambda row: compact(row.components)} if wide else {}
    columns["giant"] = lambda row: f"{row.giant_share:.0%}" if isfinite(row.giant_share) else NOTHING
    columns |= {"hubs": lambda row: number(row.skew)} if wide else {}
    if any(row.outcome is not None for row in comparison.rows):
        columns[short(str(comparison.cohort["outcome"]), 9)] = lambda row: followed(row.outcome)
    if any(asked_within(row)[0] for row in comparison.rows):
        columns[f"in {short(group, 6)}" if comparison.cohort["groups"] == 1 else "in group"] = asked
    if group:
        columns[short(group, 9)] = lambda row: followed(row.groups.get(group))
    return columns | {"s": lambda row: seconds(row.seconds), "MB": lambda row: whole(row.memory_mb)}


def spaced(name: str) -> str:
    """Let a name of the command line break behind its commas and its colon."""
    return re.sub(r"([,:])(?=[^\s:])", r"\1 ", name)


def degree(row: GraphRow) -> str:
    """Write fewest/median/most linked patients."""
    return "/".join(map(compact, row.degree.values())) if isfinite(row.degree["max"]) else NOTHING


def followed(found: Mapping[str, Any] | None) -> Text:
    """Write adjusted homophily and its p, dim where it is not more than chance."""
    if found is None or not isfinite(found["adjusted"]):
        return Text(NOTHING)
    return Text(f"{bare(found['adjusted'])} {bare(found['p'], sign='', digits=3)}", style=tone(found["p"]))


def asked(row: GraphRow) -> Text:
    """Write what is left of the outcome's homophily within the group that explains most of it."""
    name, left, p = asked_within(row)
    return followed({"adjusted": left, "p": p}) if name else Text(NOTHING)


def tone(p: float) -> str:
    """Return the style of a number by its p."""
    return "" if p < SIGNIFICANT else "dim"


def bare(value: float, sign: str = "+", digits: int = 2) -> str:
    """Write a number below 1 without its zero, as +.21."""
    written = f"{round(value, digits) + 0.0:{sign}.{digits}f}"  # no minus before zero
    return written.replace("0.", ".", 1) if abs(value) < 1 else written


def number(value: float) -> str:
    """Write a number with the digits that matter."""
    if not isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def seconds(value: float) -> str:
    """Write a time."""
    return "<.01" if value < 0.01 else number(value)


def whole(value: float) -> str:
    """Write a size that need not be exact."""
    return "<1" if value < 1 else compact(round(value) if isfinite(value) else value)


def compact(value: float) -> str:
    """Write a count in at most five characters."""
    if not isfinite(value):
        return NOTHING
    if value < 9999.5:
        return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:.3g}"
    return f"{value / 1000:.3g}k" if value < 999_500 else f"{value / 1_000_000:.3g}M"


def legend(comparison: Comparison, *, wide: bool) -> str:
    """Say what the columns mean, those that are there."""
    parts = ["degree: fewest/median/most linked patients", "alone: patients without a link"]
    giant = "parts, giant: components, and the share of patients" if wide else "giant: share of patients"
    parts.append(f"{giant} in the largest" + ("" if wide else " component"))
    parts += ["hubs: skew of being listened to"] if wide else []
    outcome = any(row.outcome is not None for row in comparison.rows)
    group = strongest_group(comparison.rows)
    if outcome or group:
        names = [str(comparison.cohort["outcome"])] * outcome + [group] * bool(group)
        rounds = rounds_for(comparison.cohort["patients"])
        parts.append(f"{' and '.join(names)}: adjusted homophily (0 chance, 1 perfect) and p of {rounds} exchanges")
    if any(asked_within(row)[0] for row in comparison.rows):
        where = group if comparison.cohort["groups"] == 1 else "the group that explains most"
        parts.append(f"in {where}: the same for outcomes exchanged within it")
    if group and comparison.cohort["groups"] > 1:
        parts.append(f"{group}: of {comparison.cohort['groups']} groups the one most followed, the others with --json")
    parts.append("s, MB: of drawing the links, MB at least")
    return "; ".join([*parts, f"encoding: {number(comparison.encoding_seconds)} s, once"])


def agreement_table(comparison: Comparison) -> Table:
    """Show the Jaccard index of each two graphs with that of chance, the first few graphs alone."""
    found = {(item.one, item.other): item for item in comparison.agreements}
    linked = {name for pair in found for name in pair}
    rows = [(at, row) for at, row in enumerate(comparison.rows, 1) if row.name in linked]
    rest = len(rows) - MOST
    more = f", first {MOST} of {len(rows)} graphs" if rest > 0 else ""
    title = f"links in common (Jaccard, %), beside chance{more}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("links", overflow="fold", min_width=12)
    for at, _ in rows[:MOST][:-1]:
        table.add_column(str(at), justify="right", no_wrap=True)
    for place, (at, row) in enumerate(rows[:MOST]):
        if place:
            earlier = (found[other.name, row.name] for _, other in rows[:place])
            table.add_row(str(at), Text(spaced(row.name)), *(both(item.jaccard, item.chance) for item in earlier))
    return table


def both(jaccard: float, chance: float) -> str:
    """Write a share and its chance level in percent, as 11/1.3."""
    return f"{percent(jaccard)}/{percent(chance)}"
