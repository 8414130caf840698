"""A cross-validation as rich text: the models, the group's three scores, what is missing; no computing."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from graphmml.train.audit_groups import GroupScores
from graphmml.train.group_table import GroupTable
from graphmml.train.intervals import Interval, span
from graphmml.train.missing_patterns import MissingScores
from graphmml.train.result import CVResult
from graphmml.train.row import Row

FEW = 5
"""Fewer folds make an interval that says little."""
WIDE = 110
"""From this width on there is room for losses, calibration and p-values."""
HOLM = "; p after Holm (1979) over the graphs tried"


def cv_parts(
    result: CVResult, groups: GroupTable | None, missing: MissingScores | None, width: int
) -> Iterator[RenderableType]:
    """Yield what `graphmml cv` prints: the table, its verdict, the group's three scores, scores by what is missing."""
    yield cv_table(result, wide=width >= WIDE)
    yield Text(table_words(result) + (HOLM if width >= WIDE and result.comparisons() else ""), "dim")
    for line in result.verdict:
        yield Text(line)
    if groups is not None:
        yield Text()
        first = next(row.name for row in result.rows)
        yield groups_table(groups.group, groups.rows, wide=width >= WIDE, bold=first)
        yield Text(group_words(groups), "dim")
    if missing is not None:
        yield Text()
        yield missing_table(missing)


def cv_table(result: CVResult, *, wide: bool = False) -> Table:
    """Show the models in planned order, the difference to no graph in the last column; 80 columns suffice."""
    title = f"{result.plan}, {result.setting}, {result.patients} patients"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), title_style="bold")
    table.add_column("model", overflow="fold", min_width=20)
    more = ("log-loss", "slope") if wide else ()
    for name in ("AUROC (95 %)", "AUPRC", "Brier", *more, "AUROC vs no graph", *(("p",) if wide else ())):
        table.add_column(name, justify="right", no_wrap=True)
    p = {one.model: one.p_holm for one in result.comparisons()}
    for row in result.rows:
        table.add_row(Text(row.name, style="bold" if row.kind == "graph" else ""), *cells(row, p, wide=wide))
    return table


def cells(row: Row, p: dict[str, float], *, wide: bool) -> list[str]:
    """Write a row's scores."""
    difference = (row.vs_no_graph or {}).get("auroc")
    shown = ("auprc", "brier", "log_loss", "calibration_slope") if wide else ("auprc", "brier")
    scores = [f"{row.metrics[name].mean:.{2 if name == 'calibration_slope' else 3}f}" for name in shown]
    told = p.get(row.name)
    tail = ["" if told is None else f"{told:.3f}"] if wide else []
    return [span(row.metrics["auroc"]), *scores, "" if difference is None else span(difference, sign="+"), *tail]


def table_words(result: CVResult) -> str:
    """Say what intervals and differences are, and the scores of several classes."""
    several = "; scores of several classes: the mean of each against the others" if len(result.classes) > 2 else ""
    return interval_words(result) + several


def interval_words(result: CVResult) -> str:
    """Say what intervals and differences are."""
    if result.same_test:
        return "95 % intervals: bootstrap over the test patients, and over trainings by their seeds; differences paired"
    folds = len({unit.key for unit in result.units})
    few = f"; of {folds} folds alone they are rough" if folds < FEW else ""
    return f"95 % intervals: corrected resampled t over folds (Nadeau and Bengio 2003); differences paired by fold{few}"


def groups_table(group: str, rows: Sequence[GroupScores], *, wide: bool, bold: str) -> Table:
    """Show AUROC pooled, within the group and with its values left out, side by side."""
    digits = 3 if wide else 2
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(f"by {group}", no_wrap=wide, overflow="fold")
    for title in ("pooled", f"within {group}", f"{group} left out"):
        table.add_column(title, justify="right", overflow="fold")
    for scores in rows:
        told = (written(score, digits) for score in (scores.pooled, scores.within, scores.left_out))
        table.add_row(Text(scores.model, "bold" if scores.model == bold else ""), *told)
    return table


def written(score: Interval | None, digits: int) -> str:
    """Write a score, n.a. where there is none."""
    return "n.a." if score is None else span(score, digits=digits)


def group_words(groups: GroupTable) -> str:
    """Say what the three scores are of."""
    apart = groups.why or "left out: folds of its own, each testing values that were not trained on"
    return f"AUROC; within: pairs of patients of one {groups.group} alone; {apart}"


def missing_table(scores: MissingScores) -> Table:
    """Show the first graph and its twin without edges for patients who have everything, and who lack each modality."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    first = scores.rows[0].model
    twin = next((row.model for row in scores.rows if row.kind == "no-graph"), "")
    told = {(row.model, row.pattern): row for row in scores.rows}
    for name in ("AUROC, folds pooled (95 %), of those who", "n", "graph", "no graph"):
        table.add_column(name, justify="left" if name.startswith("AUROC") else "right", overflow="fold")
    for row in scores.rows:
        if row.model == first and not row.pattern.startswith("only "):
            found = [told.get((model, row.pattern)) for model in (first, twin)]
            numbers = ["" if cell is None else cell.note or span(cell.auroc, digits=2) for cell in found]
            lacked = "have everything" if row.pattern == "complete" else f"lack {row.pattern.removesuffix(' missing')}"
            table.add_row(Text(lacked), row.number, *numbers)
    return table
