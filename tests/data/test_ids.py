"""Ids join tables; what looks like a wrong join is refused, and no message shows an id."""

import numpy as np
import pandas as pd
import pytest

from graphmml.data.ids import align, among, canonical, refuse_strangers, refuse_variants, union
from graphmml.errors import CohortError


def table(*ids):
    return pd.DataFrame({"x": range(len(ids))}, index=pd.Index(ids, dtype="str"))


def test_union_holds_each_id_once_in_order_of_appearance():
    assert union({"a": table("q", "p"), "b": table("p", "r")}).tolist() == ["q", "p", "r"]


@pytest.mark.parametrize("storage", ["pyarrow", "python"])
def test_among_is_the_naive_loop_whatever_holds_the_text(storage):
    if storage == "pyarrow":
        pytest.importorskip("pyarrow")
    kind = pd.StringDtype(storage, na_value=np.nan)
    random = np.random.default_rng(0)
    ids, others = (pd.Index(random.choice([f"p{at}" for at in range(30)], 40), dtype=kind) for _ in range(2))
    assert among(ids, others).tolist() == [one in others.tolist() for one in ids]
    assert among(ids.to_series(), others[:0]).tolist() == [False] * 40


def test_canonical_sets_blanks_zeros_and_point_zero_aside():
    assert canonical(pd.Index([" 007", "7.0", "7", "0", "a07"])).tolist() == ["7", "7", "7", "0", "a07"]


@pytest.mark.parametrize("other", ["7", " 007", "007.0"])
def test_two_ways_to_write_an_id_are_refused(other):
    with pytest.raises(CohortError, match=r"here: 1 patient\(s\) seem to be written in two ways"):
        refuse_variants(pd.Index(["007", other, "x8"]), "here")


def test_different_ids_are_no_variants():
    refuse_variants(pd.Index(["007", "0071", "a7"]), "here")


def test_a_table_that_shares_no_patient_is_refused():
    with pytest.raises(CohortError, match=r"no id of table 'b' \(2 rows\)") as error:
        refuse_strangers({"a": table("p1", "p2"), "c": table("p1"), "b": table("q1", "q2")})
    assert "q1" not in str(error.value)


def test_a_stranger_is_told_from_tables_that_overlap_in_part():
    tables = {"a": table("p1", "p2"), "b": table("p2", "p3"), "c": table("p3", "p4"), "d": table("q1")}
    with pytest.raises(CohortError, match=r"table 'd' \(1 rows\) occurs in the other tables \(4 patients\)"):
        refuse_strangers(tables)
    refuse_strangers({name: tables[name] for name in "abc"})


def test_one_table_or_one_shared_patient_is_enough():
    refuse_strangers({"a": table("p1")})
    refuse_strangers({"a": table("p1", "p2"), "b": table("p2", "q")})


def test_align_lays_out_by_id_and_counts_strangers():
    values = pd.Series([1.0, 2.0, 3.0], index=["b", "x", "y"])
    aligned, note = align(values, pd.Index(["a", "b"]), "outcome")
    assert aligned.isna().tolist() == [True, False]
    assert aligned["b"] == 1.0
    assert note == "2 rows of the outcome belong to no patient of the tables"
    assert align(values[:1], pd.Index(["a", "b"]), "outcome")[1] is None


def test_align_refuses_values_of_nobody():
    with pytest.raises(CohortError, match=r"no id of the split \(1 rows\) occurs among the 2 patients"):
        align(pd.Series([1.0], index=["zzz"]), pd.Index(["a", "b"]), "split")
