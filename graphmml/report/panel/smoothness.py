"""Which modalities are alike along links, and which does averaging over neighbours blur?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array, diags_array

from graphmml.data.findings import Finding
from graphmml.report.panel.linked import degrees, linked
from graphmml.report.panel.part import Measures, Part, Subject

COLUMNS = 8
"""A wider modality is laid on so many random directions."""
LARGE = 20_000
ROUNDS = 49
COLUMNS_LARGE, ROUNDS_LARGE = 4, 19
"""Among more patients than LARGE."""


def measure(subject: Subject) -> dict[str, Any]:
    """Return for each modality how unlike neighbours are in it, beside patients exchanged by chance."""
    links = linked(subject)
    return {"smoothness": {} if not links.nnz else smoothness(links, columns_of(subject), subject.seed)}


def columns_of(subject: Subject) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each modality who has it and a link, bool [patient], and their columns, [those, column]."""
    random = np.random.default_rng(subject.seed)
    some = degrees(linked(subject)) > 0
    most = COLUMNS_LARGE if len(some) > LARGE else COLUMNS
    found = {}
    for modality, matrix in subject.encoded.features.items():
        has = some & subject.encoded.has(modality)
        columns = matrix[has].astype(np.float64)
        if columns.shape[1] > most:
            columns = columns @ random.normal(size=(columns.shape[1], most))
        columns = columns - columns.mean(axis=0) if len(columns) else columns
        if columns.any():
            found[modality] = (has, columns)
    return found


def smoothness(links: csr_array, columns: dict[str, tuple[np.ndarray, np.ndarray]], seed: int) -> dict[str, Any]:
    """Return tr(X' L X) / tr(X' X) of each modality, L = I - D^-1/2 A D^-1/2: 0 all alike, 1 as by chance, 2 opposed.

    X is centred, patients without the modality are at its centre. `chance` and `p` are from exchanging patients
    who have it: p = (b + 1) / (B + 1) of as low a value.
    """
    root = diags_array(1.0 / np.sqrt(np.maximum(degrees(links), 1)))
    passed_on = csr_array(root @ links @ root)
    random = np.random.default_rng(seed)
    observed = rough(passed_on, columns)
    rounds = ROUNDS_LARGE if links.shape[0] > LARGE else ROUNDS
    drawn = np.array(
        [
            rough(passed_on, {name: (has, random.permutation(values)) for name, (has, values) in columns.items()})
            for _ in range(rounds)
        ]
    ).reshape(rounds, len(columns))
    lower = (drawn <= observed + 1e-12).sum(axis=0)
    return {
        name: {
            "roughness": float(observed[at]),
            "chance": float(drawn[:, at].mean()),
            "p": float((lower[at] + 1) / (rounds + 1)),
        }
        for at, name in enumerate(columns)
    }


def rough(passed_on: csr_array, columns: dict[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the measure of every modality, of the same matrix for all: float [modality]."""
    laid = np.zeros((passed_on.shape[0], sum(values.shape[1] for _, values in columns.values())))
    starts, at = [], 0
    for has, values in columns.values():
        laid[has, at : at + values.shape[1]] = values
        starts.append(at)
        at += values.shape[1]
    if not starts:
        return np.zeros(0)
    alike = (laid * (passed_on @ laid)).sum(axis=0)
    return np.asarray(1.0 - np.add.reduceat(alike, starts) / np.add.reduceat((laid**2).sum(axis=0), starts))


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM209: whether the graph follows any modality at all."""
    found = measures["smoothness"]
    if not found:
        yield Finding("GM209", "n.a.", "no modality varies among patients with a link")
        return
    limit = subject.limit("GM209", "p")
    blurred = [name for name, row in found.items() if row["p"] > limit]
    best = min(found, key=lambda name: found[name]["roughness"])
    said = f"neighbours are most alike in {best}: {found[best]['roughness']:.2f} of the differences of any two"
    if len(blurred) == len(found):
        fix = "link over what was measured (neighbours), or hold the graph against none: graphmml cv"
        said = f"neighbours are no more alike than any two patients in {', '.join(found)}"
        yield Finding("GM209", "warn", f"{said}: averaging over them blurs every modality", fix)
        return
    more = f"; averaging over neighbours blurs {', '.join(blurred)}" if blurred else ""
    yield Finding("GM209", "pass", f"{said}{more}")


SMOOTHNESS = Part("smoothness", ("GM209",), measure, judge)
