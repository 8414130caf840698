"""What a column's values say of it."""

import numpy as np
import pandas as pd

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
