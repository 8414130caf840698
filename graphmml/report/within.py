"""What is left of homophily once a group is asked for: equal labels beyond those of an exchange within strata."""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import coo_array, csr_array, triu

from graphmml.report.homophily import undirected

SMALLEST_STRATUM = 5
"""Smaller strata leave an exchange within them too little to exchange."""


def all_strata(groups: Mapping[str, np.ndarray], known: np.ndarray) -> dict[str, np.ndarray | None]:
    """Return the strata to exchange within: each group's, and those of several groups crossed ("site x sex").

    Groups are int [patient], -1 unknown, and `known` says whose outcome is. None stands for strata so small that
    most patients have nobody to trade with. A group that would make the crossed strata so is left out of them.
    """
    found: dict[str, np.ndarray | None] = {}
    names: list[str] = []
    crossed = np.zeros(len(known), dtype=np.int64)
    for name, labels in groups.items():
        found[name] = labels if large_enough(labels, known) else None
        both = np.unique(np.stack([crossed, labels]), axis=1, return_inverse=True)[1].ravel()
        if found[name] is not None and large_enough(both, known):
            names, crossed = [*names, name], both
    return found | ({" x ".join(names): crossed} if len(names) > 1 else {})


def large_enough(strata: np.ndarray, known: np.ndarray) -> bool:
    """Whether half of the patients or more are in strata of five or more."""
    _, member, sizes = np.unique(strata[known], return_inverse=True, return_counts=True)
    return bool(len(member)) and bool((sizes[member] >= SMALLEST_STRATUM).mean() >= 0.5)


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
