"""Completion: what an absent modality's vector is taken to be, where it shall be taken to be anything.

Shared contract: built from the width and the number of modalities; takes x [patient, modality, width] with zeros
where absent, present [patient, modality] and the edges; gives a `Completed`. A present vector is never touched, a
patient with nothing measured gets nothing, and what is completed is marked in every prediction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors
from graphmml.model.fusion.presence import masked


@dataclass(frozen=True, eq=False)
class Completed:
    """Vectors [patient, modality, width], which of them may be used [patient, modality], and a loss to learn by."""

    x: Tensor
    usable: Tensor
    penalty: Tensor


Completion = Callable[[int, int], nn.Module]


class LearnedTokens(nn.Module):
    """Put one learned vector a modality in the place of those absent.

    Learned from training patients who lack the modality: where there are none, hide some (`drop` of Intermediate).
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(modalities, width))

    def forward(self, x: Tensor, present: Tensor, edges: Sequence[EdgeTensors]) -> Completed:
        """Complete [patient, modality, width]."""
        usable = present.any(dim=1, keepdim=True).expand_as(present)
        filled = torch.where(present.unsqueeze(-1), x, self.token.expand_as(x))
        return Completed(masked(filled, usable), usable, x.new_zeros(()))


class NeighbourCompletion(nn.Module):
    """Take the weighted mean of what the patients one listens to have in the modality; nothing is learned.

    Over all relations between patients. Where no neighbour has the modality it stays absent. Under the inductive
    setting only training patients are listened to.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, present: Tensor, edges: Sequence[EdgeTensors]) -> Completed:
        """Complete [patient, modality, width]."""
        x = masked(x, present)
        total, heard = torch.zeros_like(x), torch.zeros_like(x[..., 0])
        for item in edges:
            if item.kind[0] == item.kind[2] == PATIENT:
                sources, targets = item.index
                weight = item.weight[:, None] * present.index_select(0, sources)
                total = total.index_add(0, targets, weight.unsqueeze(-1) * x.index_select(0, sources))
                heard = heard.index_add(0, targets, weight)
        usable = present | ((heard > 0) & present.any(dim=1, keepdim=True))
        mean = total / heard.clamp(min=1e-12).unsqueeze(-1)
        return Completed(masked(torch.where(present.unsqueeze(-1), x, mean), usable), usable, x.new_zeros(()))


class ExpertCompletion(nn.Module):
    """A variational autoencoder whose posterior is a product of experts (MVAE, Wu and Goodman, NeurIPS 2018).

    Each present modality is an expert on the common code, a standard normal the one that is always there; precisions
    add up. The decoder's vector stands in for an absent modality. The loss, `weight` times the negative ELBO of all
    that is present, told once from all of it and once from a random half (the paper scores each subset on itself, and
    adds each modality alone), is on the encoded vectors, scaled to unit variance; their encoders get no gradient as its
    targets, or they would learn to be easy.
    """

    def __init__(self, width: int, modalities: int, *, code: int = 8, weight: float = 0.1, beta: float = 0.1) -> None:
        super().__init__()
        if code < 1 or weight < 0 or beta < 0:
            raise GraphError(
                f"code is {code}, weight {weight} and beta {beta}; code must be above, the others not below 0"
            )
        self.weight, self.beta = weight, beta
        self.experts = nn.ModuleList(nn.Linear(width, 2 * code) for _ in range(modalities))
        self.decoder = nn.Sequential(
            nn.Linear(code, 2 * width),
            nn.ReLU(),
            nn.Linear(2 * width, modalities * width),
            nn.Unflatten(1, (modalities, width)),
        )
        self.scale: Tensor
        self.register_buffer("scale", torch.zeros(modalities))

    def forward(self, x: Tensor, present: Tensor, edges: Sequence[EdgeTensors]) -> Completed:
        """Complete [patient, modality, width]."""
        x = masked(x, present)
        if self.training:
            self.remember(x.detach(), present)
        unit = x / self.scale.masked_fill(self.scale == 0, torch.inf)[:, None]  # never met in training: no say
        mean, log_variance = self.posterior(unit, present)
        decoded = self.decoder(mean) * self.scale[:, None]
        usable = present.any(dim=1, keepdim=True).expand_as(present)
        filled = masked(torch.where(present.unsqueeze(-1), x, decoded), usable)
        if not self.training:
            return Completed(filled, usable, x.new_zeros(()))
        fewer = present & (torch.rand_like(present, dtype=x.dtype) < 0.5)
        bound = self.bound(unit, present, mean, log_variance) + self.bound(unit, present, *self.posterior(unit, fewer))
        return Completed(filled, usable, self.weight * bound / 2)

    def posterior(self, unit: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the product of the present experts and the prior: [patient, code]."""
        told = [expert(unit[:, at]).chunk(2, dim=1) for at, expert in enumerate(self.experts)]
        precision = torch.stack([(-log.clamp(-8, 8)).exp() for _, log in told], dim=1) * present.unsqueeze(-1)
        means = torch.stack([mean for mean, _ in told], dim=1)
        total = 1 + precision.sum(dim=1)
        return (precision * means).sum(dim=1) / total, -total.log()

    def bound(self, unit: Tensor, present: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return the negative ELBO of what is present, a mean over its numbers and the patients who have any."""
        code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        error = (self.decoder(code) - unit.detach()).square().mean(dim=2) * present
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        known = present.any(dim=1)
        each = error.sum(dim=1) / present.sum(dim=1).clamp(min=1) + self.beta * divergence
        bound: Tensor = (each * known).sum() / known.sum().clamp(min=1)
        return bound

    def remember(self, x: Tensor, present: Tensor) -> None:
        """Keep a running root mean square of each modality's vectors, so that prediction depends on no batch."""
        count = (present.sum(dim=0) * x.shape[2]).clamp(min=1)
        now = (x.square().sum(dim=(0, 2)) / count).sqrt()
        self.scale.copy_(torch.where(self.scale == 0, now, 0.9 * self.scale + 0.1 * now))
