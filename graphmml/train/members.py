"""Members of ensembles trained: one after the other, or on a GPU as one program, those of several models as well."""

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from graphmml.data.encode import EncodedCohort
from graphmml.data.folds import inner_folds
from graphmml.errors import GraphmmlError
from graphmml.graph.patient_graph import GraphSchema, build_graph
from graphmml.model.strategy import Early, Intermediate, strategy_of
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import Network
from graphmml.train.batches import Part
from graphmml.train.chance import chosen_device, one_thread, seeded
from graphmml.train.growing import as_cohort
from graphmml.train.loop import Stopped, Training, Watch, train_network
from graphmml.train.member import Member
from graphmml.train.reweighing import counts_of
from graphmml.train.shared import part_of
from graphmml.train.tasks import ClassTask
from graphmml.train.together import may_train_together, train_together

if TYPE_CHECKING:  # the estimator's methods call these functions
    from graphmml.train.estimator import GraphClassifier

Split = tuple[np.ndarray, np.ndarray]
"""Whom a member learns from, without outcome or with, and whom it stops by: positions int64 [patient]."""
FEW = 5_000
"""Steps on fewer patients take one thread: several would wait for each other longer than they compute."""
FULL = 20_000
"""Steps on so many patients keep a GPU busy: networks gain nothing from taking them together."""
ROOM = 2**26
"""So many numbers are side by side at most: 256 MiB, and in training up to about seven times as much."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What member `at` of a model learns from and stops by, its training patients by position and encoded."""

    model: "GraphClassifier"
    at: int
    rows: np.ndarray
    source: EncodedCohort
    schema: GraphSchema
    train: Part
    stop: Part

    @property
    def seed(self) -> int:
        """The seed of the member."""
        return self.model.seed * 7919 + self.at

    @property
    def how(self) -> Training:
        """How the model trains."""
        return self.model.training or Training()

    @property
    def task(self) -> ClassTask:
        """The classes that the model tells apart."""
        return ClassTask(tuple(self.model.classes_))

    def network(self, device: torch.device) -> Network:
        """Make the member's network, untrained."""
        return self.model.network(self.schema).to(device)

    def learned(self, network: Network, stopped: Stopped) -> Member:
        """Put the trained network beside its training patients."""
        return Member(network, self.rows, self.source, self.schema, self.how.batch, stopped.epochs)


def train_members(models: Sequence["GraphClassifier"], watch: Watch | None = None) -> None:
    """Train the members of models that know their patients and are alike but for these and their seeds.

    `watch` is told of every epoch of every network, and of those that are one program once, of the mean losses.
    """
    device = chosen_device(models[0].device)
    with one_thread() if max(at_once(model) for model in models) < FEW else nullcontext():
        if trained_as_one(models, device, watch):
            return
        for model in models:
            if len(models) == 1 or not trained_as_one([model], device, watch):
                model.members_ = [alone(one, device, watch) for one in lessons(model, device)]


def at_once(model: "GraphClassifier") -> int:
    """Return on how many patients a step is taken."""
    return min(len(model.source_), (model.training or Training()).batch or len(model.source_))


def bundles(models: Iterable["GraphClassifier"]) -> Iterator[list["GraphClassifier"]]:
    """Yield models that know their patients, in their order, as many at a time as leave a GPU idle and have room."""
    waiting: list[GraphClassifier] = []
    for model in models:
        alone = not fits_beside(model, len(model.source_))
        if waiting and (alone or sum(map(size, [*waiting, model])) >= ROOM):
            yield waiting
            waiting = []
        waiting.append(model)
        if alone:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def size(model: "GraphClassifier") -> int:
    """Count the numbers that the members of a model learn from and pass on, and the cells that they keep."""
    people = model.source_
    columns = sum(matrix.shape[1] for matrix in people.features.values())
    cells = sum(table.shape[1] for table in people.tables.values())
    passed = 4 * model.width * (len(people.modalities) + 1)
    return int(model.members * len(people) * (columns + cells + passed))


def fits_beside(model: "GraphClassifier", patients: int) -> bool:
    """Whether a model's networks, on a graph of so many patients, may be trained with others and leave room for them.

    Where the device is not to be had here there is none; whoever trains says so.
    """
    try:
        return idle(chosen_device(model.device), patients) and lone(model)
    except GraphmmlError:
        return False


def lone(model: "GraphClassifier") -> bool:
    """Whether settings let a network's loss follow from what is passed along edges alone, in one step an epoch."""
    how, strategy = model.training or Training(), strategy_of(model.fusion)
    if isinstance(strategy, Intermediate):
        plain = not (strategy.own_graphs or strategy.drop or strategy.complete or strategy.auxiliary)
    else:
        plain = isinstance(strategy, Early)
    whole = isinstance(how, Training) and (how.batch, how.pretraining, how.reweigh) == (None, 0, None)
    return plain and whole and model.structure is None


def idle(device: torch.device, patients: int) -> bool:
    """Whether steps on so many patients, one network at a time, leave the device idle between its kernels."""
    return device.type == "cuda" and patients < FULL


def trained_as_one(models: Sequence["GraphClassifier"], device: torch.device, watch: Watch | None) -> bool:
    """Train all members as one program; False where that is no gain, or cannot be, or one of them learns nothing."""
    if sum(map(size, models)) >= ROOM or not all(fits_beside(model, len(model.source_)) for model in models):
        return False
    try:
        every = [one for model in models for one in lessons(model, device)]
        members = together_or_none(every, device, watch)
    except RuntimeError as error:  # fusions differ in what they hold of a patient, GPUs and releases in their kernels
        if not isinstance(error, torch.OutOfMemoryError):
            said = str(error).split("\n", 1)[0][:200]
            warnings.warn(f"networks are trained one after the other; as one program it failed: {said}", stacklevel=2)
        torch.cuda.empty_cache()
        return False
    if members is None:
        return False
    for model in models:
        model.members_ = [member for member, one in zip(members, every, strict=True) if one.model is model]
    return True


def together_or_none(every: Sequence[Lesson], device: torch.device, watch: Watch | None) -> list[Member] | None:
    """Return the members of all lessons, trained as one program; None where they cannot be, or one learns nothing."""
    parts, how = [(one.train, one.stop) for one in every], every[0].how
    networks = []
    for one in every:
        with seeded(one.seed, device):
            networks.append(one.network(device))
    if not may_train_together(networks, parts, how):
        return None
    with seeded(every[0].seed, device):
        stopped = train_together(networks, every[0].task, parts, how, watch)
    if not all(math.isfinite(one.loss) for one in stopped):
        return None
    return [one.learned(network, end) for one, network, end in zip(every, networks, stopped, strict=True)]


def alone(one: Lesson, device: torch.device, watch: Watch | None) -> Member:
    """Train one member."""
    with seeded(one.seed, device):
        network = one.network(device)
        stopped = train_network(network, one.task, one.train, one.stop, one.how, watch)
    return one.learned(network, stopped)


def lessons(model: "GraphClassifier", device: torch.device) -> Iterator[Lesson]:
    """Yield what each member learns from: all but one inner part of the training patients, and that part to stop by."""
    unlabelled = np.flatnonzero(model.codes_ < 0)
    people = as_cohort(model.source_, model.codes_, model.classes_, model.blocks_)
    for at, fold in enumerate(inner_folds(people, model.members, seed=model.seed)):
        yield lesson(model, at, (np.sort(np.concatenate([fold.train, unlabelled])), fold.test), device)


def lesson(model: "GraphClassifier", at: int, split: Split, device: torch.device) -> Lesson:
    """Lay out the graph of training patients, and the same with those attached by whom training stops."""
    rows, stop_rows = split
    source, held_out = part_of(model.source_, rows), part_of(model.source_, stop_rows)
    graph, attached = build_graph(model.constructor, source), build_graph(model.constructor, source, held_out)
    reweigh = (model.training or Training()).reweigh
    heard, stopping = counts_of(reweigh, model.source_, model.codes_, rows, stop_rows, device)
    codes, stop_codes = model.codes_[rows], np.concatenate([np.full(len(source), -1), model.codes_[stop_rows]])
    return Lesson(
        model,
        at,
        rows,
        source,
        graph.schema,
        Part(GraphTensors.of(graph, source, device=device), torch.from_numpy(codes).to(device), heard),
        Part(
            GraphTensors.of(attached, source, held_out, device=device),
            torch.from_numpy(stop_codes).to(device),
            stopping,
        ),
    )
