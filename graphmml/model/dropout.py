"""Dropout: the same as torch's, from fewer random bits."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

MANY = 2**15
"""So many numbers of 64 bits are drawn faster by SFC64 (Doty-Humphrey, PractRand) than by torch's twister."""


class Dropout(nn.Module):
    """Set entries to zero with probability `p` in training and scale up the others.

    On a CPU torch draws a number of 64 bits for every entry, one by one, which takes longer than the matrix product
    that follows; here 8 bits decide where they meet `p` exactly, and else 16, so that it is met within 1/65,536.
    On a GPU, and without `own`, torch draws.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.own = True

    def forward(self, x: Tensor) -> Tensor:
        """Thin out a tensor of any shape."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu" or not self.own:
            return functional.dropout(x, self.p)
        kind, values = (torch.int8, 2**8) if (self.p * 2**8).is_integer() else (torch.int16, 2**16)
        cut = min(max(round(self.p * values), 1), values - 1)
        low = cut - values // 2
        # to two neighbouring numbers, then to 0 and 1: comparing would give bools, which are slow to multiply by
        kept = bits(x, kind).clamp_(low - 1, low).sub_(low - 1).to(x.dtype).mul_(values / (values - cut))
        return x * kept if x.requires_grad else kept.mul_(x)  # columns are large, and nobody asks for their gradient


def bits(like: Tensor, kind: torch.dtype) -> Tensor:
    """Draw whole numbers, several from one of 64 bits: of the same shape, each value of their kind equally likely."""
    count = -(-like.numel() * kind.itemsize // 8)
    if count < MANY:
        drawn = torch.empty(count, dtype=torch.int64).random_(-(2**63), None)
    else:
        seed = int(torch.empty((), dtype=torch.int64).random_())  # of torch's own, so that its seed decides
        drawn = torch.from_numpy(np.random.SFC64(seed).random_raw(count).view(np.int64))
    return drawn.view(kind)[: like.numel()].view(like.shape)
