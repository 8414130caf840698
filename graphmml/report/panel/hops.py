"""Are those further away still alike? Homophily along walks of two links and more."""

import numpy as np
from scipy.sparse import csr_array

from graphmml.report.homophily import adjusted_homophily, undirected

LARGE = 4_000
SAMPLE = 2_000
"""Above LARGE patients walks start from a sample of so many."""


def hop_homophily(adjacency: csr_array, labels: np.ndarray, hops: int = 3, seed: int = 0) -> dict[str, float]:
    """Return adjusted homophily between the ends of walks of 1 to `hops` links: that of A, A^2, A^3 without loops.

    A pair counts as often as walks join it, as in message passing, and not once if it can be reached at all;
    a walk back to its start does not count. Labels are int [patient], -1 unknown: walks pass through the unknown.
    Hops beyond one are the extension of Mueller et al. (arXiv 2307.10112), who use raw node homophily. `hops` is 3
    at most: closed walks of more links are not counted.
    """
    links = undirected(adjacency).astype(np.float64)
    rows = np.arange(len(labels))
    if len(labels) > LARGE:
        rows = np.sort(np.random.default_rng(seed).choice(len(labels), SAMPLE, replace=False))
    own = one_hot(labels)
    reached, found = own, {}
    for hop in range(1, hops + 1):
        back = closed(links, rows, hop)
        here = np.asarray(links[rows] @ reached) - back[:, None] * own[rows]
        reached = np.asarray(links @ reached)
        pairs = own[rows].T @ here
        total = pairs.sum()
        shares = csr_array((pairs + pairs.T) / (2.0 * total) if total > 0 else np.zeros(pairs.shape))
        found[str(hop)] = adjusted_homophily(shares) if total > 0 else float("nan")
    return found


def closed(links: csr_array, rows: np.ndarray, hop: int) -> np.ndarray:
    """Return the weight of the walks of 1, 2 or 3 links that end where they start: float [row]."""
    if hop == 1:
        return np.zeros(len(rows))
    there = links[rows] if hop == 2 else links[rows] @ links
    return np.asarray(there.multiply(links[rows]).sum(axis=1)).ravel()


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Return 1 where a patient has a label: float [patient, label]; nothing for the unknown."""
    count = int(labels.max(initial=-1)) + 1
    return np.asarray((labels[:, None] == np.arange(count)).astype(np.float64))
