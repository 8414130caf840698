"""What a column's values say of it."""

import numpy as np
import pandas as pd
import pytest

from graphmml.data.guess_columns import column_of, is_row_name


def test_scientific_notation_is_no_unit_and_a_measured_x_no_row_number():
    random = np.random.default_rng(0)
    small = pd.Series([f"{value:.3e}" if at % 9 else str(value) for at, value in enumerate(random.normal(size=60))])
    assert column_of("pval", small).mark is None
    assert column_of("pval", small).numbers
    weights = pd.Series([f"{value} kg" for value in range(60)])
    assert column_of("weight", weights).mark == "unit"
    assert not is_row_name(column_of("x", pd.Series(random.normal(size=60).astype(str))))
    assert is_row_name(column_of("X", pd.Series(range(60)).astype(str)))
    assert not is_row_name(column_of("index", pd.Series([1, 2, 3] * 20).astype(str)))


@pytest.mark.parametrize("written", ["2021-05-03", "2021/5/3", "03.05.2021", "5/3/21", "05-03-2021 10:00"])
def test_dates_are_seen_however_they_are_written(written):
    assert column_of("seen", pd.Series([written] * 4)).dates
    assert not column_of("seen", pd.Series([f"a{written}"] * 4)).dates


def test_limits_of_what_can_be_measured_are_no_spelling_of_missing():
    values = pd.Series([f"{at}.5" for at in range(40)] + ["<1", "< 1", ">=120"] * 2)
    column = column_of("crp", values)
    assert (column.mark, column.spellings) == ("limit", ())
    assert column_of("crp", values.replace({"<1": "low", "< 1": "low", ">=120": "low"})).spellings == ("low",)
