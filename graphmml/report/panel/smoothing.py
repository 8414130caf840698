"""After how many layers are patients alike, whatever was measured of them?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from graphmml.data.encode import EncodedCohort
from graphmml.data.findings import Finding
from graphmml.report.homophily import without_loops
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import count

LAYERS = 8
LARGE = 20_000
COLUMNS = 16
"""Among more patients than LARGE so many columns are drawn."""


def measure(subject: Subject) -> dict[str, Any]:
    """Return what is left of differences between neighbours after 0 to 8 layers, and where too little is."""
    features = weighed(subject.encoded)
    if len(features) > LARGE and features.shape[1] > COLUMNS:
        drawn = np.random.default_rng(subject.seed).choice(features.shape[1], COLUMNS, replace=False)
        features = features[:, np.sort(drawn)]
    energy, distance = forecast(subject.adjacency, features)
    flat = first_below(energy, subject.limit("GM207", "energy"))
    return {
        "smoothing": {"energy": energy, "distance": distance, "flat_after": flat, "columns": int(features.shape[1])}
    }


def weighed(encoded: EncodedCohort) -> np.ndarray:
    """Return all columns side by side, centred, modalities of the same variance in all: float64 [patient, column]."""
    parts = []
    for matrix in encoded.features.values():
        centred = matrix.astype(np.float64) - matrix.mean(axis=0, dtype=np.float64)
        total = np.sqrt((centred**2).sum())
        parts.append(centred / total if total else centred)
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(encoded), 0))


def averaging(adjacency: csr_array) -> csr_array:
    """Return the mean over oneself and those one listens to: D^-1 (A + I), A 0/1."""
    plain = without_loops(adjacency)
    plain.data = np.ones(plain.nnz)
    with_self = csr_array(plain + eye_array(plain.shape[0], format="csr"))
    return csr_array(diags_array(1.0 / with_self.sum(axis=1)) @ with_self)


def forecast(adjacency: csr_array, features: np.ndarray) -> tuple[list[float], list[float]]:
    """Return Dirichlet energy and mean cosine distance (MAD) of neighbours after 0 to 8 rounds of averaging.

    Energy is 1/n sum_i sum_{j in N(i)} |x_i - x_j|^2 (Rusch et al., arXiv 2303.10993), MAD the mean of 1 - cosine
    over links (Chen et al., AAAI 2020). The round is the mean over oneself and those one listens to, as the default
    network takes it, not the symmetric D^-1/2 (A + I) D^-1/2: that one's limit differs between patients of different
    degree, so its energy never ends. Weights of a trained network are not known: it is a forecast.
    """
    listens = without_loops(adjacency)
    listens.data = np.ones(listens.nnz)
    step = averaging(adjacency)
    energy, distance = [], []
    for layer in range(LAYERS + 1):
        features = features if layer == 0 else step @ features
        features = features - features.mean(axis=0)
        energy.append(dirichlet_energy(listens, features))
        distance.append(cosine_distance(listens, features))
    return energy, distance


def dirichlet_energy(listens: csr_array, features: np.ndarray) -> float:
    """Return the summed squared difference over links, per patient, without laying links out one by one."""
    if not listens.nnz:
        return 0.0
    ends = np.asarray(listens.sum(axis=1) + listens.sum(axis=0)).ravel()
    length = (features**2).sum(axis=1)
    apart = float(ends @ length) - 2.0 * float((features * (listens @ features)).sum())
    return max(apart, 0.0) / len(features)


def cosine_distance(listens: csr_array, features: np.ndarray) -> float:
    """Return the mean of 1 - cosine over links; NaN without a link of two vectors that are not all zero."""
    length = np.sqrt((features**2).sum(axis=1))
    some = length > 1e-12
    turned = np.divide(features, length[:, None], out=np.zeros_like(features), where=some[:, None])
    pairs = float(some @ (listens @ some.astype(np.float64)))
    return 1.0 - float((turned * (listens @ turned)).sum()) / pairs if pairs else float("nan")


def first_below(energy: list[float], share: float) -> int | None:
    """Return after how many layers less than this share of the energy is left; None if never, or if there was none."""
    return next((layer for layer, value in enumerate(energy) if energy[0] > 0 and value < share * energy[0]), None)


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM207: whether the features survive the default network."""
    found = measures["smoothing"]
    if not found["energy"][0] > 0:
        yield Finding("GM207", "n.a.", "neighbours do not differ in any feature, or there are none")
        return
    flat, share = found["flat_after"], subject.limit("GM207", "energy")
    if flat is None:
        left = found["energy"][-1] / found["energy"][0]
        said = f"after {LAYERS} layers of averaging {left:.1%} of the differences between neighbours are left"
        yield Finding("GM207", "pass", said)
        return
    said = (
        f"features of neighbours are flat after {count(flat, 'layer')} of averaging (under {share:.0%} of their "
        "differences is left)"
    )
    if flat > subject.limit("GM207", "layers"):
        yield Finding("GM207", "pass", f"{said}: use fewer layers than that")
    else:
        fix = "one layer (graphmml cv --conv sage:depth=1), or fewer neighbours: neighbours:k=5"
        yield Finding("GM207", "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say how far two layers reach, and when features are flat."""
    parts = []
    if "reach" in measures and len(measures["reach"]["median"]) > 1:
        parts.append(f"2 layers reach {measures['reach']['median'][1]:.0%} of patients")
    if measures.get("smoothing", {}).get("flat_after") is not None:
        parts.append(f"features are flat after {count(measures['smoothing']['flat_after'], 'layer')}")
    if parts:
        yield "  layers     " + " · ".join(parts)


SMOOTHING = Part("smoothing", ("GM207",), measure, judge, lines)
