"""Does the outcome change slowly along the links? What label propagation would live on."""

import numpy as np
from scipy.sparse import csr_array, diags_array, triu

from graphmml.report.homophily import undirected
from graphmml.report.permutation import LARGE, exchanges, likeness, p_of

ROUNDS = 99
ROUNDS_LARGE = 19


def label_smoothness(adjacency: csr_array, labels: np.ndarray, seed: int = 0) -> list[dict[str, float]]:
    """Return for each label y'Ln y / y'y of its indicator y, beside chance and p: [label].

    Ln = I - D^-1/2 A D^-1/2 of the undirected links between patients of known label; those without one take no
    part. 0 is smooth, 2 the opposite. `chance` is the exact mean over exchanges of the labels among these
    patients; `p` is of as smooth a labelling by 99 exchanges (19 in large cohorts).
    """
    spread, own = normalised(adjacency, labels)
    found = []
    for at in range(int(labels.max(initial=-1)) + 1):
        indicator = (own == at).astype(np.float64)
        found.append(smooth(spread, indicator, np.random.default_rng([seed, at])))
    return found


def smooth(spread: csr_array, indicator: np.ndarray, random: np.random.Generator) -> dict[str, float]:
    """Return smoothness, its mean by chance, and p, of one indicator."""
    patients, size = len(indicator), int(indicator.sum())
    if not 0 < size < patients:
        return dict.fromkeys(("smoothness", "chance", "p"), float("nan"))
    here = 1.0 - float(indicator @ (spread @ indicator)) / size
    chance = 1.0 - float(spread.sum()) * (size - 1) / (patients * (patients - 1))
    drawn = exchanges(indicator, np.zeros(patients), ROUNDS_LARGE if patients > LARGE else ROUNDS, random)
    by_chance = 1.0 - 2.0 * likeness(csr_array(triu(spread)), drawn) / size
    return {"smoothness": here, "chance": chance, "p": p_of(-here, -by_chance)}


def normalised(adjacency: csr_array, labels: np.ndarray) -> tuple[csr_array, np.ndarray]:
    """Return D^-1/2 A D^-1/2 of the labelled patients who are linked with each other, and their labels."""
    known = np.flatnonzero(labels >= 0)
    links = undirected(adjacency)[known][:, known].astype(np.float64)
    linked = np.flatnonzero(np.asarray(links.sum(axis=1)) > 0)
    links = links[linked][:, linked]
    root = diags_array(1.0 / np.sqrt(np.asarray(links.sum(axis=1))))
    return csr_array(root @ links @ root), labels[known][linked]
