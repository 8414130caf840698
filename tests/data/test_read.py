"""From files to a cohort: what each key does, and the catalogue of bad input."""

import gzip

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.errors import CohortError

LABS = "patient_id,crp,sex\npat01,1.5,f\npat02,,m\npat03,3,f\n"
LABELS = "patient_id,dx\npat01,1\npat02,0\npat03,1\n"
CLINICAL = "patient_id,site,age\npat01,north,50\npat02,south,60\npat04,north,70\n"
TOML = """
[cohort]
outcome = { path = "labels.csv", column = "dx", positive = "1" }
[modality.labs]
path = "labs.csv"
[modality.clinical]
path = "clinical.csv"
"""


@pytest.fixture
def folder(tmp_path):
    """A small cohort that reads; each test spoils one thing."""
    for name, content in {"labs": LABS, "labels": LABELS, "clinical": CLINICAL}.items():
        (tmp_path / f"{name}.csv").write_text(content)
    (tmp_path / "cohort.toml").write_text(TOML)
    return tmp_path


def test_tables_are_joined_by_id(folder):
    cohort = gm.read_cohort(folder)
    assert cohort.ids.tolist() == ["pat01", "pat02", "pat03", "pat04"]
    assert cohort.tables["labs"]["crp"].tolist()[:1] == [1.5]
    assert cohort.present.tolist() == [[True, True], [True, True], [True, False], [False, True]]
    assert cohort.labelled.tolist() == [True, True, True, False]
    assert cohort.outcome.positive == "1"
    assert cohort.name == folder.name
    assert cohort.fingerprint == gm.read_cohort(str(folder / "cohort.toml")).fingerprint


def test_what_na_lists_is_no_outcome_and_nothing_else_is(folder):
    (folder / "labels.csv").write_text("patient_id,dx\npat01,1\npat02,NA\npat03, ? \npat04,0\n")
    assert gm.read_cohort(folder).outcome.classes == ("0", "?", "NA", "1")
    declared = TOML.replace('positive = "1"', 'positive = "1", na = ["NA", "?"]')
    (folder / "cohort.toml").write_text(declared)
    assert gm.read_cohort(folder).outcome.classes == ("0", "1")
    assert gm.read_cohort(folder).labelled.tolist() == [True, False, False, True]
    (folder / "cohort.toml").write_text(declared.replace('positive = "1"', 'kind = "number"'))
    assert gm.read_cohort(folder).outcome.values.dropna().tolist() == [1.0, 0.0]


def test_times_and_events_know_what_na_lists(folder):
    (folder / "labels.csv").write_text("patient_id,t,e\npat01,-9,1\npat02,4,?\npat03,5,yes\n")
    listed = ', time = "t", event = "e", kind = "survival", na = ["?", "-9"]'
    (folder / "cohort.toml").write_text(TOML.replace(', column = "dx", positive = "1"', listed))
    assert gm.read_cohort(folder).labelled.tolist() == [False, False, True, False]
    (folder / "cohort.toml").write_text(TOML.replace(', column = "dx", positive = "1"', listed.replace('"?", ', "")))
    with pytest.raises(CohortError, match=r"1 value\(s\) of event column 'e' .* under na = "):
        gm.read_cohort(folder)


def test_the_order_of_rows_columns_and_tables_in_the_files_decides_nothing(folder):
    before = gm.read_cohort(folder).fingerprint
    table = pd.read_csv(folder / "labs.csv", dtype=str, keep_default_na=False)
    table.iloc[::-1, ::-1].to_csv(folder / "labs.csv", index=False)
    head, labs, clinical = TOML.partition("[modality.labs]\n")[0], '[modality.labs]\npath = "labs.csv"\n', None
    clinical = '[modality.clinical]\npath = "clinical.csv"\n'
    (folder / "cohort.toml").write_text(head + clinical + labs)
    assert gm.read_cohort(folder).fingerprint == before


def test_outcome_split_and_groups_are_no_features(folder):
    (folder / "clinical.csv").write_text(
        "patient_id,site,age,dx,part\npat01,north,50,1,a\npat02,south,60,0,b\npat04,north,70,,\n"
    )
    (folder / "cohort.toml").write_text(
        """
[cohort]
outcome = { path = "clinical.csv", column = "dx" }
split = { path = "clinical.csv", column = "part", train = "a", test = "b" }
[group.site]
path = "clinical.csv"
column = "site"
block = true
[group.era]
path = "clinical.csv"
column = "age"
feature = true
[modality.clinical]
path = "clinical.csv"
"""
    )
    cohort = gm.read_cohort(folder)
    assert cohort.tables["clinical"].columns.tolist() == ["age"]
    assert cohort.groups["site"].tolist() == ["north", "south", "north"]
    assert cohort.blocks == ("site",)
    assert cohort.split.tolist()[:2] == ["train", "test"]
    assert pd.isna(cohort.split.iloc[2])


def test_columns_are_dropped_named_and_read_with_more_spellings_of_missing(folder):
    extra = 'na = ["1.5"]\ndrop = ["sex"]\n'
    (folder / "cohort.toml").write_text(TOML.replace('"labs.csv"\n', f'"labs.csv"\n{extra}'))
    table = gm.read_cohort(folder).tables["labs"]
    assert table.columns.tolist() == ["crp"]
    assert table["crp"].isna().tolist() == [True, True, False, True]
    (folder / "cohort.toml").write_text(TOML.replace('"labs.csv"\n', '"labs.csv"\ncategorical = ["crp"]\n'))
    assert gm.read_cohort(folder).tables["labs"]["crp"].tolist()[0] == "1.5"


def test_events_become_columns(folder):
    (folder / "rx.csv").write_text("who,drug,mg,day\npat01,a,1,2\npat01,a,5,1\npat02,b,2,1\n")
    part = '[modality.rx]\npath = "rx.csv"\nid = "who"\nlong = { code = "drug" }\n'
    counts = (folder / "cohort.toml").write_text(TOML + part) and gm.read_cohort(folder).tables["rx"]
    assert counts.loc["pat01"].to_dict() == {"a": 2.0, "b": 0.0}
    assert counts.loc["pat03"].isna().all()
    (folder / "cohort.toml").write_text(TOML + part.replace('"drug"', '"drug", value = "mg", time = "day"'))
    assert gm.read_cohort(folder).tables["rx"].loc["pat01", "a"] == 1.0


@pytest.mark.parametrize("kind", ["number", "survival"])
def test_an_outcome_may_be_a_number_or_a_time(folder, kind):
    (folder / "labels.csv").write_text("patient_id,months,died,score\npat01,5,yes,1\npat02,7,0,2\npat03,,true,\n")
    outcome = {"number": 'column = "score"', "survival": 'time = "months", event = "died"'}[kind]
    (folder / "cohort.toml").write_text(TOML.replace('column = "dx", positive = "1"', f'kind = "{kind}", {outcome}'))
    cohort = gm.read_cohort(folder)
    assert cohort.outcome.kind == kind
    assert cohort.labelled.tolist() == [True, True, False, False]
    if kind == "survival":
        assert cohort.outcome.event.tolist()[:3] == [1.0, 0.0, 1.0]


def test_rows_of_nobody_are_counted_in_a_note(folder):
    (folder / "labels.csv").write_text(LABELS + "stranger1,0\nstranger2,1\n")
    assert gm.read_cohort(folder).notes == ("2 rows of the outcome belong to no patient of the tables",)


def spoiled(folder, name, content):
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)


GZ = TOML.replace("labs.csv", "labs.csv.gz")
CATALOGUE = {
    "missing file": ("cohort.toml", TOML.replace('"labs.csv"', '"nowhere.csv"'), ["nowhere.csv"]),
    "folder": ("cohort.toml", TOML.replace('"labs.csv"', '"."'), ["is a folder"]),
    "unknown column": ("cohort.toml", TOML.replace('"dx"', '"died"'), ["labels.csv", "no column 'died'", "dx"]),
    "unknown drop": ("cohort.toml", TOML + 'drop = ["nope"]\n', ["clinical.csv", "no column 'nope'"]),
    "unknown id": ("cohort.toml", TOML.replace("[cohort]", '[cohort]\nid = "mrn"'), ["no column 'mrn'", "patient_id"]),
    "unknown key": ("cohort.toml", TOML + "sep = 3\n", ["cohort.toml", "modality.clinical.sep"]),
    "unknown positive": ("cohort.toml", TOML.replace('positive = "1"', 'positive = "yes"'), ["'dx'", "'yes'", "0, 1"]),
    "duplicate ids": ("labs.csv", LABS + "pat01,2,f\n", ["labs.csv", "1 id(s)", "2 rows"]),
    "blank id": ("labs.csv", LABS + " ,2,f\n", ["labs.csv", "1 row(s) without an id"]),
    "unmatched table": ("labs.csv", LABS.replace("pat0", "x"), ["'labs'", "3 rows"]),
    "unmatched outcome": ("labels.csv", LABELS.replace("pat0", "x"), ["outcome", "3 rows", "4 patients"]),
    "007 beside 7": ("clinical.csv", CLINICAL + "007,east,1\n7,east,2\n", ["1 patient(s)", "leading zeros"]),
    "latin-1": ("labs.csv", LABS.replace("f", "\u00fc").encode("latin-1"), ["labs.csv", "not UTF-8"]),
    "decimal comma": (
        "labs.csv",
        LABS.replace("1.5", '"1,5"'),
        ["labs.csv", "'crp'", "1 of 2 values", "decimal comma"],
    ),
    "infinite": ("labs.csv", LABS.replace("1.5", "inf"), ["labs.csv", "'crp'", "1 infinite"]),
    "too large": ("labs.csv", LABS.replace("1.5", "1e300"), ["labs.csv", "'crp'", "1 infinite or overflowing"]),
    "empty file": ("labs.csv", "", ["labs.csv", "is empty"]),
    "header only": ("labs.csv", "patient_id,crp\n", ["labs.csv", "no row"]),
    "only ids": ("labs.csv", "patient_id\npat01\n", ["'labs'", "labs.csv", "no feature column"]),
    "git-lfs": ("labs.csv", "version https://git-lfs.github.com/spec/v1\noid 1\n", ["labs.csv", "git-lfs pointer"]),
    "ragged": ("labs.csv", LABS + "pat05,1,f,9\n", ["labs.csv", "line 5"]),
    "ragged everywhere": ("labs.csv", LABS.replace("\np", "\n9,p"), ["labs.csv", "more cells"]),
    "toml": ("cohort.toml", "[modality", ["cohort.toml", "not valid TOML"]),
}


@pytest.mark.parametrize("fault", CATALOGUE)
def test_bad_input_is_named_and_no_patient_is(folder, fault):
    name, content, wanted = CATALOGUE[fault]
    spoiled(folder, name, content)
    with pytest.raises(CohortError) as error:
        gm.read_cohort(folder)
    said = str(error.value).replace(str(folder), "")
    for words in wanted:
        assert words in said
    assert not any(name in said for name in ("pat01", "pat02", "pat03", "pat04", "007 and 8", "x1"))


@pytest.mark.parametrize("content", [gzip.compress(LABS.encode())[:-9], LABS.encode()], ids=["cut short", "not packed"])
def test_a_broken_gz_is_named(folder, content):
    spoiled(folder, "labs.csv.gz", content)
    spoiled(folder, "cohort.toml", GZ)
    with pytest.raises(CohortError, match=r"labs\.csv\.gz is not a readable \.gz"):
        gm.read_cohort(folder)


def test_a_folder_without_a_cohort_file_is_named(tmp_path):
    with pytest.raises(CohortError, match=r"cohort\.toml is not there; write one with: graphmml init"):
        gm.read_cohort(tmp_path)


@pytest.mark.parametrize(
    ("outcome", "labels", "wanted"),
    [
        ('kind = "number", column = "dx"', LABELS.replace("1,1", "1,high"), ["labels.csv", "'dx'", "holds text"]),
        ('kind = "survival", time = "dx", event = "dx"', LABELS.replace(",1", ",maybe"), ["labels.csv", "'dx'"]),
        (
            'kind = "survival", time = "t", event = "dx"',
            "patient_id,t,dx\npat01,1,maybe\n",
            ["1 value(s)", "event", "'dx'"],
        ),
        ('kind = "survival", time = "t", event = "dx"', "patient_id,t,dx\npat01,-1,1\n", ["1 negative time(s)"]),
        ('kind = "colour", column = "dx"', LABELS, ["cohort.outcome.kind"]),
    ],
)
def test_a_bad_outcome_is_named(folder, outcome, labels, wanted):
    spoiled(folder, "labels.csv", labels)
    spoiled(folder, "cohort.toml", TOML.replace('column = "dx", positive = "1"', outcome))
    with pytest.raises(CohortError) as error:
        gm.read_cohort(folder)
    assert all(words in str(error.value) for words in wanted)
    assert "pat0" not in str(error.value).replace(str(folder), "")


@pytest.mark.parametrize(("side", "words"), [("train", "dx = 'train'"), ("test", "dx = 'b'")])
def test_an_official_split_needs_both_sides(folder, side, words):
    split = (
        'split = { path = "labels.csv", column = "dx" }'
        if side == "train"
        else ('split = { path = "labels.csv", column = "dx", train = "1", test = "b" }')
    )
    spoiled(folder, "cohort.toml", TOML.replace("[cohort]", f"[cohort]\n{split}"))
    with pytest.raises(CohortError, match=f"no patient has {words}; correct {side} ="):
        gm.read_cohort(folder)


def test_a_cell_of_another_row_changes_no_other_cell(folder):
    before = gm.read_cohort(folder).tables["labs"]
    spoiled(folder, "labs.csv", LABS.replace("3,f", "99,m"))
    after = gm.read_cohort(folder).tables["labs"]
    assert before[:2].equals(after[:2])
    assert after.loc["pat03", "crp"] == 99


@pytest.mark.cohorts
@pytest.mark.parametrize("name", ["breast_tcga", "glioma_grading", "hancock", "heart_disease", "mimic3_demo"])
def test_real_cohorts_are_read(cohorts, name):
    cohort = gm.read_cohort(cohorts / name)
    assert len(cohort) > 100
    assert len(cohort.outcome.classes) >= 2
    assert all(np.isin(table.dtypes.astype(str), ["float64", "str"]).all() for table in cohort.tables.values())
