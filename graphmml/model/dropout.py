"""Dropout: the same as torch's, from fewer random bits."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Dropout(nn.Module):
    """Set entries to zero with probability `p` in training and scale up the others.

    On a CPU torch draws a number of 64 bits for every entry, one by one, which takes longer than the matrix product
    that follows; here 16 bits decide, so that `p` is met within 1/65,536.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Thin out a tensor of any shape."""
        if not self.training or self.p < 2**-17:
            return x
        if x.device.type != "cpu":
            return functional.dropout(x, self.p)
        cut = round(self.p * 65_536)
        return x * ((bits(x) >= cut - 32_768) * (65_536 / (65_536 - cut)))


def bits(like: Tensor) -> Tensor:
    """Draw 16 random bits an entry, four entries at a time: int16 of the same shape, each value equally likely."""
    drawn = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    return drawn.view(torch.int16)[: like.numel()].view(like.shape)
