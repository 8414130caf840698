"""The command that writes a report."""

from importlib import import_module
from pathlib import Path

import graphmml as gm
from graphmml.cli.choices import links_of
from graphmml.cli.commands import matching, out, progress
from graphmml.cli.findings import FindingChoice, leave
from graphmml.errors import GraphmmlError


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
    home = import_module("graphmml.report.report")
    if output.suffix not in home.FORMS:
        raise GraphmmlError(f"a report ends in {', '.join(home.FORMS)}, and '{output.name}' does not")
    graph = None
    if (source / "graph.npz").exists():
        graph, manifest = import_module("graphmml.graph.store").load_graph(source)
        known = matching(gm.read_cohort(cohort or source.parent / manifest["cohort"]), graph.ids)
    else:
        known = gm.read_cohort(source)
    with progress(count=False) as bar:
        task = bar.add_task("linking", total=None)
        made = gm.report_on(
            known,
            None if graph is not None else links_of(links),
            graph=graph,
            run=run,
            full=full,
            limit=choice.limit,
            seed=seed,
            watch=lambda part: bar.update(task, description=part),
        )
    made = made.with_findings(choice.chosen(made.findings))
    made.save(output)
    if choice.format == "json":
        choice.print_json(made.to_json())
    else:
        size = output.stat().st_size / 1000
        out().print(f"wrote {output} ({size:,.0f} kB): {home.counted(made.findings)}", markup=False)
    leave(made.findings, choice.fail_on)
