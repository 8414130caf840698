"""Louvain: communities of a graph, moved in strips so that millions of links take seconds."""

import numpy as np
from scipy.sparse import coo_array, csr_array

SWEEPS = 10
STRIPS = 16
LEVELS = 10
LITTLE = 1e-3
"""A sweep that gains less modularity is the last of its level."""


def louvain(links: csr_array, seed: int) -> np.ndarray:
    """Return each patient's community, numbered by size from 0: int [patient].

    Blondel et al., J. Stat. Mech. 2008, with one difference: patients move in strips drawn by chance, all of a
    strip at once, and whoever is alone joins another who is alone only if that one's number is lower (Lu,
    Halappanavar and Kalyanaraman 2015), so that two do not change places for ever.
    """
    random = np.random.default_rng(seed)
    label = np.arange(links.shape[0])
    weights = csr_array(links, dtype=np.float64)
    for _ in range(LEVELS):
        moved = settled(weights, random)
        _, own = np.unique(moved, return_inverse=True)
        label = own[label]
        if own.max(initial=-1) + 1 == weights.shape[0]:
            break
        weights = gathered(weights, own)
    order = np.argsort(-np.bincount(label), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[label]


def gathered(weights: csr_array, label: np.ndarray) -> csr_array:
    """Return the weight between communities, that within one on the diagonal."""
    entries, size = coo_array(weights), int(label.max()) + 1
    ends = (label[entries.row], label[entries.col])
    return csr_array(coo_array((entries.data, ends), shape=(size, size)))


def modularity(weights: csr_array, label: np.ndarray) -> float:
    """Return the share of links within communities beyond that expected from degrees; NaN without a link.

    Newman and Girvan 2004: sum over communities of (share of links within) - (share of link ends)^2.
    """
    entries = coo_array(weights)
    total = float(entries.data.sum())
    if not total:
        return float("nan")
    inside = float(entries.data[label[entries.row] == label[entries.col]].sum()) / total
    ends = np.bincount(label, np.asarray(weights.sum(axis=1)).ravel()) / total
    return inside - float((ends**2).sum())


def settled(weights: csr_array, random: np.random.Generator) -> np.ndarray:
    """Move nodes to neighbouring communities while modularity rises: int [node]."""
    size = weights.shape[0]
    label, strength = np.arange(size), np.asarray(weights.sum(axis=1)).ravel()
    best, gained = label.copy(), modularity(weights, label)
    for _ in range(SWEEPS if strength.sum() else 0):
        for strip in np.array_split(random.permutation(size), min(STRIPS, size)):
            label = moved(weights, strength, label, strip)
        now = modularity(weights, label)
        if now > gained:
            best, rise, gained = label.copy(), now - gained, now
            if rise > LITTLE:
                continue
        break
    return best


def moved(weights: csr_array, strength: np.ndarray, label: np.ndarray, strip: np.ndarray) -> np.ndarray:
    """Move the nodes of a strip, all at once, to where modularity gains most: int [node]."""
    size, total = len(label), float(strength.sum())
    held, members = np.bincount(label, strength, size), np.bincount(label, minlength=size)
    local, community, weight = towards(weights, label, strip)
    mine, node = label[strip][local], strip[local]
    here = community == mine
    others = held[community] - np.where(here, strength[node], 0.0)
    gain = weight - strength[node] * others / total
    # two who are alone would change places: the one with the lower number stays
    barred = (members[mine] == 1) & (members[community] == 1) & (community > mine)
    gain[barred] = -np.inf
    first = np.flatnonzero(np.diff(local, prepend=-1))
    top = np.maximum.reduceat(gain, first)
    own = np.full(len(strip), -np.inf)
    own[local[here]] = gain[here]
    at_top = np.flatnonzero(gain >= top[local])
    chosen = at_top[np.unique(local[at_top], return_index=True)[1]]
    better = top > own + 1e-9
    after = label.copy()
    after[strip[better]] = community[chosen][better]
    return after


def towards(weights: csr_array, label: np.ndarray, strip: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return place in the strip, community and weight towards it, sorted, each node's own always among them."""
    size = len(label)
    count = np.diff(weights.indptr)[strip].astype(np.int64)
    local = np.repeat(np.arange(len(strip)), count)
    start = np.repeat(weights.indptr[strip] - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    at = start + np.arange(len(local))
    to, weight = weights.indices[at], weights.data[at]
    away = to != strip[local]
    key = np.concatenate([local[away] * size + label[to[away]], np.arange(len(strip)) * size + label[strip]])
    weight = np.concatenate([weight[away], np.zeros(len(strip))])
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    return key[first] // size, key[first] % size, np.add.reduceat(weight[order], first)
