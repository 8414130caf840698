"""Any result as a rich table, text or CSV; no computing."""

import os
from pathlib import Path

import pandas as pd
from rich.table import Table
from rich.text import Text

from graphmml.data.cohort import Cohort
from graphmml.errors import StoreError
from graphmml.report.measures import SMALLEST_CELL
from graphmml.train.intervals import span
from graphmml.train.missing_patterns import MissingScores
from graphmml.train.result import CVResult

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cohort_text(cohort: Cohort) -> str:
    """Say what a cohort holds, and what its join left over."""
    return "\n".join([repr(cohort), *(f"  note: {note}" for note in cohort.notes)])


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


def missing_table(scores: MissingScores) -> Table:
    """Show the first graph and its twin without edges for patients who have everything, and who lack each modality."""
    table = Table(title="\nby what is missing, AUROC (95 %)", title_justify="left", box=None, padding=(0, 1, 0, 0))
    first = scores.rows[0].model
    twin = next((row.model for row in scores.rows if row.kind == "no-graph"), "")
    told = {(row.model, row.pattern): row for row in scores.rows}
    for name in ("patients who", "n", "graph", "no graph"):
        table.add_column(name, justify="left" if name == "patients who" else "right", overflow="fold")
    for row in scores.rows:
        if row.model == first and not row.pattern.startswith("only "):
            cells = [told.get((model, row.pattern)) for model in (first, twin)]
            numbers = ["" if cell is None else cell.note or span(cell.auroc, digits=2) for cell in cells]
            count = f"{row.patients}" if row.patients >= SMALLEST_CELL else f"<{SMALLEST_CELL}"
            lacked = "have everything" if row.pattern == "complete" else f"lack {row.pattern.removesuffix(' missing')}"
            table.add_row(Text(lacked), count, *numbers)
    return table


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
