"""Auxiliary losses: what encoders learn from the modalities themselves, beside the outcome.

Shared contract: built from the width and the number of modalities; takes x [patient, modality, width], present
[patient, modality] and the fused vectors [patient, width]; gives a scalar, zero where nothing can be compared.
Counted only in training; with `Training.pretraining` epochs of it alone come first.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphmml.errors import GraphError
from graphmml.model.fusion.presence import masked

Auxiliary = Callable[[int, int], nn.Module]


class Contrast(nn.Module):
    """Bring a patient's modalities together and other patients' apart (symmetric InfoNCE, CLIP, Radford et al. 2021).

    For each two modalities, over the patients who have both, at most `at_most` drawn anew each epoch; modalities are
    mapped and set to length one, the temperature is learned. A mean over pairs, times `weight`.
    """

    def __init__(self, width: int, modalities: int, *, weight: float = 0.1, at_most: int = 1024) -> None:
        super().__init__()
        refuse_weight(weight)
        if at_most < 2:
            raise GraphError(f"at_most is {at_most}; two patients or more are contrasted")
        self.weight, self.at_most = weight, at_most
        self.map = nn.ModuleList(nn.Linear(width, width) for _ in range(modalities))
        self.log_scale = nn.Parameter(torch.tensor(1 / 0.07).log())

    def forward(self, x: Tensor, present: Tensor, fused: Tensor) -> Tensor:
        """Return the mean loss over pairs of modalities."""
        x = masked(x, present)
        scale = self.log_scale.clamp(max=4.6).exp()  # at most 100, as in CLIP
        losses = []
        for one, other, rows in pairs(present):
            if len(rows) > self.at_most:
                rows = rows[torch.randperm(len(rows), device=rows.device)[: self.at_most]]
            left = functional.normalize(self.map[one](x[rows, one]), dim=1)
            right = functional.normalize(self.map[other](x[rows, other]), dim=1)
            likeness = scale * left @ right.T
            itself = torch.arange(len(rows), device=rows.device)
            there, back = functional.cross_entropy(likeness, itself), functional.cross_entropy(likeness.T, itself)
            losses.append((there + back) / 2)
        return self.weight * mean_loss(losses, x)


class DeepCCA(nn.Module):
    """Make each two modalities as correlated as they can be (deep CCA, Andrew et al., ICML 2013).

    Minus the sum of canonical correlations of the encoded vectors over the patients who have both, divided by the
    width, a mean over pairs, times `weight`. Covariances get `ridge` times their mean variance, since vectors of a
    common width have fewer directions than columns. The paper has two views; for more, pairs are averaged.
    """

    def __init__(self, width: int, modalities: int, *, weight: float = 0.1, ridge: float = 0.1) -> None:
        super().__init__()
        refuse_weight(weight)
        if ridge <= 0:
            raise GraphError(f"ridge is {ridge}; choose a number above zero, or covariances cannot be inverted")
        self.weight, self.ridge = weight, ridge

    def forward(self, x: Tensor, present: Tensor, fused: Tensor) -> Tensor:
        """Return minus the mean canonical correlation over pairs of modalities."""
        x = masked(x, present)
        losses = [
            -canonical(x[rows, one], x[rows, other], self.ridge).sum() / x.shape[2]
            for one, other, rows in pairs(present)
        ]
        return self.weight * mean_loss(losses, x)


class Reconstruction(nn.Module):
    """Decode every present modality from the fused vector: with ConcatFusion a joint autoencoder (Ngiam et al. 2011).

    The squared error is divided by the modality's variance, a mean over modalities, times `weight`. Targets are the
    encoded vectors without a gradient, or encoders would learn to be easy; the paper reconstructs the columns. A
    modality that stands as a node of its own is not in the fused vector, and so is not to be had from it.
    """

    def __init__(self, width: int, modalities: int, *, weight: float = 0.1) -> None:
        super().__init__()
        refuse_weight(weight)
        self.weight = weight
        self.decoders = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(modalities)
        )

    def forward(self, x: Tensor, present: Tensor, fused: Tensor) -> Tensor:
        """Return the mean relative error over modalities."""
        x = masked(x, present)
        losses = []
        for at, decoder in enumerate(self.decoders):
            rows = present[:, at].nonzero().squeeze(1)
            if len(rows) > 1:
                goal = x[rows, at].detach()
                error = (decoder(fused[rows]) - goal).square().mean()
                losses.append(error / goal.var(dim=0).mean().clamp(min=1e-8))
        return self.weight * mean_loss(losses, x)


def pairs(present: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """Yield each two modalities and the patients who have both, where there are two patients or more."""
    for one in range(present.shape[1]):
        for other in range(one + 1, present.shape[1]):
            rows = (present[:, one] & present[:, other]).nonzero().squeeze(1)
            if len(rows) > 1:
                yield one, other, rows


def canonical(left: Tensor, right: Tensor, ridge: float) -> Tensor:
    """Return the canonical correlations of two views, [patient, width] each, with ridged covariances: [width]."""
    left, right = left - left.mean(dim=0), right - right.mean(dim=0)
    # a Cholesky root whitens as well as a symmetric one: the singular values are the same
    white = [whitened(side, ridge) for side in (left, right)]
    correlations: Tensor = torch.linalg.svdvals(white[0].T @ white[1] / max(len(left) - 1, 1))
    return correlations


def whitened(view: Tensor, ridge: float) -> Tensor:
    """Return a centred view with its ridged covariance turned into the identity: [patient, width]."""
    covariance = view.T @ view / max(len(view) - 1, 1)
    mean = covariance.diagonal().mean().clamp(min=1e-12)
    root = torch.linalg.cholesky(
        covariance + ridge * mean * torch.eye(view.shape[1], dtype=view.dtype, device=view.device)
    )
    white: Tensor = torch.linalg.solve_triangular(root, view.T, upper=False).T
    return white


def mean_loss(losses: list[Tensor], like: Tensor) -> Tensor:
    """Return the mean of some losses, zero of none."""
    return torch.stack(losses).mean() if losses else like.new_zeros(())


def refuse_weight(weight: float) -> None:
    """Raise GraphError for a weight that no loss can have."""
    if weight <= 0:
        raise GraphError(f"weight is {weight}; choose a number above zero, or leave the auxiliary loss out")
