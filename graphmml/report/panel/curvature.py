"""Which links are bridges that much has to pass through?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, eye_array, kron, triu, vstack

from graphmml.data.findings import Finding
from graphmml.report.panel.linked import degrees, linked
from graphmml.report.panel.part import Measures, Part, Subject

FORMAN = 200_000
OLLIVIER = 100
"""At most so many links are measured, drawn by chance; ..."""
WORK = 400_000
"""... and Ollivier's only as long as so many pairs of neighbours are moved in all."""
BRIDGE = -0.5


def measure(subject: Subject) -> dict[str, Any]:
    """Return Forman's curvature of links, and Ollivier's of a few."""
    links = linked(subject)
    upper = coo_array(triu(links, k=1))
    random = np.random.default_rng(subject.seed)
    order = random.permutation(upper.nnz)[:FORMAN]
    one, other = upper.row[order], upper.col[order]
    flat = forman(links, one, other)
    few = affordable(links, one, other)
    bent = np.array([ollivier(links, int(u), int(v)) for u, v in zip(one[:few], other[:few], strict=True)])
    return {
        "curvature": {
            "forman_median": middle(flat),
            "forman_links": len(flat),
            "ollivier_mean": float(bent.mean()) if few else float("nan"),
            "ollivier_bridges": float((bent < BRIDGE).mean()) if few else float("nan"),
            "ollivier_links": few,
        }
    }


def middle(values: np.ndarray) -> float:
    """Return the median; NaN of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def affordable(links: csr_array, one: np.ndarray, other: np.ndarray) -> int:
    """Return how many of these links, in this order, can be measured by Ollivier's curvature."""
    degree = degrees(links)
    pairs = np.cumsum(degree[one].astype(np.float64) * degree[other])[:OLLIVIER]
    return int((pairs <= WORK).sum())


def forman(links: csr_array, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return 4 - d_u - d_v + 3 triangles of each link: how it sits among its neighbours (Topping et al., ICLR 2022).

    Forman's curvature with triangles as faces; the more negative, the more speak through this link alone.
    """
    degree = degrees(links)
    shared = np.asarray(links[one].multiply(links[other]).sum(axis=1)).ravel() if len(one) else np.zeros(0)
    return np.asarray(4.0 - degree[one] - degree[other] + 3.0 * shared)


def ollivier(links: csr_array, u: int, v: int) -> float:
    """Return 1 - W of a link, W the least way of moving u's neighbours onto v's, in links (Ollivier 2009).

    Each neighbour has the same weight and nothing stays at u and v themselves (idleness 0). Neighbours of linked
    patients are at most three links apart. 1 in a clique of many, below 0 where two neighbourhoods meet nowhere else.
    """
    mine, theirs = (links.indices[links.indptr[at] : links.indptr[at + 1]] for at in (u, v))
    near = links[mine]
    steps = np.full((len(mine), len(theirs)), 3.0)
    steps[(near @ links)[:, theirs].toarray() > 0] = 2.0
    steps[near[:, theirs].toarray() > 0] = 1.0
    steps[mine[:, None] == theirs[None, :]] = 0.0
    leave = kron(eye_array(len(mine)), np.ones((1, len(theirs))))
    arrive = kron(np.ones((1, len(mine))), eye_array(len(theirs)))
    weight = np.concatenate([np.full(len(mine), 1.0 / len(mine)), np.full(len(theirs), 1.0 / len(theirs))])
    moved = linprog(steps.ravel(), A_eq=vstack([leave, arrive]).tocsr(), b_eq=weight, method="highs")
    return 1.0 - float(moved.fun)


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """Give no verdict: what a bridge means depends on how many layers there are."""
    yield from ()


def lines(measures: Measures) -> Iterator[str]:
    """Say curvature and resistance."""
    bent, flow = measures.get("curvature", {}), measures.get("resistance", {})
    parts = []
    if not isnan(flow.get("times_floor", float("nan"))):
        parts.append(f"resistance {flow['times_floor']:.2f} times that without any")
    if not isnan(bent.get("ollivier_mean", float("nan"))):
        parts.append(
            f"curvature {bent['ollivier_mean']:+.2f}, {bent['ollivier_bridges']:.0%} of {bent['ollivier_links']} links "
            f"below {BRIDGE:g}"
        )
    if parts:
        yield "  bottlenecks  " + " · ".join(parts)


CURVATURE = Part("curvature", (), measure, judge, lines, full=True)
