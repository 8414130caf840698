"""What every fusion does with the presence mask."""

import torch
from torch import Tensor


def masked(x: Tensor, present: Tensor) -> Tensor:
    """Set absent modalities to zero, whatever stands there, NaN included."""
    return x.masked_fill(~present.unsqueeze(-1), 0.0)


def weights_over_present(score: Tensor, present: Tensor) -> Tensor:
    """Softmax over the present modalities; zeros for a patient who has none: [patient, modality] or deeper."""
    while present.dim() < score.dim():
        present = present.unsqueeze(-1)
    nobody = ~present.any(dim=1, keepdim=True)  # a softmax over nothing but minus infinity has no value
    return score.masked_fill(~(present | nobody), -torch.inf).softmax(dim=1) * present


def mean_of(x: Tensor, present: Tensor) -> Tensor:
    """Return the mean over present modalities, zeros where there are none: [patient, width]."""
    return masked(x, present).sum(dim=1) / present.sum(dim=1, keepdim=True).clamp(min=1)


def somebody(fused: Tensor, present: Tensor) -> Tensor:
    """Set patients with nothing measured to zero, without a gradient through them."""
    return fused.masked_fill(~present.any(dim=1, keepdim=True), 0.0)


def mixed(weight: Tensor, x: Tensor) -> Tensor:
    """Sum modalities by weight: [patient, modality] and [patient, modality, width] to [patient, width]."""
    return (weight.unsqueeze(-1) * x).sum(dim=1)
