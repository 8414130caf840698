"""Fidelity: whether the parts that an explanation names are those that the prediction rests on."""

from dataclasses import asdict, dataclass

import numpy as np

from graphmml.report.explain.altered import without
from graphmml.report.explain.attribution import Attributed
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.typical import Instead


@dataclass(frozen=True)
class Fidelity:
    """How far the probability falls without the `parts` features and links named first, and with them alone.

    `plus` should be large and `minus` small (Fidelity+ and Fidelity- on probabilities, Yuan et al., IEEE TPAMI 2022;
    Amara et al., LoG 2022; PyG's `fidelity` asks the predicted class instead of its probability, as `turned` does).
    `plus_random` and `minus_random` are the means over draws of as many features and as many links by chance, and
    `reached` is the share of draws whose `plus` is as large.
    """

    parts: int
    features: int
    plus: float
    plus_random: float
    minus: float
    minus_random: float
    reached: float
    turned: bool

    def to_json(self) -> dict[str, float | int | bool]:
        """Return plain JSON types."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """The measure in words, with its control."""
        links = self.parts - self.features
        named = " and ".join(
            f"{count} {word}{'s' if count > 1 else ''}"
            for count, word in ((self.features, "feature"), (links, "link"))
            if count
        )
        return (
            f"Without the {named} named first the probability falls by {self.plus:.3f} (by chance "
            f"{self.plus_random:.3f}), with them alone by {self.minus:.3f} (by chance {self.minus_random:.3f})."
        )


def fidelity(
    subject: Subject, told: Attributed, *, parts: int, draws: int, seed: int, instead: Instead
) -> Fidelity | None:
    """Drop the parts that support the class most, then all others; None for a patient with fewer than two.

    At most half of all features and links are dropped. Links are held: what is dropped is dropped alone.
    """
    atoms = [*subject.features, *subject.edges]
    parts = min(parts, len(atoms) // 2)
    if parts < 1:
        return None
    effect = {item.part: item.effect for item in told.attributions}
    score = np.array([effect[part] for part in atoms])
    chosen = np.zeros((1, len(atoms)), dtype=bool)
    chosen[0, np.argsort(-score, kind="stable")[:parts]] = True
    count = int(chosen[0, : len(subject.features)].sum())
    random = drawn(len(subject.features), len(subject.links), count, parts - count, draws, seed)
    sets = np.concatenate([chosen, random])
    p = answers(subject, np.concatenate([np.zeros_like(chosen), sets, ~sets]), instead)
    falls = p[0, subject.target] - p[1:, subject.target]
    plus, minus = falls[: len(sets)], falls[len(sets) :]
    return Fidelity(
        parts=parts,
        features=count,
        plus=float(plus[0]),
        plus_random=float(plus[1:].mean()),
        minus=float(minus[0]),
        minus_random=float(minus[1:].mean()),
        reached=float((plus[1:] >= plus[0] - 1e-9).mean()),
        turned=bool(p[1].argmax() != subject.target),
    )


def drawn(features: int, links: int, of_features: int, of_links: int, draws: int, seed: int) -> np.ndarray:
    """Draw as many features and as many links: bool [draw, feature and link]."""
    rng = np.random.default_rng(seed)
    sides = [
        rng.random((draws, size)).argsort(axis=1).argsort(axis=1) < count
        for size, count in ((features, of_features), (links, of_links))
    ]
    return np.concatenate(sides, axis=1)


def answers(subject: Subject, gone: np.ndarray, instead: Instead) -> np.ndarray:
    """Return the ensemble's probabilities without the features and links marked: [copy, class]."""
    features, links = np.split(gone, [len(subject.features)], axis=1)
    return np.asarray(subject.held(without(subject, features, instead), ~links).mean(axis=0))
