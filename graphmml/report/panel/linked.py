"""The graph as its structure sees it: who is linked with whom, and by chance with the same number of links each."""

from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import coo_array, csr_array, triu

from graphmml.report.homophily import without_loops
from graphmml.report.panel.part import Subject

ROUNDS = 2_000

_LINKED: WeakKeyDictionary[Subject, csr_array] = WeakKeyDictionary()
_REWIRED: WeakKeyDictionary[Subject, csr_array] = WeakKeyDictionary()


def linked(subject: Subject) -> csr_array:
    """Return `both_ways` of the subject's links, laid out once."""
    if subject not in _LINKED:
        _LINKED[subject] = both_ways(subject.adjacency)
    return _LINKED[subject]


def linked_by_chance(subject: Subject) -> csr_array:
    """Return `rewired` of the subject's links, drawn once."""
    if subject not in _REWIRED:
        _REWIRED[subject] = rewired(linked(subject), subject.seed)
    return _REWIRED[subject]


def both_ways(adjacency: csr_array) -> csr_array:
    """Return who is linked with whom in either direction: 0/1, symmetric, nobody with itself."""
    plain = without_loops(adjacency)
    both = csr_array(plain + plain.T)
    both.data = np.ones(both.nnz)
    both.sort_indices()
    return both


def degrees(links: csr_array) -> np.ndarray:
    """Return how many links each patient has: int [patient]."""
    return np.asarray(np.diff(links.indptr), dtype=np.int64)


def rewired(links: csr_array, seed: int) -> csr_array:
    """Return links drawn by chance in which everybody has as many as here.

    Ends of links are matched by chance (the configuration model; Newman, Strogatz and Watts 2001), then links that
    join a patient with itself or repeat another trade an end with one drawn by chance until there is none. In a
    graph so dense that a few remain they are left out.
    """
    upper = coo_array(triu(links, k=1))
    random = np.random.default_rng(seed)
    ends = random.permutation(np.concatenate([upper.row, upper.col]).astype(np.int64))
    one, other = ends[: upper.nnz].copy(), ends[upper.nnz :].copy()
    wrong = repeated(one, other, links.shape[0])
    for _ in range(ROUNDS):
        if not wrong.any():
            break
        mine = np.flatnonzero(wrong)
        partner, first = np.unique(random.integers(len(one), size=len(mine)), return_index=True)
        right = ~wrong[partner]
        mine, partner = mine[first][right], partner[right]
        traded = other.copy()
        traded[mine], traded[partner] = other[partner], other[mine]
        still = repeated(one, traded, links.shape[0])
        if still.sum() <= wrong.sum():
            other, wrong = traded, still
    one, other = one[~wrong], other[~wrong]
    half = csr_array(coo_array((np.ones(len(one)), (one, other)), shape=links.shape))
    return csr_array(half + half.T)


def repeated(one: np.ndarray, other: np.ndarray, size: int) -> np.ndarray:
    """Return which pairs join a patient with itself, or are there already: bool [pair]."""
    pair = np.minimum(one, other) * size + np.maximum(one, other)
    order = np.argsort(pair, kind="stable")
    again = np.zeros(len(pair), dtype=bool)
    again[order[1:]] = pair[order[1:]] == pair[order[:-1]]
    return np.asarray(again | (one == other))
