"""The command that explains one prediction, or says what counts in a cohort."""

from collections.abc import Mapping
from pathlib import Path

from sklearn.base import clone

import graphmml as gm
from graphmml.cli.commands import emit, out
from graphmml.errors import GraphmmlError
from graphmml.report.explain.attribution import Method
from graphmml.report.explain.card import card
from graphmml.report.explain.importance_page import importance_page
from graphmml.report.explain.render import explanation_parts, importance_parts
from graphmml.report.written import write_whole
from graphmml.train.layers import known_in

METHODS = {"occlusion": "Occlusion", "gradients": "IntegratedGradients", "explainer": "GNNExplainer"}


def explain(
    model: Path,
    path: Path,
    *,
    patient: str | None,
    row: int | None,
    method: str,
    target: str | None,
    html: Path | None,
    show_ids: bool,
    trust: list[str],
    seed: int,
    json: bool,
) -> None:
    """Explain one patient's prediction, print, and write the card where it is asked for."""
    if (patient is None) == (row is None):
        raise GraphmmlError(
            "name one patient: --patient ID, or --row N (the first row of the cohort is 0); or the cohort: --folds N"
        )
    refuse_name(html)
    cohort, chosen = gm.read_cohort(path, new=True), method_of(method)
    told = gm.explain(
        gm.load(model, trust=trust),
        cohort,
        patient if row is None else row,
        method=chosen,
        target=target,
        show_ids=show_ids,
        seed=seed,
    )
    if html is not None:
        write_whole(card(told), html, private=True)
    if json:
        return emit(told.to_json())
    console = out()
    for part in explanation_parts(told, console.width):
        console.print(part)
    if html is not None:
        console.print(
            f"wrote {html}, which is about one patient: share it as you would that patient's data", markup=False
        )
    return None


def weigh(model: Path, path: Path, *, folds: int, html: Path | None, trust: list[str], seed: int, json: bool) -> None:
    """Say what counts for held-out patients of a cohort, fitting the model's settings anew on each fold."""
    refuse_name(html)
    settings = clone(known_in(gm.load(model, trust=trust), "importances are"))
    found = gm.importances(settings, gm.read_cohort(path), gm.Folds(folds, seed=seed), seed=seed)
    if html is not None:
        write_whole(importance_page(found), html)
    if json:
        return emit({"schema": "graphmml.importances/1", **found.to_json()})
    console = out()
    for part in importance_parts(found):
        console.print(part)
    if html is not None:
        console.print(f"wrote {html}", markup=False)
    return None


def refuse_beside_folds(given: Mapping[str, object]) -> None:
    """Refuse what belongs to one patient, rather than leave it unheard."""
    idle = [name for name, value in given.items() if value is not None]
    if idle:
        raise GraphmmlError(f"--folds is about the cohort, and {', '.join(idle)} about one patient; choose one of them")


def refuse_name(html: Path | None) -> None:
    """Refuse a file that a browser would not open."""
    if html is not None and html.suffix != ".html":
        raise GraphmmlError(f"--html is '{html}'; name a file that ends in .html")


def method_of(word: str) -> Method:
    """Return the method that a word stands for."""
    if word not in METHODS:
        raise GraphmmlError(f"--method is '{word}'; choose {', '.join(METHODS)}")
    made: Method = getattr(gm, METHODS[word])()
    return made
