"""No patient and no blocking group sits on two sides; folds are stratified and repeatable."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.folds import (
    Fold,
    Folds,
    HeldOut,
    LeaveGroupOut,
    OfficialSplit,
    block_numbers,
    folds_of,
    inner_folds,
    labelled_rows,
    usual_folds,
)
from graphmml.data.outcome import Outcome
from graphmml.errors import CohortError


def grouped(patients=60, kind="class"):
    random = np.random.default_rng(0)
    ids = pd.Index([f"p{number:02d}" for number in random.permutation(patients)])
    labels = pd.Series(np.where(np.arange(patients) % 3 == 0, "case", "control"), index=ids)
    labels[:6] = None
    if kind == "number":
        labels = pd.Series(random.normal(size=patients), index=ids)
    groups = pd.DataFrame({"family": [f"f{at // 2}" for at in range(patients)], "site": list("abc") * 20}, index=ids)
    groups.loc[ids[-4:], "site"] = None
    groups.loc[ids[-2:], "family"] = None
    table = pd.DataFrame({"x": np.arange(patients)}, index=ids)
    return gm.Cohort.from_frames({"labs": table}, labels, groups=groups, kind=kind)


def parts_of(folds):
    return [(fold.train.tolist(), fold.test.tolist()) for fold in folds]


@pytest.mark.parametrize("kind", ["class", "number"])
@pytest.mark.parametrize("blocks", [(), ("family",), ("family", "site")])
def test_nobody_sits_on_two_sides_and_everybody_is_tested_once_a_repeat(kind, blocks):
    cohort = replace(grouped(kind=kind), blocks=blocks[:1])
    folds = list(Folds(4, repeats=2).split(cohort))
    assert len(folds) == 8
    for repeat in (0, 1):
        tested = np.concatenate([fold.test for fold in folds if fold.repeat == repeat])
        assert sorted(tested) == sorted(np.flatnonzero(cohort.labelled))
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert set(fold.train) | set(fold.test) == set(np.flatnonzero(cohort.labelled))
        if blocks:
            sides = [set(cohort.groups["family"].iloc[rows].dropna()) for rows in (fold.train, fold.test)]
            assert not sides[0] & sides[1]


def test_classes_are_spread_evenly():
    cohort = grouped()
    for fold in Folds(3).split(cohort):
        assert cohort.outcome.values.iloc[fold.test].value_counts()["case"] == 6


def test_the_same_seed_gives_the_same_folds_and_another_does_not():
    cohort = grouped()
    assert parts_of(Folds(5, seed=3).split(cohort)) == parts_of(Folds(5, seed=3).split(cohort))
    assert parts_of(Folds(5, seed=3).split(cohort)) != parts_of(Folds(5, seed=4).split(cohort))
    assert len({fold.seed for fold in Folds(5, repeats=3).split(cohort)}) == 15


def test_the_order_of_rows_in_the_file_decides_nothing():
    cohort = replace(grouped(), blocks=("family",))
    order = np.random.default_rng(1).permutation(len(cohort))
    there = [set(cohort.ids[fold.test]) for fold in Folds(4).split(cohort)]
    shuffled = cohort[order]
    assert [set(shuffled.ids[fold.test]) for fold in Folds(4).split(shuffled)] == there


def test_blocks_chain_through_every_blocking_group():
    cohort = replace(grouped(), blocks=("family", "site"))
    numbers = block_numbers(cohort, np.arange(len(cohort)))
    # families of two neighbouring rows tie the sites a, b and c into one block
    assert len(np.unique(numbers[:-4])) == 1
    for kind in ("class", "number"):
        with pytest.raises(CohortError, match="blocking groups cannot be laid out"):
            list(Folds(5).split(replace(grouped(kind=kind), blocks=("family", "site"))))
    assert block_numbers(grouped(), np.arange(3)) is None


@pytest.mark.parametrize(("n", "repeats"), [(1, 1), (0, 1), (5, 0)])
def test_too_few_folds_are_refused(n, repeats):
    with pytest.raises(CohortError, match="at least 2 x 1"):
        Folds(n, repeats)


def test_what_cannot_be_laid_out_is_refused_in_words():
    cohort = grouped()
    with pytest.raises(CohortError, match="class 'case' has 18 patients; 19 folds need at least 19"):
        list(Folds(19).split(cohort))
    one = replace(
        cohort, outcome=replace(cohort.outcome, values=cohort.outcome.values.mask(cohort.outcome.values == "case"))
    )
    with pytest.raises(CohortError, match="all 36 labelled patients have outcome 'control'"):
        list(Folds(2).split(one))
    with pytest.raises(CohortError, match="60 patients cannot be laid out in 61 folds"):
        list(Folds(61).split(grouped(kind="number")))
    with pytest.raises(CohortError, match="no patient has a known outcome"):
        labelled_rows(replace(cohort, outcome=None))


def test_each_group_is_left_out_once_and_nobody_without_one_is_tested():
    cohort = grouped()
    folds = list(LeaveGroupOut("site", seed=7).split(cohort))
    assert [fold.name for fold in folds] == ["a", "b", "c"]
    assert [fold.seed for fold in folds] == [7, 8, 9]
    without = set(np.flatnonzero(cohort.groups["site"].isna()))
    for fold in folds:
        assert set(cohort.groups["site"].iloc[fold.test]) == {fold.name}
        assert fold.name not in set(cohort.groups["site"].iloc[fold.train].dropna())
        assert without <= set(fold.train)


def test_leaving_out_wants_a_group_of_two_values():
    cohort = grouped()
    with pytest.raises(CohortError, match=r"no group 'ward' \(it has: family, site\)"):
        list(LeaveGroupOut("ward").split(cohort))
    with pytest.raises(CohortError, match=r"add \[group.ward\] to cohort.toml, or .*groups=frame"):
        list(LeaveGroupOut("ward").split(cohort))
    with pytest.raises(CohortError, match="has: none"):
        list(LeaveGroupOut("ward").split(replace(cohort, groups=pd.DataFrame(index=cohort.ids))))
    same = replace(cohort, groups=cohort.groups.assign(site="a"))
    with pytest.raises(CohortError, match=r"group 'site' has 1 value\(s\)"):
        list(LeaveGroupOut("site").split(same))


def test_the_official_split_is_trained_once_a_seed():
    cohort = grouped()
    split = pd.Series(["train"] * 40 + ["test"] * 15 + [None] * 5, index=cohort.ids)
    folds = list(OfficialSplit(seeds=3).split(replace(cohort, split=split)))
    assert len(folds) == 3
    assert len({fold.seed for fold in folds}) == 3
    for fold in folds:
        assert set(fold.test) == set(range(40, 55))
        assert set(fold.train) == set(range(6, 40))


def blocked(seed, blocks=("family", "ward")):
    """Families reach over sites, the official split and time; a few have none."""
    random = np.random.default_rng(seed)
    names = {"family": 40, "ward": 25, "site": 3, "year": 9}
    groups = pd.DataFrame({name: random.integers(0, n, 80) for name, n in names.items()}, dtype="Float64")
    groups.loc[:9, "family"], groups.loc[5:14, "ward"] = None, None
    y = pd.Series(random.choice(["a", "b", None], 80))
    split = pd.Series(random.choice(["train", "train", "test", None], 80))
    cohort = gm.Cohort.from_frames({"t": groups[["year"]].astype(float)}, y, groups=groups, split=split)
    return replace(cohort, blocks=blocks)


@pytest.mark.parametrize(
    "splitter", [LeaveGroupOut("site"), OfficialSplit(seeds=1), gm.TemporalSplit("t.year"), gm.LeftOutValues("site")],
    ids=lambda splitter: type(splitter).__name__,
)  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_no_blocking_group_sits_on_two_sides_of_a_split_that_is_given(splitter, seed):
    cohort, shared = blocked(seed), 0
    free = list(splitter.split(replace(cohort, blocks=())))
    for fold, before in zip(splitter.split(cohort), free, strict=True):
        for group in cohort.blocks:
            sides = [set(cohort.groups[group].iloc[rows].dropna()) for rows in (fold.train, fold.test)]
            assert not sides[0] & sides[1]
        kept = [set(fold.train), set(fold.test)]
        assert kept[0] <= set(before.train)
        assert kept[1] <= set(before.test)
        if not isinstance(splitter, gm.TemporalSplit):
            assert kept[1] == set(before.test)
            apart = [
                row for row in before.train
                if not any((cohort.groups[group].iloc[fold.test] == cohort.groups[group].iloc[row]).any()
                           for group in cohort.blocks)
            ]  # fmt: skip
            assert kept[0] == set(apart)
        shared += len(before.train) - len(fold.train) + len(before.test) - len(fold.test)
    assert shared


def test_a_split_whose_blocks_leave_nobody_to_train_on_is_refused():
    cohort = blocked(0)
    one = replace(cohort, groups=cohort.groups.assign(ward="x"))
    with pytest.raises(CohortError, match=r"without '0' of group 'site' nobody is left to train on.*\(family, ward\)"):
        list(LeaveGroupOut("site").split(one))
    with pytest.raises(CohortError, match="labelled train patients of the official split share a blocking group"):
        list(OfficialSplit().split(one))
    with pytest.raises(CohortError, match="0 to test"):
        list(gm.TemporalSplit("t.year").split(one))
    with pytest.raises(CohortError, match=r"0 value\(s\) of 'site'"):
        list(gm.LeftOutValues("site").split(one))


class Given:
    """A splitter of a user's own."""

    def __init__(self, *folds):
        self.folds = folds

    def split(self, cohort):
        yield from self.folds


def fold_of(train, test, repeat=0, number=0):
    return Fold(np.array(train), np.array(test), repeat, number, 0)


def test_sound_folds_of_a_user_are_taken_as_they_are():
    folds = [fold_of([6, 7], [8, 9]), fold_of([8], [7], number=1), fold_of([6], [8, 7], repeat=1)]
    assert folds_of(Given(*folds), grouped()) == folds


UNSOUND = {
    "no fold": ((), "a Given gives no fold"),
    "a pair": ((([6], [7]),), "a tuple is given where a Fold is wanted; import it from graphmml.data.folds"),
    "masks": ((fold_of([True, False], [False, True]),), "train is no array of positions"),
    "a list": ((Fold(np.array([6]), [7], 0, 0, 0),), "test is no array of positions"),
    "nobody trained on": ((fold_of(np.array([], dtype=int), [7]),), "nobody is in train"),
    "nobody tested": (
        (fold_of([7], np.array([], dtype=int), repeat=2, number=3),),
        "fold 3 of repeat 2: nobody is in test",
    ),
    "outside": ((fold_of([6], [60, 61, 7]),), "2 positions in test are outside the cohort of 60 patients"),
    "negative": ((fold_of([6, -1], [7]),), "1 positions in train are outside"),
    "overlap": ((fold_of([6, 7, 8], [8, 7, 9, 10]),), "2 of 4 tested patients are trained on as well"),
    "unlabelled": ((fold_of([6, 7], [0, 1, 2, 9]),), "3 of 4 tested patients have no known outcome"),
    "numbered alike": ((fold_of([6], [7]), fold_of([7], [6])), "two folds bear the same repeat and number"),
    "twice": (
        (fold_of([6], [7, 8]), fold_of([6], [8, 9], number=1)),
        "1 patients are tested more than once in repeat 0",
    ),
}


@pytest.mark.parametrize("fault", UNSOUND)
def test_unsound_folds_of_a_user_are_refused(fault):
    folds, words = UNSOUND[fault]
    with pytest.raises(ValueError, match=words):
        folds_of(Given(*folds), grouped())


def test_an_official_split_must_be_there_and_labelled_on_both_sides():
    cohort = grouped()
    with pytest.raises(CohortError, match="no official split"):
        list(OfficialSplit().split(cohort))
    for side, words in (("train", "54 labelled train and 0 test"), ("test", "0 labelled train and 54 test")):
        with pytest.raises(CohortError, match=words):
            list(OfficialSplit().split(replace(cohort, split=pd.Series(side, index=cohort.ids))))


def test_members_validate_on_different_parts_of_the_training_patients():
    cohort = grouped()
    folds = inner_folds(cohort, 7, seed=0)
    assert len(folds) == 7
    assert len({tuple(fold.test) for fold in folds}) == 7
    assert len(inner_folds(grouped(kind="number"), 2, seed=0)) == 2


def test_a_small_class_means_fewer_inner_folds_and_a_single_patient_none():
    ids = [f"p{at}" for at in range(10)]
    table = pd.DataFrame({"x": range(10)}, index=ids)
    rare = gm.Cohort.from_frames({"labs": table}, pd.Series(["a"] * 3 + ["b"] * 7, index=ids))
    assert len(inner_folds(rare, 3, seed=0)) == 3
    single = gm.Cohort.from_frames({"labs": table}, pd.Series(["a"] + ["b"] * 9, index=ids))
    with pytest.raises(CohortError, match="single training patient"):
        inner_folds(single, 5, seed=0)


def test_survival_is_laid_out_over_who_has_time_and_event():
    cohort = grouped(kind="number")
    event = pd.Series(1.0, index=cohort.ids).mask(np.arange(60) < 10)
    outcome = Outcome("survival", cohort.outcome.values.abs(), event=event)
    tested = np.concatenate([fold.test for fold in Folds(5).split(replace(cohort, outcome=outcome))])
    assert sorted(tested) == list(range(10, 60))


@pytest.mark.parametrize("blocks", [(), ("family",)])
@pytest.mark.parametrize("share", [0.25, 0.3, 0.5])
def test_held_out_is_one_fold_of_about_the_share_with_families_together(share, blocks):
    cohort = replace(grouped(), blocks=blocks)
    (fold,) = HeldOut(share, seed=1).split(cohort)
    assert abs(len(fold.test) - share * 54) <= (2 if not blocks else 6)
    assert not set(fold.train) & set(fold.test)
    assert set(fold.train) | set(fold.test) == set(np.flatnonzero(cohort.labelled))
    assert abs((cohort.outcome.values.iloc[fold.test] == "case").mean() - 1 / 3) < 0.1
    if blocks:
        sides = [set(cohort.groups["family"].iloc[rows].dropna()) for rows in (fold.train, fold.test)]
        assert not sides[0] & sides[1]
    assert parts_of(HeldOut(share, seed=1).split(cohort)) == parts_of([fold])
    assert parts_of(HeldOut(share, seed=2).split(cohort)) != parts_of([fold])


@pytest.mark.parametrize("share", [0.0, 1.0, 0.01, 1.5])
def test_a_share_that_leaves_nobody_is_refused(share):
    with pytest.raises(CohortError, match=r"choose one from 0\.1 to 0\.9"):
        HeldOut(share)


def test_usual_folds_are_as_many_as_the_smallest_class_and_the_blocks_allow():
    cohort = grouped()
    assert usual_folds(cohort) == Folds(5)
    cases = np.flatnonzero((cohort.outcome.values == "case").to_numpy())
    rest = np.flatnonzero((cohort.outcome.values == "control").to_numpy())
    assert usual_folds(cohort[np.concatenate([cases[:3], rest])]) == Folds(3)
    halves = cohort.groups.assign(half=["x", "y"] * 30)
    assert usual_folds(replace(cohort, groups=halves, blocks=("half",))) == Folds(2)
