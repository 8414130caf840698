"""Within and Densest: link all patients who are alike enough, by a radius or by the density it should give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.chance import own_position, rank_by_key
from graphmml.graph.neighbours import called, chosen
from graphmml.graph.relations import Relation, Relations
from graphmml.graph.search import Points, above
from graphmml.graph.similarity import METRICS, TIE, Metric, lay_out, one_of, squared_distance

Weight = Literal["binary", "similarity"]
SAMPLE = 500
"""So many patients are compared with all others to guess where the bar lies, before it is found exactly."""


@dataclass(frozen=True)
class Within:
    """Each patient listens to all patients within a radius, in one modality, several, or all (None).

    The distance is 1 - similarity for cosine, correlation, Gower, Jaccard and Hamming, and the root of the mean
    squared difference a column for euclidean; similarities are told apart to about 1e-4. A radius that would give
    more than `most` neighbours on average is refused, since a graph of all pairs says nothing; `Densest` finds the
    radius of a density. Weights are "binary" or "similarity" (above zero; for euclidean exp(-d^2 / 2r^2)).
    """

    radius: float
    modality: str | tuple[str, ...] | None = None
    metric: Metric = "cosine"
    weight: Weight = "binary"
    overlap: int | None = None
    most: int = 200

    def __post_init__(self) -> None:
        one_of(self.metric, METRICS)
        one_of(self.weight, ("binary", "similarity"))
        refuse_numbers(self)
        if self.radius < 0 or self.most < 1:
            raise GraphError(f"radius is {self.radius} and most {self.most}; wanted: zero or more, and one or more")
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation; newcomers listen to the source patients within the radius."""
        modalities = chosen(self.modality, source)
        bar = (-0.5 * self.radius**2 if self.metric == "euclidean" else 1.0 - self.radius) - TIE
        name = called(self.modality, "within")
        drawn = pairs_above(source, target, modalities, self.metric, self.overlap, bar, self.most)
        if drawn is None:
            raise GraphError(
                f"radius {self.radius:g} gives patients more than {self.most} neighbours on average; choose a smaller "
                "one, raise most, or state a density: Densest(degree=10)"
            )
        return Relations((weighed(name, drawn, self.metric, self.weight, bar),))


@dataclass(frozen=True)
class Densest:
    """Link the most similar pairs of all, as many as give patients `degree` neighbours on average.

    The threshold rule of MOGONET (Wang et al., Nature Communications 2021), which states a mean degree and derives
    the cosine threshold; its released code counts each patient's distance to itself, so that its graphs have one
    neighbour fewer than asked for, and ours have as many. The threshold is learned from the source; a newcomer
    listens to whom it is similar to beyond it. Patients in sparse regions get few links or none: that is the
    meaning of a threshold, and `Neighbours` is the alternative. Weights are "binary" or "similarity".
    """

    degree: float = 10.0
    modality: str | tuple[str, ...] | None = None
    metric: Metric = "cosine"
    weight: Weight = "binary"
    overlap: int | None = None

    def __post_init__(self) -> None:
        one_of(self.metric, METRICS)
        one_of(self.weight, ("binary", "similarity"))
        refuse_numbers(self)
        if self.degree <= 0:
            raise GraphError(f"degree is {self.degree}; choose a mean number of neighbours above zero")
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation; among the source it has `degree` edges a patient, to the nearest pair."""
        modalities = chosen(self.modality, source)
        rows, base = lay_out(source, source, modalities, self.metric, self.overlap)
        bar = density_bar(source[rows], base, self.degree)
        most = int(4 * self.degree) + 400
        drawn = pairs_above(source, target, modalities, self.metric, self.overlap, bar, most)
        if drawn is None:
            raise GraphError(
                f"the new patients have more than {most} neighbours on average beyond the threshold that gives "
                f"training patients {self.degree:g}; they are unlike the training patients: use Neighbours"
            )
        return Relations((weighed(called(self.modality, "densest"), drawn, self.metric, self.weight, bar),))


Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Source positions, target positions and similarities of some pairs."""


def pairs_above(
    source: EncodedCohort,
    target: EncodedCohort,
    modalities: Sequence[str],
    metric: Metric,
    overlap: int | None,
    bar: float,
    most: int,
) -> Drawn | None:
    """Return all pairs of at least this similarity; None where there are more than `most` a target patient."""
    there, base = lay_out(source, source, modalities, metric, overlap)
    here, query, own = there, base, None
    if target is not source:
        here, query = lay_out(source, target, modalities, metric, overlap)
        place = np.full(len(source) + 1, -1, dtype=np.int64)
        place[there] = np.arange(len(there))
        own = place[own_position(source, target)[here]]
    found = above(query, base, bar, most * max(len(here), 1), own)
    if found is None:
        return None
    rows, columns, similar = found
    return there[columns], here[rows], similar


def density_bar(patients: EncodedCohort, base: Points, degree: float) -> float:
    """Return the similarity that the wanted number of pairs reach: exact, whatever the sample guessed."""
    count = len(base)
    wanted = round(count * degree / 2)  # unordered pairs
    if wanted < 1 or wanted > count * (count - 1) // 2:
        raise GraphError(
            f"degree is {degree:g} but {count} patients can be compared; choose between {2 / max(count, 1):.2g} and "
            f"{max(count - 1, 0)}"
        )
    sample = rank_by_key(patients)[:SAMPLE]
    seen = np.concatenate([base.block(slice(at, at + 1), base, slice(0, count)).ravel() for at in sample])
    guess = min(1.0, 1.3 * degree / count + 20.0 / len(seen))
    while True:
        bar = -np.inf if guess >= 1.0 else float(np.quantile(np.where(np.isfinite(seen), seen, -1e30), 1.0 - guess))
        found = above(base, base, max(bar, -1e29), 64 * wanted + 100_000)
        if found is not None and len(found[0]) >= 2 * wanted:
            # every pair is found from both its ends, which may differ in their last bit
            return float(-np.partition(-found[2], 2 * wanted - 1)[2 * wanted - 1]) - 1e-12
        if guess >= 1.0 or found is None:
            raise GraphError(
                f"degree {degree:g} wants more pairs than share anything to compare; choose a smaller degree, or "
                "another modality"
            )
        guess = min(1.0, 2.0 * guess)


def weighed(name: str, drawn: Drawn, metric: Metric, weight: Weight, bar: float) -> Relation:
    """Make the relation, its weights binary or by similarity."""
    sources, targets, similar = drawn
    if weight == "binary":
        return Relation.of(name, sources, targets)
    if metric == "euclidean":
        near = np.exp(-0.5 * squared_distance(similar, metric) / max(-2.0 * bar, 1e-12))
        return Relation.of(name, sources, targets, near)
    return Relation.of(name, sources, targets, np.clip(similar, 1e-6, None))
