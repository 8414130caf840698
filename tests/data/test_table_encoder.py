"""One table to float32 columns: what is learned comes from the rows given, and nothing missing comes out."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest

from graphmml.data.table_encoder import OTHER, TableEncoder
from graphmml.errors import CohortError

PATIENTS = 200
ROWS = pd.Index([f"p{at:03d}" for at in range(PATIENTS)])


def table_of(seed=0):
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": random.integers(30, 80, PATIENTS).astype(float),
            "crp": random.lognormal(size=PATIENTS),
            "ward": random.choice(["a", "b", "c"], PATIENTS),
        },
        index=ROWS,
    )
    table.loc[ROWS[::7], "crp"] = np.nan
    table.loc[ROWS[::9], "ward"] = None
    return table.astype({"ward": "str"})


def encoder(**options):
    return TableEncoder(**({"max_levels": 30, "clip": 50.0, "reducer": None} | options))


def encoded(table, rows=None, **options):
    fitted = encoder(**options).fit(table, None)
    return fitted, fitted.transform(
        fitted.laid_out(table if rows is None else rows, ROWS if rows is None else rows.index, where="labs")
    )


def test_numbers_and_names_become_float32_without_gaps():
    fitted, matrix = encoded(table_of())
    assert matrix.dtype == np.float32
    assert np.isfinite(matrix).all()
    assert fitted.columns_ == (
        "age", "crp", *(f"ward={level}" for level in fitted.levels_["ward"]), "crp missing", "ward missing"
    )  # fmt: skip
    assert np.allclose(matrix.mean(axis=0), 0, atol=1e-5)


def test_every_original_column_has_variance_one():
    fitted, matrix = encoded(table_of())
    for name in ("age", "crp", "ward"):
        block = [at for at, column in enumerate(fitted.columns_) if column.split("=")[0] == name]
        assert matrix[:, block].var(axis=0).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("levels", [2, 5, 25])
def test_many_levels_weigh_no_more_than_few(levels):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {"x": random.choice([f"l{at:02d}" for at in range(levels)], PATIENTS)}, index=ROWS, dtype="str"
    )
    assert encoded(table)[1].var(axis=0).sum() == pytest.approx(1, abs=1e-4)


def test_a_rare_level_is_not_blown_up():
    table = pd.DataFrame({"x": ["rare"] + ["usual"] * (PATIENTS - 1)}, index=ROWS, dtype="str")
    assert np.abs(encoded(table)[1]).max() <= 5


def test_a_missing_number_takes_the_median_and_says_so():
    table = table_of()
    fitted, matrix = encoded(table)
    wide = fitted.wide(table)
    gap = table["crp"].isna().to_numpy()
    at = fitted.wide_columns().index("crp")
    assert set(wide[gap, at]) == {table["crp"].median()}
    flag = matrix[:, fitted.columns_.index("crp missing")]
    assert flag[gap].min() > flag[~gap].max()


def test_a_missing_name_takes_the_most_frequent_level():
    table = table_of()
    fitted = encoder().fit(table, None)
    gap = table["ward"].isna().to_numpy()
    at = fitted.wide_columns().index(f"ward={table['ward'].mode()[0]}")
    assert (fitted.wide(table)[gap, at] == 1).all()


def test_numbers_are_clipped_where_asked():
    table = table_of()
    table.loc[ROWS[0], "age"] = 1e9
    _, matrix = encoded(table, clip=3.0)
    assert np.abs(matrix).max() <= 3


def test_constant_and_empty_columns_are_left_out():
    table = table_of().assign(flat=1.0, empty=np.nan, word="same", none=pd.Series(None, index=ROWS, dtype="str"))
    plain = encoded(table_of())[0].columns_
    assert encoded(table)[0].columns_ == plain


@pytest.mark.parametrize(
    "table", [pd.DataFrame({"x": 1.0}, index=ROWS), pd.DataFrame({"x": np.nan}, index=ROWS), table_of()[:0]]
)
def test_where_nothing_can_be_learned_nothing_comes_out(table):
    fitted = encoder().fit(table, None)
    assert not fitted.learned_
    assert fitted.columns_ == ("(nothing)",)


def test_an_unseen_level_is_like_one_beyond_the_cap():
    table = table_of()
    fitted = encoder(max_levels=2).fit(table, None)
    assert len(fitted.levels_["ward"]) == 2
    beyond = ({"a", "b", "c"} - set(fitted.levels_["ward"])).pop()
    rows = table[:2].assign(ward=pd.Series(["new", beyond], index=ROWS[:2], dtype="str"), age=50.0, crp=1.0)
    first, second = fitted.transform(fitted.laid_out(rows, rows.index, where="labs"))
    assert np.array_equal(first, second)
    assert any(column.endswith(OTHER) for column in fitted.columns_)


def test_equal_frequencies_are_ordered_by_name_not_by_row():
    words = pd.Series(["b", "a", "c"] * 20, dtype="str")
    assert (
        encoder(max_levels=2).frequent_levels(words) == encoder(max_levels=2).frequent_levels(words[::-1]) == ["a", "b"]
    )


def test_the_order_of_columns_changes_nothing():
    table = table_of()
    fitted, matrix = encoded(table)
    other, turned = encoded(table[table.columns[::-1]])
    assert fitted.columns_ == other.columns_
    assert np.array_equal(matrix, turned)


def test_a_unit_changes_nothing():
    table = table_of()
    assert np.allclose(encoded(table)[1], encoded(table.assign(age=table["age"] * 365.25))[1], atol=1e-4)


def test_one_row_is_encoded_as_among_others():
    table = table_of()
    fitted, matrix = encoded(table)
    for at in (0, 7, 9, 63):
        assert np.array_equal(fitted.transform(table[at : at + 1])[0], matrix[at])


def test_columns_are_laid_out_as_in_training():
    table = table_of()
    fitted = encoder().fit(table, None)
    laid = fitted.laid_out(table[["ward"]].assign(extra=1.0), ROWS, where="labs")
    assert laid.columns.tolist() == ["age", "crp", "ward"]
    assert laid[["age", "crp"]].isna().all(axis=None)
    assert fitted.laid_out(None, ROWS[:3], where="labs").isna().all(axis=None)
    assert np.isfinite(fitted.transform(fitted.laid_out(None, ROWS[:3], where="labs"))).all()


def test_numbers_where_names_were_become_names_and_empty_text_becomes_numbers():
    grades = pd.DataFrame({"grade": ["1", "2"] * 100, "age": 1.0 * np.arange(200)}, index=ROWS).astype({"grade": "str"})
    fitted = encoder().fit(grades, None)
    numeric = grades.assign(grade=grades["grade"].astype(float), age=pd.Series(None, index=ROWS, dtype="str"))
    laid = fitted.laid_out(numeric, ROWS, where="labs")
    assert laid["grade"].tolist() == grades["grade"].tolist()
    assert laid["age"].isna().all()
    gap = fitted.laid_out(numeric.assign(grade=np.nan), ROWS, where="labs")
    assert gap["grade"].isna().all()


def named(*values):
    return pd.DataFrame({"code": values, "x": 1.0 * np.arange(len(values))}, index=ROWS[: len(values)]).astype(
        {"code": "str"}
    )


def laid(training, rows):
    """Lay out rows after training on these codes; return the codes as the network and the graph see them."""
    fitted = encoder().fit(named(*training), None)
    table = fitted.laid_out(rows, rows.index, where="diagnoses")
    return fitted, table["code"].tolist()


def test_whole_numbers_are_one_level_with_and_without_their_point():
    fitted, codes = laid(("1", "1.0", "2.", "2", "3.0", "-9"), named("1", "1.0", "3", "3.00", "2.5", "IV"))
    assert sorted(fitted.levels_["code"]) == ["-9", "1", "2", "3"]
    assert codes == ["1", "1", "3", "3", "2.5", "IV"]
    wide = fitted.wide(fitted.laid_out(named("1", "1.0"), ROWS[:2], where="x"))
    assert np.array_equal(wide[0, 1:], wide[1, 1:])


def test_a_level_in_another_spelling_is_no_difference():
    fitted = encoder().fit(named("1", "2", "1.0"), None)
    assert fitted.differences(named("1.0", "2.0")) == []
    assert "column code has a level unknown" in fitted.differences(named("1.5"))[0]
    codes = encoder().fit(named("428", "428.1"), None)
    assert "column code has a level unknown" in codes.differences(named("428.0"))[0]


@pytest.mark.parametrize("last", ["428.1", "V45"])
def test_codes_with_one_decimal_or_letter_among_them_are_as_written(last):
    fitted, codes = laid(("428", "428.0", last), named("428", "428.0", last, "428.00"))
    assert sorted(fitted.levels_["code"]) == sorted(["428", "428.0", last])
    assert codes == ["428", "428.0", last, "428.00"]


def test_how_a_new_patients_code_is_read_does_not_depend_on_who_comes_along():
    for training in (("428", "428.0", "428.1"), ("428", "428.0", "250")):
        together = laid(training, named("428", "428.0", "428.1", "V45"))[1]
        alone = [laid(training, named(code))[1][0] for code in ("428", "428.0", "428.1", "V45")]
        assert together == alone


@pytest.mark.parametrize(
    ("training", "wanted"),
    [
        (("428.0", "428.1", "V45"), ["428.0", "428.1", "7"]),
        (("007", "428.10", "428.1", "428.1", "428"), ["428", "428.1", "007"]),
        (("1", "2.0"), ["428", "428.1", "7"]),
    ],
)
def test_numbers_where_names_were_take_the_spelling_of_training(training, wanted):
    numbers = pd.DataFrame({"code": [428.0, 428.1, 7.0, np.nan], "x": 1.0}, index=ROWS[:4])
    codes = laid(training, numbers)[1]
    assert codes[:3] == wanted
    assert pd.isna(codes[3])


def test_text_where_numbers_were_is_refused():
    fitted = encoder().fit(table_of(), None)
    with pytest.raises(CohortError, match="modality 'labs', column 'age' held numbers in training but holds text now"):
        fitted.laid_out(table_of().assign(age="old"), ROWS, where="labs")


def test_differences_are_said_in_words():
    fitted = encoder().fit(table_of(), None)
    rows = (
        table_of()
        .drop(columns="age")
        .assign(extra=1.0, ward=pd.Series(["new"] * 3 + ["a"] * 197, index=ROWS, dtype="str"))
    )
    said = fitted.differences(rows)
    assert "1 column(s) absent, taken as missing: age" in said[0]
    assert "1 column(s) unknown to the model, ignored: extra" in said[1]
    assert "column ward has a level unknown to the model in 3 patient(s)" in said[2]
    assert fitted.differences(table_of()) == []
    assert encoder(max_levels=2).fit(table_of(), None).differences(table_of()) == []  # beyond the cap is not unknown
    assert fitted.differences(table_of().assign(ward=1.0)) == []


def wide_table(columns=80):
    random = np.random.default_rng(0)
    hidden = random.normal(size=(PATIENTS, 3)) @ random.normal(size=(3, columns))
    return pd.DataFrame(
        hidden + random.normal(size=hidden.shape), index=ROWS, columns=[f"g{at:02d}" for at in range(columns)]
    )


def test_a_wide_table_is_reduced_to_components_of_one_common_scale():
    fitted, matrix = encoded(wide_table(), reducer=PCA(16, svd_solver="full"), limit=64)
    assert matrix.shape == (PATIENTS, 16)
    assert fitted.columns_[0] == "component 1"
    variances = matrix.var(axis=0)
    assert variances.mean() == pytest.approx(1, abs=1e-4)
    assert (np.diff(variances) <= 1e-5).all()  # their relative sizes are kept


def test_a_table_within_the_limit_stays_as_it_is():
    assert encoded(wide_table(64), reducer=PCA(16), limit=64)[1].shape == (PATIENTS, 64)


def test_there_are_no_more_components_than_patients():
    few = wide_table()[:6]
    fitted = encoder(reducer=PCA(16, svd_solver="full"), limit=64).fit(few, None)
    assert fitted.transform(few).shape == (6, 6)


def test_a_supervised_reducer_learns_from_known_outcomes_alone():
    table = wide_table()
    outcome = np.where(table["g05"] > 0, "yes", "no").astype(object)
    outcome[:50] = None
    fitted = encoder(reducer=SelectKBest(k=1)).fit(table, outcome)
    assert fitted.reducer_.get_support().tolist().index(True) == 5
    assert np.abs(np.corrcoef(fitted.transform(table)[:, 0], table["g05"])[0, 1]) > 0.999
