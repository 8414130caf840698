"""Tensor fusion: products of every subset of modalities, whole or in low rank."""

import torch
from torch import Tensor, nn

from graphmml.errors import GraphError
from graphmml.model.fusion.presence import masked, somebody

PRODUCTS: int = 4096
"""How many products a patient gets where no size is asked for."""
MOST_PRODUCTS: int = 1 << 18
MOST_BYTES: int = 4 << 30


class TensorFusion(nn.Module):
    """The outer product of all modalities, each with a one appended (TFN, Zadeh et al., EMNLP 2017), mapped back.

    Each of M modalities is mapped to `size` numbers before; the product then has (size + 1)^M entries, and the map
    back that many times the width. Without a size it is the largest that keeps these within 4,096 (whole vectors
    are used for two modalities up to a width of 63). Absent modalities leave their one: the products of the others.
    Memory: 4 (size + 1)^M bytes a patient, twice in training; what would take more than 4 GiB is refused.
    """

    def __init__(self, width: int, modalities: int, *, size: int | None = None) -> None:
        super().__init__()
        self.size = sized(width, modalities, size)
        self.inward = nn.Parameter(torch.empty(modalities, self.size, width))
        for matrix in self.inward:
            nn.init.xavier_uniform_(matrix)
        self.outward = nn.Linear((self.size + 1) ** modalities, width) if modalities > 1 else None

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        if self.outward is None:
            return x[:, 0]
        refuse_too_large(len(x), self.outward.in_features, x.element_size())
        mapped = torch.einsum("pmw,msw->pms", x, self.inward)
        mapped = torch.cat([mapped, mapped.new_ones(*mapped.shape[:2], 1)], dim=2)
        product = mapped[:, 0]
        for at in range(1, mapped.shape[1]):
            product = (product.unsqueeze(2) * mapped[:, at].unsqueeze(1)).flatten(start_dim=1)
        return somebody(self.outward(product), present)


def sized(width: int, modalities: int, size: int | None) -> int:
    """Return to how many numbers each modality is mapped, or raise GraphError where the product is too large."""
    if size is None:
        fits = [n for n in range(1, width + 1) if (n + 1) ** modalities <= PRODUCTS]
        size = max(fits, default=1)
    entries = (size + 1) ** modalities
    if size < 1 or (modalities > 1 and entries > MOST_PRODUCTS):
        raise GraphError(
            f"the product of {modalities} modalities of size {size} has {entries:,} entries a patient and at most "
            f"{MOST_PRODUCTS:,} are wanted; choose a smaller size above zero, or LowRankFusion, which grows with the "
            "number of modalities and not to its power"
        )
    return size


def refuse_too_large(patients: int, entries: int, item: int) -> None:
    """Raise GraphError where the product of all patients would not fit in memory."""
    taken = patients * entries * item
    if taken > MOST_BYTES:
        raise GraphError(
            f"the product of {patients:,} patients has {entries:,} entries each, {taken / 2**30:.1f} GiB; choose a "
            "smaller size, or LowRankFusion, which forms no product"
        )


class LowRankFusion(nn.Module):
    """Tensor fusion whose map back is kept in low rank, so that no product is formed (LMF, Liu et al., ACL 2018).

    The sum over `rank` of the element-wise product over modalities of W_m [x_m; 1]. Grows with modalities x rank x
    width^2. What is absent leaves its one.
    """

    def __init__(self, width: int, modalities: int, *, rank: int = 4) -> None:
        super().__init__()
        if rank < 1:
            raise GraphError(f"rank is {rank}; choose one or more")
        self.single = modalities == 1
        self.factor = nn.Parameter(torch.empty(modalities, rank, width, width))
        self.constant = nn.Parameter(torch.ones(modalities, rank, width))
        self.share = nn.Parameter(torch.full((rank,), 1.0 / rank))
        self.bias = nn.Parameter(torch.zeros(width))
        nn.init.normal_(self.factor, std=width**-0.5)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        if self.single:
            return x[:, 0]
        product = self.constant.new_ones(())
        for at, (factor, constant) in enumerate(zip(self.factor, self.constant, strict=True)):
            # one after another: the gradient of torch.prod takes several times as long
            product = product * torch.addmm(constant.flatten(), x[:, at], factor.flatten(end_dim=1).T)
        ranks = product.view(len(x), *self.constant.shape[1:])
        return somebody(torch.einsum("prv,r->pv", ranks, self.share) + self.bias, present)
