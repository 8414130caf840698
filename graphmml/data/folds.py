"""Who is trained on and who is tested on; a patient, or a group that blocks, never sits on two sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from graphmml.data.cohort import Cohort
from graphmml.data.kinds import foreign, kind_of, refuse_numbers, wanted
from graphmml.data.sides import refuse_sides, without_kin
from graphmml.errors import CohortError


@dataclass(frozen=True, eq=False)
class Fold:
    """Positions in the cohort: int [patient]; `repeat` and `number` name the fold, `seed` its chance.

    Folds of one repeat test different patients; an interval takes only those of one repeat for several tests.
    """

    train: np.ndarray
    test: np.ndarray
    repeat: int
    number: int
    seed: int
    name: str = ""


class Splitter(Protocol):
    """Anything that says who is trained on and who is tested on."""

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield the folds of the cohort's labelled patients."""


@dataclass(frozen=True)
class Folds:
    """`n` folds, `repeats` times with other shuffles, stratified by class, whole blocking groups together."""

    n: int = 5
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if self.n < 2 or self.repeats < 1:
            raise CohortError(f"{self.n} folds x {self.repeats} repeats were asked for; at least 2 x 1 are wanted")

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield n x repeats folds over the labelled patients."""
        rows = labelled_rows(cohort)
        blocks = block_numbers(cohort, rows)
        classes = self.strata(cohort, rows, blocks)
        for repeat in range(self.repeats):
            seed = self.seed + repeat
            parts = self.parts(len(rows), classes, blocks, seed)
            for number, (train, test) in enumerate(parts):
                yield Fold(np.sort(rows[train]), np.sort(rows[test]), repeat, number, seed * 1000 + number)

    def strata(self, cohort: Cohort, rows: np.ndarray, blocks: np.ndarray | None) -> np.ndarray | None:
        """Return the class of each row; refuse a class too small to be in every fold."""
        if blocks is not None and len(np.unique(blocks)) < self.n:
            raise CohortError(f"{len(np.unique(blocks))} blocking groups cannot be laid out in {self.n} folds")
        if cohort.outcome is None or cohort.outcome.kind != "class":
            if len(rows) < self.n:
                raise CohortError(f"{len(rows)} patients cannot be laid out in {self.n} folds")
            return None
        classes = cohort.outcome.values.iloc[rows].to_numpy(dtype=str)
        names, counts = np.unique(classes, return_counts=True)
        if len(names) < 2:
            raise CohortError(f"all {len(rows)} labelled patients have outcome '{names[0]}'; two classes are wanted")
        if counts.min() < self.n:
            raise CohortError(
                f"class '{names[counts.argmin()]}' has {counts.min()} patients; {self.n} folds need at least {self.n}: "
                f"use fewer folds, merge the class or leave it out"
            )
        return np.asarray(classes)

    def parts(
        self, patients: int, classes: np.ndarray | None, blocks: np.ndarray | None, seed: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Choose scikit-learn's splitter: grouped or not, stratified or not."""
        nothing = np.zeros(patients)
        if classes is None:
            kind = KFold if blocks is None else GroupKFold
        else:
            kind = StratifiedKFold if blocks is None else StratifiedGroupKFold
        splitter = kind(self.n, shuffle=True, random_state=seed)
        yield from splitter.split(nothing, classes, blocks)


@dataclass(frozen=True)
class LeaveGroupOut:
    """Each value of a group is tested once by a model that never saw it.

    Who shares a blocking group with a tested patient is not trained on in that fold.
    """

    group: str
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield one fold a group value; patients without a value are always trained on."""
        for fold in value_folds(cohort, self.group, self.seed):
            if not len(fold.train):
                raise CohortError(
                    f"without '{fold.name}' of group '{self.group}' nobody is left to train on: all other labelled "
                    f"patients share a blocking group ({', '.join(cohort.blocks)}) with the {len(fold.test)} tested; "
                    "leave out another group, or use folds"
                )
            yield fold


@dataclass(frozen=True)
class OfficialSplit:
    """The cohort's own split, trained once a seed on its train rows and scored on its test rows.

    Who shares a blocking group with a tested patient is not trained on.
    """

    seeds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield the same rows once a seed."""
        if cohort.split is None:
            raise CohortError("the cohort has no official split; add split = { path, column } or use folds")
        rows = labelled_rows(cohort)
        sides = cohort.split.iloc[rows]
        train, test = (np.sort(rows[(sides == side).to_numpy(dtype=bool)]) for side in ("train", "test"))
        if not len(train) or not len(test):
            raise CohortError(f"the official split has {len(train)} labelled train and {len(test)} test patients")
        given, train = len(train), without_kin(cohort, train, test)
        if not len(train):
            raise CohortError(
                f"all {given} labelled train patients of the official split share a blocking group "
                f"({', '.join(cohort.blocks)}) with a test patient, so that nobody is left to train on; use folds, or "
                "take block = true from that group"
            )
        for repeat in range(self.seeds):
            yield Fold(train, test, repeat, 0, self.seed + repeat)


@dataclass(frozen=True)
class HeldOut:
    """One fold: about a `share` of the patients held out, stratified by class, whole blocking groups together.

    The share is taken to the nearest fraction with a denominator of at most 10, and each class needs that many
    patients.
    """

    share: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if not 0.0 < Fraction(self.share).limit_denominator(10) < 1:
            raise CohortError(f"share is {self.share}; choose one from 0.1 to 0.9")

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield the fold."""
        share = Fraction(self.share).limit_denominator(10)
        parts = list(Folds(share.denominator, seed=self.seed).split(cohort))
        held = np.sort(np.concatenate([part.test for part in parts[: share.numerator]]))
        yield Fold(np.setdiff1d(labelled_rows(cohort), held), held, 0, 0, self.seed)


@dataclass(frozen=True, eq=False)
class KeptFolds:
    """Folds that were made before, and what they were in words: positions in one cohort."""

    plan: str
    folds: tuple[Fold, ...]

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield them as they are."""
        yield from self.folds


def folds_of(splitter: Splitter, cohort: Cohort) -> list[Fold]:
    """Return the folds of a cohort, or raise CohortError for what is no splitter of patients."""
    wanted(cohort, Cohort)
    if isinstance(splitter, type | str) or foreign(splitter) or not hasattr(splitter, "split"):
        raise CohortError(
            f"{kind_of(splitter)} is given where a splitter of patients is wanted; give gm.Folds(5) for five "
            "stratified folds, or gm.LeaveGroupOut, gm.OfficialSplit, gm.HeldOut or gm.TemporalSplit"
        )
    made = list(splitter.split(cohort))
    if not made:
        raise CohortError(
            f"{kind_of(splitter)} gives no fold; one that trains on some patients and tests others is wanted"
        )
    for fold in made:
        wanted(fold, Fold, mend="import it from graphmml.data.folds: Fold(train, test, repeat, number, seed)")
        refuse_sides(f"fold {fold.number} of repeat {fold.repeat}", fold.train, fold.test, cohort)
    if len({(fold.repeat, fold.number) for fold in made}) < len(made):
        raise CohortError("two folds bear the same repeat and number; number the folds of a repeat 0, 1, 2 ...")
    for repeat in {fold.repeat for fold in made}:
        tested = np.concatenate([fold.test for fold in made if fold.repeat == repeat])
        again = len(tested) - len(np.unique(tested))
        if again:
            raise CohortError(
                f"{again} patients are tested more than once in repeat {repeat}; number folds that test the same "
                "patients as other repeats"
            )
    return made


def value_folds(cohort: Cohort, group: str, seed: int) -> Iterator[Fold]:
    """Yield one fold a value of a group, without those in training who share a blocking group; it may be nobody."""
    if group not in cohort.groups:
        known = ", ".join(cohort.groups) or "none"
        raise CohortError(
            f"the cohort has no group '{group}' (it has: {known}); add [group.{group}] to cohort.toml, or "
            "a column of that name: Cohort.from_frames(..., groups=frame)"
        )
    rows = labelled_rows(cohort)
    values = cohort.groups[group].iloc[rows]
    names = sorted(values.dropna().unique())
    if len(names) < 2:
        raise CohortError(f"group '{group}' has {len(names)} value(s); leaving one out needs two")
    for number, name in enumerate(names):
        chosen = (values == name).to_numpy(dtype=bool)
        train, test = np.sort(rows[~chosen]), np.sort(rows[chosen])
        yield Fold(without_kin(cohort, train, test), test, 0, number, seed + number, name=str(name))


def usual_folds(cohort: Cohort, n: int = 5) -> Folds:
    """Return n folds, or as many as the smallest class and the number of blocking groups allow."""
    rows = labelled_rows(cohort)
    blocks = block_numbers(cohort, rows)
    most = [n] if blocks is None else [n, len(np.unique(blocks))]
    if cohort.outcome is not None and cohort.outcome.kind == "class":
        most.append(int(cohort.outcome.values.value_counts().min()))
    return Folds(max(2, min(most)))


def inner_folds(cohort: Cohort, members: int, *, seed: int, n: int = 5) -> list[Fold]:
    """Return one inner split of training patients a member, each validating on another part."""
    smallest = n
    if cohort.outcome is not None and cohort.outcome.kind == "class":
        smallest = int(cohort.outcome.values.value_counts().min())
    n = min(n, smallest)
    if n < 2:
        raise CohortError("a class has a single training patient; two are wanted, one to learn from, one to stop by")
    return list(Folds(n, repeats=-(-members // n), seed=seed).split(cohort))[:members]


def labelled_rows(cohort: Cohort) -> np.ndarray:
    """Return the labelled patients in order of id: int [patient]."""
    order = cohort.sorted_rows
    rows = order[cohort.labelled[order]]
    if not len(rows):
        raise CohortError("no patient has a known outcome; name the outcome in cohort.toml, or check its ids")
    return np.asarray(rows)


def block_numbers(cohort: Cohort, rows: np.ndarray) -> np.ndarray | None:
    """Number the sets of patients that must stay together: those joined by any blocking group."""
    if not cohort.blocks:
        return None
    owners, tags = [], []
    offset = len(rows)
    for group in cohort.blocks:
        codes, names = cohort.groups[group].iloc[rows].factorize(sort=True)
        owners.append(np.flatnonzero(codes >= 0))
        tags.append(codes[codes >= 0] + offset)
        offset += len(names)
    ends = (np.concatenate(owners), np.concatenate(tags))
    joined = coo_array((np.ones(len(ends[0])), ends), shape=(offset, offset))
    return np.asarray(connected_components(joined, directed=False)[1][: len(rows)])
