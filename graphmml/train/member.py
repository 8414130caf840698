"""Member: one network of the ensemble, and the training patients whose graph it knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils import get_tags

from graphmml.data.encode import EncodedCohort, Preparation
from graphmml.errors import GraphmmlError
from graphmml.graph.patient_graph import GraphConstructor, GraphSchema, build_graph
from graphmml.model.combine import Learned, MajorityVote, MeanProbability
from graphmml.model.front import FusedFront
from graphmml.model.strategy import Late, Strategy
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import Network
from graphmml.train.batches import Question
from graphmml.train.shared import part_of


@dataclass(frozen=True, eq=False)
class Member:
    """A trained network, its training patients by position and encoded, and what its graph is made of.

    It answers for `batch` patients at a time, or for all at once. `epochs` is after how many epochs it had its weights,
    where that is known.
    """

    network: Network
    rows: np.ndarray
    source: EncodedCohort
    schema: GraphSchema
    batch: int | None = None
    epochs: int | None = None

    def tensors(self, links: GraphConstructor, target: EncodedCohort, device: torch.device) -> GraphTensors:
        """Return the graph of the training patients with the target attached, the target last."""
        graph = build_graph(links, self.source, target)
        return GraphTensors.of(graph, self.source, target, device=device)

    def question(self, links: GraphConstructor, target: EncodedCohort, device: torch.device) -> Question:
        """Ask the network about the target, each patient attached to the training patients."""
        rows = torch.arange(len(self.source), len(self.source) + len(target), device=device)
        return Question(self.network.to(device), self.tensors(links, target, device), rows, self.batch)

    def predicted(
        self,
        links: GraphConstructor,
        target: EncodedCohort,
        device: torch.device,
        strategy: Strategy,
        combined: Learned,
    ) -> np.ndarray:
        """Return probabilities: float64 [patient, class]."""
        if isinstance(strategy, Late):
            return strategy.combine.join(self.alone(links, target, device), target.present, combined)
        logits = self.question(links, target, device).predicted()
        return np.asarray(logits.double().softmax(dim=1).cpu().numpy())

    def alone(self, links: GraphConstructor, target: EncodedCohort, device: torch.device) -> np.ndarray:
        """Return the probabilities of each modality's own model: float64 [patient, modality, class]."""
        answer = self.question(links, target, device).answer()
        p = torch.stack([logits.double().softmax(dim=1) for logits in answer.alone.values()], dim=1)
        return np.asarray(p.cpu().numpy())

    def completed(self, links: GraphConstructor, target: EncodedCohort, device: torch.device) -> np.ndarray:
        """Return which absent modalities were given a stand-in: bool [patient, modality]."""
        front = getattr(self.network, "front", None)
        if not isinstance(front, FusedFront) or front.complete is None:
            return np.zeros_like(target.present)
        tensors = self.tensors(links, target, device)
        self.network.to(device).eval()
        with torch.no_grad():
            start = front(tensors)
        return np.asarray(start.completed[len(self.source) :].cpu().numpy())


def refuse_outcomes_seen(strategy: Strategy, encoder: Preparation) -> None:
    """Raise GraphmmlError where late fusion would learn from patients whose outcomes made their features.

    It learns from each member's predictions for patients whom that member left out; a supervised reducer has seen
    their outcomes, so that its modality would look better than it is.
    """
    if not isinstance(strategy, Late) or isinstance(strategy.combine, MeanProbability | MajorityVote):
        return
    tables = getattr(encoder, "tables_", {})
    seen = [
        name
        for name, one in tables.items()
        if not isinstance(one.reducer_, PCA | None) and wants_outcomes(one.reducer_)
    ]
    if seen:
        raise GraphmmlError(
            f"{type(strategy.combine).__name__} learns from patients that members left out, whose outcomes the reducer "
            f"of {', '.join(seen)} has seen; reduce without outcomes (PCA), or combine by gm.MeanProbability()"
        )


def wants_outcomes(reducer: Any) -> bool:
    """Whether a fitted scikit-learn transformer cannot be fitted without outcomes; not all of them are tagged so."""
    noise = np.random.default_rng(0).normal(size=(100, reducer.n_features_in_))
    try:
        clone(reducer).fit(noise)
    except (TypeError, ValueError):
        return True
    return bool(get_tags(reducer).target_tags.required)


def combination(
    strategy: Strategy,
    members: Sequence[Member],
    links: GraphConstructor,
    source: EncodedCohort,
    codes: np.ndarray,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Return what late fusion learns from each member's predictions for the patients it left out; else nothing."""
    if not isinstance(strategy, Late):
        return {}
    left = [np.setdiff1d(np.flatnonzero(codes >= 0), member.rows) for member in members]
    p = [member.alone(links, part_of(source, rows), device) for member, rows in zip(members, left, strict=True)]
    rows = np.concatenate(left)
    return dict(strategy.combine.learn(np.concatenate(p), source.present[rows], codes[rows]))
