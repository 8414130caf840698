"""The command that sets graphs side by side."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import graphmml as gm
from graphmml.cli.audit import RunChoice
from graphmml.cli.choices import FoldChoice, ModelChoice, links_of
from graphmml.cli.commands import emit, out, progress
from graphmml.cli.fusions import fusions_of
from graphmml.errors import GraphmmlError


def compare(path: Path, *, links: Sequence[str], only: bool, seed: int, json: bool) -> None:
    """Compare the graphs named, before the usual ones unless `only`."""
    if only and not links:
        raise GraphmmlError("--only leaves the usual graphs out; name others with --links")
    cohort = gm.read_cohort(path)
    usual = {} if only else import_module("graphmml.report.compare").default_links(cohort)
    chosen = {word: links_of(word) for word in links} | usual
    with progress() as bar:
        task = bar.add_task("linking", total=len(chosen))
        shown = iter(range(len(chosen)))
        result = gm.compare(
            cohort,
            chosen,
            seed=seed,
            watch=lambda name: bar.update(task, description=name, completed=next(shown)),
        )
    if json:
        return emit(result.to_json())
    console = out()
    render = import_module("graphmml.report.render_compare")
    for part in render.comparison_parts(result, console.width):
        console.print(part)
    return None


def fusions(
    path: Path, model: ModelChoice, folds: FoldChoice, *, links: Sequence[str], run: RunChoice, json: bool
) -> None:
    """Train with one fusion after another and print one table and its reading."""
    if len(links) > 1:
        raise GraphmmlError("fusions are compared on one graph; name one with --links")
    cohort = gm.read_cohort(path)
    chosen = gm.all_fusions() if model.fusion == "all" else fusions_of(model.fusion, model.fuse_at)
    base = gm.GraphClassifier(links_of(links[0] if links else model.links), members=model.members, seed=model.seed)
    splitter = folds.splitter()
    planned = sum(1 for _ in splitter.split(cohort)) * (2 * len(chosen) + 3)
    with progress() as bar:
        task = bar.add_task("fitting", total=planned)
        sweep = gm.compare_fusions(
            base,
            cohort,
            splitter,
            fusions=chosen,
            jobs=run.jobs,
            run=run.output,
            resume=run.resume,
            watch=lambda unit: bar.advance(task),
        )
    if json:
        return emit(sweep.to_json())
    console = out()
    for part in import_module("graphmml.report.render_sweep").sweep_parts(sweep, console.width):
        console.print(part)
    return None
