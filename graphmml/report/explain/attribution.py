"""Attributed: what a method says of each part of a patient."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from graphmml.report.explain.part import KINDS, Part, PartKind
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.typical import Instead


@dataclass(frozen=True)
class Attribution:
    """How much one part moved the prediction, and how much members differ in that (a standard deviation)."""

    part: Part
    effect: float
    spread: float = float("nan")


@dataclass(frozen=True, eq=False)
class Attributed:
    """Every part with its effect, by kind and size; what effects are counted in; and what they are held against.

    `baseline` is the probability at which nothing of the patient is left, and `gap` by how much effects of features
    and links miss the difference to it; both NaN where the method has no such thing.
    """

    attributions: tuple[Attribution, ...]
    unit: str
    baseline: float = float("nan")
    gap: float = float("nan")

    @classmethod
    def of(cls, effects: Mapping[Part, np.ndarray], unit: str, **more: float) -> "Attributed":
        """Put together each part's effects, float [member], or [1] where members are asked together."""
        told = [
            Attribution(part, float(np.mean(each)), float(np.std(each)) if len(each) > 1 else float("nan"))
            for part, each in effects.items()
        ]
        told.sort(key=lambda item: (KINDS.index(item.part.kind), -abs(item.effect), item.part.label))
        return cls(tuple(told), unit, **more)

    def of_kind(self, kind: PartKind) -> tuple[Attribution, ...]:
        """Return the parts of one kind, the largest effect first."""
        return tuple(item for item in self.attributions if item.part.kind == kind)


class Method(Protocol):
    """What says how much each part of a patient moved the model's probability of `subject.target`."""

    @property
    def instead(self) -> Instead:
        """What stands in a cell that is taken away."""

    def attribute(self, subject: Subject) -> Attributed:
        """Return an effect for every part."""


def whole_of(part: Part) -> Part:
    """Return the modality of a feature, the relation of a link."""
    return Part("modality" if part.kind == "feature" else "relation", part.through)


def summed(effects: Mapping[Part, np.ndarray], subject: Subject) -> dict[Part, np.ndarray]:
    """Return modalities and relations as the sum of their features and links, beside these."""
    wholes = [Part("modality", name) for name in subject.modalities]
    wholes += [Part("relation", name) for name in subject.relations]
    added = {whole: np.zeros(max(len(subject.members), 1)) for whole in wholes}
    for part, each in effects.items():
        added[whole_of(part)] = added[whole_of(part)] + each
    return {**added, **effects}
