"""Nearest patients by what both have measured, whatever the metric; ties broken by patient id."""

from collections.abc import Hashable, Sequence
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.approximate import approximately
from graphmml.graph.gaps import gapped_of
from graphmml.graph.points import TIE, vectors_of
from graphmml.graph.search import Points, strongest

Metric = Literal["cosine", "euclidean", "correlation", "gower", "jaccard", "hamming"]
METRICS = ("cosine", "euclidean", "correlation", "gower", "jaccard", "hamming")
ENCODED = ("cosine", "euclidean", "correlation")
"""Metrics of encoded columns; the others, and these with an overlap, compare raw cells that both patients have."""

__all__ = ["METRICS", "TIE", "Metric", "Points", "lay_out", "nearest", "one_of", "similarity_of", "squared_distance"]

_LAID: WeakKeyDictionary[EncodedCohort, dict[Hashable, tuple[np.ndarray, Points]]] = WeakKeyDictionary()


def lay_out(
    source: EncodedCohort, cohort: EncodedCohort, modalities: Sequence[str], metric: Metric, overlap: int | None = None
) -> tuple[np.ndarray, Points]:
    """Return the positions of those who have any of the modalities, and them as points, by the source's scales.

    The source's own points are remembered as long as it lives, so that attaching one patient lays out one.
    """
    key = (tuple(modalities), metric, overlap)
    known = _LAID.setdefault(source, {})
    if cohort is source and key in known:
        return known[key]
    rows = np.flatnonzero(np.logical_or.reduce([cohort.has(modality) for modality in modalities]))
    chosen = cohort if len(rows) == len(cohort) else cohort[rows]
    laid: Points
    if metric in ENCODED and overlap is None:
        laid = vectors_of(chosen, modalities, metric)
    else:
        laid = gapped_of(source, chosen, modalities, metric, overlap or 1)
    if cohort is source:
        known[key] = (rows, laid)
    return rows, laid


def nearest(
    source: EncodedCohort,
    target: EncodedCohort,
    modalities: Sequence[str],
    *,
    k: int,
    metric: Metric,
    overlap: int | None = None,
    recall: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k most similar source patients of each target patient, the most similar first.

    Returns positions int64 [target, k] (-1 where there are fewer) and similarities float64 [target, k]. Two
    patients are compared by the mean over the modalities that both have; a patient with none of them, and a
    patient with the target's own id, is nobody's neighbour. With `overlap`, and for gower, jaccard and hamming
    always, raw cells are compared that both have, at least so many in a modality (1). With `recall`, at least that
    share of the k is found, as measured on a sample. Memory grows with target x k, one block at a time.
    """
    there, base = lay_out(source, source, modalities, metric, overlap)
    if target is source:
        here, query, own = there, base, None
    else:
        here, query = lay_out(source, target, modalities, metric, overlap)
        own = np.full(len(here), -1, dtype=np.int64)
        place = np.full(len(source), -1, dtype=np.int64)
        place[there] = np.arange(len(there))
        at = source.ids.get_indexer(target.ids[here])
        own[at >= 0] = place[at[at >= 0]]
    best = np.full((len(target), k), -1, dtype=np.int64)
    score = np.full((len(target), k), -np.inf)
    if len(here) and len(there):
        if recall is None:
            found, similar = strongest(query, base, k, own)
        else:
            found, similar = approximately(query, base, k, recall, own)
        best[here] = np.where(found >= 0, there[found], -1)
        score[here] = similar
    return best, score


def similarity_of(
    source: EncodedCohort,
    target: EncodedCohort,
    sources: np.ndarray,
    targets: np.ndarray,
    modalities: Sequence[str],
    metric: Metric,
    overlap: int | None = None,
) -> np.ndarray:
    """Return the similarity of given pairs, NaN for a pair that shares no modality: float64 [pair]."""
    there, base = lay_out(source, source, modalities, metric, overlap)
    here, query = lay_out(source, target, modalities, metric, overlap)
    similar = np.full(len(sources), np.nan)
    both = np.isin(sources, there) & np.isin(targets, here)
    rows, columns = np.searchsorted(here, targets[both]), np.searchsorted(there, sources[both])
    value = query.pairs(rows, base, columns)
    similar[both] = np.where(np.isfinite(value), value, np.nan)
    return similar


def squared_distance(similar: np.ndarray, metric: Metric) -> np.ndarray:
    """Turn similarities into squared distances: float64, never below zero.

    Cosine and correlation: of the unit vectors, 2 (1 - similarity). Euclidean: per column. Gower, Jaccard and
    Hamming: (1 - similarity) squared.
    """
    if metric == "euclidean":
        return np.asarray(np.maximum(-2.0 * similar, 0.0))
    gap = np.maximum(1.0 - similar, 0.0)
    return np.asarray(2.0 * gap if metric in ENCODED else gap**2)


def one_of(value: str, known: Sequence[str]) -> None:
    """Raise GraphError unless the value is one of those known."""
    if value not in known:
        raise GraphError(f"'{value}' is not one of {', '.join(known)}")
