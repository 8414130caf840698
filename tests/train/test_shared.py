from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer

import graphmml as gm
from graphmml.train import shared
from graphmml.train.shared import encoded, fitted, part_of, sharing


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(shared, "_PREPARED", type(shared._PREPARED)())


def same(one, other):
    assert all(np.array_equal(one.features[name], other.features[name]) for name in one.modalities)
    assert one.ids.equals(other.ids)


def test_the_same_patients_are_prepared_once_and_as_they_would_be_anew(cohort):
    anew = gm.CohortEncoder().fit(cohort[:45])
    with sharing():
        first, second = fitted(None, cohort[:45]), fitted(gm.CohortEncoder(), cohort[np.arange(45)])
        assert first is second
        assert encoded(first, cohort[45:]) is encoded(second, cohort[np.arange(45, 60)])
        same(encoded(first, cohort[45:]), anew.transform(cohort[45:]))


def test_other_patients_another_order_outcome_or_setting_are_prepared_anew(cohort):
    with sharing():
        first = fitted(None, cohort[:45])
        hidden = cohort.with_outcome_of(range(20))
        others = [cohort[:44], cohort[np.arange(45)[::-1]], hidden[:45]]
        assert all(fitted(None, other) is not first for other in others)
    with sharing():
        first = fitted(None, cohort[:45])
        assert fitted(gm.CohortEncoder(clip=3.0), cohort[:45]) is not first
        assert encoded(first, cohort[50:]) is not encoded(first, cohort[49:])


def test_one_cell_is_enough_to_be_another_cohort(cohort):
    tables = {name: table.copy() for name, table in cohort.tables.items()}
    tables["labs"].iloc[3, 0] = 99.0
    changed = gm.Cohort(cohort.ids, tables, cohort.outcome, cohort.groups)
    with sharing():
        first = fitted(None, cohort)
        assert fitted(None, changed) is not first
        assert encoded(first, changed).features["labs"][3, 0] != encoded(first, cohort).features["labs"][3, 0]


def test_outside_nothing_is_shared(cohort):
    first, second = fitted(None, cohort[:45]), fitted(None, cohort[:45])
    assert first is not second
    assert encoded(first, cohort) is not encoded(first, cohort)
    assert part_of(encoded(first, cohort), np.arange(5)) is not part_of(encoded(first, cohort), np.arange(5))
    with sharing():
        assert encoded(first, cohort) is not encoded(first, cohort), "not prepared inside"
    assert not shared._PREPARED


def test_few_preparations_are_remembered(cohort):
    with sharing():
        first = fitted(None, cohort[:30])
        for count in range(31, 31 + shared.KEPT):
            fitted(None, cohort[:count])
        assert len(shared._PREPARED) == shared.KEPT
        assert fitted(None, cohort[:30]) is not first


def test_what_cannot_be_written_is_prepared_anew(cohort):
    prepare = gm.CohortEncoder(reduce={"labs": FunctionTransformer(lambda x: x)})
    with sharing():
        assert fitted(prepare, cohort[:45]) is not fitted(prepare, cohort[:45])


def test_a_part_is_cut_out_once_and_linked_once(cohort):
    links = gm.Neighbours(k=3)
    with sharing():
        source = encoded(fitted(None, cohort[:45]), cohort[:45])
        one, other = part_of(source, np.arange(40)), part_of(source, np.arange(40))
        assert one is other
        assert part_of(source, np.arange(39)) is not one
        same(one, source[:40])
        assert gm.build_graph(links, one).relations[0] is gm.build_graph(gm.Neighbours(k=3), other).relations[0]


@pytest.mark.parametrize("setting", ["inductive", "transductive"])
def test_cross_validation_says_the_same_as_without_sharing(cohort, setting, monkeypatch):
    model = gm.GraphClassifier(gm.Neighbours(k=3), width=8, members=2, training=gm.Training(epochs=3))
    with_it = gm.cross_validate(model, cohort, gm.Folds(2), jobs=1, setting=setting)
    assert shared._PREPARED
    monkeypatch.setattr("graphmml.train.cross_validate.sharing", nullcontext)
    without = gm.cross_validate(model, cohort, gm.Folds(2), jobs=1, setting=setting)
    for one, other in zip(with_it.units, without.units, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities), one.model


def test_tables_of_counts_are_not_prepared_as_tables_of_numbers():
    """The same cells, in which a code that is no column is none in one cohort and missing in the other."""
    cohort = gm.make_cohort(40, seed=1)
    counted = replace(cohort, counted=frozenset({"labs"}))
    with sharing():
        first, second = fitted(None, cohort), fitted(None, counted)
    assert (first.counted_, second.counted_) == ([], ["labs"])
