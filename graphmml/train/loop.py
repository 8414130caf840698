"""train_network: one loop, early stopping on validation patients, best weights restored."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from graphmml.errors import GraphmmlError
from graphmml.model.network import GraphNetwork, GraphTensors
from graphmml.train.tasks import ClassTask


@dataclass(frozen=True)
class Training:
    """How long and how hard to train; weight decay is decoupled (AdamW, Loshchilov and Hutter 2019)."""

    epochs: int = 300
    patience: int = 20
    learning_rate: float = 0.01
    weight_decay: float = 0.3
    balanced: bool = False

    def __post_init__(self) -> None:
        if min(self.epochs, self.patience) < 1 or self.learning_rate <= 0 or self.weight_decay < 0:
            raise GraphmmlError(f"{self} is not usable: epochs, patience and learning rate must be above zero")


@dataclass(frozen=True)
class Epoch:
    """What `watch` is told: the epoch's number and its losses."""

    number: int
    loss: float
    validation: float


@dataclass(frozen=True, eq=False)
class Part:
    """Patients to learn from or to stop by: their tensors and class numbers, -1 for those that do not count."""

    graph: GraphTensors
    codes: Tensor


Watch = Callable[[Epoch], None]


def train_network(
    network: GraphNetwork,
    task: ClassTask,
    train: Part,
    validation: Part,
    how: Training,
    watch: Watch | None = None,
) -> float:
    """Train in place until the validation loss has not fallen for `patience` epochs; return its lowest value."""
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay, foreach=True
    )
    weight = task.balanced(train.codes) if how.balanced else None
    lowest, best, waited = float("inf"), copy.deepcopy(network.state_dict()), 0
    for number in range(how.epochs):
        network.train()
        optimizer.zero_grad()
        loss = task.loss(network(train.graph), train.codes, weight)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        network.eval()
        with torch.no_grad():
            held_out = float(task.loss(network(validation.graph), validation.codes, weight))
        if watch is not None:
            watch(Epoch(number, float(loss.detach()), held_out))
        if held_out < lowest:
            lowest, best, waited = held_out, copy.deepcopy(network.state_dict()), 0
        else:
            waited += 1
            if waited >= how.patience:
                break
    network.load_state_dict(best)
    network.eval()
    return lowest
