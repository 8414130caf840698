"""An audit as rich text: the controls, the group's three scores, the transductive score, the verdict."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from graphmml.report.render_cv import groups_table
from graphmml.train.audit_controls import MODEL
from graphmml.train.audit_result import Audit, AuditRow
from graphmml.train.intervals import span

WIDE = 110
"""From this width on a row's reading stands beside it, else below."""


def audit_parts(audit: Audit, name: str, width: int) -> Iterator[RenderableType]:
    """Yield what `graphmml audit` prints above its findings, the verdict last."""
    result = audit.inside
    parts = (result, audit.permuted, audit.left_out, audit.transductive)
    seconds = sum(unit.seconds for part in parts for unit in part.units)
    yield Text(name, "bold")
    yield Text(f"{result.plan}, inductive, {result.patients} patients, {seconds:.0f} s of computing", "bold")
    yield Text()
    yield from wide_table(audit.rows) if width >= WIDE else narrow_table(audit.rows)
    yield Text(f"AUROC with 95 % intervals {interval_words(audit)}; vs model: less the model's, paired", "dim")
    if audit.groups:
        yield Text()
        yield groups_table(audit.group or "", audit.groups, wide=width >= WIDE, bold=MODEL)
        yield Text(group_words(audit), "dim")
    yield Text()
    yield Text(transductive_words(audit))
    yield Text()
    yield audit.verdict.sentence
    yield Text()


def wide_table(rows: tuple[AuditRow, ...]) -> Iterator[RenderableType]:
    """Show one control a row: its score, the difference to the model, how that reads."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("control", no_wrap=True)
    table.add_column("AUROC", justify="right", no_wrap=True)
    table.add_column("vs model", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in rows:
        table.add_row(Text(row.name, title_style(row)), *numbers(row), Text(row.reading, "dim"))
    yield table


def narrow_table(rows: tuple[AuditRow, ...]) -> Iterator[RenderableType]:
    """Show the same where a reading has no room beside its numbers: below them."""
    name = max(len(row.name) for row in rows)
    score, change = (max(map(len, column)) for column in zip(*(numbers(row) for row in rows), strict=True))
    yield Text(f"{'control':<{name}} {'AUROC':>{score}} {'vs model':>{change}}", "bold")
    for row in rows:
        first, second = numbers(row)
        line = Text(f"{row.name:<{name}}", title_style(row))
        yield line.append(f" {first:>{score}} {second:>{change}}".rstrip(), "default")
        yield Text(f"  {row.reading}", "dim")


def numbers(row: AuditRow) -> tuple[str, str]:
    """Write a row's score and its difference to the model."""
    score = "n.a." if row.auroc is None else span(row.auroc)
    return score, "" if row.change is None else span(row.change, "+")


def title_style(row: AuditRow) -> str:
    """Return how a row's name is written."""
    return "bold" if row.control.name == MODEL else ""


def interval_words(audit: Audit) -> str:
    """Say what intervals mean."""
    return "over patients of one test set" if audit.inside.same_test else "over folds"


def group_words(audit: Audit) -> str:
    """Say what the three scores are of, and that the last is not paired."""
    why = audit.refused.get("left out")
    last = f"left out is n.a.: {why}" if why else "left out: folds of its own, not paired with the others"
    return f"within: pairs of patients of one {audit.group} alone; {last}"


def transductive_words(audit: Audit) -> str:
    """Say the transductive score where no inductive number stands beside it."""
    row = audit.apart
    if row.auroc is None or row.change is None:
        return f"Transductive: n.a., {row.reading}"
    return (
        f"Transductive, a number of another kind than the table's: AUROC {span(row.auroc)} with the test "
        f"patients' features in the training graph, {span(row.change, '+')} for having seen them."
    )
