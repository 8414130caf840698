"""Visits and their codes are read, checked, selected and kept with the patients they belong to."""

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.arrays import from_arrays, from_bytes, to_arrays, to_bytes
from graphmml.data.cohort_file import validated
from graphmml.data.timeline import Timeline, days

COHORT = """
[cohort]
id = "subject"

[visits]
path = "stays.csv"
visit = "stay"
time = "admitted"

[modality.dx]
path = "dx.csv"
long = { code = "icd", visit = "stay" }

[modality.rx]
path = "rx.csv"
long = { code = "drug" }
"""
STAYS = """subject,stay,admitted
a,1,2164-10-23 21:09:00
b,2,2126-08-14
a,3,
x,9,2100-01-01
"""
DX = """subject,stay,icd
a,1,flu
a,1,flu
a,1,gout
b,2,flu
b,1,rare
a,,gout
a,3,
"""
RX = "subject,stay,drug\na,1,aspirin\nb,2,aspirin\n"


@pytest.fixture
def folder(tmp_path):
    for name, text in {"cohort.toml": COHORT, "stays.csv": STAYS, "dx.csv": DX, "rx.csv": RX}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def rows(frame):
    return list(frame.itertuples(index=False, name=None))


def test_visits_and_codes_are_read_beside_the_wide_tables(folder):
    cohort = gm.read_cohort(folder)
    day = (pd.Timestamp("2164-10-23 21:09") - pd.Timestamp(0)) / pd.Timedelta(days=1)
    visits = cohort.timeline.visits
    assert rows(visits[["id", "visit"]]) == [("a", "1"), ("a", "3"), ("b", "2")]
    assert visits["time"].tolist()[0] == pytest.approx(day)
    assert np.isnan(visits["time"].tolist()[1])
    assert set(cohort.timeline.events) == {"dx"}
    assert rows(cohort.timeline.events["dx"]) == [("a", "1", "flu"), ("a", "1", "gout"), ("b", "2", "flu")]
    assert cohort.tables["dx"].loc["a"].to_dict() == {"flu": 2, "gout": 2, "rare": 0}
    assert "3 visits of 2 patients" in repr(cohort)


def test_what_belongs_to_no_patient_or_no_visit_is_noted(folder):
    notes = gm.read_cohort(folder).notes
    assert "1 rows of the visits belong to no patient of the tables" in notes
    assert "2 rows of 'dx' name no visit of their patient" in notes


def test_visits_of_other_patients_alone_are_refused(folder):
    (folder / "stays.csv").write_text("subject,stay,admitted\nx,1,\ny,2,\n")
    with pytest.raises(gm.CohortError, match="no id of the visits"):
        gm.read_cohort(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subject,stay,admitted\na,1,\na,1,5\n", r"1 visit\(s\) stand on more than one row"),
        ("subject,stay,admitted\na,1,yesterday\n", r"column 'admitted': 1 time\(s\) are neither numbers nor dates"),
        ("subject,stay,when\na,1,5\n", "no column 'admitted'"),
    ],
)
def test_faults_in_the_table_of_visits_are_said(folder, text, said):
    (folder / "stays.csv").write_text(text)
    with pytest.raises(gm.CohortError, match=said):
        gm.read_cohort(folder)


def test_a_cohort_whose_rows_are_visits_may_name_one_column_twice(folder):
    text = COHORT.replace('id = "subject"', 'id = "stay"')
    (folder / "cohort.toml").write_text(text)
    (folder / "dx.csv").write_text("subject,stay,icd\na,1,flu\nb,2,flu\na,3,gout\n")
    cohort = gm.read_cohort(folder)
    assert rows(cohort.timeline.visits[["id", "visit"]]) == [("1", "1"), ("2", "2"), ("3", "3")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"modality": {"dx": {"path": "x", "long": {"code": "c", "visit": "v"}}}},
            r"'dx' names a visit; add .*\[visits\]",
        ),
        ({"visits": {"path": "x"}, "modality": {"dx": {"path": "x"}}}, "key visits.visit is missing"),
        (
            {"visits": {"path": "x", "visit": "v", "when": "t"}, "modality": {"dx": {"path": "x"}}},
            "unknown key visits.when",
        ),
    ],
)
def test_the_cohort_file_is_strict_about_visits(content, said):
    with pytest.raises(gm.CohortError, match=said):
        validated(content, "cohort.toml")


def test_rows_take_their_visits_along_and_keep_them_sorted(cohort):
    assert len(cohort.timeline)
    for chosen in ([5, 2, 40], np.arange(60)[::-1], []):
        part = cohort[chosen]
        assert set(part.timeline.visits["id"]) == set(cohort.timeline.visits["id"]) & set(part.ids)
        assert set(part.timeline.events["codes"]["id"]) <= set(part.ids)
        assert part.timeline.visits.equals(part.timeline.visits.sort_values(["id", "visit"], ignore_index=True))


def test_the_fingerprint_knows_visits_and_not_the_order_of_their_rows(cohort):
    bare = cohort.with_visits(Timeline().visits, {})
    visits, events = cohort.timeline.visits, cohort.timeline.events
    mixed = cohort.with_visits(
        visits.sample(frac=1, random_state=1), {name: frame.iloc[::-1] for name, frame in events.items()}
    )
    assert mixed.fingerprint == cohort.fingerprint != bare.fingerprint
    other = cohort.with_visits(visits.assign(time=visits["time"] + 1), events)
    fewer = cohort.with_visits(visits, {name: frame.iloc[1:] for name, frame in events.items()})
    assert len({cohort.fingerprint, other.fingerprint, fewer.fingerprint}) == 3


def test_encoded_patients_keep_their_visits_and_come_back_from_arrays(encoded):
    back = from_arrays(from_bytes(to_bytes(to_arrays(encoded))))
    pd.testing.assert_frame_equal(back.timeline.visits, encoded.timeline.visits)
    pd.testing.assert_frame_equal(back.timeline.events["codes"], encoded.timeline.events["codes"])
    part = encoded[np.array([3, 1])]
    assert set(part.timeline.visits["id"]) <= set(part.ids)


def test_no_visits_leave_no_trace_in_the_arrays(numbers):
    people = numbers({"labs": np.eye(3)})
    arrays = to_arrays(people)
    assert not any(name.startswith(("visits", "events")) for name in arrays)
    assert len(from_arrays(arrays).timeline) == 0


def test_times_may_be_numbers_dates_or_empty():
    assert days(pd.Series(["1.5", " 3 ", ""]), "t").tolist()[:2] == [1.5, 3.0]
    assert days(pd.Series(["1970-01-02", "", None, "1970-01-03T12:00"]), "t").fillna(-1).tolist() == [1.0, -1, -1, 2.5]
    stamps = pd.Series(pd.to_datetime(["1970-01-02", None]))
    assert days(stamps, "t").fillna(-1).tolist() == [1.0, -1.0]
    assert days(pd.Series([2, 3]), "t").dtype == "float64"


def test_visits_without_a_time_are_kept():
    timeline = Timeline.from_frames(pd.DataFrame({"id": [7, 7], "visit": [2, 1]}), {})
    assert rows(timeline.visits[["id", "visit"]]) == [("7", "1"), ("7", "2")]
    assert timeline.visits["time"].isna().all()
