"""Findings on patients who stand in a cohort twice: whose outcomes contradict, and who may sit on both sides."""

from collections.abc import Mapping

import numpy as np

from graphmml.data.checks_words import Asked, some
from graphmml.data.cohort import Cohort
from graphmml.data.copies import Copies, Pairs, copies, numbered
from graphmml.data.findings import Finding

TOGETHER = (
    "keep one row a patient; where two rows are one person on purpose, name a column of persons: [group.person] with "
    "block = true, so that they stay on one side of every fold"
)


def repeated_patients(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM104, GM105, GM106 and GM601: copies, near copies, copies with another outcome, copies on two sides."""
    found = copies(cohort, asked.limit("GM105", "share"))
    every = (exact_copies, near_copies, contradictions, across_folds)
    return [finding for look in every for finding in look(cohort, found, asked)]


def exact_copies(cohort: Cohort, found: Copies, asked: Asked) -> list[Finding]:
    """GM104: patients with the same value in every column of every modality."""
    if not len(found.exact):
        return []
    message = f"{asked.counted(later(found.exact))} patient(s) repeat another one in every column of every modality"
    return [Finding("GM104", "warn", message, TOGETHER)]


def near_copies(cohort: Cohort, found: Copies, asked: Asked) -> list[Finding]:
    """GM105: patients who agree in nearly all cells, or in all of one modality, beyond chance."""
    findings = []
    if len(found.near):
        share = asked.limit("GM105", "share")
        message = (
            f"{asked.counted(later(found.near))} patient(s) agree with another one in {share:.0%} or more of the cells "
            "that both have, which chance does not explain"
        )
        fix = f"look whether they are one person entered twice, or followed up; if so, {TOGETHER}"
        findings.append(Finding("GM105", "warn", message, fix))
    partly = listed(found.partial, asked)
    if partly:
        message = f"patients who have every value of a modality from another one, and others elsewhere: {partly}"
        fix = f"look whether these rows were copied or given to a wrong id; if they are one person, {TOGETHER}"
        findings.append(Finding("GM105", "warn", message, fix))
    means = listed(found.filled, asked)
    if means:
        message = (
            f"patients whose modality is nothing but the columns' means, filled in where nothing was known: {means}"
        )
        fix = "leave these rows out of the file: what is absent weighs nothing, and a mean is everybody's neighbour"
        findings.append(Finding("GM105", "warn", message, fix))
    return findings


def listed(parts: Mapping[str, Pairs], asked: Asked) -> str:
    """Name modalities with how many patients repeat another one in them."""
    return some([f"{name} ({asked.counted(later(pairs))})" for name, pairs in parts.items() if len(pairs)])


def contradictions(cohort: Cohort, found: Copies, asked: Asked) -> list[Finding]:
    """GM106: sets of copies, exact or nearly, in which the outcomes differ."""
    outcome = cohort.outcome
    if outcome is None:
        return [Finding("GM106", "n.a.", "the cohort has no outcome")]
    sets = found.sets(len(cohort))
    rows = np.flatnonzero((sets >= 0) & outcome.known)
    differ = outcome.values.iloc[rows].groupby(sets[rows]).nunique() > 1
    if outcome.event is not None:
        differ |= outcome.event.iloc[rows].groupby(sets[rows]).nunique() > 1
    if not differ.any():
        return []
    message = (
        f"{asked.counted(int(differ.sum()))} set(s) of patients who are copies of each other have outcomes that differ"
    )
    fix = f"find out which '{outcome.name}' is true, and keep one row a patient"
    return [Finding("GM106", "fail", message, fix)]


def across_folds(cohort: Cohort, found: Copies, asked: Asked) -> list[Finding]:
    """GM601: copies who may be trained on as one row and tested on as the other."""
    whole, said = separable(cohort, found.whole, asked)
    if whole:
        return [Finding("GM601", "fail", f"who is trained on can be tested on as well: {said}", TOGETHER)]
    parts, said = separable(cohort, found.pairs, asked)
    if not parts:
        return []
    message = f"a modality of a patient who is trained on can be tested on as another's: {said}"
    fix = "mend these rows (GM105), or hold them together by a [group.NAME] with block = true"
    return [Finding("GM601", "warn", message, fix)]


def separable(cohort: Cohort, pairs: Pairs, asked: Asked) -> tuple[bool, str]:
    """Say how many copies can be parted by folds, and how many are parted by the official split."""
    loose = pairs[~held_together(cohort, pairs)]
    said = []
    if len(loose):
        said.append(f"{asked.counted(later(loose))} patient(s) are copies of others and no blocking group holds them")
    if cohort.split is not None and len(pairs):
        one, other = (cohort.split.iloc[pairs[:, at]].to_numpy(dtype=object) for at in (0, 1))
        apart = np.isin(one, ("train", "test")) & np.isin(other, ("train", "test")) & (one != other)
        if apart.any():
            said.append(f"{asked.counted(later(pairs[apart]))} of the copies stand across the official split")
    return bool(said), "; ".join(said)


def held_together(cohort: Cohort, pairs: Pairs) -> np.ndarray:
    """Return which pairs share a value of a blocking group: bool [pair]."""
    held = np.zeros(len(pairs), dtype=bool)
    for name in cohort.blocks:
        codes = cohort.groups[name].factorize()[0]
        held |= (codes[pairs[:, 0]] == codes[pairs[:, 1]]) & (codes[pairs[:, 0]] >= 0)
    return held


def later(pairs: Pairs) -> int:
    """Count the patients who are one too many: all of the pairs but one of each set."""
    return int(len(np.unique(pairs)) - sets_of(pairs))


def sets_of(pairs: Pairs) -> int:
    """Count the sets that pairs make."""
    names = np.unique(pairs, return_inverse=True)[1].reshape(-1, 2)
    return len(np.unique(numbered(names, int(names.max(initial=-1)) + 1)))
