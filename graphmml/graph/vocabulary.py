"""Vocabulary: the concepts that were learned from the source, and what each weighs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphmml.graph.membership import Membership


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The names of concepts with their codes ("" for what is no code) and weights, and the scales of numbers."""

    names: pd.Index
    codes: tuple[str, ...]
    weight: np.ndarray
    scales: Mapping[str, np.ndarray]

    def among(self, members: Membership) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return patients, positions of concepts and weights, of the memberships in one of these concepts."""
        place = self.names.get_indexer(pd.Index(members.names, dtype="str"))[members.concepts]
        there = place >= 0
        place = place[there]
        return members.patients[there], place, members.values[there] * self.weight[place]


def vocabulary_of(
    members: Membership,
    scales: Mapping[str, np.ndarray],
    patients: int,
    support: int,
    most: float,
    *,
    rarity: bool,
) -> Vocabulary:
    """Return the concepts that at least `support` and at most a share of `most` of the patients have.

    What is worth less than 1 to somebody is a number, whose concept everybody may have; rarity is none of its matter.
    """
    count = np.bincount(members.concepts, minlength=len(members.names))
    graded = np.zeros(len(count), dtype=bool)
    graded[members.concepts[members.values < 1]] = True
    share = count / max(patients, 1)
    kept = np.flatnonzero((count >= support) & ((share <= most) | graded))
    share, rare = share[kept], rarity & (share < 1) & ~graded
    return Vocabulary(
        names=pd.Index([members.names[at] for at in kept], dtype="str"),
        codes=tuple(members.codes[at] for at in kept),
        weight=np.where(rare[kept], -np.log(share), 1.0),
        scales=scales,
    )
