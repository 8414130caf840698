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
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit a graph classifier and write it to a folder.

    On every labelled patient; the folder then contains their data.
    """
    choice = choices().ModelChoice(links, conv, fusion, members, seed, structure, fuse_at)
    models().fit(cohort, choice, output=output, json=json)


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a folder that fit wrote")],
    cohort: CohortArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="the CSV to write, one row a patient")],
    trust: Annotated[list[str] | None, typer.Option(help="a type of your own in the model: module.Class")] = None,
    json: Json = False,
) -> None:
    """Predict new patients with a fitted model.

    Whatever tables, columns and cells they have; what was completed is marked.
    """
    models().predict(model, cohort, output=output, trust=trust or [], json=json)


def explain(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a folder that fit wrote")],
    cohort: CohortArgument,
    patient: Annotated[str | None, typer.Option(metavar="ID", help="the patient's id")] = None,
    row: Annotated[int | None, typer.Option(metavar="N", help="or the patient's row in the cohort, from 0")] = None,
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
    """Say what moved one patient's prediction.

    Which modalities, features, relations and neighbours, by how much; how far that can be believed; what would turn it.
    """
    import_module("graphmml.cli.explain").explain(
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
