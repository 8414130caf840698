"""Dropout: the same as torch's, from fewer random bits."""

import torch
from torch import Tensor, nn
from torch.nn import functional

VALUES = 2**16


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
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu":
            return functional.dropout(x, self.p)
        cut = min(max(round(self.p * VALUES), 1), VALUES - 1)
        low = cut - VALUES // 2
        # to two neighbouring numbers, then to 0 and 1: comparing would give bools, which are slow to multiply by
        kept = bits(x).clamp_(low - 1, low).sub_(low - 1).to(x.dtype).mul_(VALUES / (VALUES - cut))
        return x * kept if x.requires_grad else kept.mul_(x)  # columns are large, and nobody asks for their gradient


def bits(like: Tensor) -> Tensor:
    """Draw 16 random bits an entry, four entries at a time: int16 of the same shape, each value equally likely."""
    drawn = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    return drawn.view(torch.int16)[: like.numel()].view(like.shape)
