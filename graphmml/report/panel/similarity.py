"""Do classes have neighbourhoods of their own, and do the neighbours tell the class?"""

import numpy as np
from scipy.sparse import csr_array

from graphmml.data.telling import auc
from graphmml.report.homophily import without_loops
from graphmml.report.panel.hops import one_hot
from graphmml.report.permutation import LARGE, exchanges


def neighbourhoods(adjacency: csr_array, labels: np.ndarray) -> np.ndarray:
    """Return how much of each label a patient listens to: float [patient, label]; unknown labels are not heard."""
    return np.asarray(without_loops(adjacency).astype(np.float64) @ one_hot(labels))


def class_similarity(heard: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the cross-class neighbourhood similarity of Ma et al. (ICLR 2022): float [label, label].

    It is the mean cosine of the neighbourhoods of all pairs of patients, a patient and itself included, of two
    labels: since the mean of products is the product of means, sums of unit vectors suffice. Patients who listen
    to no labelled patient take no part (the paper has none). NaN for a label without patients.
    """
    length = np.linalg.norm(heard, axis=1)
    some = (labels >= 0) & (length > 0)
    own = one_hot(labels)[some]
    with np.errstate(invalid="ignore"):
        mean = (own.T @ (heard[some] / length[some, None])) / own.sum(axis=0)[:, None]
    return np.asarray(mean @ mean.T)


def similarity_distance(similarity: np.ndarray) -> float:
    """Return the mean over pairs of labels of |CCNS - identity| (Mueller et al., arXiv 2307.10112).

    0: neighbourhoods are the same within a label and have nothing in common between labels.
    """
    known = ~np.isnan(similarity.diagonal())
    if known.sum() < 2:
        return float("nan")
    return float(np.abs(similarity - np.eye(len(similarity)))[known][:, known].mean())


def distance_by_chance(adjacency: csr_array, labels: np.ndarray, seed: int = 0) -> float:
    """Return the mean distance when labels are exchanged among patients: 99 times, 5 in large cohorts."""
    known = np.flatnonzero(labels >= 0)
    links = without_loops(adjacency)[known][:, known].astype(np.float64)
    rounds = 5 if len(labels) > LARGE else 99
    found = []
    for drawn in exchanges(labels[known], np.zeros(len(known)), rounds, np.random.default_rng(seed)):
        found.append(similarity_distance(class_similarity(np.asarray(links @ one_hot(drawn)), drawn)))
    return float(np.mean(found))


def votes(heard: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return how well those a patient listens to predict its label, nobody voting for itself.

    `accuracy` is the mean over labels of how often the most heard label is one's own, labels heard alike sharing
    the vote; `auroc` is of the share of neighbours with a label, one against the rest, mean over labels. For
    nearest neighbours these are what leaving one out gives. `majority` is the share of the commonest label.
    """
    some = (labels >= 0) & (heard.sum(axis=1) > 0)
    own = labels[some]
    present = np.unique(own)
    if len(present) < 2:
        return dict.fromkeys(("accuracy", "auroc", "majority"), float("nan"))
    share = heard[some] / heard[some].sum(axis=1, keepdims=True)
    best = share >= share.max(axis=1, keepdims=True) - 1e-12
    right = best[np.arange(len(own)), own] / best.sum(axis=1)
    return {
        "accuracy": float(np.mean([right[own == label].mean() for label in present])),
        "auroc": float(np.mean([auc(share[:, label], own == label) for label in present])),
        "majority": float(np.unique(own, return_counts=True)[1].max() / len(own)),
    }
