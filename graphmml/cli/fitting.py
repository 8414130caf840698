"""The commands that make a model and use it: fit it, predict with it."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from graphmml.cli.judging import choices
from graphmml.cli.options import (
    CohortArgument,
    ConvOption,
    FuseAtOption,
    FusionOption,
    Json,
    LinksOption,
    Members,
    Seed,
    StructureOption,
)


def models() -> ModuleType:
    """Load what the commands do when one is called."""
    return import_module("graphmml.cli.models")


def fit(
    cohort: CohortArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="the folder to write the model to")],
    links: LinksOption = "neighbours:each=true",
    conv: ConvOption = "sage",
    fusion: FusionOption = "gated",
    fuse_at: FuseAtOption = "intermediate",
    structure: StructureOption = "none",
    members: Members = 5,
    plain: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="a plain model instead, as cv names it: logistic regression ..."),
    ] = None,
    calibrate: Annotated[
        str, typer.Option(help="temperature, isotonic, or none: a single fit, without sets and flags")
    ] = "temperature",
    coverage: Annotated[float, typer.Option(help="the share of patients whose set holds their true class")] = 0.9,
    group: Annotated[str | None, typer.Option(help="a group of the cohort: sets cover as often in each value")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit a graph classifier, or with --plain what did as well without one, and write it to a folder.

    On every labelled patient; the folder then contains their data. It is calibrated on five folds first, which
    takes six fits; --calibrate none takes one.
    """
    choice = choices().ModelChoice(links, conv, fusion, members, seed, structure, fuse_at)
    if plain is not None:
        choice = models().PlainChoice.instead_of(choice, plain)
    models().fit(cohort, choice, models().TrustChoice(calibrate, coverage, group), output=output, json=json)


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a folder that fit wrote")],
    cohort: CohortArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="the CSV to write, one row a patient")],
    trust: Annotated[list[str] | None, typer.Option(help="a type of your own in the model: module.Class")] = None,
    json: Json = False,
) -> None:
    """Predict new patients with a fitted model.

    Whatever tables, columns and cells they have; what was completed, flagged and abstained from is marked, and where
    they differ from training is said.
    """
    models().predict(model, cohort, output=output, trust=trust or [], json=json)


def explain(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a folder that fit wrote")],
    cohort: CohortArgument,
    patient: Annotated[str | None, typer.Option(metavar="ID", help="the patient's id")] = None,
    row: Annotated[int | None, typer.Option(metavar="N", help="or the patient's row in the cohort, from 0")] = None,
    folds: Annotated[
        int | None, typer.Option(help="or the cohort: what counts for held-out patients over so many folds")
    ] = None,
    method: Annotated[
        str, typer.Option(help="occlusion (exact), gradients (integrated, wants captum) or explainer (GNNExplainer)")
    ] = "occlusion",
    target: Annotated[
        str | None, typer.Option(metavar="CLASS", help="the class to explain; default: predicted")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="also write a card: one HTML file")] = None,
    show_ids: Annotated[bool, typer.Option("--show-ids", help="name the patient and neighbours by id")] = False,
    trust: Annotated[list[str] | None, typer.Option(help="a type of your own in the model: module.Class")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say what moved one patient's prediction, or with --folds what counts in a cohort.

    Which modalities, features, relations and neighbours, by how much; how far that can be believed; what would turn it.
    """
    home = import_module("graphmml.cli.explain")
    if folds is not None:
        one = {"--patient": patient, "--row": row, "--target": target, "--show-ids": show_ids or None}
        home.refuse_beside_folds({**one, "--method": None if method == "occlusion" else method})
        home.weigh(model, cohort, folds=folds, html=html, trust=trust or [], seed=seed, json=json)
        return
    home.explain(
        model,
        cohort,
        patient=patient,
        row=row,
        method=method,
        target=target,
        html=html,
        show_ids=show_ids,
        trust=trust or [],
        seed=seed,
        json=json,
    )


def card(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a folder that fit wrote")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the file to write: .md, .html or .json")],
    run: Annotated[Path | None, typer.Option("--cv", metavar="RUN", help="a folder that cv -o wrote")] = None,
    cohort: Annotated[
        Path | None, typer.Option(help="the cohort of the run: adds scores by group and by what is missing")
    ] = None,
    trust: Annotated[list[str] | None, typer.Option(help="a type of your own in the model: module.Class")] = None,
    json: Json = False,
) -> None:
    """Write a model card, pre-filled for TRIPOD+AI.

    What the model and its run know; what only people know is left blank, by name.
    """
    import_module("graphmml.cli.card").card(model, output=output, run=run, cohort=cohort, trust=trust or [], json=json)
