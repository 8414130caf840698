"""Heads on single modalities: what hybrid fusion trains beside the joint head, and how losses are balanced."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphmml.model.edges import slot
from graphmml.model.fusion.presence import mixed
from graphmml.model.strategy import Hybrid, Strategy

Cost = Callable[[Tensor, Tensor | None], Tensor]
"""Logits [patient, output] and who counts (None: everybody) to a loss."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says in training: joint logits [patient, output], those of single modalities, and a penalty."""

    logits: Tensor
    alone: Mapping[str, Tensor]
    penalty: Tensor


class Heads(nn.Module):
    """A linear head on each encoded modality under `Hybrid`, none under other strategies."""

    def __init__(self, strategy: Strategy, modalities: Sequence[str], width: int, outputs: int) -> None:
        super().__init__()
        self.modalities = tuple(modalities) if isinstance(strategy, Hybrid) else ()
        self.balance = strategy.balance if isinstance(strategy, Hybrid) else "equal"
        self.each = nn.ModuleDict({slot(name): nn.Linear(width, outputs) for name in self.modalities})
        learned = len(self.modalities) + 1 if self.balance == "losses" else 0
        self.log_variance = nn.Parameter(torch.zeros(learned)) if learned else None

    def forward(self, encoded: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of each modality alone: {modality: [patient, output]}."""
        return {name: self.each[slot(name)](encoded[name].relu()) for name in self.modalities}

    def mixed(self, answer: Answer, present: Tensor) -> Tensor:
        """Return the joint logits, or the logarithm of their mean with what single modalities say."""
        if not self.modalities:
            return answer.logits
        joint = answer.logits.softmax(dim=1)
        alone = mean_probability(answer.alone, present)
        return torch.where(present.any(dim=1, keepdim=True), (joint + alone) / 2, joint).clamp(min=1e-12).log()

    def loss(self, answer: Answer, present: Tensor, cost: Cost) -> Tensor:
        """Return the joint loss, those of single heads beside it as `balance` has it."""
        joint = cost(answer.logits, None)
        if not self.modalities:
            return joint
        single = [cost(answer.alone[name], present[:, at]) for at, name in enumerate(self.modalities)]
        if self.log_variance is None:
            return joint + torch.stack(single).mean()
        weighed = torch.stack([joint, *single]) * (-self.log_variance).exp() + self.log_variance / 2
        return weighed[0] + weighed[1:].mean()

    def factors(self, alone: Mapping[str, Tensor], present: Tensor, codes: Tensor) -> dict[str, float]:
        """Return by how much the gradients of each modality's encoder are to be slowed: 1 - tanh(lead) where ahead.

        The lead is the modality's mean probability of the true class over the mean one of the others.
        """
        if self.balance != "gradients" or len(self.modalities) < 2:
            return {}
        sure = {}
        for at, name in enumerate(self.modalities):
            known = present[:, at] & (codes >= 0)
            p = alone[name].detach()[known].softmax(dim=1)
            sure[name] = float(p.gather(1, codes[known, None]).mean()) if known.any() else 0.0
        factors = {}
        for name, own in sure.items():
            others = [value for other, value in sure.items() if other != name and value > 0]
            lead = own / (sum(others) / len(others)) if others else 0.0
            factors[name] = 1 - float(torch.tensor(lead).tanh()) if lead > 1 else 1.0
        return factors


def mean_probability(alone: Mapping[str, Tensor], present: Tensor) -> Tensor:
    """Return the mean over present modalities of what each says; over all for who has none: [patient, output]."""
    heard = present | ~present.any(dim=1, keepdim=True)
    p = torch.stack([logits.softmax(dim=1) for logits in alone.values()], dim=1)
    weight = heard.to(p.dtype)
    return mixed(weight / weight.sum(dim=1, keepdim=True), p)
