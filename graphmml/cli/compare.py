"""The command that sets graphs side by side."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import graphmml as gm
from graphmml.cli.choices import links_of
from graphmml.cli.commands import emit, out, progress
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
