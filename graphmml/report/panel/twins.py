"""Are there patients who are one and the same, do they hear each other, and do they stand on both sides of a split?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from graphmml.data.cohort import Cohort
from graphmml.data.copies import copies
from graphmml.data.few import masked
from graphmml.data.findings import Finding
from graphmml.data.folds import Folds
from graphmml.errors import CohortError
from graphmml.graph.chance import uniform
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.panel.part import Measures, Part, Subject

CODES = ("GM610",)
FOLDS = 5


def measure(subject: Subject) -> dict[str, Any]:
    """Return how many patients have a twin, who of them are linked, disagree, or stand on two sides; few masked.

    Twins are the copies that `check` finds: alike in all cells, or nearly, beyond what chance explains.
    """
    member = copies(subject.cohort, subject.limit("GM105", "share")).sets(len(subject.cohort))
    rows = np.flatnonzero(member >= 0)
    official = subject.cohort.split is not None
    sides = official_sides(subject.cohort) if official else default_folds(subject)
    labels = np.full(len(member), -1) if subject.outcome is None else subject.outcome.labels
    counts = {
        "patients": len(rows),
        "linked": linked(subject, member),
        "contradictory": in_mixed_sets(member, labels),
        "across": in_mixed_sets(member, sides),
    }
    shown = {name: masked(count, min_cell=SMALLEST_CELL) for name, count in counts.items()}
    return {"twins": {**shown, "sides": "official split" if official else f"{FOLDS} folds"}}


def linked(subject: Subject, member: np.ndarray) -> int:
    """Return how many patients listen to a twin."""
    links = coo_array(subject.adjacency)
    same = (member[links.row] >= 0) & (member[links.row] == member[links.col])
    return len(np.unique(links.row[same]))


def in_mixed_sets(member: np.ndarray, values: np.ndarray) -> int:
    """Return how many patients are in a set that holds several of the values (int [patient], -1 unknown)."""
    rows = np.flatnonzero((member >= 0) & (values >= 0))
    if not len(rows):
        return 0
    pairs = np.unique(np.stack([member[rows], values[rows]]), axis=1)
    sets, kinds = np.unique(pairs[0], return_counts=True)
    return int(np.isin(member, sets[kinds > 1]).sum())


def official_sides(cohort: Cohort) -> np.ndarray:
    """Return 0 for training, 1 for test patients of the official split, -1 for others: int [patient]."""
    sides = np.full(len(cohort), -1, dtype=np.int64)
    if cohort.split is not None:
        for number, side in enumerate(("train", "test")):
            sides[(cohort.split == side).to_numpy(dtype=bool)] = number
    return sides


def default_folds(subject: Subject) -> np.ndarray:
    """Return the fold that tests each patient, -1 for who has no known outcome: int [patient]."""
    sides = np.full(len(subject.cohort), -1, dtype=np.int64)
    try:
        for fold in Folds(FOLDS).split(subject.cohort):
            sides[fold.test] = fold.number
    except CohortError:  # no outcome, or a class too small: any fifth will do
        return np.asarray((uniform(subject.encoded.keys, 0) * FOLDS).astype(np.int64))
    return sides


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM610: whether twins stand on both sides of a split."""
    found = measures["twins"]
    if found["patients"] == "0":
        yield Finding(
            "GM610", "pass", "no two patients are alike in all that was measured, or nearly, beyond what chance gives"
        )
        return
    said = f"{found['patients']} patients have a twin, alike in all that was measured or nearly"
    said += f"; {found['linked']} listen to theirs" if subject.adjacency.nnz else ""
    said += f"; {found['contradictory']} have one of another outcome" if found["contradictory"] != "0" else ""
    across = found["across"] != "0"
    said += f"; {found['across']} stand on two sides of the {found['sides']}: tested on what was trained on" * across
    fix = (
        "keep one row a patient, or name what twins have in common, [group.person] with block = true in cohort.toml, "
        "so that folds keep them together"
    )
    yield Finding("GM610", "fail" if across and found["sides"] == "official split" else "warn", said, fix)


TWINS = Part("twins", CODES, measure, judge, laid=False)
