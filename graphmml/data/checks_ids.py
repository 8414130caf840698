"""Findings on ids: rows of nobody, tables that share no patient, ids that would match if written alike."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from graphmml.data.checks_words import Asked, many, not_applicable, some
from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding, Status
from graphmml.data.ids import among

Form = Callable[[pd.Series], pd.Series]


def replaced(pattern: str, by: str = "") -> Form:
    """Return the form of an id that is rid of a pattern."""
    return lambda text: text.str.replace(pattern, by, regex=True)


def bare(text: pd.Series) -> pd.Series:
    """Set aside all that is no part of an id for certain, at once."""
    for form, certain in SINGLE_FORMS.values():
        text = form(text) if certain else text
    return text


SINGLE_FORMS: Mapping[str, tuple[Form, bool]] = {
    "without a byte order mark": (replaced("^\ufeff"), True),
    "without blanks": (replaced(r"[\s\u00a0]+"), True),
    "without a trailing .0": (replaced(r"\.0$"), True),
    "without leading zeros": (replaced(r"^0+(?=[0-9])"), True),
    "in one case, upper or lower": (lambda text: text.str.casefold(), True),
    "without the zeros that pad a number": (replaced(r"(?<![0-9])0+(?=[0-9])"), False),
    "without hyphens and underscores": (replaced(r"[-_\u2010-\u2015]+"), False),
}
"""How ids would have to be written -> the form, and whether two ids that share it are one patient for certain."""

FORMS: Mapping[str, tuple[Form, bool]] = {
    **SINGLE_FORMS,
    "without leading zeros, blanks, marks and a trailing .0, in one case": (bare, True),
}


class Match(NamedTuple):
    """Ids of one file that would be ids of others, were they written so."""

    file: str
    form: str
    ids: int
    of: int


def joins(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM101: rows that belong to no patient."""
    if not cohort.notes:
        return []
    said = "; ".join(re.sub(r"^\d+", lambda found: asked.counted(int(found[0])), note) for note in cohort.notes)
    return many("GM101", "warn", said, "write the ids the same way in every file, or delete these rows")


def overlap(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM102: tables whose patients the other tables do not know."""
    if len(cohort.tables) < 2:
        return not_applicable("GM102", "there is one table")
    present = cohort.present
    found, shares = [], []
    for at, modality in enumerate(cohort.modalities):
        here = present[:, at]
        size, shared = int(here.sum()), int((here & (present.sum(axis=1) > 1)).sum())
        shares.append(f"{modality} {asked.counted(shared)} of {asked.counted(size)}")
        if not size or shared >= asked.limit("GM102", "shared") * size:
            continue
        status: Status = "warn" if shared else "fail"
        message = f"of {asked.counted(size)} patients of modality '{modality}', {shares_words(shared, asked)} any other"
        fix = f"check that id = of [modality.{modality}] is the right column and that its file is of the same patients"
        found.append(Finding("GM102", status, message, fix))
    return found or [Finding("GM102", "pass", f"patients who have another modality as well: {some(shares)}")]


def shares_words(shared: int, asked: Asked) -> str:
    """Say how many patients have another table."""
    return f"{asked.counted(shared)} have" if shared else "nobody has"


def matching(cohort: Cohort, asked: Asked) -> list[Finding]:
    """GM102 and GM103: whether tables share patients, and how they would if ids were written alike."""
    matches = matches_of_tables(cohort)
    written = near_ids([*matches, *matches_of_strangers(cohort)], asked) or repeated_forms(cohort, asked)
    if matches:
        return [Finding("GM102", "n.a.", "ids are to be written alike first (GM103)"), *written]
    return [*overlap(cohort, asked), *written]


def near_ids(matches: list[Match], asked: Asked) -> list[Finding]:
    """GM103: ids that would be one patient, were they written alike."""
    found = []
    for match in matches:
        status: Status = "fail" if match.ids >= asked.limit("GM103", "share") * match.of else "warn"
        message = (
            f"{asked.counted(match.ids)} ids of {match.file} belong to nobody in the other files as they are written; "
            f"they would match {match.form}"
        )
        found.append(Finding("GM103", status, message, id_fix(match)))
    return found


def id_fix(match: Match) -> str:
    """Say how such ids come about, and where they are mended; nothing is matched by a guess."""
    if "zeros" in match.form or ".0" in match.form:
        return (
            f"a spreadsheet reads ids as numbers, so that 007 becomes 7: write the id column of {match.file} as text, "
            "as the other files have it; nothing was matched by a guess"
        )
    return f"write the ids of {match.file} as the other files do; nothing was matched by a guess"


def matches_of_tables(cohort: Cohort) -> list[Match]:
    """Return, for each modality, how many of its ids would be ids of other modalities, by the form that joins most."""
    text = pd.Series(cohort.ids.astype("str"))
    best, pairs = "", np.zeros((0, 2), dtype=np.int64)
    for name, (form, certain) in FORMS.items():
        found = split_patients(form(text), cohort.present)
        if len(found) > len(pairs) and (certain or 4 * len(found) > len(text)):
            best, pairs = name, found
    odd = mistaken(pairs, text, cohort.present)
    counts = cohort.present[odd].sum(axis=0)
    return [
        Match(f"modality '{modality}'", best, int(count), int(cohort.present[:, at].sum()))
        for at, (modality, count) in enumerate(zip(cohort.modalities, counts, strict=True))
        if count
    ]


def split_patients(forms: pd.Series, present: np.ndarray) -> np.ndarray:
    """Return the pairs of ids that share a form and no table, as two halves of a patient do: int [pair, 2]."""
    codes = forms.factorize()[0]
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[sizes == 2]
    pairs = np.stack([order[starts], order[starts + 1]], axis=1)
    return np.asarray(pairs[~(present[pairs[:, 0]] & present[pairs[:, 1]]).any(axis=1)])


def mistaken(pairs: np.ndarray, text: pd.Series, present: np.ndarray) -> np.ndarray:
    """Return of each pair the id that is likely the mistaken one: int [pair].

    That is the one in fewer tables; where both are in as many, the one whose tables had more mistaken ids in the
    other pairs, then the shorter, then the first in order.
    """
    held, length, place = present.sum(axis=1), text.str.len().to_numpy(), text.rank().to_numpy()
    uneven = pairs[held[pairs[:, 0]] != held[pairs[:, 1]]]
    fewer = held[uneven].argmin(axis=1)
    at = np.arange(len(uneven))
    votes = present[uneven[at, fewer]].sum(axis=0) - present[uneven[at, 1 - fewer]].sum(axis=0)
    order = np.empty(len(text), dtype=np.int64)
    order[np.lexsort((place, length, -(present @ votes), held))] = np.arange(len(text))
    return np.asarray(pairs[np.arange(len(pairs)), order[pairs].argmin(axis=1)])


def matches_of_strangers(cohort: Cohort) -> Iterator[Match]:
    """Yield, for each file of outcome, split and groups, how many of its rows of nobody would be patients."""
    text = pd.Series(cohort.ids.astype("str"))
    for file, lost in cohort.strangers.items():
        rows, best = pd.Series(lost.astype("str")), Match("", "", 0, 0)
        for name, (form, certain) in FORMS.items():
            hits = int(among(pd.Index(form(rows)), pd.Index(form(text))).sum())
            if hits > best.ids and (certain or 2 * hits > len(rows)):
                best = Match(f"the {file}", name, hits, len(cohort))
        if best.ids:
            yield best


def repeated_forms(cohort: Cohort, asked: Asked) -> list[Finding]:
    """Find ids of one table that differ only by case, blanks, leading zeros and the like."""
    forms = bare(pd.Series(cohort.ids.astype("str")))
    patients = int(forms[forms.duplicated(keep=False)].nunique())
    if not patients:
        return []
    message = (
        f"{asked.counted(patients)} patient(s) stand under two ids that differ only by upper and lower case, blanks, "
        "leading zeros or a trailing .0"
    )
    return many("GM103", "warn", message, "write each id the same way in every file, for instance all in upper case")
