"""train_network: one loop, early stopping on validation patients, best weights restored."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphmmlError
from graphmml.model.heads import Cost
from graphmml.model.towers import Network
from graphmml.train.batches import Part, Question, steps
from graphmml.train.tasks import ClassTask


@dataclass(frozen=True)
class Training:
    """How long and how hard to train; weight decay is decoupled (AdamW, Loshchilov and Hutter 2019).

    `pretraining` epochs come before, in which only auxiliary losses and those of completion are learned. `reweigh`
    names a group that patients are weighed by, so that it tells nothing of the class (see `train.reweighing`).

    With `batch`, a step is taken on so many patients and up to `neighbours` (None: all) of whom they listen to in each
    relation, drawn anew each time (GraphSAGE, Hamilton et al. 2017): for cohorts whose graph is too large for one step.
    Patients who stop training, and new ones, are still heard with all their neighbours.
    """

    epochs: int = 300
    patience: int = 20
    learning_rate: float = 0.01
    weight_decay: float = 0.3
    balanced: bool = False
    pretraining: int = 0
    reweigh: str | None = None
    batch: int | None = None
    neighbours: int | None = 15

    def __post_init__(self) -> None:
        refuse_numbers(self)
        unusable = min(self.epochs, self.patience) < 1 or min(self.weight_decay, self.pretraining) < 0
        if unusable or self.learning_rate <= 0:
            raise GraphmmlError(f"{self} is not usable: epochs, patience and learning rate must be above zero")
        if any(most is not None and most < 1 for most in (self.batch, self.neighbours)):
            raise GraphmmlError(f"{self} is not usable: batch and neighbours must be 1 or more, or None for all")


@dataclass(frozen=True)
class Epoch:
    """What `watch` is told: the epoch's number and its losses."""

    number: int
    loss: float
    validation: float


@dataclass(frozen=True)
class Stopped:
    """The lowest validation loss, and after how many epochs, those of pretraining not counted, a network had it."""

    loss: float
    epochs: int


Watch = Callable[[Epoch], None]


def train_network(
    network: Network,
    task: ClassTask,
    train: Part,
    validation: Part,
    how: Training,
    watch: Watch | None = None,
) -> Stopped:
    """Train in place until the validation loss has not fallen for `patience` epochs; return where it was lowest.

    Parts that share nothing (the models of late fusion) are each stopped by their own loss; the value is their mean,
    and the epochs are those of the part that learned longest.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay, fused=True)
    weight = task.balanced(train.codes) if how.balanced else None
    best = {name: Best(tower) for name, tower in network.towers().items()}
    parts = steps(train, network, how.batch, how.neighbours)
    stop = Question(network, validation.graph, validation.known, how.batch)
    heard = None if validation.counts is None else validation.counts[stop.rows]
    cost = cost_of(task, validation.codes[stop.rows], weight, heard, nobody=float("nan"))
    losses: dict[str, float] = {}
    for number in range(how.pretraining + how.epochs):
        pretraining = number < how.pretraining
        loss = torch.stack([step(network, optimizer, task, part, weight, pretraining=pretraining) for part in parts])
        held_out = network.held_out(stop.answer(), stop.present, cost)
        losses |= zip(held_out, torch.stack([*held_out.values()]).tolist(), strict=True)
        if watch is not None:
            watch(Epoch(number, float(loss.mean()), mean_of(losses.values())))
        if pretraining:
            continue
        going = [best[name].goes_on(losses[name], how.patience) for name in held_out]
        if not any(going):
            break
        network.rest(name for name, one in best.items() if one.waited >= how.patience)
    network.rest(())
    for one in best.values():
        one.restore()
    network.eval()
    lowest = mean_of(one.lowest for one in best.values() if one.lowest < float("inf"))
    return Stopped(lowest, max(one.epochs for one in best.values()))


def step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    task: ClassTask,
    train: Part,
    weight: Tensor | None,
    *,
    pretraining: bool,
) -> Tensor:
    """Take one step down the training loss, or while pretraining down its penalties alone; return the loss."""
    network.train()
    optimizer.zero_grad()
    answer = network.answer(train.graph)
    if pretraining and not answer.penalty.requires_grad:
        raise GraphmmlError("pretraining wants something to learn without outcomes; give an auxiliary loss, or none")
    losses = network.losses(answer, train.graph.present, cost_of(task, train.codes, weight, train.counts))
    loss = answer.penalty if pretraining else torch.stack(list(losses.values())).sum()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    if not pretraining:
        network.rebalance(answer, train.graph.present, train.codes)
    optimizer.step()
    return loss.detach()


def cost_of(
    task: ClassTask, codes: Tensor, weight: Tensor | None, counts: Tensor | None = None, *, nobody: float = 0.0
) -> Cost:
    """Return the task's loss on patients of these classes, or on those who are picked out; `nobody` where none are."""

    def cost(logits: Tensor, who: Tensor | None) -> Tensor:
        told = codes if who is None else codes.masked_fill(~who, -1)
        return task.loss(logits, told, weight, counts) if bool((told >= 0).any()) else logits.sum() * 0.0 + nobody

    return cost


def mean_of(losses: Iterable[float]) -> float:
    """Return the mean of the losses that are known, zero where none is."""
    known = [loss for loss in losses if not math.isnan(loss)]
    return sum(known) / max(len(known), 1)


class Best:
    """The lowest loss of a tower so far and its weights then; a tower that has waited too long is done."""

    def __init__(self, tower: nn.Module) -> None:
        self.state = list(tower.state_dict().values())  # they share the tower's memory
        self.best = [tensor.clone() for tensor in self.state]
        self.lowest, self.waited = float("inf"), 0
        self.seen, self.epochs = 0, 0

    def goes_on(self, loss: float, patience: int) -> bool:
        """Keep the weights if the loss is the lowest; return whether the tower has patience left.

        A tower that nobody can stop (NaN) goes on for as long as others do.
        """
        self.seen += 1
        if math.isnan(loss):
            self.keep()
            return False
        if self.waited >= patience:
            return False
        if loss < self.lowest:
            self.lowest, self.waited = loss, 0
            self.keep()
        else:
            self.waited += 1
        return self.waited < patience

    def keep(self) -> None:
        """Remember the weights as they are, and after how many epochs."""
        self.epochs = self.seen
        for kept, now in zip(self.best, self.state, strict=True):
            kept.copy_(now)

    def restore(self) -> None:
        """Give the tower its best weights back."""
        for kept, now in zip(self.best, self.state, strict=True):
            now.copy_(kept)
