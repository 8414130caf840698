"""Members of an ensemble trained: one after the other, or on a GPU as one program."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from graphmml.data.encode import EncodedCohort
from graphmml.graph.patient_graph import GraphSchema, build_graph
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import Network
from graphmml.train.batches import Part
from graphmml.train.chance import chosen_device, seeded
from graphmml.train.loop import Training, Watch, train_network
from graphmml.train.member import Member
from graphmml.train.reweighing import counts_of
from graphmml.train.shared import part_of
from graphmml.train.tasks import ClassTask
from graphmml.train.together import may_train_together, train_together

if TYPE_CHECKING:  # the estimator's methods call these functions
    from graphmml.train.estimator import GraphClassifier

Split = tuple[np.ndarray, np.ndarray]
"""Whom a member learns from, without outcome or with, and whom it stops by: positions int64 [patient]."""
FULL = 20_000
"""Steps on so many patients keep a GPU busy: networks gain nothing from taking them together."""
ROOM = 2**26
"""So many numbers are laid out side by side at most: 256 MiB, and in training about seven times as much."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a member learns from and stops by, its training patients by position and encoded, and its graph's schema."""

    rows: np.ndarray
    source: EncodedCohort
    schema: GraphSchema
    train: Part
    stop: Part


def trained_members(
    model: "GraphClassifier", codes: np.ndarray, splits: Sequence[Split], watch: Watch | None
) -> list[Member]:
    """Train a network on each split of the model's source, whose classes by number are `codes` (-1: unknown)."""
    device = chosen_device(model.device)
    numbers = sum(matrix.size for matrix in model.source_.features.values()) * len(splits)
    if idle(device, len(codes)) and numbers < ROOM:
        together = side_by_side(model, [lesson(model, codes, *split, device) for split in splits], device, watch)
        if together is not None:
            return together
    return [alone(model, lesson(model, codes, *split, device), at, device, watch) for at, split in enumerate(splits)]


def idle(device: torch.device, patients: int) -> bool:
    """Whether steps on so many patients, one network at a time, leave the device idle between its kernels."""
    return device.type == "cuda" and patients < FULL


def side_by_side(
    model: "GraphClassifier", lessons: Sequence[Lesson], device: torch.device, watch: Watch | None
) -> list[Member] | None:
    """Train all at once; None where the networks allow no such thing, or one of them learns nothing.

    `watch` is told of every epoch once, of the mean losses.
    """
    networks, how = [], model.training or Training()
    for at, one in enumerate(lessons):
        with seeded(chance_of(model, at), device):
            networks.append(model.network(one.schema).to(device))
    parts = [(one.train, one.stop) for one in lessons]
    if not may_train_together(networks, parts, how):
        return None
    with seeded(chance_of(model, 0), device):
        lowest = train_together(networks, ClassTask(tuple(model.classes_)), parts, how, watch)
    if not bool(lowest.isfinite().all()):
        return None
    return [member(model, network, one) for network, one in zip(networks, lessons, strict=True)]


def alone(model: "GraphClassifier", one: Lesson, at: int, device: torch.device, watch: Watch | None) -> Member:
    """Train one member."""
    with seeded(chance_of(model, at), device):
        network = model.network(one.schema).to(device)
        task = ClassTask(tuple(model.classes_))
        train_network(network, task, one.train, one.stop, model.training or Training(), watch)
    return member(model, network, one)


def chance_of(model: "GraphClassifier", at: int) -> int:
    """Return the seed of a member."""
    return model.seed * 7919 + at


def member(model: "GraphClassifier", network: Network, one: Lesson) -> Member:
    """Put a trained network beside its training patients."""
    return Member(network, one.rows, one.source, one.schema, (model.training or Training()).batch)


def lesson(
    model: "GraphClassifier", codes: np.ndarray, rows: np.ndarray, stop_rows: np.ndarray, device: torch.device
) -> Lesson:
    """Lay out the graph of training patients, and the same with those attached by whom training stops."""
    source, held_out = part_of(model.source_, rows), part_of(model.source_, stop_rows)
    graph, attached = build_graph(model.constructor, source), build_graph(model.constructor, source, held_out)
    reweigh = (model.training or Training()).reweigh
    heard, stopping = counts_of(reweigh, model.source_, codes, rows, stop_rows, device)
    stop_codes = np.concatenate([np.full(len(source), -1), codes[stop_rows]])
    return Lesson(
        rows,
        source,
        graph.schema,
        Part(GraphTensors.of(graph, source, device=device), torch.from_numpy(codes[rows]).to(device), heard),
        Part(
            GraphTensors.of(attached, source, held_out, device=device),
            torch.from_numpy(stop_codes).to(device),
            stopping,
        ),
    )
