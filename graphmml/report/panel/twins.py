"""Are there patients who are one and the same, and do they stand on both sides of a split?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from graphmml.data.checks_words import masked
from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.data.findings import Finding
from graphmml.data.folds import Folds
from graphmml.errors import CohortError
from graphmml.graph.chance import mixed, uniform
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.near_twins import nearest_distances, sets_of_twins, surprise
from graphmml.report.panel.part import Measures, Part, Subject

CODES = ("GM610",)
NEAR = 1e-6
"""Twins are nearer to each other than this share of the median distance to the nearest patient."""
QUERIES = 500
"""That median is taken over so many patients, chosen by a hash of their ids."""
TELLING_CELLS = 5
"""So many cells that say something must twins share ..."""
BITS_TO_SPARE = 20.0
"""... and by so much (2 to that power) must chance be excluded."""
FOLDS = 5


def twins_of(cohort: Cohort, encoded: EncodedCohort, limit: float = NEAR) -> np.ndarray:
    """Return a number for each set of patients alike in all that was encoded, -1 for who has no twin: int [patient].

    Only patients with the same modalities are compared, and only those are twins whose values are so telling that
    chance does not make two such patients: with a few coarse columns many patients are alike.
    """
    found = np.full(len(encoded), -1, dtype=np.int64)
    chosen = mixed(encoded.keys, 1)
    for pattern in np.unique(encoded.present, axis=0):
        here = np.flatnonzero((encoded.present == pattern).all(axis=1))
        if len(here) < 2 or not pattern.any():
            continue
        having = [name for name, has in zip(encoded.modalities, pattern, strict=True) if has]
        rows = np.concatenate([encoded.features[name][here] for name in having], axis=1)
        queries = np.argsort(chosen[here], kind="stable")[:QUERIES]
        usual = float(np.median(nearest_distances(rows, queries)))
        member = sets_of_twins(rows, limit * usual)
        several = np.flatnonzero(np.bincount(member)[member] > 1)
        if not len(several):
            continue
        several, others = in_turn(several, member)
        cells, bits = surprise([cohort.tables[name].iloc[here] for name in having], several, others)
        told = several[(cells >= TELLING_CELLS) & (bits >= np.log2(len(encoded)) + BITS_TO_SPARE)]
        found[here[told]] = member[told] + found.max(initial=-1) + 1
    return only_sets(found)


def in_turn(rows: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows in order of their sets, and for each the next of its set, the first after the last."""
    ordered = rows[np.argsort(member[rows], kind="stable")]
    last = np.append(member[ordered][1:] != member[ordered][:-1], True)
    following = np.arange(len(ordered)) + 1
    following[last] = np.flatnonzero(np.append(True, last[:-1]))
    return ordered, ordered[following]


def only_sets(member: np.ndarray) -> np.ndarray:
    """Number sets 0, 1 ...; whoever is alone in one has no twin."""
    _, number, size = np.unique(member, return_inverse=True, return_counts=True)
    alone = (member < 0) | (size[number] < 2)
    return np.where(alone, -1, np.unique(np.where(alone, -1, number), return_inverse=True)[1] - int(alone.any()))


def measure(subject: Subject) -> dict[str, Any]:
    """Return how many patients have a twin, who of them are linked, disagree, or stand on two sides; few masked."""
    member = twins_of(subject.cohort, subject.encoded)
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
        yield Finding("GM610", "pass", "no two patients are alike in all that was measured, beyond what chance gives")
        return
    said = f"{found['patients']} patients have a twin, alike in all that was measured"
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
