"""Pooled, within the group, and the group left out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.train.audit_groups import MOST_LEFT_OUT, auroc_within, left_out_folds, usual_group
from graphmml.train.scores import auroc


def by_pairs(y, p, groups):
    """Of all pairs of one group with one patient of the last class, how many are in order; ties count half."""
    won = pairs = 0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] == 1 and y[j] == 0 and groups[i] == groups[j] >= 0:
                pairs += 1
                won += 1.0 if p[i, 1] > p[j, 1] else 0.5 if p[i, 1] == p[j, 1] else 0.0
    return won / pairs


def drawn(seed=0, patients=80):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, patients)
    score = np.round(random.random(patients) + 0.3 * y, 1)  # rounded: ties
    return y, np.stack([1 - score, score], axis=1), random.integers(-1, 4, patients)


@pytest.mark.parametrize("seed", range(3))
def test_within_is_the_share_of_pairs_of_one_group_in_order(seed):
    y, p, groups = drawn(seed)
    assert auroc_within(y, p, groups) == pytest.approx(by_pairs(y, p, groups))


def test_within_one_group_is_the_usual_auroc_and_a_groups_level_is_worth_nothing():
    y, p, groups = drawn()
    assert auroc_within(y, p, np.zeros(80, dtype=int)) == pytest.approx(auroc(y, p))
    level = np.where(groups < 0, 0.0, groups / 10.0)
    only_group = np.stack([1 - level, level], axis=1)
    assert auroc_within(y, only_group, groups) == pytest.approx(0.5)
    assert auroc_within(y, p + np.stack([-10 * level, 10 * level], axis=1), groups) == pytest.approx(
        auroc_within(y, p, groups)
    )


def test_within_is_undefined_where_no_group_has_both_classes():
    y, p, _ = drawn()
    assert np.isnan(auroc_within(y, p, y))


def grouped(values, outcome=None):
    """A cohort of one number with these groups."""
    ids = pd.Index([f"p{at:03d}" for at in range(len(values))])
    y = pd.Series(["a", "b"] * (len(values) // 2) if outcome is None else outcome, index=ids)
    table = pd.DataFrame({"x": np.arange(len(values), dtype=float)}, index=ids)
    return gm.Cohort.from_frames({"labs": table}, y, groups=pd.DataFrame({"site": values}, index=ids))


def test_each_value_is_left_out_once():
    cohort = grouped(["n", "s", "w", "w", "w"] * 16)
    folds = left_out_folds(cohort, "site", 0)
    assert [len(fold.test) for fold in folds] == [16, 16, 48]
    for fold in folds:
        test, train = (set(cohort.groups["site"].iloc[rows]) for rows in (fold.test, fold.train))
        assert len(test) == 1
        assert not test & train


def test_many_values_are_left_out_several_at_a_time():
    cohort = grouped([f"s{at % 30}" for at in range(60)], outcome=["a"] * 30 + ["b"] * 30)
    folds = left_out_folds(cohort, "site", 0)
    assert len(folds) == MOST_LEFT_OUT
    for fold in folds:
        test, train = (set(cohort.groups["site"].iloc[rows]) for rows in (fold.test, fold.train))
        assert not test & train
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(60))


def test_a_value_with_one_class_alone_is_not_judged():
    cohort = grouped(["n"] * 10 + ["s"] * 10 + ["w"] * 10, outcome=["a", "b"] * 10 + ["a"] * 10)
    assert [len(fold.test) for fold in left_out_folds(cohort, "site", 0)] == [10, 10]
    lone = grouped(["n"] * 10 + ["s"] * 10, outcome=["a"] * 10 + ["b"] * 10)
    with pytest.raises(gm.CohortError, match="two classes"):
        left_out_folds(lone, "site", 0)


def test_the_usual_group_is_the_first_that_is_not_too_small():
    cohort = grouped([f"s{at % 2}" for at in range(40)])
    assert usual_group(cohort) == "site"
    families = [f"f{at // 2}" for at in range(40)]
    assert usual_group(replace(cohort, groups=cohort.groups.assign(site=families))) is None
    assert usual_group(replace(cohort, groups=cohort.groups.assign(site="one"))) is None
    both = pd.DataFrame({"family": families, "ward": cohort.groups["site"]}, index=cohort.ids)
    assert usual_group(replace(cohort, groups=both)) == "ward"
