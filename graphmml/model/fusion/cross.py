"""Cross-attention: modalities as tokens that attend to each other."""

import torch
from torch import Tensor, nn

from graphmml.errors import GraphError
from graphmml.model.fusion.presence import masked, mean_of, somebody, weights_over_present


class CrossAttentionFusion(nn.Module):
    """Attention of a patient's modalities to each other as tokens, their mean, then a feed-forward step.

    A transformer layer (Vaswani et al. 2017) in which the mean over tokens is taken before the feed-forward step, not
    after it: one step a patient in place of one a modality.

    Tokens are the vectors set to one scale and a learned vector a modality, in place of positions, so that the layer
    knows who speaks. Modalities attend to present modalities only, each to all, itself included.
    """

    def __init__(self, width: int, modalities: int, *, heads: int = 4) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise GraphError(f"width is {width} and heads {heads}; choose a width that heads divides")
        self.heads, self.single = heads, modalities == 1
        self.name = nn.Parameter(torch.randn(modalities, width) * 0.1)
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.onward = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        x = masked(x, present)
        if self.single:
            return x[:, 0]
        tokens, weight, value = self.attention(x, present)
        # what every asking modality hears is mapped alike, so that the mean may be taken before
        heard = torch.einsum("phk,pkhd->phd", self.asked_by(weight, present), value).flatten(start_dim=1)
        fused = mean_of(tokens, present) + self.out(heard)
        return somebody(fused + self.onward(self.between(fused)), present)

    def weights(self, x: Tensor, present: Tensor) -> Tensor:
        """Return how much each modality is attended to, over heads and present modalities: [patient, modality]."""
        _, weight, _ = self.attention(masked(x, present), present)
        return self.asked_by(weight, present).mean(dim=1)

    def asked_by(self, weight: Tensor, present: Tensor) -> Tensor:
        """Average over the modalities that ask, which are those present: [patient, head, answering]."""
        asking = present.to(weight.dtype) / present.sum(dim=1, keepdim=True).clamp(min=1)
        return torch.einsum("phqk,pq->phk", weight, asking)

    def attention(self, x: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return tokens, weights [patient, head, asking, answering] and values [patient, modality, head, channel]."""
        tokens = masked(self.before(x) + self.name, present)
        parts = self.asked(tokens).unflatten(2, (3, self.heads, -1))
        query, key, value = parts.unbind(dim=2)
        score = torch.einsum("pqhd,pkhd->pkqh", query, key) / query.shape[-1] ** 0.5
        weight = weights_over_present(score, present).permute(0, 3, 2, 1)
        return tokens, weight, value
