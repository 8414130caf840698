"""GraphClassifier: the scikit-learn face of a patient graph and the network on it."""

from typing import Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort, Preparation
from graphmml.data.kinds import shown, wanted, whole
from graphmml.errors import GraphError, NotFittedError
from graphmml.graph.neighbours import Neighbours
from graphmml.graph.patient_graph import GraphConstructor, GraphSchema, PatientGraph, refuse_links
from graphmml.model.convs import SAGEStack
from graphmml.model.encoders import LinearEncoder
from graphmml.model.front import Encoder
from graphmml.model.fusion.weighted import GatedFusion
from graphmml.model.passing import Conv
from graphmml.model.strategy import Fusion, Strategy, strategy_of
from graphmml.model.structure import Structure
from graphmml.model.towers import Network, network_for
from graphmml.train.chance import chosen_device, refuse_device, refuse_seed
from graphmml.train.classifier import Predicts, refuse_prepare, refuse_watch
from graphmml.train.growing import attach, extend
from graphmml.train.loop import Training, Watch
from graphmml.train.member import combination, refuse_outcomes_seen
from graphmml.train.members import train_members
from graphmml.train.shared import encoded, fitted
from graphmml.train.tasks import ClassTask

Setting = Literal["inductive", "transductive"]


class GraphClassifier(Predicts, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Classify patients by a small ensemble of graph networks on a graph of the training patients.

    Each of `members` networks learns from all but one inner part of the training patients and stops by that
    part; their probabilities are averaged. New patients are attached to all training patients by `links`, and
    listen without being listened to, so that a prediction does not depend on who else is predicted. With
    `setting="transductive"`, patients without outcome given to `fit` join the graph. With a `structure`, the
    edges that `links` draws are candidates, and how much each is heard is learned with the rest. `fusion` says how
    modalities become one: a fusion module (`TensorFusion`), or where they meet and how (`Early`, `Intermediate`,
    `Hybrid`, `Late`).

    The fitted model contains its training patients: it needs their features to predict, and their outcomes to
    take in more patients (`extend`).
    """

    def __init__(  # noqa: PLR0913 -- an estimator names all its settings
        self,
        links: GraphConstructor | None = None,
        conv: Conv = SAGEStack,
        fusion: Fusion | Strategy = GatedFusion,
        *,
        structure: Structure | None = None,
        encoder: Encoder = LinearEncoder,
        prepare: Preparation | None = None,
        width: int = 32,
        members: int = 5,
        training: Training | None = None,
        setting: Setting = "inductive",
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.links = links
        self.conv = conv
        self.fusion = fusion
        self.structure = structure
        self.encoder = encoder
        self.prepare = prepare
        self.width = width
        self.members = members
        self.training = training
        self.setting = setting
        self.device = device
        self.seed = seed

    def fit(self, cohort: Cohort, watch: Watch | None = None) -> Self:
        """Learn from the patients with a known outcome; `watch` is told of every epoch."""
        wanted(cohort, Cohort)
        refuse_watch(watch)
        return self.meet(cohort).learn(watch)

    def meet(self, cohort: Cohort) -> Self:
        """Encode the training patients and number their classes, -1 where unknown; what was learned is forgotten."""
        refuse_unusable(self)
        wanted(cohort, Cohort)
        self.__dict__.pop("members_", None)
        order = cohort.sorted_rows
        known = order[cohort.labelled[order]]
        task = ClassTask.of(cohort[known])
        self.encoder_ = fitted(self.prepare, cohort[known])
        refuse_outcomes_seen(strategy_of(self.fusion), self.encoder_)
        self.classes_, self.blocks_ = np.array(task.classes, dtype=object), cohort.blocks
        people = cohort[order if self.setting == "transductive" else known]
        self.source_, self.codes_ = encoded(self.encoder_, people), task.codes(people)
        return self

    def learn(self, watch: Watch | None = None) -> Self:
        """Train every member from scratch on the encoded training patients."""
        if not hasattr(self, "source_"):
            raise NotFittedError("this GraphClassifier has met no patients yet; call fit(cohort[train]) first")
        train_members([self], watch)
        return self.combine()

    def combine(self) -> Self:
        """Learn, where late fusion does, how the predictions of the trained members become one."""
        self.combined_ = combination(
            strategy_of(self.fusion),
            self.members_,
            self.constructor,
            self.source_,
            self.codes_,
            chosen_device(self.device),
        )
        return self

    def network(self, schema: GraphSchema) -> Network:
        """Make an untrained network for a graph of this schema and the columns of training."""
        return network_for(
            {modality: len(columns) for modality, columns in self.source_.columns.items()},
            schema,
            outputs=len(self.classes_),
            width=self.width,
            encoder=self.encoder,
            fusion=self.fusion,
            conv=self.conv,
            structure=self.structure,
        )

    def attach(self, cohort: Cohort) -> PatientGraph:
        """Return the graph of all training patients with these new ones attached, one or many."""
        return attach(self, cohort)

    def extend(self, cohort: Cohort, *, retrain: bool = True, watch: Watch | None = None) -> "GraphClassifier":
        """Return a model with these new patients among its training patients; the encoder stays what it is.

        Its members learn anew from everybody with a known outcome, as `fit` with that encoder would; with
        `retrain=False` their weights stay, and the new patients, with or without outcome, are listened to.
        """
        return extend(self, cohort, watch, retrain=retrain)

    def predict_members(self, cohort: Cohort) -> np.ndarray:
        """Return each member's probabilities: float64 [member, patient, class]."""
        self.check_fitted()
        return self.predict_encoded(encoded(self.encoder_, cohort))

    def predict_encoded(self, target: EncodedCohort) -> np.ndarray:
        """Return each member's probabilities for patients whom the encoder has laid out: [member, patient, class]."""
        self.check_fitted()
        strategy, device = strategy_of(self.fusion), chosen_device(self.device)
        return np.stack(
            [member.predicted(self.constructor, target, device, strategy, self.combined_) for member in self.members_]
        )

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return the probability of each class in `classes_`: float64 [patient, class]."""
        return np.asarray(self.predict_members(cohort).mean(axis=0))

    @property
    def epochs_(self) -> tuple[int | None, ...]:
        """After how many epochs each member had the weights that it keeps; None in a model saved before that was kept.

        A member that has them after one or two has learned little that its validation patients bear out.
        """
        self.check_fitted()
        return tuple(member.epochs for member in self.members_)

    @property
    def constructor(self) -> GraphConstructor:
        """The constructor in use: ten nearest neighbours in each modality unless another was given."""
        return Neighbours(each=True) if self.links is None else self.links

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "members_"):
            raise NotFittedError("this GraphClassifier has seen no patients yet; call fit(cohort[train]) first")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "members_")


def refuse_unusable(model: GraphClassifier) -> None:
    """Raise for settings that no network can have."""
    whole("members", model.members, 5)
    whole("width", model.width, 32)
    if model.members < 1 or model.width < 1:
        raise GraphError(f"members is {model.members} and width {model.width}; both must be 1 or more")
    refuse_seed(model.seed, model.members)
    if model.setting not in ("inductive", "transductive"):
        raise GraphError(f"setting is {shown(model.setting)}; choose inductive or transductive")
    refuse_links(model.constructor)
    refuse_prepare(model.prepare)
    fusion = getattr(strategy_of(model.fusion), "fusion", GatedFusion)
    for name, part, ours in (("conv", model.conv, "SAGEStack"), ("fusion", fusion, "GatedFusion")):
        if not callable(part):
            raise GraphError(f"{name} is {shown(part)}; a class or function is wanted, for instance {name}=gm.{ours}")
    if model.training is not None:
        wanted(model.training, Training)
    refuse_device(model.device)
