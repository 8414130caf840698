"""Counterfactual: the least that would have to be otherwise for the model to name another class."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from graphmml.report.explain.part import Part


@dataclass(frozen=True)
class Counterfactual:
    """What turns the prediction: links dropped, or one feature changed from `before` to `after`.

    `prediction` and `probability` are the other class and how probable it is then. `smallest` says that every
    smaller change of this kind was tried. `distance` is the number of links; for a feature's number the share of
    training patients whose value lies between, for a name the share who have another one.
    """

    kind: Literal["links", "feature"]
    parts: tuple[Part, ...]
    prediction: str
    probability: float
    distance: float
    smallest: bool
    before: object = None
    after: object = None

    @property
    def sentence(self) -> str:
        """The change in words."""
        then = f"the model would say '{self.prediction}' ({self.probability:.2f})"
        if self.kind == "feature":
            return f"With {self.parts[0].label} {shown(self.after)} instead of {shown(self.before)}, {then}."
        named = "; ".join(part.label for part in self.parts[:4]) + ("; ..." if len(self.parts) > 4 else "")
        links = f"{len(self.parts)} link{'s' if len(self.parts) > 1 else ''}"
        least = "no fewer do" if self.smallest else "fewer might do, for not all smaller sets were tried"
        return f"Without {links} ({named}), {then}; {least}."

    def to_json(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {
            "kind": self.kind,
            "parts": [{"kind": part.kind, "name": part.name, "through": part.through} for part in self.parts],
            "before": self.before,
            "after": self.after,
            "prediction": self.prediction,
            "probability": self.probability,
            "distance": self.distance,
            "smallest": self.smallest,
        }


@dataclass(frozen=True)
class Search:
    """What a search for a counterfactual came to: one, or None and `words` that say how far it went."""

    found: Counterfactual | None
    words: str
    tried: int = field(default=0)


def shown(value: object) -> str:
    """Write a cell's value."""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else f"'{value}'"


def renamed(search: Search, parts: Sequence[Part]) -> Search:
    """Return the search with its links under other names, told apart by number."""
    if search.found is None or search.found.kind == "feature":
        return search
    named = tuple(parts[part.number] for part in search.found.parts)
    return replace(search, found=replace(search.found, parts=named), words=replace(search.found, parts=named).sentence)
