"""Part: what a prediction can be said to rest on: a modality, a feature, a relation, one edge of it."""

from dataclasses import dataclass
from typing import Literal, get_args

PartKind = Literal["modality", "feature", "relation", "second hand", "link"]
KINDS: tuple[PartKind, ...] = get_args(PartKind)
"""Every kind, in the order in which they are told."""


@dataclass(frozen=True)
class Part:
    """One thing that can be taken from a patient.

    `name` is the modality, the column or the relation; a link's is whom the patient hears ("neighbour 3", or a
    concept), through the relation `through`. A feature's `through` is its modality. "second hand" is what those whom
    the patient hears have heard through the relation `name`. `number` counts links as the patient's `links` do.
    """

    kind: PartKind
    name: str
    through: str = ""
    number: int = -1

    @property
    def label(self) -> str:
        """The part in a few words."""
        if self.kind == "feature":
            return f"{self.through}.{self.name}"
        if self.kind == "link":
            return f"{self.name}, through {self.through}"
        return f"{self.name}, second hand" if self.kind == "second hand" else self.name

    @property
    def atom(self) -> bool:
        """Whether nothing smaller can be taken away: features and links are, and make up the others."""
        return self.kind in ("feature", "link")
