"""Approximate nearest patients: nearest neighbour descent, widened until a sample's recall is what was asked for."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from threadpoolctl import threadpool_limits

from graphmml.errors import GraphError
from graphmml.graph.points import Vectors
from graphmml.graph.search import BLOCK, Points, in_threads, strongest

SAMPLE = 1000
"""So many patients are searched exactly, to measure what share of their neighbours is found."""
PLANES = 16
"""By their sides of so many planes patients are ordered before the search."""
FEW = 100_000
"""Fewer patients are searched exactly, which takes less time than to compile the search."""
TRIES = (1, 2, 3, 5)
"""So many times k are asked for, one after the other, until the recall is reached."""


@dataclass(frozen=True, eq=False)
class Found:
    """The k nearest of every patient, positions int64 and similarities float64 [patient, k], and a sample's recall."""

    position: np.ndarray
    score: np.ndarray
    recall: float


_FOUND: WeakKeyDictionary[Vectors, dict[tuple[int, float], Found]] = WeakKeyDictionary()


def approximately(
    query: Points, base: Points, k: int, recall: float, own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return most of the k most similar of `base` for each of `base`, as `search.strongest` returns all of them.

    Patients from elsewhere are few, and are given their true neighbours.
    """
    if query is not base:
        return strongest(query, base, k, own)
    found = searched(base, k, recall)
    return found.position, found.score


def searched(base: Points, k: int, recall: float) -> Found:
    """Return the neighbours of these patients with a measured recall of at least `recall`, searched once."""
    if not isinstance(base, Vectors) or base.present is not None:
        raise GraphError(
            "approximate search needs one modality (each=True draws one relation a modality) and encoded columns: "
            "choose cosine, euclidean or correlation without overlap, or leave recall out for exact search"
        )
    known = _FOUND.setdefault(base, {})
    if (k, recall) not in known:
        known[k, recall] = widened(base, k, recall)
    return known[k, recall]


def widened(base: Vectors, k: int, recall: float) -> Found:
    """Search wider and wider; exactly where patients are few, or where no width finds enough.

    The patients are taken in an order that their ids decide, not their rows: the search depends on it.
    """
    if len(base) < FEW:
        return Found(*strongest(base, base, k), 1.0)
    by_id = np.argsort(np.ascontiguousarray(base.ties[:, :2]).view(np.uint64)[:, 0])  # two columns as one number
    alike = beside_alike(base.embedded()[by_id])
    order = by_id[alike]
    laid = base[order]
    sample = np.flatnonzero(alike % -(-len(base) // SAMPLE) == 0)  # by their ids, again
    true, _ = strongest(laid[sample], laid, k, sample)
    for times in TRIES:
        near, score = best_of(descended(laid, times * k + 1), laid, k)
        hit = (true[:, :, None] == near[sample][:, None, :]).any(axis=2)
        share = float(hit[true >= 0].mean()) if (true >= 0).any() else 1.0
        if share >= recall:
            found = Found(np.empty_like(near), np.empty_like(score), share)
            found.position[order], found.score[order] = np.where(near >= 0, order[near], -1), score
            return found
    return Found(*strongest(base, base, k), 1.0)


def beside_alike(place: np.ndarray) -> np.ndarray:
    """Return an order in which most patients stand near those like them: int64 [patient].

    What the search compares is then in the processor's cache more often. Patients on the same side of the same
    random planes (Charikar, STOC 2002) stand together.
    """
    planes = np.random.default_rng(0).standard_normal((place.shape[1], PLANES), dtype=np.float32)
    with threadpool_limits(1, user_api="blas"):
        side = (place @ planes) > np.median(place[:SAMPLE] @ planes, axis=0)
    return np.argsort(side @ 2.0 ** np.arange(PLANES), kind="stable")


def descended(base: Vectors, wide: int) -> np.ndarray:
    """Return the nearest found by nearest neighbour descent (Dong, Moses and Li, WWW 2011), as pynndescent has it.

    It finds neighbours among the neighbours of neighbours, from the leaves of random trees on. `wide` are kept on
    the way, oneself among them, who is left out: int32 [patient, wide], -1 for none.
    """
    with threadpool_limits(1, user_api="blas"):
        near: np.ndarray = (
            pynndescent()
            .NNDescent(
                base.embedded(), metric="euclidean", n_neighbors=wide, random_state=0, n_jobs=-1, low_memory=True
            )
            .neighbor_graph[0]
        )
    return np.where(near == np.arange(len(base))[:, None], -1, near)


def best_of(column: np.ndarray, base: Vectors, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k most similar of each patient's candidates (integers [patient, candidate], -1 none)."""
    position, score = np.full((len(column), k), -1, dtype=np.int64), np.full((len(column), k), -np.inf)

    def rank(part: slice) -> None:
        near = column[part]
        row, place = np.nonzero(near >= 0)
        similar = np.full(near.shape, -np.inf)
        similar[row, place] = base.pairs(row + part.start, base, near[row, place])
        order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
        score[part] = np.take_along_axis(similar, order, axis=1)
        position[part] = np.where(np.isfinite(score[part]), np.take_along_axis(near, order, axis=1), -1)

    in_threads(rank, (slice(at, min(at + BLOCK, len(column))) for at in range(0, len(column), BLOCK)))
    return position, score


def pynndescent() -> Any:
    """Load the search, an extra."""
    try:
        return import_module("pynndescent")
    except ImportError:
        raise GraphError(
            "approximate search needs pynndescent: pip install 'graphmml[approximate]', or leave recall out for "
            "exact search"
        ) from None
