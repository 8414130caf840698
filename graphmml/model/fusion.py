"""Fusion: a patient's vectors, one a modality, and a presence mask become one vector.

Shared contract: built from the width and the number of modalities; takes x [patient, modality, width] and
present [patient, modality]; gives [patient, width]. What is absent weighs nothing, a patient with nothing
measured becomes zeros, and a single modality passes through unchanged.
"""

import torch
from torch import Tensor, nn


def masked(x: Tensor, present: Tensor) -> Tensor:
    """Set absent modalities to zero, whatever stands there, NaN included."""
    return x.masked_fill(~present.unsqueeze(-1), 0.0)


def weights_over_present(score: Tensor, present: Tensor) -> Tensor:
    """Softmax over the present modalities; zeros for a patient who has none: [patient, modality]."""
    hidden = score.masked_fill(~present, -1e9)
    return hidden.softmax(dim=1) * present


class MeanFusion(nn.Module):
    """The mean of the present modalities."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        count = present.sum(dim=1, keepdim=True).clamp(min=1)
        return masked(x, present).sum(dim=1) / count


class ConcatFusion(nn.Module):
    """All modalities side by side, zeros for the absent, mapped back to one width."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width * modalities, width) if modalities > 1 else None

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        joined = masked(x, present).flatten(start_dim=1)
        if self.linear is None:
            return joined
        mapped: Tensor = self.linear(joined)
        return mapped * present.any(dim=1, keepdim=True)


class GatedFusion(nn.Module):
    """Mix each patient's modalities by one learned weight a modality, scored from the modality itself.

    The gate of a gated multimodal unit (Arevalo et al., ICLR workshop 2017) with a softmax over what is
    present in place of independent sigmoids, so that weights always sum to one.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        weight = weights_over_present(self.score(x).squeeze(-1), present)
        return (weight.unsqueeze(-1) * x).sum(dim=1)


class AttentionFusion(nn.Module):
    """Each patient's mean modality asks, every present modality answers (dot-product attention, Vaswani 2017).

    Queries and keys are learned, values are the modalities themselves, so that the weights can be read and one
    modality alone passes through.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        mean = x.sum(dim=1) / present.sum(dim=1, keepdim=True).clamp(min=1)
        score = torch.einsum("pw,pmw->pm", self.query(mean), self.key(x)) / x.shape[-1] ** 0.5
        weight = weights_over_present(score, present)
        return (weight.unsqueeze(-1) * x).sum(dim=1)
