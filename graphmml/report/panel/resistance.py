"""How hard is it for two patients to hear of each other, and what joins the groups?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array, triu
from scipy.sparse.linalg import LinearOperator, cg

from graphmml.data.findings import Finding
from graphmml.report.measures import Target
from graphmml.report.panel.linked import degrees, linked
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.spectrum import giant_rows

EXACT = 2_000
"""Among more patients pairs drawn by chance are measured, ..."""
PAIRS, WORK = 50, 300_000_000
"""... so many, fewer where there are many links."""
HIGHEST = 0.01


def measure(subject: Subject) -> dict[str, Any]:
    """Return effective resistances within the largest component."""
    rows = giant_rows(linked(subject))
    links = csr_array(linked(subject)[rows][:, rows])
    if links.shape[0] < 3:
        return {"resistance": {"times_floor": float("nan"), "pairs": 0}}
    if links.shape[0] > EXACT:
        return {"resistance": sampled(links, subject.seed)}
    inner = pseudo_inverse(links)
    one, other = np.triu_indices(links.shape[0], k=1)
    between = resistances(inner, one, other)
    ends = coo_array(triu(links, k=1))
    of_links = resistances(inner, ends.row, ends.col)
    bridges = ends.row[highest(of_links)], ends.col[highest(of_links)]
    groups = {group.name: across(group, rows, (ends.row, ends.col), bridges) for group in subject.groups}
    return {
        "resistance": {
            "total": float(between.sum()),
            "times_floor": times_floor(between, one, other, links),
            "pairs": len(between),
            "bridges_across": groups,
        }
    }


def pseudo_inverse(links: csr_array) -> np.ndarray:
    """Return the pseudo-inverse of the Laplacian of a connected graph: float [patient, patient].

    (L + J/n)^-1 - J/n, J all ones: exact, and quicker than the general one.
    """
    size = links.shape[0]
    laplacian = np.diag(degrees(links).astype(np.float64)) - links.toarray()
    return np.asarray(np.linalg.inv(laplacian + 1.0 / size) - 1.0 / size)


def resistances(inner: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the effective resistance of each pair, each link being one ohm (Black et al., ICML 2023)."""
    own = np.diag(inner)
    return np.asarray(own[one] + own[other] - 2.0 * inner[one, other])


def times_floor(between: np.ndarray, one: np.ndarray, other: np.ndarray, links: csr_array) -> float:
    """Return the median resistance over 1/d_u + 1/d_v, where it stands without a bottleneck (von Luxburg 2014)."""
    degree = degrees(links).astype(np.float64)
    return float(np.median(between / (1.0 / degree[one] + 1.0 / degree[other])))


def highest(of_links: np.ndarray) -> np.ndarray:
    """Return the hundredth of links of the highest resistance, one at least: int [link]."""
    return np.argsort(-of_links, kind="stable")[: max(1, int(HIGHEST * len(of_links)))]


def across(
    group: Target, rows: np.ndarray, ends: tuple[np.ndarray, np.ndarray], bridges: tuple[np.ndarray, np.ndarray]
) -> dict[str, float]:
    """Return which share of the bridges, and of all links, joins patients of two values of a group."""
    labels = group.labels[rows]
    shares = []
    for one, other in (bridges, ends):
        known = (labels[one] >= 0) & (labels[other] >= 0)
        apart = labels[one][known] != labels[other][known]
        shares.append(float(apart.mean()) if known.any() else float("nan"))
    return {"bridges": shares[0], "links": shares[1]}


def sampled(links: csr_array, seed: int) -> dict[str, Any]:
    """Return resistances of a few pairs drawn by chance, by conjugate gradients."""
    random = np.random.default_rng(seed)
    size = links.shape[0]
    count = int(min(PAIRS, max(10, WORK // max(100 * links.nnz, 1))))
    one = random.integers(size, size=count)
    other = (one + random.integers(1, size, size=count)) % size
    between = np.array([pair_resistance(links, int(u), int(v)) for u, v in zip(one, other, strict=True)])
    return {"times_floor": times_floor(between, one, other, links), "pairs": count}


def pair_resistance(links: csr_array, u: int, v: int) -> float:
    """Return the resistance between two patients of a connected graph, by conjugate gradients to 1e-5."""
    degree = degrees(links).astype(np.float64)
    laplacian = csr_array(diags_array(degree) - links)
    current = np.zeros(links.shape[0])
    current[u], current[v] = 1.0, -1.0
    scaled = LinearOperator(laplacian.shape, matvec=lambda vector: vector.ravel() / degree, dtype=np.float64)
    potential, _ = cg(laplacian, current, rtol=1e-5, maxiter=1_000, M=scaled)
    return float(potential[u] - potential[v])


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """Give no verdict: resistance matters from three layers on."""
    yield from ()


RESISTANCE = Part("resistance", (), measure, judge, full=True)
