"""The command that writes a report."""

from importlib import import_module
from pathlib import Path

import graphmml as gm
from graphmml.cli.commands import diagnosed, out
from graphmml.cli.findings import FindingChoice, leave
from graphmml.errors import GraphmmlError
from graphmml.report.render_findings import counted


def report(
    source: Path,
    choice: FindingChoice,
    *,
    output: Path,
    links: str,
    cohort: Path | None,
    run: Path | None,
    full: bool,
    seed: int,
) -> None:
    """Write one file on a cohort, its graph and, where it is named, its cross-validation."""
    forms = import_module("graphmml.report.report").FORMS
    if output.suffix not in forms:
        raise GraphmmlError(f"a report ends in {', '.join(forms)}, and '{output.name}' does not")
    known, found = diagnosed(source, choice, links=links, cohort=cohort, full=full, seed=seed)
    made = gm.report_on(known, found, run=run, limit=choice.limit)
    made = made.with_findings(choice.chosen(made.findings))
    made.save(output)
    if choice.format == "json":
        choice.print_json(made.to_json())
    else:
        size = output.stat().st_size / 1000
        out().print(f"wrote {output} ({size:,.0f} kB): {counted(made.findings)}", markup=False)
    leave(made.findings, choice.fail_on)
