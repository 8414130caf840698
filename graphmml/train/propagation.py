"""What a graph knows without learning: the outcomes of neighbours, heard once or handed on."""

from typing import Self

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort, Preparation
from graphmml.data.kinds import wanted
from graphmml.errors import GraphError, NotFittedError
from graphmml.graph.neighbours import Neighbours
from graphmml.graph.patient_graph import GraphConstructor, PatientGraph, build_graph, refuse_links
from graphmml.graph.relations import PATIENT, Relation
from graphmml.train.classifier import Predicts, refuse_outcome, refuse_prepare
from graphmml.train.shared import encoded, fitted
from graphmml.train.tasks import ClassTask

States = dict[str, np.ndarray]
FAINT = 1e-9


class LabelPropagation(Predicts, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predict from the outcomes of linked training patients, handed on along the graph.

    Every node takes the mean of what it hears over each relation, then over its relations; a training patient mixes
    `alpha` of it with `1 - alpha` of what happened to them, for `steps` rounds (Zhou et al. 2004, with each node's
    incoming weights summing to one instead of the symmetric normalisation, so that patients can be attached). With
    `alpha=0` it is the vote of neighbours. New patients listen to training patients and are not listened to; who
    hears nobody gets the classes' shares in training. Concepts and parts start with those shares.
    """

    def __init__(
        self,
        links: GraphConstructor | None = None,
        *,
        alpha: float = 0.9,
        steps: int = 20,
        prepare: Preparation | None = None,
    ) -> None:
        self.links = links
        self.alpha = alpha
        self.steps = steps
        self.prepare = prepare

    def fit(self, cohort: Cohort, y: None = None) -> Self:
        """Link the patients with a known outcome, which is the cohort's (`y` stays None), and hand outcomes on."""
        if not 0 <= self.alpha < 1 or self.steps < 1:
            raise GraphError(f"alpha is {self.alpha} and steps {self.steps}; choose alpha from 0 to below 1, a step")
        wanted(cohort, Cohort)
        refuse_outcome(y)
        refuse_links(self.constructor)
        refuse_prepare(self.prepare)
        order = cohort.sorted_rows
        known = cohort[order[cohort.labelled[order]]]
        task = ClassTask.of(known)
        self.classes_ = np.array(task.classes, dtype=object)
        self.encoder_ = fitted(self.prepare, known)
        self.source_ = encoded(self.encoder_, known)
        self.happened_ = np.eye(len(task.classes))[task.codes(known)]
        self.shares_ = self.happened_.mean(axis=0)
        graph = build_graph(self.constructor, self.source_)
        self.states_ = self.spread(graph, self.happened_, self.steps if self.alpha else 1)[PATIENT]
        return self

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return the probability of each class in `classes_`: float64 [patient, class]."""
        self.check_fitted()
        return self.predict_encoded(encoded(self.encoder_, cohort))

    def predict_encoded(self, target: EncodedCohort) -> np.ndarray:
        """Attach patients whom the encoder has laid out: float64 [patient, class]."""
        self.check_fitted()
        graph = build_graph(self.constructor, self.source_, target)
        new = np.tile(self.shares_, (len(target), 1))
        people = np.concatenate([self.states_, new])
        steps = len(kinds_of(graph))  # outcomes come by way of concepts and parts
        return self.spread(graph, people, steps, fixed=True)[PATIENT][len(self.source_) :]

    def spread(self, graph: PatientGraph, people: np.ndarray, steps: int, *, fixed: bool = False) -> States:
        """Hand states on: of training patients mixed with what happened, or with `fixed` kept as they are."""
        states: States = {kind: np.tile(self.shares_, (graph.count(kind), 1)) for kind in kinds_of(graph)}
        states[PATIENT] = people
        known = len(self.source_)
        means = [(relation.source, relation.target, row_means(graph, relation)) for relation in graph.relations]
        for _ in range(steps):
            states = heard(states, means)
            mine = people[:known] if fixed else self.alpha * states[PATIENT][:known] + (1 - self.alpha) * self.happened_
            states[PATIENT][:known] = mine
        return states

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "states_"):
            raise NotFittedError("this LabelPropagation has seen no patients yet; call fit(cohort[train]) first")

    @property
    def constructor(self) -> GraphConstructor:
        """The constructor in use: ten nearest neighbours in each modality unless another was given."""
        return Neighbours(each=True) if self.links is None else self.links


def kinds_of(graph: PatientGraph) -> list[str]:
    """Return the kinds of node that a graph has."""
    return [PATIENT, *graph.concepts, *graph.parts]


def row_means(graph: PatientGraph, relation: Relation) -> csr_array:
    """Return a relation's weights, each target's summing to one: sparse [target, source]."""
    matrix = graph.matrix(relation).astype(np.float64)
    total = np.asarray(matrix.sum(axis=1)).ravel()
    matrix.data = matrix.data / np.repeat(np.maximum(total, FAINT), np.diff(matrix.indptr))
    return matrix


def heard(states: States, means: list[tuple[str, str, csr_array]]) -> States:
    """Return what each node hears in the mean over the relations that reach it; who hears nothing stays as is."""
    total = {kind: np.zeros_like(state) for kind, state in states.items()}
    times = {kind: np.zeros(len(state)) for kind, state in states.items()}
    for source, target, matrix in means:
        total[target] += matrix @ states[source]
        times[target] += np.diff(matrix.indptr) > 0
    return {
        kind: np.where(times[kind][:, None] > 0, total[kind] / np.maximum(times[kind], 1)[:, None], state)
        for kind, state in states.items()
    }
