"""The command that audits a graph's score."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from rich.text import Text

import graphmml as gm
from graphmml.cli.choices import FoldChoice, ModelChoice
from graphmml.cli.commands import out, progress
from graphmml.cli.findings import FindingChoice
from graphmml.errors import GraphmmlError


@dataclass(frozen=True)
class RunChoice:
    """How many processes work, and what folder keeps their units."""

    jobs: int
    output: Path | None
    resume: bool

    def __post_init__(self) -> None:
        if self.resume and self.output is None:
            raise GraphmmlError("--resume goes with the folder of the run: -o RUN --resume")


def audit(
    path: Path,
    choice: ModelChoice,
    folds: FoldChoice,
    findings: FindingChoice,
    *,
    group: str | None,
    run: RunChoice,
) -> None:
    """Audit and print the tables, the verdict and its findings."""
    limit = findings.limit
    models = choice.models()
    if len(models) != 1:
        raise GraphmmlError("audit holds one model against its controls; name one conv and one structure")
    (name, model), cohort = next(iter(models.items())), gm.read_cohort(path)
    splitter = folds.splitter()
    plan = import_module("graphmml.train.audit").AuditPlan(model, cohort, splitter, group)
    with progress() as bar:
        task = bar.add_task("auditing", total=len(plan.work))
        result = gm.audit(
            model,
            cohort,
            splitter,
            group=group,
            jobs=run.jobs,
            run=run.output,
            resume=run.resume,
            watch=lambda unit: bar.advance(task),
        )
    judged = result.judged(limit)
    parts = list(import_module("graphmml.report.render_audit").audit_parts(judged, name, out().width))
    if run.output is not None:
        parts.insert(-1, Text(f"kept in {run.output}", "dim"))
    chosen = findings.chosen(judged.findings)
    record = {**judged.to_json(), "findings": [finding.to_dict() for finding in chosen]}
    findings.show(record, chosen, path, parts)
