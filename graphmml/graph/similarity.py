"""Nearest patients by what both have measured: exact search through faiss, ties broken by patient id."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import faiss
import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.graph.chance import uniform

Metric = Literal["cosine", "euclidean", "correlation"]

TIE = 1e-4
"""Similarities closer than about this are ties, ordered by a hash of both ids: without it, the first rows of a
file would become everybody's neighbours wherever patients look alike (few binary codes)."""
TIE_COLUMNS = 4
BLOCK = 4096


def vectors(matrix: np.ndarray, metric: Metric) -> np.ndarray:
    """Return rows whose inner product is the similarity (cosine, correlation), or plain rows: float64."""
    rows = matrix.astype(np.float64)
    if metric == "euclidean":
        return np.asarray(rows / np.sqrt(rows.shape[1]))
    if metric == "correlation":
        rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0))


def searchable(
    cohort: EncodedCohort, rows: np.ndarray, shared: Sequence[str], metric: Metric, *, query: bool
) -> np.ndarray:
    """Lay out rows so that one inner product is the mean similarity over the shared modalities: float64.

    Euclidean similarity is minus half the squared distance per column; its two norm terms take a column each.
    """
    blocks = [vectors(cohort.features[modality][rows], metric) for modality in shared]
    joined = np.concatenate(blocks, axis=1) / np.sqrt(len(shared))
    ties = np.stack([uniform(cohort.keys[rows], salt) for salt in range(TIE_COLUMNS)], axis=1) - 0.5
    ties = ties / np.linalg.norm(ties, axis=1, keepdims=True)  # of one length, or the longest would be hubs
    parts = [joined, ties * np.sqrt(TIE)]
    if metric == "euclidean":
        norm = -0.5 * (joined**2).sum(axis=1, keepdims=True)
        one = np.ones_like(norm)
        parts += [one, norm] if query else [norm, one]
    return np.concatenate(parts, axis=1)


def nearest(
    source: EncodedCohort, target: EncodedCohort, modalities: Sequence[str], *, k: int, metric: Metric
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k most similar source patients of each target patient, the most similar first.

    Returns positions int64 [target, k] (-1 where there are fewer) and similarities float64 [target, k]. Two
    patients are compared by the mean over the modalities that both have; a patient with none of them, and a
    patient with the target's own id, is nobody's neighbour. Memory grows with target x k, and the search with
    one block of targets at a time.
    """
    own = source.ids.get_indexer(target.ids)
    best = np.full((len(target), k), -1, dtype=np.int64)
    score = np.full((len(target), k), -np.inf)
    for here, rows in patterns(target, modalities).items():
        for there, candidates in patterns(source, modalities).items():
            shared = [name for name, a, b in zip(modalities, here, there, strict=True) if a and b]
            if not shared:
                continue
            base = searchable(source, candidates, shared, metric, query=False)
            for block in np.array_split(rows, -(-len(rows) // BLOCK)):
                query = searchable(target, block, shared, metric, query=True)
                found, similar = top(query, base, k + 1)
                found = np.where(found < 0, -1, candidates[found])
                similar[(found == own[block, None]) | (found < 0)] = -np.inf
                best[block], score[block] = merged(best[block], score[block], found, similar, k)
    best[np.isneginf(score)] = -1
    return best, score


def patterns(cohort: EncodedCohort, modalities: Sequence[str]) -> Mapping[tuple[bool, ...], np.ndarray]:
    """Return the patients of each pattern of present modalities."""
    present = np.stack([cohort.has(modality) for modality in modalities], axis=1)
    kinds, member = np.unique(present, axis=0, return_inverse=True)
    return {tuple(map(bool, kind)): np.flatnonzero(member == at) for at, kind in enumerate(kinds) if kind.any()}


def top(query: np.ndarray, base: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k largest inner products of each query: candidates by faiss in float32, ranked in float64.

    The second ranking makes the answer for one patient the same alone and among others: the rounding of a
    large matrix product depends on who else is in it.
    """
    width = min(2 * k + 16, len(base))
    _, found = faiss.knn(
        np.ascontiguousarray(query, dtype=np.float32),
        np.ascontiguousarray(base, dtype=np.float32),
        width,
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    similar = np.empty(found.shape)
    for rows in chunks(len(query), 2**22 // max(1, width * query.shape[1])):
        similar[rows] = np.einsum("qd,qcd->qc", query[rows], base[found[rows]])
    order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(similar, order, axis=1)


def chunks(total: int, size: int) -> Iterator[slice]:
    """Yield slices that cover range(total)."""
    step = max(1, size)
    return (slice(start, start + step) for start in range(0, total, step))


def merged(
    best: np.ndarray, score: np.ndarray, found: np.ndarray, similar: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best of two lists of neighbours."""
    positions = np.concatenate([best, found], axis=1)
    scores = np.concatenate([score, similar], axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(positions, order, axis=1), np.take_along_axis(scores, order, axis=1)
