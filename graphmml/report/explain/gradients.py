"""Integrated gradients, through captum, over features and messages together."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphmmlError
from graphmml.report.explain.attribution import Attributed, summed
from graphmml.report.explain.gates import Gates
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.typical import Instead, refuse_instead

UNIT = "share of the probability's rise from nothing known"


@dataclass(frozen=True)
class IntegratedGradients:
    """Follow the probability from a patient of whom nothing is known to the patient, and share its rise out.

    Integrated gradients (Sundararajan, Taly and Yan, ICML 2017) by captum, with `steps` points of Gauss-Legendre
    quadrature, each a copy of the patient. The path opens all features (columns as they were, not as encoded) and all
    links at once. A link's gate is on its message: along its weight there is no path, as means and attention divide
    by the sum of weights. Effects of features and links sum to the rise of the probability, but for `gap`; a modality
    is the sum of its features, a relation that of its links. Links are held.
    """

    steps: int = 64
    instead: Instead = "typical"

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_instead(self.instead)
        if self.steps < 2:
            raise GraphmmlError(f"steps is {self.steps}; choose two or more, 64 is usual")

    def attribute(self, subject: Subject) -> Attributed:
        """Return each part's share of the rise, by member."""
        gates = Gates.of(subject, self.instead)
        found = [self.of_member(gates, at) for at in range(len(subject.network.members_))]
        shares = np.stack([shares for shares, _, _ in found], axis=1)
        parts = [*subject.features, *subject.edges]
        start, end = (float(np.mean([each[at] for each in found])) for at in (1, 2))
        effects = summed(dict(zip(parts, shares, strict=True)), subject)
        return Attributed.of(effects, UNIT, baseline=start, gap=float(shares.mean(axis=1).sum() - (end - start)))

    def of_member(self, gates: Gates, at: int) -> tuple[np.ndarray, float, float]:
        """Return one member's shares [feature and link], and its probability with nothing and with everything."""
        subject = gates.subject

        def probability(features: Tensor, links: Tensor) -> Tensor:
            return gates.probability(at, features, links)[:, subject.target]

        sizes = (len(subject.features), len(subject.links))
        everything = tuple(torch.ones(1, size, device=gates.device) for size in sizes)
        nothing = tuple(torch.zeros(1, size, device=gates.device) for size in sizes)
        with torch.no_grad():
            start, end = float(probability(*nothing)), float(probability(*everything))
        if not sum(sizes):
            return np.zeros(0), start, end
        shares = (
            captum()
            .IntegratedGradients(probability)
            .attribute(everything, nothing, n_steps=self.steps, method="gausslegendre")
        )
        return torch.cat(shares, dim=1)[0].detach().double().cpu().numpy(), start, end


def captum() -> ModuleType:
    """Load captum's attribution methods, an extra."""
    try:
        return import_module("captum.attr")
    except ImportError:
        raise GraphmmlError(
            "integrated gradients need captum: pip install 'graphmml[explain]', or explain by Occlusion()"
        ) from None
