"""Approximate nearest patients: an inverted file searched as far as a measured recall demands."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import faiss
import numpy as np

from graphmml.errors import GraphError
from graphmml.graph.points import Vectors
from graphmml.graph.search import Points, strongest

SAMPLE = 1000
"""So many patients are searched exactly, to measure what share of their neighbours the index finds."""
SPARE = 8
CHUNK = 65_536


@dataclass(frozen=True, eq=False)
class Index:
    """Patients in cells around centres; `probes` cells are searched, which finds `recall` of a sample's neighbours."""

    cells: faiss.Index
    order: np.ndarray
    probes: int
    recall: float


_INDEXED: WeakKeyDictionary[Vectors, dict[tuple[int, float], Index]] = WeakKeyDictionary()


def approximately(
    query: Points, base: Points, k: int, recall: float, own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return most of the k most similar of `base` for each of `query`, as `search.strongest` returns all of them."""
    index = indexed(base, k, recall)
    if not isinstance(query, Vectors) or not isinstance(base, Vectors):
        raise GraphError("approximate search needs encoded columns")
    itself = np.arange(len(query)) if query is base else own
    position = np.full((len(query), k), -1, dtype=np.int64)
    score = np.full((len(query), k), -np.inf)
    for start in range(0, len(query), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(query)))
        found = probed(index, query.rows[rows], k + SPARE)
        known = found >= 0 if itself is None else (found >= 0) & (found != itself[rows][:, None])
        similar = np.full(found.shape, -np.inf)
        at, _ = np.nonzero(known)
        similar[known] = query.pairs(rows[at], base, found[known])
        order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
        score[rows] = np.take_along_axis(similar, order, axis=1)
        position[rows] = np.where(np.isfinite(score[rows]), np.take_along_axis(found, order, axis=1), -1)
    return position, score


def probed(index: Index, rows: np.ndarray, width: int) -> np.ndarray:
    """Return what the index finds, as positions in its patients: int64 [row, width], -1 where nothing."""
    options = faiss.SearchParametersIVF()
    options.nprobe = index.probes
    _, found = index.cells.search(np.ascontiguousarray(rows), width, params=options)
    return np.where(found >= 0, index.order[found], -1)


def indexed(base: Points, k: int, recall: float) -> Index:
    """Return the index of these patients with a measured recall of at least `recall`, made once."""
    if not isinstance(base, Vectors) or base.present is not None:
        raise GraphError(
            "approximate search needs one modality (each=True draws one relation a modality) and encoded columns: "
            "choose cosine, euclidean or correlation without overlap, or leave recall out for exact search"
        )
    known = _INDEXED.setdefault(base, {})
    if (k, recall) not in known:
        known[k, recall] = built(base, k, recall)
    return known[k, recall]


def built(base: Vectors, k: int, recall: float) -> Index:
    """Cluster the patients, then probe more and more cells until a sample finds enough of its true neighbours."""
    # in an order that the points decide, not their rows: the clustering depends on it
    order = np.lexsort(base.turned[:, -2:].T)
    lists = int(np.clip(4 * np.sqrt(len(base)), 1, max(1, len(base) // 40)))
    width = base.turned.shape[1]
    cells = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, lists, faiss.METRIC_INNER_PRODUCT)
    cells.cp.niter, cells.cp.max_points_per_centroid = 6, 40
    cells.train(base.turned[order[:: max(1, len(base) // (40 * lists))]])
    for start in range(0, len(base), CHUNK):
        cells.add(base.turned[order[start : start + CHUNK]])
    sample = order[:: max(1, len(base) // SAMPLE)][:SAMPLE]
    part = Vectors(base.rows[sample], base.turned[sample], None, base.margin)
    true, _ = strongest(part, base, k, sample)
    probes, measured = 1, 0.0
    while True:
        index = Index(cells, order, probes, measured)
        found = probed(index, part.rows, k + SPARE)
        found[found == sample[:, None]] = -1
        hit = (true[:, :, None] == found[:, None, :]).any(axis=2)
        measured = float(hit[true >= 0].mean())
        if measured >= recall or probes >= lists:
            return Index(cells, order, probes, measured)
        probes = min(probes * 2 if measured < recall - 0.1 else probes + max(1, probes // 3), lists)
