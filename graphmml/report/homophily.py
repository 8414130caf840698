"""How much a graph links like with like: measures of an adjacency and labels, each beside its chance level."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

Known = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Links between patients of known label: int [link] one end (the listener), int [link] the other, float [link]."""


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
    informativeness_node: float
    insensitive: float
    unbiased: float
    node: float
    node_of: np.ndarray


def homophily(adjacency: csr_array, labels: np.ndarray) -> Homophily:
    """Measure weights [listener, speaker] against labels 0, 1 ...; -1 is unknown and takes no part."""
    plain = without_loops(adjacency)
    heard, both = known_links(plain, labels), known_links(csr_array(plain + plain.T), labels)
    shares = mixing_of(both, labels)
    node, node_of = node_homophily(heard, labels)
    return Homophily(
        edge=edge_homophily(shares),
        chance=chance_homophily(shares),
        adjusted=adjusted_homophily(shares),
        informativeness=label_informativeness(shares),
        informativeness_node=node_informativeness(both, labels),
        insensitive=insensitive_homophily(heard, labels),
        unbiased=unbiased_homophily(shares),
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
    return mixing_of(known_links(undirected(adjacency), labels), labels)


def mixing_of(both: Known, labels: np.ndarray) -> csr_array:
    """Return `mixing`, given the undirected links."""
    one, other, weight = both
    count = int(labels.max(initial=-1)) + 1
    pairs = csr_array(coo_array((weight, (labels[one], labels[other])), shape=(count, count)))
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


def node_informativeness(both: Known, labels: np.ndarray) -> float:
    """Return LI_node: a patient is drawn first and then one of its links, so that each patient weighs the same.

    As in the paper, the label at the far end is held against its share of link ends. Patients without a labelled
    neighbour take no part.
    """
    one, other, weight = both
    degree = np.bincount(one, weight, len(labels))
    linked = degree > 0
    count = int(labels.max(initial=-1)) + 1
    own = np.bincount(labels[linked], minlength=count) / max(int(linked.sum()), 1)
    ends = np.bincount(labels[linked], degree[linked], count) / max(float(degree.sum()), 1e-300)
    entropy = negative_entropy(own)
    if entropy >= -1e-12:
        return float("nan")
    drawn = weight / degree[one] / linked.sum()
    pairs = csr_array(coo_array((drawn, (labels[one], labels[other])), shape=(count, count))).tocoo()
    mutual = float((pairs.data * np.log(pairs.data / (own[pairs.row] * ends[pairs.col]))).sum())
    return -mutual / entropy


def insensitive_homophily(heard: Known, labels: np.ndarray) -> float:
    """Return the mean over all labels but one of how far a label's homophily exceeds its share, 0 where below it.

    A label's homophily is that of the links of its patients taken together. Shares are of all labelled patients.
    """
    one, other, weight = heard
    count = int(labels.max(initial=-1)) + 1
    total = np.bincount(labels[one], weight, count)
    same = labels[one] == labels[other]
    alike = np.bincount(labels[one[same]], weight[same], count)
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    present = int((sizes > 0).sum())
    if present < 2 or not len(one):
        return float("nan")
    of_label = np.divide(alike, total, out=np.zeros(count), where=total > 0)
    return float(np.maximum(of_label - sizes / sizes.sum(), 0.0)[sizes > 0].sum() / (present - 1))


def unbiased_homophily(shares: csr_array) -> float:
    """Return the sum over pairs of labels of sqrt(c_ii c_jj) - c_ij, over that of their sum, given `mixing`.

    Both sums follow from the diagonal alone: the shares of all pairs are 1, and half of what is off the diagonal
    lies above it. NaN where there is but one label.
    """
    if not shares.nnz:
        return float("nan")
    within = shares.diagonal()
    means = (float(np.sqrt(within).sum()) ** 2 - float(within.sum())) / 2.0
    between = (1.0 - float(within.sum())) / 2.0
    return (means - between) / (means + between) if means + between > 1e-12 else float("nan")


def known_links(links: csr_array, labels: np.ndarray) -> Known:
    """Return the ends and weights of those links that join two known labels."""
    entries = coo_array(links)
    known = (labels[entries.row] >= 0) & (labels[entries.col] >= 0)
    return entries.row[known], entries.col[known], entries.data[known].astype(np.float64)


def negative_entropy(shares: np.ndarray) -> float:
    """Return the sum of p ln p, where 0 ln 0 is 0."""
    positive = shares[shares > 0]
    return float((positive * np.log(positive)).sum())


def node_homophily(listens: Known, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean like-share over labelled patients who listen to a labelled one, and that of each label."""
    row, other, weight = listens
    same = labels[row] == labels[other]
    heard = np.bincount(row, weights=weight, minlength=len(labels))
    alike = np.bincount(row[same], weights=weight[same], minlength=len(labels))
    some = heard > 0
    share = alike[some] / heard[some]
    count = int(labels.max(initial=-1)) + 1
    size = np.bincount(labels[some], minlength=count)
    total = np.bincount(labels[some], weights=share, minlength=count)
    of_label = np.divide(total, size, out=np.full(count, np.nan), where=size > 0)
    return (float(share.mean()) if some.any() else float("nan")), of_label
