"""The commands that judge: check the tables, diagnose the graph, audit its gain, report on all of it."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from graphmml.cli.options import (
    CohortArgument,
    ConvOption,
    FailOn,
    Format,
    Full,
    FuseAtOption,
    FusionOption,
    Ignore,
    Jobs,
    Json,
    LinksOption,
    Members,
    Profile,
    Seed,
    Select,
    StructureOption,
    ThresholdsFile,
)


def commands() -> ModuleType:
    """Load the commands when one is called, so that --help loads neither pandas nor torch."""
    return import_module("graphmml.cli.commands")


def choices() -> ModuleType:
    """Load what turns words into objects."""
    return import_module("graphmml.cli.choices")


def finding_choice(
    select: list[str] | None,
    ignore: list[str] | None,
    fail_on: str,
    profile: str,
    thresholds: Path | None,
    format: str,
    json: bool,
) -> Any:
    """Put the options about findings together; --json is --format json."""
    home = import_module("graphmml.cli.findings")
    chosen = home.split(select), home.split(ignore), fail_on, profile, thresholds, "json" if json else format
    return home.FindingChoice(*chosen)


def check(
    cohort: CohortArgument,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = "fail",
    profile: Profile = "default",
    thresholds: ThresholdsFile = None,
    min_cell: Annotated[int, typer.Option(help="smaller counts of patients are not shown")] = 11,
    format: Format = "text",
    json: Json = False,
) -> None:
    """Look for what spoils a study before it starts.

    Ids, joins, copies, leaks, sentinels, units, gaps that tell, tiny classes, names of people.
    """
    commands().check(
        cohort, finding_choice(select, ignore, fail_on, profile, thresholds, format, json), min_cell=min_cell
    )


def diagnose(
    source: Annotated[Path, typer.Argument(metavar="COHORT|GRAPH", help="a cohort, or a folder that build wrote")],
    links: LinksOption = "neighbours:each=true",
    cohort: Annotated[Path | None, typer.Option(help="the cohort of a graph folder, if it was moved")] = None,
    full: Full = False,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = "fail",
    profile: Profile = "default",
    thresholds: ThresholdsFile = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="also write the page of graphmml report")] = None,
    seed: Seed = 0,
    format: Format = "text",
    json: Json = False,
) -> None:
    """Measure a graph, and judge it before training.

    Structure, hubs, homophily by outcome and group against chance, reach, what is shared, who is left out.
    """
    choice = finding_choice(select, ignore, fail_on, profile, thresholds, format, json)
    commands().diagnose(source, choice, links=links, cohort=cohort, full=full, html=html, seed=seed)


def audit(
    cohort: CohortArgument,
    links: LinksOption = "neighbours:each=true",
    conv: ConvOption = "sage",
    fusion: FusionOption = "gated",
    fuse_at: FuseAtOption = "intermediate",
    structure: StructureOption = "none",
    folds: Annotated[int, typer.Option(help="folds of the cross-validation")] = 5,
    repeats: Annotated[int, typer.Option(help="how often to shuffle and fold again")] = 1,
    split: Annotated[bool, typer.Option("--split", help="the cohort's official split instead of folds")] = False,
    seeds: Annotated[int, typer.Option(help="trainings on the official split")] = 5,
    group: Annotated[str | None, typer.Option(help="the group to hold apart; default: the first of a usable size")] = (
        None
    ),
    members: Members = 5,
    seed: Seed = 0,
    jobs: Jobs = -1,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a folder that keeps finished units")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in that folder")] = False,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = "fail",
    profile: Profile = "default",
    thresholds: ThresholdsFile = None,
    format: Format = "text",
    json: Json = False,
) -> None:
    """Hold a graph's score against whatever could explain it away.

    Ten controls on the same folds, one table with intervals, and one sentence that says what is left.
    """
    home = import_module("graphmml.cli.audit")
    home.audit(
        cohort,
        choices().ModelChoice(links, conv, fusion, members, seed, structure, fuse_at),
        choices().FoldChoice(folds, repeats, split, None, seeds, seed),
        finding_choice(select, ignore, fail_on, profile, thresholds, format, json),
        group=group,
        run=home.RunChoice(jobs, output, resume),
    )


def report(
    source: Annotated[Path, typer.Argument(metavar="COHORT|GRAPH", help="a cohort, or a folder that build wrote")],
    output: Annotated[Path, typer.Option("--output", "-o", "--html", help="the file: .html, .md or .json")] = Path(
        "report.html"
    ),
    run: Annotated[
        Path | None, typer.Option("--cv", metavar="RUN", help="a run of this cohort: cv COHORT -o RUN")
    ] = None,
    links: LinksOption = "neighbours:each=true",
    cohort: Annotated[Path | None, typer.Option(help="the cohort of a graph folder, if it was moved")] = None,
    full: Full = False,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = "never",
    profile: Profile = "default",
    thresholds: ThresholdsFile = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write one page on tables, graph and evidence.

    To read, print or send: verdicts first, then what they rest on. No script, no network, no patient id; drawings show
    a dot a patient, so send the page as you would send any plot of single patients.
    """
    choice = finding_choice(select, ignore, fail_on, profile, thresholds, "text", json)
    options = {"output": output, "links": links, "cohort": cohort, "run": run, "full": full, "seed": seed}
    import_module("graphmml.cli.report").report(source, choice, **options)


def fairness(
    cohort: CohortArgument,
    run: Annotated[Path, typer.Option("--cv", metavar="RUN", help="a run of this cohort: cv COHORT -o RUN")],
    group: Annotated[
        list[str], typer.Option(help="a group, or a column of names; give two to see them crossed as well")
    ],
    threshold: Annotated[float, typer.Option(help="the risk from which on a patient is called positive")] = 0.5,
    min_cell: Annotated[int, typer.Option(help="values of fewer patients are masked")] = 11,
    mitigate: Annotated[
        str | None, typer.Option(help="also try, on the run's folds: reweigh, or thresholds (of the first group)")
    ] = None,
    constraint: Annotated[
        str, typer.Option(help="of thresholds: equalized_odds, demographic_parity or true_positive_rate")
    ] = "equalized_odds",
    slack: Annotated[float, typer.Option(help="of thresholds: by how much rates may differ")] = 0.05,
    links: LinksOption = "neighbours:each=true",
    conv: ConvOption = "sage",
    fusion: FusionOption = "gated",
    fuse_at: FuseAtOption = "intermediate",
    structure: StructureOption = "none",
    members: Members = 5,
    seed: Seed = 0,
    jobs: Jobs = -1,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="also write a page with charts")] = None,
    json: Json = False,
) -> None:
    """Score the models of a run by group, and judge the gaps.

    Discrimination, calibration and decisions of each value, small cells masked; which gaps chance does not explain;
    and with --mitigate what narrowing them costs, tried on the model of --links, --conv and so on.
    """
    home = import_module("graphmml.cli.fairness")
    model = choices().ModelChoice(links, conv, fusion, members, seed, structure, fuse_at)
    home.fairness(
        cohort,
        run,
        groups=group,
        threshold=threshold,
        min_cell=min_cell,
        mitigating=home.Mitigating(mitigate, constraint, slack, model, jobs),
        html=html,
        json=json,
    )
