"""How fast does what one patient says spread through the graph, and where is the bottleneck?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from graphmml.data.findings import Finding
from graphmml.report.panel.linked import degrees, linked
from graphmml.report.panel.part import Measures, Part, Subject

LARGEST = 20_000
"""Among more patients the eigenvalues take minutes and are left out."""
DENSE = 400
SLOW = 0.1
"""An eigenvalue below belongs to a part of the graph that is all but cut off."""
WANTED = 12


def measure(subject: Subject) -> dict[str, Any]:
    """Return the spectral gap of the largest component, and how many parts of it are all but cut off."""
    links = linked(subject)
    rows = giant_rows(links)
    return {"spectrum": spectrum(csr_array(links[rows][:, rows]), subject.seed)}


def giant_rows(links: csr_array) -> np.ndarray:
    """Return the patients of the largest component, the first of those that are equally large: int [patient]."""
    _, component = connected_components(links, directed=False)
    return np.flatnonzero(component == np.bincount(component).argmax()) if len(component) else component


def spectrum(links: csr_array, seed: int) -> dict[str, Any]:
    """Return `gap`, the second smallest eigenvalue of I - D^-1/2 A D^-1/2, and `parts`, how many are below 0.1.

    The gap is 0 for a graph in pieces and 2 at most; small, two parts hardly speak to each other; near 1, what
    anyone says is everywhere after two or three layers. `why_not` says why both are NaN.
    """
    size = links.shape[0]
    nothing = {"gap": float("nan"), "parts": float("nan")}
    if size < 3:
        return {**nothing, "why_not": "no component has three patients"}
    if size > LARGEST:
        return {**nothing, "why_not": f"takes too long for more than {LARGEST:,} patients"}
    try:
        values = smallest(links, min(WANTED, size), seed)
    except ArpackNoConvergence:
        return {**nothing, "why_not": "the eigenvalues lie too close together to be told apart"}
    return {"gap": float(values[1]), "parts": int((values < SLOW).sum()), "why_not": ""}


def smallest(links: csr_array, wanted: int, seed: int) -> np.ndarray:
    """Return the smallest eigenvalues of the normalised Laplacian of a graph without isolated patients, ascending."""
    root = diags_array(1.0 / np.sqrt(degrees(links)))
    passed_on = csr_array(root @ links @ root)
    if links.shape[0] <= DENSE:
        found = np.linalg.eigvalsh(passed_on.toarray())
    else:
        start = np.random.default_rng(seed).random(links.shape[0])
        found = eigsh(passed_on, k=wanted, which="LA", v0=start, tol=1e-6, maxiter=2_000, return_eigenvectors=False)
    return np.asarray(np.clip(np.sort(1.0 - found)[:wanted], 0.0, 2.0))


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """Give no verdict: the gap is read beside clustering and layers."""
    yield from ()


SPECTRUM = Part("spectrum", (), measure, judge)
