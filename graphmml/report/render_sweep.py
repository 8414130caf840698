"""A sweep over fusions as one rich table and its reading."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from graphmml.train.intervals import Interval, span
from graphmml.train.row import Row
from graphmml.train.sweep import FusionSweep

WIDE = 110
"""From this width on there is room for scores with their intervals, Brier scores and seconds."""


def sweep_parts(sweep: FusionSweep, width: int) -> Iterator[RenderableType]:
    """Yield what `graphmml compare --fusion` prints, from the table to the sentences nearest the prompt."""
    yield sweep_table(sweep, wide=width >= WIDE)
    for name, why in sweep.refused.items():
        yield Text(f"{name} did not run: {why}", style="yellow")
    yield Text()
    for sentence in sweep.verdict:
        yield Text(sentence)


def sweep_table(sweep: FusionSweep, *, wide: bool) -> Table:
    """Show one fusion a line, best first, then the controls; what is best is said below with its doubt."""
    result = sweep.result
    seconds = sum(row.seconds for row in result.rows)
    title = f"{result.plan}, {result.setting}, {result.patients} patients, {seconds:.0f} s of computing"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), title_style="bold")
    table.add_column("fusion", overflow="fold", min_width=18)
    names = ["AUROC", f"vs {sweep.first}", "vs no graph", *(("Brier", "seconds") if wide else ())]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in sorted(sweep.rows, key=lambda row: -row.metrics["auroc"].mean):
        name = Text(spaced(row.name), style="bold" if row.name == sweep.first else "")
        table.add_row(name, *cells(sweep, row, wide=wide))
    for row in sweep.controls:
        table.add_row(Text(spaced(row.name), style="dim"), *cells(sweep, row, wide=wide))
    for name in sweep.refused:
        table.add_row(Text(spaced(name), style="yellow"), *["-"] * len(names))
    return table


def spaced(name: str) -> str:
    """Let a name break between its options."""
    return name.replace(":", ": ").replace(",", ", ").replace(",  ", ", ")


def cells(sweep: FusionSweep, row: Row, *, wide: bool) -> list[str]:
    """Write one row's numbers."""
    auroc = row.metrics["auroc"]
    against = (row.vs_no_graph or {}).get("auroc")
    lead = None if row.name == sweep.first else sweep.against_first(row.name)
    numbers = [span(auroc) if wide else f"{auroc.mean:.3f}", signed(lead), signed(against)]
    return [*numbers, f"{row.metrics['brier'].mean:.3f}", f"{row.seconds:.0f}"] if wide else numbers


def signed(difference: Interval | None) -> str:
    """Write a difference with its interval, or nothing."""
    return "" if difference is None else span(difference, sign="+")
