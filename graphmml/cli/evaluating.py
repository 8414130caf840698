"""The command that evaluates: cross-validate graphs beside their controls."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from graphmml.cli.judging import choices
from graphmml.cli.options import (
    CohortArgument,
    ConvOption,
    FuseAtOption,
    FusionOption,
    Jobs,
    Json,
    LinksOption,
    Members,
    Seed,
    StructureOption,
)


def cv(
    cohort: CohortArgument,
    links: LinksOption = "neighbours:each=true",
    conv: ConvOption = "sage",
    fusion: FusionOption = "gated",
    fuse_at: FuseAtOption = "intermediate",
    structure: StructureOption = "none",
    folds: Annotated[int, typer.Option(help="folds of the cross-validation")] = 5,
    repeats: Annotated[int, typer.Option(help="how often to shuffle and fold again")] = 5,
    split: Annotated[bool, typer.Option("--split", help="the cohort's official split instead of folds")] = False,
    leave_out: Annotated[str | None, typer.Option(help="leave one value of this group out at a time")] = None,
    temporal: Annotated[
        str | None,
        typer.Option(metavar="COLUMN[=CUT]", help="train on earlier patients, test on the latest 30 % or from CUT on"),
    ] = None,
    seeds: Annotated[int, typer.Option(help="trainings on the official or the temporal split")] = 5,
    setting: Annotated[str, typer.Option(help="inductive, or transductive (test features in the graph)")] = "inductive",
    members: Members = 5,
    seed: Seed = 0,
    jobs: Jobs = -1,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a folder that keeps finished units")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in that folder")] = False,
    tune: Annotated[int, typer.Option(help="settings tried of every model, inside each fold; 0: as they are")] = 0,
    calibrate: Annotated[
        str,
        typer.Option(help="temperature or isotonic: calibrate every model on five inner folds, in six times the time"),
    ] = "none",
    group: Annotated[
        str,
        typer.Option(
            help="the group to score within and to leave out: its name, none, or auto for the first that is usable"
        ),
    ] = "auto",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="also write the page of graphmml report")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="ADDRESS", help="a Dask scheduler to work on")] = None,
    json: Json = False,
) -> None:
    """Cross-validate a graph beside its controls.

    The same network without edges, the graph shuffled, plain baselines; and a verdict whether the graph helped.
    """
    home = import_module("graphmml.cli.cv")
    home.cv(
        cohort,
        choices().ModelChoice(links, conv, fusion, members, seed, structure, fuse_at),
        choices().FoldChoice(folds, repeats, split, leave_out, seeds, seed, temporal),
        extent=home.Extent(setting, tune, calibrate, group, html, cluster),
        run=home.RunChoice(jobs, output, resume),
        json=json,
    )
