"""Element-wise fusions without a weight to learn, and one with a weight a channel."""

import torch
from torch import Tensor, nn

from graphmml.errors import GraphError
from graphmml.model.fusion.presence import masked, mean_of, somebody, weights_over_present


class MeanFusion(nn.Module):
    """The mean of the present modalities."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        return mean_of(x, present)

    def weights(self, x: Tensor, present: Tensor) -> Tensor:
        """Return how much each modality counts: [patient, modality]."""
        return present.to(x.dtype) / present.sum(dim=1, keepdim=True).clamp(min=1)


class SumFusion(nn.Module):
    """The sum of the present modalities: who has more of them gets a longer vector."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        return masked(x, present).sum(dim=1)


class ProductFusion(nn.Module):
    """The element-wise product of the present modalities, each about `shift`: prod(x + s) - s^n over n of them.

    With `shift=0` it is the bare product, in which one modality's small numbers silence all others. About one it
    holds every modality alone, every pair's product and so on, as tensor fusion does by appending ones.
    """

    def __init__(self, width: int, modalities: int, *, shift: float = 1.0) -> None:
        super().__init__()
        if shift < 0:
            raise GraphError(f"shift is {shift}; choose 0 for the bare product, or a number above")
        self.shift = shift

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        here = present.unsqueeze(-1)
        shifted = torch.where(here, masked(x, present) + self.shift, torch.ones_like(x))
        count = present.sum(dim=1, keepdim=True).to(x.dtype)
        return somebody(shifted.prod(dim=1) - self.shift**count, present)


class MaxFusion(nn.Module):
    """The largest of the present modalities, channel by channel."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        largest = x.masked_fill(~present.unsqueeze(-1), -torch.inf).max(dim=1).values
        return somebody(largest, present)


class ChannelFusion(nn.Module):
    """Weigh modalities channel by channel: a softmax over the present, scored from each modality itself.

    After squeeze-and-excitation (Hu, Shen and Sun 2018), with one linear map in place of its bottleneck and a softmax
    across modalities in place of sigmoids, as selective kernels have it (Li et al. 2019), so that one modality passes.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, width)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        return (weights_over_present(self.score(x), present) * x).sum(dim=1)

    def weights(self, x: Tensor, present: Tensor) -> Tensor:
        """Return each modality's weight, averaged over channels: [patient, modality]."""
        return weights_over_present(self.score(masked(x, present)), present).mean(dim=2)
