"""Fusions by attention: one learned weight a patient and modality, which can be read."""

import torch
from torch import Tensor, nn

from graphmml.model.fusion.presence import masked, mean_of, mixed, weights_over_present


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
        return mixed(self.weighed(x, present), x)

    def weights(self, x: Tensor, present: Tensor) -> Tensor:
        """Return how much each modality counts: [patient, modality]."""
        return self.weighed(masked(x, present), present)

    def weighed(self, x: Tensor, present: Tensor) -> Tensor:
        """Weigh modalities that are zero where absent: [patient, modality]."""
        return weights_over_present(self.score(x).squeeze(-1), present)


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
        return mixed(self.weights(x, present), masked(x, present))

    def weights(self, x: Tensor, present: Tensor) -> Tensor:
        """Return how much each modality counts: [patient, modality]."""
        x = masked(x, present)
        score = torch.einsum("pw,pmw->pm", self.query(mean_of(x, present)), self.key(x)) / x.shape[-1] ** 0.5
        return weights_over_present(score, present)


class HierarchicalFusion(nn.Module):
    """Attention over the channels of each modality, then over the modalities (after Yang et al., NAACL 2016).

    Channel weights of a modality average to one; a modality's score is w tanh(W y), as in the paper. The paper
    attends over words, then sentences.
    """

    def __init__(self, width: int, modalities: int) -> None:
        super().__init__()
        self.channel = nn.Linear(width, width)
        self.map = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)
        self.single = modalities == 1

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Fuse [patient, modality, width] into [patient, width]."""
        attended = masked(x, present) if self.single else self.attended(x, present)
        return mixed(self.over_modalities(attended, present), attended)

    def weights(self, x: Tensor, present: Tensor) -> Tensor:
        """Return how much each modality counts: [patient, modality]."""
        return self.over_modalities(self.attended(x, present), present)

    def attended(self, x: Tensor, present: Tensor) -> Tensor:
        """Weigh the channels of each modality: [patient, modality, width]."""
        x = masked(x, present)
        attended: Tensor = self.channel(x).softmax(dim=2) * x.shape[2] * x
        return attended

    def over_modalities(self, attended: Tensor, present: Tensor) -> Tensor:
        """Return the second level's weights: [patient, modality]."""
        return weights_over_present(self.score(self.map(attended).tanh()).squeeze(-1), present)
