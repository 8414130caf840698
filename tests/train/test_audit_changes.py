"""What an audit alters, and what it leaves alone."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.train.audit_changes import ExchangedWithin, PermutedOutcomes


@pytest.fixture
def fold(cohort):
    return next(iter(gm.Folds(3).split(cohort)))


def rows_of(cohort, name, where):
    """The rows of a table as a multiset, NaN equal to NaN."""
    return Counter(map(str, cohort.tables[name][where].to_numpy().tolist()))


def test_features_exchanged_within_a_group_keep_every_groups_rows(cohort, fold):
    changed = ExchangedWithin("site")(cohort, fold)
    for name in cohort.tables:
        for site in cohort.groups["site"].unique():
            here = (cohort.groups["site"] == site).to_numpy()
            assert rows_of(changed, name, here) == rows_of(cohort, name, here)
        assert list(changed.tables[name].columns) == list(cohort.tables[name].columns)
    assert changed.ids.equals(cohort.ids)
    assert changed.groups.equals(cohort.groups)
    assert changed.outcome.values.equals(cohort.outcome.values)


def test_a_patients_modalities_travel_together_and_nobody_keeps_the_own(cohort, fold):
    changed = ExchangedWithin("site")(cohort, fold)
    before = {tuple(cohort.tables["labs"].fillna(-1).loc[name]): name for name in cohort.ids}
    givers = [before[tuple(changed.tables["labs"].fillna(-1).loc[name])] for name in cohort.ids]
    for name in ("clinical", "codes"):
        expected = cohort.tables[name].loc[givers].set_axis(cohort.ids, axis=0)
        assert changed.tables[name].equals(expected)
    assert not (np.array(givers) == cohort.ids.to_numpy()).any()


def test_visits_travel_with_the_features(cohort, fold):
    changed = ExchangedWithin("site")(cohort, fold)
    before = {tuple(cohort.tables["labs"].fillna(-1).loc[name]): name for name in cohort.ids}
    for name in cohort.ids:
        giver = before[tuple(changed.tables["labs"].fillna(-1).loc[name])]
        old, new = (one.timeline.visits for one in (cohort, changed))
        mine = new[new["id"] == name][["visit", "time"]].reset_index(drop=True)
        assert mine.equals(old[old["id"] == giver][["visit", "time"]].reset_index(drop=True))
        codes = changed.timeline.events["codes"], cohort.timeline.events["codes"]
        assert Counter(codes[0].loc[codes[0]["id"] == name, "code"]) == Counter(
            codes[1].loc[codes[1]["id"] == giver, "code"]
        )


def test_patients_of_unknown_group_exchange_among_themselves(cohort, fold):
    unknown = np.isin(np.arange(len(cohort)), [2, 11, 30])
    groups = cohort.groups.assign(site=cohort.groups["site"].mask(unknown))
    some = replace(cohort, groups=groups)
    changed = ExchangedWithin("site")(some, fold)
    assert rows_of(changed, "labs", unknown) == rows_of(some, "labs", unknown)
    assert not changed.tables["labs"][unknown].equals(some.tables["labs"][unknown])


def test_only_patients_of_the_fold_take_part(cohort):
    few = gm.OfficialSplit(1)
    sides = pd.Series(np.where(np.arange(60) < 30, "train", np.where(np.arange(60) < 50, "test", None)), cohort.ids)
    changed = ExchangedWithin("site")(replace(cohort, split=sides), next(iter(few.split(replace(cohort, split=sides)))))
    assert changed.tables["labs"][50:].equals(cohort.tables["labs"][50:])
    assert not changed.tables["labs"][:50].equals(cohort.tables["labs"][:50])


def test_all_folds_of_a_repeat_see_one_exchange_and_repeats_another(cohort):
    folds = list(gm.Folds(3, repeats=2).split(cohort))
    tables = [ExchangedWithin("site")(cohort, fold).tables["labs"] for fold in folds]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert not tables[0].equals(tables[3])


@pytest.mark.parametrize("change", [ExchangedWithin("site"), PermutedOutcomes()], ids=repr)
def test_the_order_of_rows_decides_nothing(cohort, change):
    order = np.random.default_rng(1).permutation(len(cohort))
    fold, other = (next(iter(gm.Folds(3).split(one))) for one in (cohort, cohort[order]))
    assert set(cohort.ids[fold.test]) == set(cohort[order].ids[other.test])
    one, two = change(cohort, fold), change(cohort[order], other)
    assert one[order].fingerprint == two.fingerprint
    assert one[order].tables["labs"].equals(two.tables["labs"])


def test_training_outcomes_are_permuted_and_test_outcomes_stay(cohort, fold):
    changed = PermutedOutcomes()(cohort, fold)
    before, after = cohort.outcome.values, changed.outcome.values
    assert after.index.equals(before.index)
    assert after.iloc[fold.test].equals(before.iloc[fold.test])
    assert Counter(after.iloc[fold.train]) == Counter(before.iloc[fold.train])
    moved = (after.iloc[fold.train] != before.iloc[fold.train]).mean()
    assert 0.25 < moved < 0.75
    for name in cohort.outcome.classes:
        mine = fold.train[(before.iloc[fold.train] == name).to_numpy()]
        for other in cohort.outcome.classes:
            share = (before.iloc[fold.train] == other).mean()
            assert (after.iloc[mine] == other).sum() == pytest.approx(share * len(mine), abs=1.01)
    assert changed.outcome.positive == cohort.outcome.positive
    for name in cohort.tables:
        assert changed.tables[name].equals(cohort.tables[name])


def test_every_fold_permutes_anew(cohort):
    first, second = list(gm.Folds(3).split(cohort))[:2]
    both = np.intersect1d(first.train, second.train)
    one, two = (PermutedOutcomes()(cohort, fold).outcome.values.iloc[both] for fold in (first, second))
    assert not one.equals(two)


def test_permuted_outcomes_are_unrelated_to_the_true_ones():
    cohort = gm.make_cohort(400)
    fold = next(iter(gm.Folds(4).split(cohort)))
    agree = []
    for seed in range(20):
        values = PermutedOutcomes(seed)(cohort, fold).outcome.values
        agree.append((values.iloc[fold.train] == cohort.outcome.values.iloc[fold.train]).mean())
    assert np.mean(agree) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(300 * 20))
