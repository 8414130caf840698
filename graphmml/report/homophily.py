"""How much a graph links like with like: measures of an adjacency and labels, each beside its chance level."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array


@dataclass(frozen=True, eq=False)
class Homophily:
    """The measures of one labelling; NaN where the graph or the labels leave nothing to measure.

    `edge` is the share of links that join equal labels and means little without `chance`, the share to be
    expected from the degrees of the labels. `adjusted` puts chance at 0 and perfection at 1 (Newman's nominal
    assortativity; Platonov et al., arXiv 2209.06177). `informativeness` says what a neighbour's label tells of
    one's own, alike or not: 0 nothing, 1 all (same paper). `node` is the mean over labelled patients of the
    share of labelled patients they listen to that are like them; `node_of` is the same for each label.
    """

    edge: float
    chance: float
    adjusted: float
    informativeness: float
    node: float
    node_of: np.ndarray


def homophily(adjacency: csr_array, labels: np.ndarray) -> Homophily:
    """Measure weights [listener, speaker] against labels 0, 1 ...; -1 is unknown and takes no part."""
    shares = mixing(adjacency, labels)
    node, node_of = node_homophily(adjacency, labels)
    return Homophily(
        edge=edge_homophily(shares),
        chance=chance_homophily(shares),
        adjusted=adjusted_homophily(shares),
        informativeness=label_informativeness(shares),
        node=node,
        node_of=node_of,
    )


def without_loops(adjacency: csr_array) -> csr_array:
    """Return the same weights without anybody's link to itself and without stored zeros."""
    entries = coo_array(adjacency)
    kept = (entries.row != entries.col) & (entries.data != 0)
    return csr_array((entries.data[kept], (entries.row[kept], entries.col[kept])), shape=adjacency.shape)


def undirected(adjacency: csr_array) -> csr_array:
    """Return A + A.T without loops: a link counts once for each direction in which it is drawn."""
    plain = without_loops(adjacency)
    return csr_array(plain + plain.T)


def mixing(adjacency: csr_array, labels: np.ndarray) -> csr_array:
    """Return the share of link ends between each two labels: csr [label, label], symmetric, summing to 1.

    All zero where no link joins two known labels.
    """
    links = coo_array(undirected(adjacency))
    mine, theirs = labels[links.row], labels[links.col]
    known = (mine >= 0) & (theirs >= 0)
    count = int(labels.max(initial=-1)) + 1
    weight = links.data[known].astype(np.float64)
    pairs = csr_array(coo_array((weight, (mine[known], theirs[known])), shape=(count, count)))
    return csr_array(pairs / weight.sum()) if weight.sum() > 0 else pairs


def edge_homophily(shares: csr_array) -> float:
    """Return the share of links between equal labels, given `mixing`."""
    return float(shares.diagonal().sum()) if shares.nnz else float("nan")


def chance_homophily(shares: csr_array) -> float:
    """Return the share of links between equal labels if ends met by chance, given `mixing`."""
    return float((shares.sum(axis=1) ** 2).sum()) if shares.nnz else float("nan")


def adjusted_homophily(shares: csr_array) -> float:
    """Return edge homophily with chance at 0 and perfection at 1, given `mixing`; NaN for a single label."""
    chance = chance_homophily(shares)
    return (edge_homophily(shares) - chance) / (1.0 - chance) if chance < 1.0 - 1e-12 else float("nan")


def label_informativeness(shares: csr_array) -> float:
    """Return mutual information of the two labels of a link over the entropy of one, given `mixing`."""
    ends = shares.sum(axis=1)
    entropy = negative_entropy(ends)
    return 2.0 - negative_entropy(shares.data) / entropy if entropy < -1e-12 else float("nan")


def negative_entropy(shares: np.ndarray) -> float:
    """Return the sum of p ln p, where 0 ln 0 is 0."""
    positive = shares[shares > 0]
    return float((positive * np.log(positive)).sum())


def node_homophily(adjacency: csr_array, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean like-share over labelled patients who listen to a labelled one, and that of each label."""
    links = coo_array(without_loops(adjacency))
    known = (labels[links.row] >= 0) & (labels[links.col] >= 0)
    row, weight = links.row[known], links.data[known].astype(np.float64)
    same = labels[row] == labels[links.col[known]]
    heard = np.bincount(row, weights=weight, minlength=len(labels))
    alike = np.bincount(row[same], weights=weight[same], minlength=len(labels))
    some = heard > 0
    share = alike[some] / heard[some]
    count = int(labels.max(initial=-1)) + 1
    size = np.bincount(labels[some], minlength=count)
    total = np.bincount(labels[some], weights=share, minlength=count)
    of_label = np.divide(total, size, out=np.full(count, np.nan), where=size > 0)
    return (float(share.mean()) if some.any() else float("nan")), of_label
