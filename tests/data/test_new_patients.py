"""Patients to be predicted: what a cohort file asks of those who are learned from, it does not ask of them."""

from pathlib import Path

import pandas as pd
import pytest

import graphmml as gm
from graphmml.errors import CohortError

FILE = """
[cohort]
outcome = { path = "labels.csv", column = "dx", positive = "case" }
split = { path = "clinical.csv", column = "side" }
[group.site]
path = "sites.csv"
column = "site"
[modality.clinical]
path = "clinical.csv"
drop = ["seen"]
categorical = ["code"]
[modality.labs]
path = "labs.csv"
[modality.codes]
path = "codes.csv"
long = { code = "icd" }
"""
TABLES = {
    "labels.csv": "patient_id,dx\np1,case\np2,control\n",
    "sites.csv": "patient_id,site\np1,a\np2,b\n",
    "clinical.csv": "patient_id,age,code,seen,side\np1,50,1,x,train\np2,60,2,y,test\n",
    "labs.csv": "patient_id,crp\np1,3\np2,4\n",
    "codes.csv": "patient_id,icd\np1,I10\np2,E11\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"cohort.toml": FILE, **TABLES}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_they_are_those_of_the_cohort_without_outcome_and_split(folder):
    whole, new = gm.read_cohort(folder), gm.read_cohort(folder, new=True)
    assert new.outcome is None
    assert new.split is None
    assert new.ids.equals(whole.ids)
    for name, table in whole.tables.items():
        pd.testing.assert_frame_equal(new.tables[name], table)
    pd.testing.assert_frame_equal(new.groups, whole.groups)


def test_an_outcome_without_the_class_that_counts_hinders_nobody(folder):
    (folder / "labels.csv").write_text("patient_id,dx\np1,control\np2,control\n")
    with pytest.raises(CohortError, match="no class 'case'"):
        gm.read_cohort(folder)
    assert len(gm.read_cohort(folder, new=True)) == 2


def test_files_of_outcome_group_and_whole_modalities_may_be_absent_and_are_noted(folder):
    for name in ("labels.csv", "sites.csv", "codes.csv"):
        (folder / name).unlink()
    (folder / "labs.csv").write_text("patient_id,crp\n")
    new = gm.read_cohort(folder, new=True)
    assert new.modalities == ("clinical",)
    assert new.groups.empty
    assert [note.split(":")[0] for note in new.notes] == ["modality labs", "modality codes"]


def test_columns_left_out_of_training_may_be_absent(folder):
    (folder / "clinical.csv").write_text("patient_id,age\np1,50\np2,60\n")
    new = gm.read_cohort(folder, new=True)
    assert list(new.tables["clinical"]) == ["age"]


def test_an_outcome_beside_the_features_is_still_no_feature(folder):
    (folder / "cohort.toml").write_text(FILE.replace('"labels.csv"', '"labs.csv"'))
    (folder / "labs.csv").write_text("patient_id,crp,dx\np1,3,case\np2,4,control\n")
    assert list(gm.read_cohort(folder, new=True).tables["labs"]) == ["crp"]


def test_two_who_share_no_table_are_read_and_it_is_said(folder):
    (folder / "labs.csv").write_text("patient_id,crp\np3,3\n")
    with pytest.raises(CohortError, match="no id of table 'labs'"):
        gm.read_cohort(folder)
    new = gm.read_cohort(folder, new=True)
    assert list(new.ids) == ["p1", "p2", "p3"]
    assert any("no id of table 'labs'" in note for note in new.notes)


def test_what_is_refused_of_others_is_refused_of_them(folder):
    (folder / "labs.csv").write_text("patient_id,crp\n p1,3\n")
    with pytest.raises(CohortError, match="written in two ways"):
        gm.read_cohort(folder, new=True)
    (folder / "labs.csv").write_text("person,crp\np1,3\n")
    with pytest.raises(CohortError, match="no column 'patient_id'"):
        gm.read_cohort(folder, new=True)


def test_no_table_at_all_is_refused_by_name(folder):
    for name in ("clinical.csv", "labs.csv", "codes.csv"):
        (folder / name).unlink()
    with pytest.raises(CohortError, match=r"none of the tables that its cohort\.toml names: clinical, labs, codes"):
        gm.read_cohort(folder, new=True)
