"""What is left of homophily once a group is asked for: equal labels beyond those of an exchange within strata."""

import numpy as np
from scipy.sparse import coo_array, csr_array, triu

from graphmml.report.homophily import undirected


def homophily_within(adjacency: csr_array, labels: np.ndarray, strata: np.ndarray) -> float:
    """Return the share of links between equal labels, with the exchange of labels within strata at 0, perfection at 1.

    The chance level is the exact expectation over the exchanges whose p `homophily_p(..., strata=strata)` gives,
    so a graph that links patients of one stratum, and nothing more, is at 0. `labels` and `strata` are int
    [patient], -1 unknown; patients of unknown stratum are a stratum of their own, as there. NaN without a link
    between known labels, or where the strata leave nothing to be expected otherwise.
    """
    rows = np.flatnonzero(labels >= 0)
    links = coo_array(triu(undirected(adjacency)[rows][:, rows]))
    if not links.nnz:
        return float("nan")
    weight = links.data.astype(np.float64)
    _, own = np.unique(labels[rows], return_inverse=True)
    _, member = np.unique(strata[rows], return_inverse=True)
    same = float(weight[own[links.row] == own[links.col]].sum() / weight.sum())
    chance = float(expected(own, member, links.row, links.col) @ weight / weight.sum())
    return (same - chance) / (1.0 - chance) if chance < 1.0 - 1e-12 else float("nan")


def expected(labels: np.ndarray, strata: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how likely the ends of each pair are to be equal after an exchange within strata: float [pair].

    Ends of different strata draw independently; ends of one stratum draw without putting back.
    """
    held = np.zeros((int(strata.max()) + 1, int(labels.max()) + 1))
    np.add.at(held, (strata, labels), 1.0)
    size = held.sum(axis=1)
    among = (held * (held - 1.0)).sum(axis=1) / np.maximum(size * (size - 1.0), 1.0)
    share = held / size[:, None]
    here, there = strata[one], strata[other]
    across = np.zeros(len(here))
    for of_label in share.T:  # one label at a time: pairs x labels would be large
        across += of_label[here] * of_label[there]
    return np.where(here == there, among[here], across)
