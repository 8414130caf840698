"""GNNExplainer, through PyG: the smallest soft mask of features and links that keeps the prediction."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.explain import Explainer
from torch_geometric.explain import GNNExplainer as Algorithm
from torch_geometric.nn import MessagePassing

from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphmmlError
from graphmml.report.explain.attribution import Attributed, whole_of
from graphmml.report.explain.gates import Gates
from graphmml.report.explain.part import Part
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.typical import Instead, refuse_instead
from graphmml.train.chance import seeded

UNIT = "mask, 0 to 1"
PENALTIES = {"edge_size": 1.0, "edge_reduction": "mean", "edge_ent": 0.1}
"""Those that PyG puts on features. Its own on edges leave all open where single ones move little."""


@dataclass(frozen=True)
class GNNExplainer:
    """Learn a mask of features and links that keeps the class explained and is small (Ying et al., NeurIPS 2019).

    By PyG's algorithm, links held to the same penalties as features, on the ensemble as a whole: the patient is one
    node whose features are original columns, and each whom it hears another, at the end of an edge; the mask
    multiplies what columns add and messages, as gates do. A mask says what suffices, in no unit of probability and
    without a sign, and depends on `seed`. A modality's mask is the largest of its features', a relation's that of its
    links. Links are held.
    """

    epochs: int = 100
    rate: float = 0.05
    instead: Instead = "typical"
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_instead(self.instead)
        if self.epochs < 1 or self.rate <= 0:
            raise GraphmmlError(f"epochs is {self.epochs} and rate {self.rate}; both must be above zero")

    def attribute(self, subject: Subject) -> Attributed:
        """Return the mask of every part."""
        gates = Gates.of(subject, self.instead)
        features, links = self.learned(gates)
        masks = {part: np.array([value]) for part, value in zip(subject.features, features, strict=True)}
        masks |= {part: np.array([value]) for part, value in zip(subject.edges, links, strict=True)}
        wholes: dict[Part, np.ndarray] = {}
        for part, mask in masks.items():
            wholes[whole_of(part)] = np.maximum(wholes.get(whole_of(part), 0.0), mask)
        return Attributed.of({**wholes, **masks}, UNIT)

    def learned(self, gates: Gates) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks: float64 [feature] and [link]."""
        subject = gates.subject
        star = Star(gates)
        sizes = (len(subject.features), len(subject.links))
        if not sizes[0]:
            raise GraphmmlError("the patient has no feature that the model sees; explain by Occlusion()")
        x = torch.ones(sizes[1] + 1, sizes[0], device=gates.device)
        sources = torch.arange(1, sizes[1] + 1, device=gates.device)
        explainer = Explainer(
            star,
            Algorithm(epochs=self.epochs, lr=self.rate, **PENALTIES),
            explanation_type="phenomenon",
            node_mask_type="attributes",
            edge_mask_type="object" if sizes[1] else None,
            model_config={"mode": "multiclass_classification", "task_level": "node", "return_type": "probs"},
        )
        target = torch.full((1,), subject.target, device=gates.device)
        edges = torch.stack([sources, torch.zeros_like(sources)])
        with seeded(self.seed, gates.device):
            found = explainer(x, edges, target=target, index=0)
        links = found.edge_mask if sizes[1] else torch.zeros(0)
        return found.node_mask[0].double().cpu().numpy(), links.double().cpu().numpy()


class Ear(MessagePassing):  # type: ignore[misc]  # PyG has no types
    """Where PyG leaves the mask of edges."""

    def heard(self, edges: int, device: torch.device) -> Tensor:
        """Return how much of each edge is heard: [edge]."""
        mask = getattr(self, "_edge_mask", None)
        if mask is None:
            return torch.ones(edges, device=device)
        opened: Tensor = mask.sigmoid() if self._apply_sigmoid else mask
        return opened


class Star(nn.Module):
    """The model around one patient, as PyG wants it: x [node, feature] with the patient first, edges into it."""

    def __init__(self, gates: Gates) -> None:
        super().__init__()
        self.ear = Ear()
        self.answer = gates.mean  # a plain function: PyG must not find the networks' own convolutions

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the patient's probabilities: [1, class]."""
        return self.answer(x[:1], self.ear.heard(edge_index.shape[1], x.device)[None]).float()
