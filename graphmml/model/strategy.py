"""Where modalities meet: before encoders, after them, after message passing, or as predictions.

Each is a frozen dataclass that a `GraphClassifier` takes as `fusion`; a fusion module by itself stands for
`Intermediate` with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from graphmml.data.kinds import refuse_numbers, shown
from graphmml.errors import GraphError
from graphmml.model.auxiliary import Auxiliary
from graphmml.model.combine import Combiner, MeanProbability
from graphmml.model.completion import Completion
from graphmml.model.fusion.weighted import GatedFusion

Fusion = Callable[[int, int], nn.Module]
Balance = Literal["equal", "losses", "gradients"]


@dataclass(frozen=True)
class Early:
    """Join the columns of all modalities before anything is learned (early fusion).

    One encoder maps them, a column for each modality's presence beside them, and messages pass along the whole graph.
    Every modality's columns are divided by their number, so that the widest does not decide. What each is reduced to
    before (principal components, discriminants, a selection of columns) is said by `CohortEncoder(reduce=...)`.
    """


@dataclass(frozen=True)
class Intermediate:
    """Encode each modality, fuse the vectors, pass messages (intermediate or joint fusion).

    With `own_graphs` messages pass along each modality's own graph first and the results are fused: a relation named
    after a modality is its own, others are heard by all. `drop` hides each present modality with this probability in
    training, never a patient's last (modality dropout, Neverova et al. 2016). `complete` stands in for absent
    modalities, `auxiliary` adds a loss on the encoded vectors.
    """

    fusion: Fusion = GatedFusion
    own_graphs: bool = field(default=False, kw_only=True)
    drop: float = field(default=0.0, kw_only=True)
    complete: Completion | None = field(default=None, kw_only=True)
    auxiliary: Auxiliary | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_drop(self.drop)
        refuse_parts(self)


@dataclass(frozen=True)
class Hybrid:
    """Train a joint head and a head on each modality together; predict by the mean of both (hybrid fusion).

    The mean is of the joint probability and the mean one of the present modalities. `balance` keeps one loss from
    silencing the rest: "equal" weighs the joint loss and the mean single one alike; "losses" learns weights
    by uncertainty (Kendall, Gal and Cipolla 2018); "gradients" weighs alike and slows the encoders of modalities that
    are ahead of the others (OGM, Peng et al., CVPR 2022, without its added noise, for any number of modalities).
    The other options are those of `Intermediate`.
    """

    fusion: Fusion = GatedFusion
    balance: Balance = field(default="equal", kw_only=True)
    drop: float = field(default=0.0, kw_only=True)
    complete: Completion | None = field(default=None, kw_only=True)
    auxiliary: Auxiliary | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_drop(self.drop)
        refuse_parts(self)
        if self.balance not in ("equal", "losses", "gradients"):
            raise GraphError(f"balance is '{self.balance}'; choose equal, losses or gradients")


@dataclass(frozen=True)
class Late:
    """Train a model for each modality, with its own graph, and combine their predictions (late fusion).

    A relation named after a modality is its own, others are heard by all. Each model stops by its own loss.
    What `combine` learns, it learns from predictions for the training patients that a member left out to stop by.
    """

    combine: Combiner = field(default_factory=MeanProbability)

    def __post_init__(self) -> None:
        given: object = self.combine
        if isinstance(given, type) or not all(callable(getattr(given, name, None)) for name in ("learn", "join")):
            raise GraphError(f"combine is {shown(given)}; a combiner is wanted, for instance Late(gm.Stacked())")


Strategy = Early | Intermediate | Hybrid | Late


def strategy_of(fusion: "Fusion | Strategy") -> Strategy:
    """Return a strategy; a fusion module alone is an intermediate one."""
    given: object = fusion
    if given in (Early, Intermediate, Hybrid, Late):
        raise GraphError(f"fusion is {fusion}, a class; give one of it: Early(), Hybrid(TensorFusion), Late(Stacked())")
    return fusion if isinstance(fusion, Strategy) else Intermediate(fusion)


def refuse_drop(drop: float) -> None:
    """Raise GraphError for a share that cannot be hidden."""
    if not 0.0 <= drop < 1.0:
        raise GraphError(f"drop is {drop}; choose a share of modalities from 0 to below 1")


def refuse_parts(strategy: Intermediate | Hybrid) -> None:
    """Raise GraphError for a completion or an auxiliary loss that cannot be made of a width and modalities."""
    parts: dict[str, tuple[object, str]] = {
        "complete": (strategy.complete, "LearnedTokens"),
        "auxiliary": (strategy.auxiliary, "Contrast"),
    }
    for name, (part, ours) in parts.items():
        if part is not None and (not callable(part) or isinstance(part, nn.Module)):
            raise GraphError(f"{name} is {shown(part)}; a class or function is wanted, for instance {name}=gm.{ours}")
