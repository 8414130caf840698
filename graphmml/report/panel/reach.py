"""Whom does a patient hear of through 1 to 4 layers, and how many of them are labelled?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from graphmml.data.findings import Finding
from graphmml.report.homophily import without_loops
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.words import count

HOPS = 4
EVERY = 2_000
"""Among more patients a sample is asked, ..."""
MOST, WORK = 1_000, 600_000_000
"""... of at most so many, and so many that a hop takes no longer than so many steps."""
STRIP = 128


def measure(subject: Subject) -> dict[str, Any]:
    """Return the share of the cohort, and how many labelled training patients, within 1 to 4 hops."""
    drawn = sample(subject.adjacency, subject.seed)
    share, teachers = within_hops(subject.adjacency, drawn, labelled(subject))
    return {
        "reach": {
            "median": np.median(share, axis=0).tolist() if len(drawn) else [],
            "p95": np.percentile(share, 95, axis=0).tolist() if len(drawn) else [],
            "labelled_median": np.median(teachers, axis=0).tolist() if len(drawn) else [],
            "labelled_none": (teachers == 0).mean(axis=0).tolist() if len(drawn) else [],
            "patients": len(drawn),
        }
    }


def labelled(subject: Subject) -> np.ndarray:
    """Return who can teach: patients with an outcome, of the training side where there is an official split."""
    known = np.asarray(subject.cohort.labelled)
    split = subject.cohort.split
    return known if split is None else known & (split == "train").to_numpy(dtype=bool)


def sample(adjacency: csr_array, seed: int) -> np.ndarray:
    """Return the patients who are asked, in order."""
    patients = adjacency.shape[0]
    if patients <= EVERY:
        return np.arange(patients)
    size = min(MOST, max(50, WORK // max(adjacency.nnz, 1)))
    return np.sort(np.random.default_rng(seed).choice(patients, size, replace=False))


def within_hops(adjacency: csr_array, rows: np.ndarray, marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of others that these patients hear of within 1 to 4 hops, and how many marked: [row, hop].

    A patient hears of those it listens to, of those they listen to, and so on; never of itself.
    """
    patients = adjacency.shape[0]
    share, teachers = np.zeros((len(rows), HOPS)), np.zeros((len(rows), HOPS), dtype=np.int64)
    onward = csr_array(without_loops(adjacency).T)
    onward.data = np.ones(onward.nnz, dtype=np.float32)
    for start in range(0, len(rows), STRIP):
        strip = rows[start : start + STRIP]
        own = (strip, np.arange(len(strip)))
        known = np.zeros((patients, len(strip)), dtype=bool)
        known[own] = True
        fresh = known
        for hop in range(HOPS):
            fresh = ((onward @ fresh.astype(np.float32)) > 0) & ~known
            known = known | fresh
            share[start : start + STRIP, hop] = (known.sum(axis=0) - 1) / max(patients - 1, 1)
            teachers[start : start + STRIP, hop] = known[marked].sum(axis=0) - marked[strip]
    return share, teachers


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM208: whether two layers average the whole cohort."""
    found, patients = measures["reach"], len(subject.cohort)
    if not subject.adjacency.nnz:
        yield Finding("GM208", "n.a.", "nobody listens to anybody")
        return
    sampled = f" (on a sample of {found['patients']:,})" if found["patients"] < patients else ""
    said = f"two layers reach {found['median'][1]:.0%} of {count(patients, 'patient')} from the median one{sampled}"
    if subject.cohort.outcome is not None:
        said += f"; {found['labelled_none'][1]:.1%} reach nobody with a known outcome to learn from"
    narrow = found["median"][1] < subject.limit("GM208", "share")
    if narrow or patients < subject.limit("GM208", "patients"):
        usual = "" if narrow else ": usual in a cohort of this size, but deeper networks average it"
        yield Finding("GM208", "pass", said + usual)
        return
    fix = "fewer neighbours (neighbours:k=5), or one layer (graphmml cv --conv sage:depth=1)"
    yield Finding("GM208", "warn", f"{said}: that is close to the mean of the cohort", fix)


REACH = Part("reach", ("GM208",), measure, judge)
