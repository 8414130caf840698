"""A column is numbers or names, and what is neither is refused in words."""

import numpy as np
import pandas as pd
import pytest

from graphmml.data.columns import MISSING, is_number, names, normalise, parse, tidy_number
from graphmml.errors import CohortError


def text(*values):
    return pd.Series(list(values), dtype="str")


def test_numbers_are_float64_and_every_spelling_of_missing_is_nan():
    column = parse(text(" 1.5", "2 ", "-3e2", *sorted(MISSING)), where="x")
    assert column.dtype == np.float64
    assert column[:3].tolist() == [1.5, 2.0, -300.0]
    assert column[3:].isna().all()


def test_one_word_makes_a_column_names():
    column = parse(text("1", "two", "", " a b "), where="x")
    assert not is_number(column)
    assert column.tolist()[:2] == ["1", "two"]
    assert pd.isna(column[2])
    assert column[3] == "a b"


def test_a_spelling_of_missing_may_be_added():
    assert is_number(parse(text("1", "-9", "?"), where="x", na=["?"]))
    assert parse(text("1", "-9"), where="x", na=["-9"]).isna().tolist() == [False, True]


def test_an_empty_column_holds_numbers():
    assert is_number(parse(text("", ""), where="x"))


def test_declared_names_stay_names_and_whole_numbers_lose_their_point():
    column = parse(text("1.0", "2", "", "1"), where="x", categorical=True)
    assert not is_number(column)
    assert column.dropna().tolist() == ["1", "2", "1"]


def test_declared_names_with_a_word_among_them_are_left_as_written():
    assert parse(text("1.0", "IV"), where="x", categorical=True).tolist() == ["1.0", "IV"]


@pytest.mark.parametrize("value", ["inf", "-inf", "1e39"])
def test_infinite_and_overflowing_numbers_are_refused(value):
    with pytest.raises(CohortError, match=r"labs.csv, column 'crp' holds 1 infinite or overflowing") as error:
        parse(text("1", value), where="labs.csv, column 'crp'")
    assert "empty cells" in str(error.value)


def test_decimal_commas_are_refused_but_other_commas_are_names():
    with pytest.raises(CohortError, match=r"column 'crp': 2 of 3 values .* decimal comma"):
        parse(text("1,5", "2", "3,25"), where="column 'crp'")
    assert not is_number(parse(text("1,5", "a, b"), where="x"))
    assert not is_number(parse(text("1,5", "2,5"), where="x", categorical=True))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 2, 3]),
        pd.Series([True, False, True]),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series(["1", None, "3"]),
        pd.Series([1, None, "3"], dtype="object"),
    ],
    ids=["int", "bool", "Int64", "boolean", "text", "mixed"],
)
def test_whatever_pandas_holds_becomes_numbers_with_missing_kept(column):
    normal = normalise(column, where="x")
    assert normal.dtype == np.float64
    assert normal.isna().tolist() == column.isna().tolist()


def test_a_pandas_category_is_names():
    assert not is_number(normalise(pd.Series(["1", "2", "3"], dtype="category"), where="x"))


def test_numbers_become_names_where_asked():
    assert normalise(pd.Series([1.0, 2.0, np.nan]), where="x", categorical=True).tolist()[:2] == ["1", "2"]


def test_dates_are_refused():
    with pytest.raises(CohortError, match="column 'seen' holds dates"):
        normalise(pd.Series(pd.to_datetime(["2024-05-31"])), where="column 'seen'")


def test_tidy_numbers_keep_large_codes_whole():
    tidy = tidy_number(pd.Series([1.0, 2.5, np.nan, 12345678.0]))
    assert tidy.tolist()[:2] == ["1", "2.5"]
    assert pd.isna(tidy[2])
    assert tidy[3] == "12345678.0"


def test_names_keep_missing_missing():
    assert names(pd.Series(["a", None])).isna().tolist() == [False, True]
