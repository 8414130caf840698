import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from graphmml.data.cohort import Cohort
from graphmml.data.datasets import folder_of, load_heart
from graphmml.data.read import read_cohort
from graphmml.errors import CohortError

HEART = Path(__file__).parents[2] / "datasets" / "heart"

RAW = {
    "id": ["1", "2", "3"],
    "age": ["63", "41", "70"],
    "sex": ["Male", "Female", "Male"],
    "dataset": ["Cleveland", "Switzerland", "Hungary"],
    "cp": ["typical angina", "asymptomatic", "non-anginal"],
    "trestbps": ["145", "0", "120"],
    "chol": ["233", "0", ""],
    "fbs": ["TRUE", "", "FALSE"],
    "restecg": ["normal", "", "normal"],
    "thalch": ["150", "", "90"],
    "exang": ["FALSE", "TRUE", ""],
    "oldpeak": ["0", "-0.5", ""],
    "slope": ["flat", "", ""],
    "ca": ["0", "", ""],
    "thal": ["normal", "", ""],
    "num": ["0", "3", "1"],
}


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_heart", HEART / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def heart():
    return load_heart()


def raw_tables():
    return {path.name: pd.read_csv(path, dtype="str", keep_default_na=False) for path in HEART.glob("*.csv")}


def test_the_tables_are_what_the_transform_makes_of_the_source(make):
    made = make.transform(pd.DataFrame(RAW))
    assert made["labels.csv"]["label"].tolist() == ["0", "1", "1"]
    assert made["clinical.csv"]["site"].tolist() == RAW["dataset"]
    assert made["clinical.csv"]["fbs"].tolist() == ["True", "", "False"]
    assert all(table["patient_id"].tolist() == RAW["id"] for table in made.values())


def test_a_zero_becomes_empty_where_it_means_not_measured_and_nowhere_else(make):
    made = make.transform(pd.DataFrame(RAW))
    assert made["clinical.csv"]["chol"].tolist() == ["233", "", ""]
    assert made["clinical.csv"]["trestbps"].tolist() == ["145", "", "120"]
    assert made["cardiac_tests.csv"]["oldpeak"].tolist() == ["0", "-0.5", ""]
    assert made["cardiac_tests.csv"]["ca"].tolist() == ["0", "", ""]


def test_undoing_and_redoing_the_transform_gives_the_files_byte_for_byte(make, tmp_path):
    tables = raw_tables()
    joined = tables["clinical.csv"].merge(tables["cardiac_tests.csv"]).merge(tables["labels.csv"])
    source = joined.rename(columns={"patient_id": "id", "site": "dataset"}).drop(columns="label")
    make.write(make.transform(source.replace({"True": "TRUE", "False": "FALSE"})), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(tables)
    assert all((tmp_path / name).read_bytes() == (HEART / name).read_bytes() for name in tables)


def test_heart_is_920_patients_of_four_hospitals_509_with_disease(heart):
    assert isinstance(heart, Cohort)
    assert len(heart) == 920
    assert int((heart.outcome.values == "1").sum()) == 509
    assert heart.outcome.positive == "1"
    by_site = heart.groups["site"].value_counts().to_dict()
    assert by_site == {"Cleveland": 304, "Hungary": 293, "VA Long Beach": 200, "Switzerland": 123}
    assert heart.modalities == ("clinical", "cardiac_tests")


def test_nobody_has_a_cholesterol_or_a_blood_pressure_of_zero(heart):
    clinical = heart.tables["clinical"]
    assert clinical["chol"].min() > 0
    assert clinical["trestbps"].min() > 0
    assert clinical["chol"].isna().sum() == 202


def test_neither_outcome_nor_hospital_is_a_feature(heart):
    columns = {column for table in heart.tables.values() for column in table.columns}
    assert columns & {"label", "num", "site", "patient_id"} == set()
    assert len(columns) == 13


def test_the_data_card_states_what_is_in_the_tables():
    card = (HEART / "README.md").read_text()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in card.splitlines() if line[:1] == "|"]
    stated = {row[1]: int(row[4]) for row in rows if len(row) == 5 and row[4].isdigit() and row[1].isidentifier()}
    stated.pop("patient_id")
    tables = raw_tables().values()
    empty = {column: int((table[column] == "").sum()) for table in tables for column in table.columns}
    empty.pop("patient_id")
    assert stated == empty


def test_the_licence_travels_with_the_data():
    notice = (HEART / "LICENSE.txt").read_text()
    assert "Attribution 4.0 International" in notice
    assert "https://creativecommons.org/licenses/by/4.0/" in notice
    assert all(name in notice for name in ("Janosi", "Steinbrunn", "Pfisterer", "Detrano"))


def test_a_bundled_cohort_is_found_in_a_wheel_and_in_a_checkout(tmp_path):
    inside, beside = tmp_path / "a" / "package", tmp_path / "b" / "package"
    for place in (inside / "datasets" / "heart", beside.parent / "datasets" / "heart"):
        place.mkdir(parents=True)
        (place / "cohort.toml").touch()
    assert folder_of("heart", inside) == inside / "datasets" / "heart"
    assert folder_of("heart", beside) == beside.parent / "datasets" / "heart"
    with pytest.raises(CohortError, match="reinstall graphmml"):
        folder_of("heart", tmp_path / "c" / "package")


@pytest.mark.cohorts
def test_heart_is_the_common_cohort_but_for_the_zeros(heart, cohorts):
    common = read_cohort(cohorts / "heart_disease")
    assert (common.ids == heart.ids).all()
    assert common.outcome.values.equals(heart.outcome.values)
    for modality, table in common.tables.items():
        zeros = (table == 0) & table.columns.isin(["chol", "trestbps"])
        pd.testing.assert_frame_equal(table.mask(zeros), heart.tables[modality], check_dtype=False)
