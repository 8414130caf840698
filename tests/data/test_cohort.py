"""A cohort is aligned by id, selected by row, and says what is in it without naming anybody."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.cohort import name_columns, number_columns
from graphmml.data.outcome import Outcome
from graphmml.errors import CohortError

LABS = pd.DataFrame({"crp": [1.0, 2.0, np.nan], "sex": ["f", "m", None]}, index=["b", "a", "c"])
RNA = pd.DataFrame({"g1": [5, 6]}, index=["c", "d"])
DX = pd.Series([1, 0, 1], index=["a", "b", "c"], name="dx")


def test_frames_are_joined_by_id_not_by_position():
    cohort = gm.Cohort.from_frames({"labs": LABS, "rna": RNA}, DX)
    assert cohort.ids.tolist() == ["b", "a", "c", "d"]
    assert cohort.outcome.values.tolist()[:3] == ["0", "1", "1"]
    assert cohort.labelled.tolist() == [True, True, True, False]
    assert cohort.present.tolist() == [[True, False], [True, False], [False, True], [False, True]]
    assert cohort.tables["rna"].loc["c", "g1"] == 5.0
    assert number_columns(cohort.tables["labs"]) == ["crp"]
    assert name_columns(cohort.tables["labs"]) == ["sex"]


def test_ids_are_text():
    cohort = gm.Cohort.from_frames({"labs": LABS.set_axis([1, 2, 3])}, DX.set_axis(["3", "2", "1"]))
    assert cohort.ids.tolist() == ["1", "2", "3"]
    assert cohort.outcome.values.tolist() == ["1", "0", "1"]


def test_groups_and_split_are_laid_out_by_id_and_strangers_are_noted():
    groups = pd.DataFrame({"site": [2, 1]}, index=["a", "b"])
    split = pd.Series(["train", "test", "train"], index=["a", "b", "nobody"])
    cohort = gm.Cohort.from_frames({"labs": LABS}, DX, groups=groups, split=split)
    assert cohort.groups["site"].tolist()[:2] == ["1", "2"]
    assert cohort.split.tolist()[:2] == ["test", "train"]
    assert cohort.notes == ("1 rows of the split belong to no patient of the tables",)


def test_rows_are_selected_everywhere_at_once(cohort):
    split = pd.Series("train", index=cohort.ids)
    event = pd.Series(1.0, index=cohort.ids)
    survival = Outcome("survival", pd.Series(np.arange(60.0), index=cohort.ids), event=event)
    cohort = replace(cohort, split=split, outcome=survival)
    for rows in (slice(3, 9), np.arange(3, 9), [3, 4, 5, 6, 7, 8], np.isin(np.arange(60), np.arange(3, 9))):
        part = cohort[rows]
        assert len(part) == 6
        for aligned in (*part.tables.values(), part.groups, part.split, part.outcome.values, part.outcome.event):
            assert aligned.index.equals(cohort.ids[3:9])
    assert len(cohort[[]]) == 0
    assert cohort[[5, 2]].ids.tolist() == [cohort.ids[5], cohort.ids[2]]


def test_selecting_by_what_is_no_row_is_refused(cohort):
    with pytest.raises(CohortError, match="the mask has 3 entries but the cohort has 60 patients"):
        cohort[np.array([True, False, True])]
    with pytest.raises(CohortError, match=r"use cohort\.rows_of\(ids\)|for ids use"):
        cohort[["id001"]]


def test_rows_are_found_by_id(cohort):
    assert cohort.rows_of(cohort.ids[[4, 2]]).tolist() == [4, 2]
    with pytest.raises(CohortError, match="1 of 2 ids are not in the cohort") as error:
        cohort.rows_of([cohort.ids[0], "secret"])
    assert "secret" not in str(error.value)


def test_the_fingerprint_depends_on_content_not_on_order(cohort):
    order = np.random.default_rng(0).permutation(len(cohort))
    tables = {name: table[table.columns[::-1]] for name, table in reversed(cohort.tables.items())}
    assert replace(cohort, tables=tables)[order].fingerprint == cohort.fingerprint
    changed = dict(cohort.tables)
    changed["labs"] = changed["labs"].assign(a=changed["labs"]["a"] + 1e-9)
    others = [replace(cohort, tables=changed), cohort[:-1], replace(cohort, outcome=None)]
    others.append(replace(cohort, outcome=cohort.outcome.hide(np.arange(60) == 3)))
    others.append(replace(cohort, split=pd.Series("train", index=cohort.ids)))
    others.append(replace(cohort, groups=cohort.groups.assign(site="a")))
    others += [replace(cohort, blocks=("site",)), replace(cohort, counted=frozenset({"labs"}))]
    others.append(replace(cohort, counted=frozenset({"labs", "clinical"})))
    time, event = pd.Series(1.0, index=cohort.ids), pd.Series(1.0, index=cohort.ids)
    others += [replace(cohort, outcome=Outcome("survival", time, event=flag)) for flag in (event, 1 - event)]
    assert len({other.fingerprint for other in [cohort, *others]}) == len(others) + 1


def test_other_outcomes_can_be_hidden(cohort):
    hidden = cohort.with_outcome_of([1, 2])
    assert np.flatnonzero(hidden.labelled).tolist() == [1, 2]
    assert cohort.labelled.all()
    without = replace(cohort, outcome=None)
    assert without.with_outcome_of([1]) is without
    assert not without.labelled.any()


def test_the_repr_counts_and_names_nobody(cohort):
    split = pd.Series(["train"] * 40 + ["test"] * 20, index=cohort.ids)
    rich = replace(cohort, split=split, blocks=("site",))
    rich = replace(rich, tables={**rich.tables, "none": rich.tables["labs"] * np.nan})
    said = repr(rich)
    assert "60 patients, 4 modalities" in said
    assert "outcome dx: control" in said
    assert "patients without" in said
    assert "of cells empty" in said
    assert "nobody has any" in said
    assert "group site: 3 values, never on two sides" in said
    assert "split train 40, test 20" in said
    assert not any(name in said for name in cohort.ids)
    assert "outcome" not in repr(replace(cohort, outcome=None))


def test_a_cohort_is_not_edited(cohort):
    with pytest.raises(FrozenInstanceError):
        cohort.name = "other"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gm.Cohort.from_frames({}), "at least one modality table"),
        (lambda: gm.Cohort.from_frames({}, DX), "no table was given"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX, kind="klass"), "is 'klass'; choose class, number or survival"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX.map(str) + "q7", kind="number"), "3 of 3 values are no numbers"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX, kind="number", positive=1), "numbers have no class"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX * pd.Timedelta("1D") + pd.Timestamp(0)), "'dx' holds dates"),
        (lambda: gm.Cohort.from_frames({"x": LABS.assign(v=[[1], "q7", 2])}), "'v' holds a list in 1 of 3 cells"),
        (lambda: gm.Cohort(ids=pd.Index(["a"]), tables={}), "at least one modality table"),
        (lambda: gm.Cohort(ids=pd.Index(["a", "a"]), tables={"x": RNA}), r"1 patient id\(s\) repeat"),
        (lambda: gm.Cohort(ids=pd.Index(["a"]), tables={"x": RNA}), "one row a patient; use Cohort.from_frames"),
        (lambda: gm.Cohort.from_frames({"x": RNA[:0]}), "table 'x' is empty"),
        (lambda: gm.Cohort.from_frames({"x": RNA.set_axis(["q7", "q7"])}), r"table 'x': 1 id\(s\) repeat"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX.set_axis(["a", "a", "b"])), r"1 id\(s\) of 'dx' repeat"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX.set_axis(list("xyz"))), "no id of the outcome"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX, kind="survival"), "describe it in a cohort.toml"),
        (lambda: gm.Cohort.from_frames({"x": LABS}, DX, positive="yes"), "no class 'yes'"),
        (lambda: gm.Cohort.from_frames({"x": LABS, "y": RNA.set_axis(["q7", "q8"])}), "no id of table 'x'"),
        (lambda: gm.Cohort.from_frames({"x": RNA.set_axis(["007", "7"])}), "leading zeros"),
        (lambda: gm.Cohort.from_frames({"x": RNA.set_axis(["q7", None])}), r"table 'x' has 1 row\(s\) without an id"),
        (
            lambda: gm.Cohort.from_frames({"x": LABS}, DX.set_axis(["a", None, "b"])),
            r"'dx' has 1 row\(s\) without an id",
        ),
        (
            lambda: gm.Cohort.from_frames({"x": RNA.assign(g2=1).set_axis([1, "1"], axis=1)}),
            r"1 column name\(s\) repeat",
        ),
        (lambda: gm.Cohort.from_frames({"x": RNA.assign(t=pd.Timestamp("2024-05-31"))}), "column 't' holds dates"),
    ],
)
def test_what_is_no_cohort_is_refused_without_naming_a_patient(make, words):
    with pytest.raises(CohortError, match=words) as error:
        make()
    assert "q7" not in str(error.value)


@pytest.mark.parametrize("positive", [1, 1.0, "1", np.int64(1)])
def test_the_positive_class_may_be_given_as_it_stands(positive):
    assert gm.Cohort.from_frames({"labs": LABS}, DX, positive=positive).outcome.positive == "1"


def test_true_may_be_the_positive_class():
    assert gm.Cohort.from_frames({"labs": LABS}, DX == 1, positive=True).outcome.classes == ("False", "True")


def test_an_outcome_may_be_a_number():
    cohort = gm.Cohort.from_frames({"labs": LABS}, DX * 1.5, kind="number", name="mine")
    assert cohort.outcome.kind == "number"
    assert cohort.outcome.values.loc["a"] == 1.5
    assert cohort.name == "mine"


def test_plain_csvs_become_a_cohort(tmp_path):
    (tmp_path / "labs.csv").write_text("mrn,crp,dx\n01,2,yes\n02,3,no\n")
    (tmp_path / "rna.csv").write_text("mrn,g\n01,1\n03,2\n")
    paths = {name: tmp_path / f"{name}.csv" for name in ("labs", "rna")}
    cohort = gm.Cohort.from_csv(paths, "dx", id="mrn", positive="yes", categorical=["g"])
    assert cohort.ids.tolist() == ["01", "02", "03"]
    assert cohort.outcome.classes == ("no", "yes")
    assert cohort.tables["labs"].columns.tolist() == ["crp"]
    assert name_columns(cohort.tables["rna"]) == ["g"]
    assert gm.Cohort.from_csv(paths, "crp", id="mrn", positive=2).outcome.classes == ("3", "2")


def test_the_data_room_never_loads_torch():
    names = "graphmml.read_cohort, graphmml.CohortEncoder, graphmml.Folds"
    code = f"import sys, graphmml; {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_later_table_is_joined_by_id_and_what_belongs_to_nobody_is_noted():
    cohort = gm.Cohort.from_frames({"labs": LABS}, DX)
    late = pd.DataFrame({"q": [1.0, 2.0]}, index=["b", "z9"])
    grown = cohort.with_modality("proteins", late)
    assert grown.modalities == ("labs", "proteins")
    assert list(grown.ids) == list(cohort.ids)
    assert grown.tables["proteins"]["q"].dropna().to_dict() == {"b": 1.0}
    assert grown.present[:, 1].tolist() == [name == "b" for name in cohort.ids]
    assert grown.notes[-1] == "1 rows of the table 'proteins' belong to no patient of the tables"
    assert cohort.modalities == ("labs",)
    together = gm.Cohort.from_frames({"labs": LABS, "proteins": late.iloc[:1]}, DX)
    assert cohort.with_modality("proteins", late.iloc[:1]).fingerprint == together.fingerprint


@pytest.mark.parametrize(
    ("name", "ids", "words"),
    [
        ("labs", ["a"], "has a table 'labs' already"),
        ("new", ["q7"], r"no id of the table 'new' \(1 rows\) occurs among the 3 patients"),
        ("new", ["a", "a "], r"written in two ways"),
        ("new", ["a", "a"], r"1 id\(s\) repeat"),
    ],
)
def test_a_later_table_that_does_not_fit_is_refused(name, ids, words):
    cohort = gm.Cohort.from_frames({"labs": LABS})
    with pytest.raises(CohortError, match=words) as error:
        cohort.with_modality(name, pd.DataFrame({"q": 1.0}, index=ids))
    assert "q7" not in str(error.value)


def test_tables_with_row_numbers_for_ids_are_not_joined_by_them():
    one, other = pd.DataFrame({"id": ["a", "b"], "x": [1.0, 2.0]}), pd.DataFrame({"id": ["b", "a"], "y": [3.0, 4.0]})
    with pytest.raises(gm.CohortError, match=r"'one', 'other' are indexed by row numbers.*set_index.*rename_axis"):
        gm.Cohort.from_frames({"one": one, "other": other})
    joined = gm.Cohort.from_frames({"one": one.set_index("id"), "other": other.set_index("id")})
    assert joined.tables["other"].loc["a", "y"] == 4.0
    rows = gm.Cohort.from_frames({"one": one[["x"]].rename_axis("row"), "other": other[["y"]].rename_axis("row")})
    assert rows.tables["other"].loc["0", "y"] == 3.0
    assert len(gm.Cohort.from_frames({"one": one[["x"]]}, pd.Series(["u", "v"]))) == 2  # one table, one order
