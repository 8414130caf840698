"""Are a patient's neighbours linked with each other, and is the graph a set of cliques?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from graphmml.data.findings import Finding
from graphmml.report.panel.linked import degrees, linked, linked_by_chance
from graphmml.report.panel.part import Measures, Part, Subject

SAMPLE = 2_000
"""Among more patients so many are drawn, and what is said is of them."""
WORK = 20_000_000
STRIP = 256


def measure(subject: Subject) -> dict[str, Any]:
    """Return global and mean local clustering, and the same of links by chance with the same degrees."""
    links, chance = linked(subject), linked_by_chance(subject)
    drawn = sample(links, subject.seed)
    real, random = clustering(links, drawn), clustering(chance, drawn)
    by_chance = {f"{name}_by_chance": random[name] for name in ("global", "local")}
    return {"clustering": {**real, **by_chance, "patients": len(drawn)}}


def sample(links: csr_array, seed: int) -> np.ndarray:
    """Return the patients who are asked, in order: all of them, or those drawn by chance among many."""
    patients = links.shape[0]
    every = np.arange(patients)
    if patients <= SAMPLE or float((degrees(links).astype(np.float64) ** 2).sum()) <= WORK:
        return every
    return np.sort(np.random.default_rng(seed).choice(every, SAMPLE, replace=False))


def triangles(links: csr_array, rows: np.ndarray) -> np.ndarray:
    """Return in how many triangles each of these patients is: int [row]."""
    found = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(rows), STRIP):
        strip = links[rows[start : start + STRIP]]
        found.append(np.rint(((strip @ links).multiply(strip)).sum(axis=1) / 2.0).astype(np.int64))
    return np.concatenate(found)


def clustering(links: csr_array, rows: np.ndarray) -> dict[str, float]:
    """Return how many pairs of neighbours of one patient are neighbours too, of the patients `rows`.

    `global` is the share of all pairs (three times the triangles over the pairs), `local` the mean of patients'
    own shares, a patient with fewer than two neighbours counting as 0 (Watts and Strogatz 1998; networkx), and
    `in_cliques` the share of patients with a pair whose pairs are all neighbours. NaN where there is no pair.
    """
    pairs = degrees(links)[rows].astype(np.float64)
    pairs = pairs * (pairs - 1.0) / 2.0
    some = pairs > 0
    if not some.any():
        return dict.fromkeys(("global", "local", "in_cliques"), float("nan"))
    closed = triangles(links, rows)
    share = np.divide(closed, pairs, out=np.zeros(len(rows)), where=some)
    return {
        "global": float(closed.sum() / pairs.sum()),
        "local": float(share.mean()),
        "in_cliques": float((closed[some] == pairs[some]).mean()),
    }


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM205: whether the graph is a set of cliques."""
    found = measures["clustering"]
    if isnan(found["local"]):
        yield Finding("GM205", "n.a.", "nobody has two neighbours, so none can be linked with each other")
        return
    said = (
        f"{found['global']:.0%} of pairs of neighbours are linked with each other, "
        f"{found['global_by_chance']:.0%} if links fell by chance; "
        f"{found['in_cliques']:.0%} of patients have only neighbours who all know each other{asked_of(found, subject)}"
    )
    if found["global"] < subject.limit("GM205", "clustering"):
        yield Finding("GM205", "pass", said)
        return
    fix = "--links gate:modality=...,columns=... links the most alike of a class; or fewer of it: phenotype:k=5"
    yield Finding("GM205", "warn", f"{said}: the graph says no more than a class would", fix)


def asked_of(found: Measures, subject: Subject) -> str:
    """Say that only some were asked, where it is so."""
    return f" (on a sample of {found['patients']:,})" if found["patients"] < len(subject.cohort) else ""


CLUSTERING = Part("clustering", ("GM205",), measure, judge)
