"""Section: what the template fills one part of a page from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class Table:
    """Words in rows and columns; the first column names the row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A heading, what is drawn below it, and how its numbers were made."""

    anchor: str
    title: str
    intro: str = ""
    charts: Sequence[Markup] = field(default=())
    tables: Sequence[Table] = field(default=())
    text: str = ""
    how: str = ""
