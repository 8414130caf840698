"""Later patients are tested, earlier ones trained on; nobody without a time, no family on two sides."""

import numpy as np
import pandas as pd
import pytest

import graphmml as gm


def cohort_of(times, *, families=None, labels=None):
    ids = [f"p{at}" for at in range(len(times))]
    y = pd.Series(["a", "b"] * (len(times) // 2), index=ids) if labels is None else pd.Series(labels, index=ids)
    groups = pd.DataFrame({"admitted": times}, index=ids)
    if families is not None:
        groups["family"] = families
    table = pd.DataFrame({"x": np.arange(len(times), dtype=float)}, index=ids)
    made = gm.Cohort.from_frames({"t": table}, y, groups=groups)
    return made if families is None else gm.Cohort(**{**vars(made), "blocks": ("family",)})


DATES = [f"{year}-03-1{day}" for year in (2015, 2016, 2017, 2018) for day in range(5)]


def test_numbers_and_dates_are_cut_alike():
    fold = next(iter(gm.TemporalSplit("admitted", "2017-01-01", seeds=1).split(cohort_of(DATES))))
    assert list(fold.train) == list(range(10))
    assert list(fold.test) == list(range(10, 20))
    years = cohort_of([2015, 2016, 2017, 2018] * 5)
    fold = next(iter(gm.TemporalSplit("admitted", 2017, seeds=1).split(years)))
    assert all(at % 4 in (2, 3) for at in fold.test)
    assert len(fold.test) == 10


def test_without_a_cut_the_latest_three_tenths_are_tested_and_equal_times_stay_together():
    random = np.random.default_rng(0)
    fold = next(iter(gm.TemporalSplit("admitted").split(cohort_of(random.permutation(100).tolist()))))
    assert len(fold.test) == 30
    same = cohort_of([1] * 90 + [2] * 10)
    fold = next(iter(gm.TemporalSplit("admitted").split(same)))
    assert len(fold.test) == 10


def test_every_seed_tests_the_same_patients():
    folds = list(gm.TemporalSplit("admitted", seeds=3).split(cohort_of(DATES)))
    assert len({fold.seed for fold in folds}) == 3
    assert all(np.array_equal(fold.test, folds[0].test) for fold in folds)


def test_who_has_no_time_is_left_out_and_a_family_is_on_one_side():
    times = [*DATES[:19], None]
    fold = next(iter(gm.TemporalSplit("admitted", "2017-01-01").split(cohort_of(times))))
    assert 19 not in {*fold.train, *fold.test}
    families = [f"f{at % 15}" for at in range(20)]  # patients 15 to 19 belong to the families of 0 to 4
    fold = next(iter(gm.TemporalSplit("admitted", "2017-01-01").split(cohort_of(DATES, families=families))))
    assert list(fold.test) == [10, 11, 12, 13, 14]
    assert list(fold.train) == list(range(10))


@pytest.mark.parametrize(
    ("cut", "said"), [("2030-01-01", "0 to test"), ("2001-01-01", "0 labelled"), ("soon", "none that is written")]
)
def test_a_cut_that_splits_nothing_is_refused(cut, said):
    with pytest.raises(gm.CohortError, match=said):
        list(gm.TemporalSplit("admitted", cut).split(cohort_of(DATES)))


def test_a_column_without_times_is_refused():
    with pytest.raises(gm.CohortError, match="no value of 'admitted'"):
        list(gm.TemporalSplit("admitted").split(cohort_of(["north", "south"] * 5)))
    with pytest.raises(gm.CohortError, match="no column or group 'when'"):
        list(gm.TemporalSplit("when").split(cohort_of(DATES)))
    with pytest.raises(gm.CohortError, match="the cut 'x' is none"):
        list(gm.TemporalSplit("admitted", "x").split(cohort_of(list(range(10)))))
