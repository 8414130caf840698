"""What models say of patients whom they have not seen, from which calibration and thresholds are learned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.data.folds import Fold
from graphmml.errors import CohortError, GraphmmlError
from graphmml.train.conformal import values_of
from graphmml.train.novelty import Surroundings
from graphmml.train.several import fit_each
from graphmml.train.tasks import ClassTask, aligned


@dataclass(frozen=True, eq=False)
class Judged:
    """Held-out patients, one row each, in the order in which they were judged.

    `p` is the model's own probability of each class, `codes` the class number (-1: none that the model knows),
    `groups` the value of the group ("" for none) and `strangeness` how far from training the patient was.
    """

    p: np.ndarray
    codes: np.ndarray
    groups: np.ndarray
    strangeness: np.ndarray


class Part(NamedTuple):
    """One fold's held-out patients: probabilities of the classes that its model knows, and strangeness."""

    p: np.ndarray
    classes: tuple[str, ...]
    strangeness: np.ndarray


def fitted_each(model: Any, cohort: Cohort, rows: Sequence[np.ndarray]) -> Iterator[tuple[Any, Surroundings]]:
    """Yield a copy of the model fitted on each of these rows, and how far its training patients are from each other."""
    copies = fit_each([clone(model) for _ in rows], (cohort[some] for some in rows))
    for copy, some in zip(copies, rows, strict=True):
        yield copy, Surroundings.of(source_of(copy, cohort, some))


def source_of(model: Any, cohort: Cohort, rows: np.ndarray) -> EncodedCohort:
    """Return the training patients as the model encodes them, in order of id."""
    known: EncodedCohort | None = getattr(model, "source_", None)
    if known is not None:
        return known
    encoder = getattr(model, "encoder_", None)
    if encoder is None:
        raise GraphmmlError(f"a fitted {type(model).__name__} has no encoder_; wrap a GraphClassifier or a Baseline")
    people = cohort[rows]
    order = people.sorted_rows
    encoded: EncodedCohort = encoder.transform(people[order[people.labelled[order]]])
    return encoded


def trained_on(cohort: Cohort, fold: Fold) -> np.ndarray:
    """Return a fold's training patients, and those without outcome, whom a transductive model may listen to."""
    return np.union1d(fold.train, np.flatnonzero(~cohort.labelled))


def judged(model: Any, around: Surroundings, people: Cohort) -> Part:
    """Return what a fitted model says of patients whom it has not seen."""
    strangeness = around.strangeness(model.encoder_.transform(people))
    return Part(model.predict_proba(people), tuple(model.classes_), strangeness)


def joined(parts: Sequence[Part], people: Cohort, classes: tuple[str, ...], group: str | None) -> Judged:
    """Put the patients of all folds, who are `people`, one after another, their classes laid out as `classes`."""
    return Judged(
        p=np.concatenate([aligned(part.p, np.array(part.classes, dtype=object), classes) for part in parts]),
        codes=ClassTask(classes).codes(people),
        groups=values_of(people, group),
        strangeness=np.concatenate([part.strangeness for part in parts]),
    )


def refuse_twice(made: Sequence[Fold]) -> None:
    """Raise CohortError where a patient would be held out twice, and so count twice."""
    tested = np.concatenate([fold.test for fold in made])
    again = len(tested) - len(np.unique(tested))
    if again:
        raise CohortError(f"the splits hold {again} patients out more than once; choose folds with a single repeat")
