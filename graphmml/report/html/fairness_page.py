"""A page of its own for a fairness result: the section of the report, in the report's template."""

import os
from datetime import date
from importlib.metadata import version
from pathlib import Path

import jinja2
from markupsafe import Markup

from graphmml.errors import GraphmmlError, StoreError
from graphmml.report.html.of_fairness import fairness_section
from graphmml.report.html.page import FOOTER, TEMPLATES, VERDICTS
from graphmml.train.fairness.result import FairnessResult


def fairness_page(result: FairnessResult) -> str:
    """Return one HTML file, without script or network."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(
        title=f"Does it serve all groups alike? {result.cohort}",
        subtitle=f"{result.plan}, {result.setting} · graphmml {version('graphmml')} · {date.today().isoformat()}",
        lead=" ".join(result.headlines),
        sections=[VERDICTS, fairness_section([result])],
        told=[],
        quiet=[],
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # ours, not a user's
        footer=FOOTER,
    )


def save(result: FairnessResult, path: Path) -> Path:
    """Write the page whole or not at all."""
    if path.suffix != ".html":
        raise GraphmmlError(f"a page ends in .html, and '{path.name}' does not")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(fairness_page(result), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"{path} could not be written: {error.strerror}") from None
    return path
