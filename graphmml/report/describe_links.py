"""What a constructor is, in words: its class and settings, and the modalities it looks at."""

from collections.abc import Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import pandas as pd

from graphmml.graph.patient_graph import GraphConstructor

LONGEST = 8


def label_of(links: GraphConstructor, ids: pd.Index) -> str:
    """Write a constructor as a call with the settings that differ from its defaults.

    What may hold patients (a long list, a table, an id of the cohort) is written as "...".
    """
    if not is_dataclass(links):
        return type(links).__name__
    given = [f"{item.name}={worded(getattr(links, item.name), ids)}" for item in fields(links) if differs(links, item)]
    return f"{type(links).__name__}({', '.join(given)})"


def differs(links: GraphConstructor, item: "Field[Any]") -> bool:
    """Whether a setting is shown and is not its default."""
    if not item.repr:
        return False
    value = getattr(links, item.name)
    return not (item.default is not MISSING and type(value) is type(item.default) and bool(value == item.default))


def worded(value: object, ids: pd.Index) -> str:
    """Write one setting."""
    if hasattr(value, "link"):
        return label_of(value, ids)
    if isinstance(value, str):
        return "..." if value in ids else repr(value.rsplit("/", 1)[-1])  # of a path the file alone
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, tuple) and len(value) <= LONGEST:
        return f"({', '.join(worded(item, ids) for item in value)}{',' * (len(value) == 1)})"
    return "..."


def looks_at(links: GraphConstructor, modalities: Sequence[str]) -> tuple[str, ...]:
    """Return the modalities that links are made from, so far as the constructor and those inside it say."""
    inner = [item for value in settings(links) for item in (value if isinstance(value, tuple) else (value,))]
    found = {modality for item in inner if hasattr(item, "link") for modality in looks_at(item, modalities)}
    if hasattr(links, "modality"):
        wanted = links.modality
        found |= set(modalities if wanted is None else (wanted,) if isinstance(wanted, str) else wanted)
    return tuple(sorted(found & set(modalities)))


def settings(links: GraphConstructor) -> list[object]:
    """Return the values of a constructor's fields."""
    return [getattr(links, item.name) for item in fields(links)] if is_dataclass(links) else []
