"""Is it more than the numbers of links explain? Links drawn anew, everybody keeping how many."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.stats import random_table

from graphmml.report.homophily import known_links, without_loops
from graphmml.report.permutation import p_of

MOST_LABELS = 30


def rewired_p(layers: Sequence[csr_array], labels: np.ndarray, *, rounds: int, seed: int = 0) -> float:
    """Return the chance of an adjusted homophily at least as high if links were drawn anew in each layer.

    Each patient listens to as many and is listened to by as many as before; links count once, whatever their
    weight. Speakers trade places among the links, so that a pair may be joined twice and a patient to itself:
    both are rare, and the latter makes p larger. Of such a graph only the table of listener's and speaker's label
    matters, so that random tables with the same margins (Patefield 1981) stand for whole graphs. NaN without a
    link between known labels, with a single label, or with more than 30.
    """
    tables = [table for table in (label_table(layer, labels) for layer in layers) if table.sum()]
    if not tables or not 2 <= len(tables[0]) <= MOST_LABELS:
        return float("nan")
    observed = layered(np.stack(tables)[:, None])[0]
    if np.isnan(observed):
        return float("nan")
    random = np.random.default_rng(seed)
    drawn = [random_table(t.sum(axis=1), t.sum(axis=0)).rvs(rounds, random_state=random) for t in tables]
    return p_of(observed, layered(np.stack(drawn)))


def layered_homophily(layers: Sequence[csr_array], labels: np.ndarray) -> float:
    """Return adjusted homophily with each layer held against its own chance level, links counting once."""
    tables = [table for table in (label_table(layer, labels) for layer in layers) if table.sum()]
    return float(layered(np.stack(tables)[:, None])[0]) if tables else float("nan")


def label_table(layer: csr_array, labels: np.ndarray) -> np.ndarray:
    """Count links by the listener's and the speaker's label: int [label, label]."""
    one, other, _ = known_links(without_loops(layer), labels)
    count = int(labels.max(initial=-1)) + 1
    ones = np.ones(len(one), dtype=np.int64)
    return np.asarray(coo_array((ones, (labels[one], labels[other])), shape=(count, count)).toarray())


def layered(tables: np.ndarray) -> np.ndarray:
    """Return what is above chance over what could be, summed over layers; from [layer, draw, label, label]."""
    total = tables.sum(axis=(2, 3)).astype(np.float64)
    ends = (tables.sum(axis=2) + tables.sum(axis=3)) / (2.0 * total[:, :, None])
    chance = (ends**2).sum(axis=2)
    same = np.trace(tables, axis1=2, axis2=3) / total
    above, room = (total * (same - chance)).sum(axis=0), (total * (1.0 - chance)).sum(axis=0)
    return np.asarray(np.divide(above, room, out=np.full(len(room), np.nan), where=room > 1e-9))
