"""The command that cross-validates."""

from importlib import import_module
from pathlib import Path

import graphmml as gm
from graphmml.cli.choices import FoldChoice, ModelChoice
from graphmml.cli.commands import emit, out, progress
from graphmml.errors import GraphmmlError
from graphmml.report import render


def cv(
    path: Path,
    model: ModelChoice,
    folds: FoldChoice,
    *,
    setting: str,
    jobs: int,
    output: Path | None,
    resume: bool,
    json: bool,
) -> None:
    """Cross-validate and print one table and its verdict."""
    if resume and output is None:
        raise GraphmmlError("--resume goes with the folder of the run: -o RUN --resume")
    if setting not in ("inductive", "transductive"):
        raise GraphmmlError(f"--setting is '{setting}'; choose inductive or transductive")
    cohort = gm.read_cohort(path)
    models = model.models()
    splitter = folds.splitter()
    rows = len(import_module("graphmml.train.cross_validate").plan(models, setting))
    planned = rows * sum(1 for _ in splitter.split(cohort))
    with progress() as bar:
        task = bar.add_task("fitting", total=planned)
        result = gm.cross_validate(
            models,
            cohort,
            splitter,
            setting=setting,
            jobs=jobs,
            run=output,
            resume=resume,
            watch=lambda unit: bar.advance(task),
        )
    lacking = not cohort.present[cohort.labelled].all()
    missing = gm.scores_by_missing(result, cohort, splitter) if lacking else None
    if json:
        return emit({**result.to_json(), "by_missing": [] if missing is None else missing.to_json()})
    out().print(render.cv_table(result))
    for line in result.verdict:
        out().print(line, markup=False)
    if missing is not None:
        out().print(render.missing_table(missing))
    if output is not None:
        out().print(f"kept in {output}", markup=False)
    return None
