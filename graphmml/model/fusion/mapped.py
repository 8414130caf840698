"""Fusions that map each modality by weights of its own, or by what another modality says."""

import torch
from torch import Tensor, nn

from graphmml.model.fusion.presence import masked, mean_of, somebody


class ConcatFusion(nn.Module):
    """All modalities side by side, zeros for the absent, mapped back to one width."""

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width * modalities, width) if modalities > 1 else None

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        joined = masked(x, present).flatten(start_dim=1)
        return joined if self.linear is None else somebody(self.linear(joined), present)


class GMUFusion(nn.Module):
    """Gated multimodal units (Arevalo et al., ICLR workshop 2017): sum over m of sigmoid(U_m [x]) * tanh(V_m x_m).

    Every gate sees all modalities, zeros for the absent; an absent modality's own term is left out. For two
    modalities the paper ties the gates to z and 1 - z; here they are free, as in its form for several.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.modalities = modalities
        self.gate = nn.Linear(width * modalities, width * modalities) if modalities > 1 else None
        self.value = nn.Parameter(torch.empty(modalities, width, width))
        for matrix in self.value:
            nn.init.xavier_uniform_(matrix)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        if self.gate is None:
            return x[:, 0]
        gate = self.gate(x.flatten(start_dim=1)).sigmoid().view_as(x)
        value = torch.einsum("pmw,mvw->pmv", x, self.value).tanh()
        return masked(gate * value, present).sum(dim=1)


class FilmFusion(nn.Module):
    """Let each modality be scaled and shifted by what the others say, then average (FiLM, Perez et al. 2018).

    (1 + a(others)) * x + b(others), with a and b from the mean of the other present modalities through a bottleneck,
    as DAFT has them from a table and an image (Poelsterl, Wolf and Wachinger 2021). There the image is conditioned;
    here every modality in turn, by one map. Without others nothing is changed.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        narrow = max(width // 2, 1)
        self.condition = nn.Sequential(
            nn.Linear(width, narrow, bias=False), nn.ReLU(), nn.Linear(narrow, 2 * width, bias=False)
        )

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        count = (present.sum(dim=1, keepdim=True) - present.long()).clamp(min=1).unsqueeze(-1)
        others = (x.sum(dim=1, keepdim=True) - x) / count
        scale, shift = self.condition(others).chunk(2, dim=2)
        return mean_of((1 + scale) * x + shift, present)
