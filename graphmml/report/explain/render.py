"""An explanation in a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from graphmml.report.explain.counterfactual import shown
from graphmml.report.explain.explanation import Explanation, Told
from graphmml.report.explain.importance_result import Importances
from graphmml.report.explain.part import KINDS, PartKind
from graphmml.report.words import short

MOST = {"modality": 20, "feature": 10, "relation": 10, "second hand": 5, "link": 8}
"""Rows of each kind."""
BAR = 16
"""Columns of a bar on each side of zero, at 80 columns."""


def explanation_parts(told: Explanation, width: int) -> Iterator[RenderableType]:
    """Yield what `graphmml explain` prints, from the probability to what must be kept in mind."""
    p = told.probabilities[told.explained]
    others = ", ".join(f"'{name}' {value:.2f}" for name, value in told.probabilities.items() if name != told.explained)
    yield Text(f"{told.patient}: '{told.explained}' with probability {p:.2f} ({others})", style="bold")
    yield Text(f"{told.method}: {told.unit}", style="dim")
    for kind in KINDS:
        if told.of_kind(kind):
            yield Text()
            yield part_table(told, kind, width)
    yield Text()
    for words in sentences(told):
        yield Text(words)
    for note in told.notes:
        yield Text(note, style="dim")


def importance_parts(found: Importances) -> Iterator[RenderableType]:
    """Yield what `graphmml explain --folds` prints: a table a kind of part, and how far folds agree on it."""
    yield Text(f"what counts for held-out patients, over {found.folds} folds", style="bold")
    yield Text("change: of the probability without it, 0 or more whatever it says; drop: of AUROC if exchanged", "dim")
    for stable in found.stability:
        rows, _ = found.ranked(stable.kind)
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
        more = f", {MOST[stable.kind]} of {len(rows)}" if len(rows) > MOST[stable.kind] else ""
        table.add_column(f"{stable.kind}{more}", overflow="fold", min_width=24)
        for name in ("change (95 %)", "drop (95 %)"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in rows[: MOST[stable.kind]]:
            table.add_row(Text(row.part.label), found.said(row, "change"), found.said(row, "drop"))
        yield Text()
        yield table
        if stable.kendall == stable.kendall:
            agree = f"first {stable.top} in common {stable.jaccard:.2f} (by chance {stable.jaccard_chance:.2f})"
            yield Text(f"folds agree on the order by Kendall {stable.kendall:+.2f} (by chance 0), {agree}", "dim")


def sentences(told: Explanation) -> Iterator[str]:
    """Yield fidelity and both counterfactuals in words."""
    if told.fidelity is not None:
        yield told.fidelity.sentence
    yield told.feature.words
    yield told.links.words


def part_table(told: Explanation, kind: PartKind, width: int) -> Table:
    """Show the parts of one kind, the largest effect first; bars are to scale within a table."""
    rows = told.of_kind(kind)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", expand=False)
    name = 34 if width < 110 else 48
    more = f", {MOST[kind]} of {len(rows)}" if len(rows) > MOST[kind] else ""
    table.add_column(f"{kind}{more}", width=name, no_wrap=True)
    table.add_column("effect", width=7, justify="right", no_wrap=True)
    table.add_column("", width=2 * BAR + 1, no_wrap=True)
    if width >= 110:
        table.add_column("spread", width=7, justify="right", no_wrap=True)
    largest, digits = abs(rows[0].attribution.effect), 4 if kind == "link" else 3
    for item in rows[: MOST[kind]]:
        effect, spread = item.attribution.effect, item.attribution.spread
        cells = [Text(labelled(item, name)), Text(f"{effect:{told.sign}.{digits}f}"), bar(effect, largest)]
        table.add_row(*cells, *([Text(f"{spread:.{digits}f}" if spread == spread else "")] if width >= 110 else []))
    return table


def labelled(item: Told, width: int) -> str:
    """Write a part with what the patient has there, or of which class a neighbour is."""
    part = item.attribution.part
    if part.kind == "feature":
        value = short(shown(item.value), max(width - len(part.label) - 3, 12))
        return f"{short(part.label, width - len(value) - 3)} = {value}"
    if part.kind == "link":
        label = short(f" ('{item.label}')", 14) if item.label else ""
        return short(f"{part.name}{label}, {part.through}", width)
    return short(part.label, width)


def bar(effect: float, largest: float) -> Text:
    """Draw an effect to the right of the middle, or where it is against, to the left."""
    cells = round(BAR * abs(effect) / largest) if largest > 0 else 0
    if effect < 0:
        return Text(" " * (BAR - cells) + "▇" * cells + "│", style="red")
    return Text(" " * BAR + "│" + "▇" * cells, style="blue")
