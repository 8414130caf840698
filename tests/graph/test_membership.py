import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from graphmml.graph.membership import BLOCK, bin_names, cuts, held, ranks, scales

NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, float("nan")]), min_size=1, max_size=40)


@given(NUMBERS, st.integers(2, 6))
def test_bins_part_the_known_values_and_none_is_empty(values, bins):
    values = np.array(values)
    known = values[~np.isnan(values)]
    at = cuts(values, bins)
    assert len(at) <= bins - 1
    assert (np.diff(at) > 0).all()
    if len(np.unique(known)) < 2:
        assert not len(at)
    else:
        filled = np.bincount(np.searchsorted(at, known, "right"), minlength=len(at) + 1)
        assert len(filled) == len(at) + 1
        assert filled.min() > 0


@pytest.mark.parametrize("bins", [2, 3, 4, 7])
def test_bins_are_evenly_filled_where_nothing_ties(bins):
    values = np.random.default_rng(bins).permutation(101).astype(float)
    filled = np.bincount(np.searchsorted(cuts(values, bins), values, "right"))
    assert len(filled) == bins
    assert filled.max() - filled.min() <= 1


def test_a_column_that_is_mostly_zero_is_cut_into_zero_and_more():
    values = np.array([0.0] * 90 + [1.0, 2.0] * 3)
    assert cuts(values, 4).tolist() == [1.0]
    assert cuts(-values, 4).tolist() == [0.0]


def test_bins_are_named_as_they_hold():
    assert bin_names("age", np.array([40.0])) == ["age < 40", "age >= 40"]
    three = ["x < -0.5", "x in [-0.5, 1e-09)", "x in [1e-09, 1e+20)", "x >= 1e+20"]
    assert bin_names("x", np.array([-0.5, 1e-9, 1e20])) == three
    near = np.array([1.0, np.nextafter(1.0, 2.0)])
    assert len(set(bin_names("x", near))) == 3


@given(NUMBERS)
def test_ranks_are_mean_ranks_within_zero_and_one(values):
    known = np.sort(np.array(values)[~np.isnan(values)])
    assert np.allclose(ranks(known, known), rankdata(known) / (len(known) + 1))
    beyond = ranks(np.array([-1e9, 1e9]), known)
    assert 0 < beyond[0] <= beyond[1] < 1


def test_a_negative_number_weighs_as_a_positive_one_of_its_rank():
    values = np.array([-3.0, -1.0, 5.0])
    assert ranks(values, values).tolist() == ranks(values + 100, values + 100).tolist() == [0.25, 0.5, 0.75]


def test_no_column_or_no_patient_is_no_membership():
    for table in (pd.DataFrame(index=["a", "b"]), pd.DataFrame({"x": [1.0], "y": ["u"]}).iloc[:0]):
        for numbers in ("present", "weights", 3):
            members = held(table, scales(table, numbers), numbers, shared=False)
            assert not len(members.patients)
            assert members.names in ((), ("x",))


def test_wide_counts_are_read_cell_by_cell():
    random = np.random.default_rng(0)
    counts = random.integers(-1, 2, (7, 2 * BLOCK + 3)).astype(float)
    counts[random.random(counts.shape) < 0.2] = np.nan
    table = pd.DataFrame(counts, columns=[f"c{at}" for at in random.permutation(counts.shape[1])])
    members = held(table, {}, "present", shared=False)
    read = {(int(at), members.names[of]) for at, of in zip(members.patients, members.concepts, strict=True)}
    assert read == {(at, name) for name in table.columns for at in range(7) if table.loc[at, name] > 0}
    assert len(read) == len(members.patients)
    assert list(members.names) == sorted(members.names)
