"""A column is numbers or names, and what is neither is refused in words."""

from decimal import Decimal

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


@pytest.mark.parametrize(
    "values",
    [
        ("428.0", "428.1", "428"),
        ("428.0", "250.00"),
        ("1.0", "2", "1"),
        ("007", "+7", "7"),
        ("1.0", "IV"),
        ("1e5", "5"),
    ],
)
def test_declared_names_stay_as_they_are_written(values):
    column = parse(text(*values, ""), where="x", categorical=True)
    assert not is_number(column)
    assert column.tolist()[: len(values)] == list(values)
    assert pd.isna(column[len(values)])


def test_what_stands_for_missing_stands_for_it_among_names_too():
    assert parse(text("1", "-9", "-9.0", "NA"), where="x", categorical=True, na=["-9"]).isna().tolist() == [
        False,
        True,
        True,
        True,
    ]


def test_each_row_is_read_as_it_would_be_alone():
    """A spelling is read once for all who have it; the naive loop reads every cell."""
    random = np.random.default_rng(0)
    for pool in (["1", " 2.50 ", "-3e2", "NA", "", "007"], ["1.0", "x", " x", "na", "nan", "1"]):
        cells = pd.Series(random.choice(pool, 200), index=[f"p{at}" for at in range(200)], dtype="str")
        column = parse(cells, where="x")
        assert column.index.equals(cells.index)
        for cell, value in zip(cells, column, strict=True):
            if cell.strip() in MISSING:
                assert pd.isna(value)
            else:
                assert value == (float(cell) if is_number(column) else cell.strip())


@pytest.mark.parametrize("value", ["inf", "-inf", "1e39"])
def test_infinite_and_overflowing_numbers_are_refused(value):
    with pytest.raises(CohortError, match=r"labs.csv, column 'crp' holds 1 infinite or overflowing") as error:
        parse(text("1", value), where="labs.csv, column 'crp'")
    assert "empty cells" in str(error.value)


def test_decimal_commas_are_refused_but_other_commas_are_names():
    with pytest.raises(CohortError, match=r"column 'crp': 3 of 4 values .* decimal comma"):
        parse(text("1,5", "2", "3,25", "", "1,5"), where="column 'crp'")
    assert not is_number(parse(text("1,5", "a, b"), where="x"))
    assert not is_number(parse(text("1,5", "2,5"), where="x", categorical=True))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 2, 3]),
        pd.Series([True, False, True]),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([True, None, False], dtype="object"),
        pd.Series(["1", None, "3"]),
        pd.Series([1, None, "3"], dtype="object"),
    ],
    ids=["int", "bool", "Int64", "boolean", "boolean objects", "text", "mixed"],
)
def test_whatever_pandas_holds_becomes_numbers_with_missing_kept(column):
    normal = normalise(column, where="x")
    assert normal.dtype == np.float64
    assert normal.isna().tolist() == column.isna().tolist()


def test_a_pandas_category_is_names():
    assert not is_number(normalise(pd.Series(["1", "2", "3"], dtype="category"), where="x"))


@pytest.mark.parametrize("kind", ["float64", "float32", "Float64", "category"])
def test_numbers_become_names_where_asked(kind):
    names_of = normalise(pd.Series([1.0, 2.5, np.nan]).astype(kind), where="x", categorical=True)
    assert names_of.tolist()[:2] == ["1", "2.5"]
    assert pd.isna(names_of[2])


def test_a_category_of_text_stays_as_it_is_written():
    assert normalise(pd.Series(["1.0", "1"], dtype="category"), where="x").tolist() == ["1.0", "1"]


def test_true_and_false_are_one_and_zero_in_any_dtype():
    values = [True, False, None, True]
    objects, booleans = (normalise(pd.Series(values, dtype=kind), where="x") for kind in ("object", "boolean"))
    assert objects.equals(booleans)
    assert objects.tolist()[:2] == [1.0, 0.0]
    assert normalise(pd.Series(values, dtype="object"), where="x", categorical=True).tolist()[:2] == ["True", "False"]


DAY = pd.Timestamp("2024-05-31")
REFUSED = {
    "datetime64": (pd.Series([DAY, pd.NaT]), "holds dates; turn them into days"),
    "no date but of dates": (pd.Series([pd.NaT, pd.NaT]), "holds dates"),
    "with a zone": (pd.Series([DAY.tz_localize("UTC")]), "holds dates"),
    "timedelta64": (pd.Series([pd.Timedelta("3D"), pd.NaT]), "holds durations; .*total_seconds"),
    "period": (pd.Series([DAY.to_period("M")]), "holds dates"),
    "date": (pd.Series([DAY.date(), None, "x"], dtype="object"), r"holds dates; .* \(1 of 3 cells\)"),
    "time": (pd.Series([DAY.time(), None]), "holds times of day"),
    "delta objects": (pd.Series([DAY - DAY, "x"], dtype="object"), "holds durations"),
    "a category of dates": (pd.Series([DAY, DAY]).astype("category"), r"holds dates; .* \(2 of 2 cells\)"),
    "complex": (pd.Series([1 + 2j, np.nan]), "holds a complex in 1 of 2 cells"),
    "dict": (pd.Series([{}, {}, None]), "holds a dict in 2 of 3 cells; one number or one name a cell"),
    "tuple": (pd.Series([(1, 2), None]), "holds a tuple in 1 of 2"),
    "list": (pd.Series([[1, 2], [3]]), "holds a list in 2 of 2"),
    "array": (pd.Series([np.arange(2), "x"], dtype="object"), "holds a ndarray|holds an ndarray"),
    "bytes": (pd.Series([b"q7", "x"], dtype="object"), "holds a bytes in 1 of 2"),
}


@pytest.mark.parametrize("categorical", [False, True])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_neither_number_nor_name_is_refused_with_its_count(kind, categorical):
    column, words = REFUSED[kind]
    with pytest.raises(CohortError, match=f"^column 'seen' {words}"):
        normalise(column, where="column 'seen'", categorical=categorical)


def test_bands_and_decimals_are_read():
    assert normalise(pd.cut(pd.Series([1.0, 5.0]), [0, 2, 9]), where="x").tolist() == ["(0, 2]", "(2, 9]"]
    assert normalise(pd.Series([Decimal("1.5"), None]), where="x").tolist()[0] == 1.5


def test_tidy_numbers_lose_a_point_and_no_digit():
    tidy = tidy_number(pd.Series([1.0, 2.5, np.nan, 12345678.0, 12345.6789]))
    assert tidy.dropna().tolist() == ["1", "2.5", "12345678", "12345.6789"]
    assert pd.isna(tidy[2])


def test_names_keep_missing_missing():
    assert names(pd.Series(["a", None])).isna().tolist() == [False, True]
