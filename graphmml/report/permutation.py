"""Is it more than chance? Labels exchanged among patients, freely or within strata."""

import numpy as np
from scipy.sparse import coo_array, csr_array, triu

from graphmml.report.homophily import undirected

LARGE = 20_000
"""Above this many patients 199 exchanges are made, below it 999."""


def rounds_for(patients: int) -> int:
    """Return how many exchanges are made by default."""
    return 199 if patients > LARGE else 999


def smallest_p(patients: int) -> float:
    """Return the smallest p that the default exchanges can give."""
    return 1.0 / (rounds_for(patients) + 1)


def exchanged(strata: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an order of positions in which each trades places only within its own stratum: int [position]."""
    home = np.argsort(strata, kind="stable")
    drawn = np.lexsort((random.random(len(strata)), strata))
    order = np.empty(len(strata), dtype=np.int64)
    order[home] = drawn
    return order


def homophily_p(
    adjacency: csr_array,
    labels: np.ndarray,
    *,
    strata: np.ndarray | None = None,
    rounds: int | None = None,
    seed: int = 0,
) -> float:
    """Return the chance of an adjusted homophily at least as high if labels were exchanged among patients.

    With `strata` (int [patient]) labels trade places only within a stratum: what remains significant is not
    explained by the strata. p = (b + 1) / (B + 1), never 0 (Phipson and Smyth 2010). Unknown labels (-1) stay
    where they are and take no part; p is NaN without a link between known labels or with a single label.
    """
    rows = np.flatnonzero(labels >= 0)
    links = coo_array(triu(undirected(adjacency)[rows][:, rows]))
    if not links.nnz or len(np.unique(labels[rows])) < 2:
        return float("nan")
    _, own = np.unique(labels[rows], return_inverse=True)
    within = np.zeros(len(rows), dtype=np.int64) if strata is None else strata[rows]
    measure = Links(links)
    observed = measure.adjusted(own)
    random = np.random.default_rng(seed)
    rounds = rounds or rounds_for(len(labels))
    higher = sum(measure.adjusted(own[exchanged(within, random)]) >= observed - 1e-12 for _ in range(rounds))
    return (higher + 1) / (rounds + 1)


class Links:
    """Undirected links laid out so that one labelling after another is measured quickly."""

    def __init__(self, links: coo_array) -> None:
        self.one, self.other = links.row.astype(np.intp), links.col.astype(np.intp)
        self.weight = links.data.astype(np.float64)
        self.total = float(self.weight.sum())
        size = links.shape[0]
        self.degree = np.bincount(self.one, self.weight, size) + np.bincount(self.other, self.weight, size)

    def adjusted(self, labels: np.ndarray) -> float:
        """Return the adjusted homophily of these labels; 0 where one label holds every link."""
        same = float(self.weight[labels[self.one] == labels[self.other]].sum()) / self.total
        chance = float(((np.bincount(labels, self.degree) / (2.0 * self.total)) ** 2).sum())
        return (same - chance) / (1.0 - chance) if chance < 1.0 - 1e-12 else 0.0
