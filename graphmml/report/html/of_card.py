"""The page of a model card."""

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")


def card_page(title: str, notice: str, made: date, entries: Sequence[tuple[Any, str]]) -> str:
    """Return one HTML file of entries, each with the words of its blank."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    sections: dict[str, list[tuple[Any, str]]] = {}
    for entry, blank in entries:
        sections.setdefault(entry.section, []).append((entry, blank))
    return environment.get_template("model_card.html.j2").render(
        title=title,
        subtitle=f"graphmml {version('graphmml')} · {made.isoformat()}",
        notice=notice,
        sections=list(sections.items()),
        parts=len(entries),
        left=sum(bool(blank) for _, blank in entries),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # ours, not a user's
    )
