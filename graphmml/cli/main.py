"""The command line: parse, call, print; the one place where an error becomes an exit code.

Exit codes: 0 done; 1 findings at or above --fail-on; 2 the user can mend it; 3 ours; 130 interrupted.
"""

import sys
from importlib import import_module
from itertools import pairwise
from json import dumps
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from graphmml.cli import evaluating, fitting, judging
from graphmml.cli.judging import choices, commands
from graphmml.cli.options import (
    CohortArgument,
    FuseAtOption,
    Jobs,
    Json,
    LinksOption,
    Members,
    Seed,
)
from graphmml.errors import GraphmmlError

app = typer.Typer(
    name="graphmml",
    help="Patient graphs from CSVs, graph networks on them, and an honest answer whether the graph helped.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="where to write the synthetic cohort")],
    patients: Annotated[int, typer.Option(help="how many patients")] = 400,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write a synthetic cohort, safe to share.

    Three tables, four sites, gaps, and one planted leak for check to find.
    """
    commands().demo(folder, patients=patients, seed=seed, json=json)


@app.command()
def init(
    tables: Annotated[list[Path], typer.Argument(metavar="TABLE...", help="the CSVs of a cohort")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="default: cohort.toml beside them")] = None,
    json: Json = False,
) -> None:
    """Write a cohort.toml for these CSVs, every guess commented."""
    commands().init(tables, output=output, json=json)


app.command()(judging.check)


@app.command()
def build(
    cohort: CohortArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="the folder to write the graph to")],
    links: LinksOption = "neighbours:each=true",
    onto: Annotated[
        Path | None, typer.Option(metavar="GRAPH", help="a graph of these patients to add the new relations to")
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="from training patients of the official split; the others are attached")
    ] = False,
    json: Json = False,
) -> None:
    """Link the patients of a cohort and write the graph to a folder."""
    commands().build(cohort, output=output, links=links, onto=onto, split=split, json=json)


app.command()(judging.diagnose)


app.command()(judging.report)


@app.command()
def compare(
    cohort: CohortArgument,
    links: Annotated[
        list[str] | None, typer.Option(help="a constructor beside the usual ones, as for build; repeat for several")
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="those of --links alone, without the usual ones")] = False,
    fusion: Annotated[
        str | None,
        typer.Option(help="train, and set fusions side by side instead of graphs: all, or words as for cv"),
    ] = None,
    fuse_at: FuseAtOption = "intermediate",
    folds: Annotated[int, typer.Option(help="with --fusion: folds of the cross-validation")] = 5,
    repeats: Annotated[int, typer.Option(help="with --fusion: how often to shuffle and fold again")] = 1,
    split: Annotated[bool, typer.Option("--split", help="with --fusion: the official split")] = False,
    members: Members = 5,
    seed: Seed = 0,
    jobs: Jobs = -1,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a folder that keeps finished units")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in that folder")] = False,
    json: Json = False,
) -> None:
    """Set several graphs side by side, untrained; or with --fusion, several fusions, trained.

    Graphs: degree, components, homophily by outcome and group against chance, agreement, cost. Fusions: the same
    folds, seeds and budget for each, its twin without edges beside it, plain models below; what fails says why.
    """
    home = import_module("graphmml.cli.compare")
    if fusion is None:
        home.compare(cohort, links=links or [], only=only, seed=seed, json=json)
        return
    home.fusions(
        cohort,
        choices().ModelChoice("neighbours:each=true", "sage", fusion, members, seed, "none", fuse_at),
        choices().FoldChoice(folds, repeats, split, None, 5, seed),
        links=links or [],
        run=import_module("graphmml.cli.audit").RunChoice(jobs, output, resume),
        json=json,
    )


app.command()(evaluating.cv)


app.command()(judging.audit)


app.command()(judging.fairness)


app.command()(fitting.fit)


app.command()(fitting.predict)


app.command()(fitting.explain)


app.command()(fitting.card)


@app.command()
def export(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH|MODEL", help="a folder that build or fit wrote")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the file to write")],
    to: Annotated[
        str, typer.Option(help="graphml, gexf, pyg, csv, parquet, csr (.npz), h5ad (scanpy) or h5mu (muon)")
    ] = "graphml",
    cohort: Annotated[Path | None, typer.Option(help="the cohort whose tables go into h5ad or h5mu, if moved")] = None,
    ids: Annotated[bool, typer.Option("--show-ids", help="write patient ids instead of p0, p1 ...")] = False,
    json: Json = False,
) -> None:
    """Write a graph for other tools.

    Cytoscape, Gephi, PyG, scipy, scanpy or a spreadsheet.
    """
    commands().export(graph, output=output, to=to, cohort=cohort, ids=ids, json=json)


@app.command()
def rule(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="such as GM602; none lists all")] = None,
    json: Json = False,
) -> None:
    """Explain a finding's code.

    What it means, a worked example, its limits, and what mends it.
    """
    commands().rule(code, json=json)


@app.command()
def env(json: Json = False) -> None:
    """Print versions, threads and GPU.

    For a bug report or a methods section.
    """
    commands().env(json=json)


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        app(standalone_mode=True)
    except GraphmmlError as error:
        fail(f"{error}", 2)
    except KeyboardInterrupt:
        fail("interrupted; finished units of a run with -o are kept, go on with --resume", 130, before="")
    except BrokenPipeError:
        sys.exit(0)
    except SystemExit as stopped:
        usage = getattr(stopped.__context__, "format_message", None)  # typer has said on stderr what it could not parse
        if usage is not None:
            told_as_json(usage())
        raise
    except Exception as error:  # noqa: BLE001 -- the border: a bug ends as one line without patient data
        fail(
            f"{type(error).__name__}{place_of(error)}; please report it with `graphmml env`",
            3,
            before="internal error: ",
        )


def fail(message: str, code: int, *, before: str = "error: ") -> NoReturn:
    """Say on stderr, and where --json was asked for on stdout too, what went wrong; leave with the exit code."""
    sys.stderr.write(f"{before}{message}\n")
    told_as_json(f"{before}{message}".removeprefix("error: "))
    sys.exit(code)


def told_as_json(message: str) -> None:
    """Print the error as one object where the command line asks for JSON, so that who parses stdout finds it there."""
    words = sys.argv[1:]
    asked = "--json" in words or "--format=json" in words or ("--format", "json") in pairwise(words)
    if asked:
        sys.stdout.write(dumps({"schema": "graphmml.error/1", "error": message}, indent=1) + "\n")


def place_of(error: Exception) -> str:
    """Say in which line of which file an error was raised, without what it says."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    return "" if where is None else f" at {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"


if __name__ == "__main__":
    main()
