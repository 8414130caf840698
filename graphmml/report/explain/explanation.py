"""Explanation: what moved one patient's prediction, whether that is to be believed, and what would turn it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from graphmml.report.explain.attribution import Attribution
from graphmml.report.explain.counterfactual import Search
from graphmml.report.explain.fidelity import Fidelity
from graphmml.report.explain.part import PartKind
from graphmml.report.explain.plots import ExplanationPlots
from graphmml.report.words import count, plain_json

PATIENT_LEVEL = (
    "This is about one patient and shows what that patient has, and of which class those are whom the model compares "
    "with: treat it as you would the patient's record."
)
NO_CAUSE = (
    "It says what moved this model's answer, not what causes the outcome; a counterfactual is about the model, and no "
    "advice to change anything."
)


@dataclass(frozen=True)
class Told:
    """One part as it is shown: its effect, what the patient has there, and of which class a neighbour is."""

    attribution: Attribution
    value: object = None
    label: str = ""
    weight: float = float("nan")
    members: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """What moved the probability of class `explained` of one patient, by which method, in which `unit`.

    `told` holds every part, by kind and size. `links` and `feature` are the searches for a counterfactual. `patient`
    is the row's number, or the id where that was asked for.
    """

    patient: str
    method: str
    unit: str
    explained: str
    prediction: str
    probabilities: Mapping[str, float]
    members: int
    told: tuple[Told, ...]
    baseline: float
    gap: float
    fidelity: Fidelity | None
    links: Search
    feature: Search
    notes: tuple[str, ...] = (PATIENT_LEVEL, NO_CAUSE)

    @property
    def counterfactual(self) -> Search:
        """The search that found the smaller change: one feature before several links, else whichever found any."""
        if self.links.found is not None and (self.feature.found is None or len(self.links.found.parts) == 1):
            return self.links
        return self.feature

    def of_kind(self, kind: PartKind) -> tuple[Told, ...]:
        """Return the parts of one kind, the largest effect first."""
        return tuple(item for item in self.told if item.attribution.part.kind == kind)

    def frame(self) -> pd.DataFrame:
        """Return one row a part: kind, name, through, value, class, effect, spread over members, weight of a link."""
        return pd.DataFrame(
            [
                {
                    "kind": item.attribution.part.kind,
                    "name": item.attribution.part.name,
                    "through": item.attribution.part.through,
                    "value": item.value,
                    "class": item.label,
                    "effect": item.attribution.effect,
                    "spread": item.attribution.spread,
                    "weight": item.weight,
                    "members": item.members,
                }
                for item in self.told
            ],
            columns=["kind", "name", "through", "value", "class", "effect", "spread", "weight", "members"],
        )

    @property
    def sentence(self) -> str:
        """The explanation in a few sentences."""
        p = self.probabilities[self.explained]
        said = [f"The model gives {self.patient} '{self.explained}' with probability {p:.2f}."]
        first = [self.first(kind) for kind in ("modality", "feature", "relation")]
        said += [f"Most is moved by {', '.join(filter(None, first))}."] if any(first) else []
        said += [self.fidelity.sentence] if self.fidelity else []
        return " ".join([*said, self.counterfactual.words])

    def first(self, kind: PartKind) -> str:
        """Name the part of a kind with the largest effect."""
        told = self.of_kind(kind)
        if not told:
            return ""
        item = told[0].attribution
        return f"the {kind} {item.part.label} ({item.effect:{self.sign}.3f})"

    @property
    def sign(self) -> str:
        """How effects are written: with their sign, or without where they have none."""
        return "" if self.unit.startswith("mask") else "+"

    def to_json(self) -> dict[str, Any]:
        """Return a versioned record of plain JSON types."""
        return {
            "schema": "graphmml.explain/1",
            "contains_patient_level_data": True,
            "patient": self.patient,
            "method": self.method,
            "unit": self.unit,
            "explained": self.explained,
            "prediction": self.prediction,
            "probabilities": dict(self.probabilities),
            "members": self.members,
            "baseline": None if np.isnan(self.baseline) else self.baseline,
            "gap": None if np.isnan(self.gap) else self.gap,
            "parts": plain_json(self.frame().astype("object").where(self.frame().notna(), None).to_dict("records")),
            "fidelity": None if self.fidelity is None else self.fidelity.to_json(),
            "counterfactuals": {name: searched(search) for name, search in self.searches.items()},
            "sentence": self.sentence,
            "notes": list(self.notes),
        }

    @property
    def searches(self) -> dict[str, Search]:
        """Both searches for a counterfactual by what they change."""
        return {"links": self.links, "feature": self.feature}

    @cached_property
    def plot(self) -> ExplanationPlots:
        """Plots on matplotlib axes: `parts`, by kind."""
        return ExplanationPlots(self)

    def __repr__(self) -> str:
        kinds = {kind: len(self.of_kind(kind)) for kind in ("modality", "feature", "relation", "link")}
        held = ", ".join(count(number, kind) for kind, number in kinds.items()).replace("modalitys", "modalities")
        return f"Explanation by {self.method} of {held}\n  {self.sentence}"


def searched(search: Search) -> dict[str, Any]:
    """Return a search as plain JSON types."""
    found = None if search.found is None else search.found.to_json()
    return {"found": found, "words": search.words, "tried": search.tried}
