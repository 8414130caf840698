"""Any result as a rich table, text or CSV; no computing."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.table import Table
from rich.text import Text

from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding, Rule
from graphmml.errors import StoreError
from graphmml.train.intervals import Interval
from graphmml.train.result import CVResult

COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "n.a.": "dim", "skipped": "dim"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cohort_text(cohort: Cohort) -> str:
    """Say what a cohort holds, and what its join left over."""
    return "\n".join([repr(cohort), *(f"  note: {note}" for note in cohort.notes)])


def findings_table(findings: Sequence[Finding]) -> Table:
    """Show warnings and failures in full, nearest the prompt, and count the rest."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for status in ("warn", "fail"):
        for finding in (item for item in findings if item.status == status):
            text = Text(finding.message)
            if finding.fix:
                text.append(f"\n{finding.fix}", style="cyan")
            table.add_row(Text(status.upper(), style=COLOURS[status]), finding.code, text)
    counts = {status: sum(finding.status == status for finding in findings) for status in COLOURS}
    words = " · ".join(f"{count} {status}" for status, count in counts.items() if count)
    table.add_row("", "", Text(f"{words}   (graphmml rule CODE explains one)", style="dim"))
    return table


def cv_table(result: CVResult) -> Table:
    """Show the models in planned order, the difference to no graph in the last column; 80 columns suffice."""
    seconds = sum(row.seconds for row in result.rows)
    title = f"{result.plan}, {result.setting}, {result.patients} patients, {seconds:.0f} s of computing"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), title_style="bold")
    table.add_column("model", overflow="fold", min_width=20)
    for name in ("AUROC (95 %)", "AUPRC", "Brier", "AUROC vs no graph"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.rows:
        difference = (row.vs_no_graph or {}).get("auroc")
        table.add_row(
            Text(row.name, style="bold" if row.kind == "graph" else ""),
            span(row.metrics["auroc"]),
            f"{row.metrics['auprc'].mean:.3f}",
            f"{row.metrics['brier'].mean:.3f}",
            "" if difference is None else span(difference, sign="+"),
        )
    return table


def span(interval: Interval, sign: str = "") -> str:
    """Write a mean and its interval, as 0.902 (.85 to .96) or +0.003 (-.002 to +.008)."""
    if pd.isna(interval.low):
        return f"{interval.mean:{sign}.3f}"
    low, high = (f"{value:{sign}.3f}".replace("0.", ".", 1) for value in (interval.low, interval.high))
    return f"{interval.mean:{sign}.3f} ({low} to {high})"


def rules_table(rules: Sequence[Rule]) -> Table:
    """List codes and titles."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for rule in rules:
        table.add_row(rule.code, rule.title)
    return table


def rule_text(rule: Rule) -> str:
    """Explain one code."""
    return f"{rule.code}  {rule.title}\n\n{rule.meaning}\n\nExample: {rule.example}\n\nWhat to do: {rule.fix}"


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all, no text cell able to start a formula in a spreadsheet."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            text = safe[column].astype("str")
            safe[column] = text.where(~text.str.lstrip().str.startswith(FORMULA), "'" + text)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        safe.to_csv(fresh, index=False)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"{path} could not be written: {error}") from None
