"""Dates are found as dates, in the future, and after the outcome; codes and numbers are left alone."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.check import check
from graphmml.data.checks_dates import date_share, read_days

PATIENTS = 120
IDS = pd.Index([f"p{at:03d}" for at in range(PATIENTS)])
STARTS = [date(2015, 1, 1) + timedelta(days=int(at)) for at in np.random.default_rng(0).integers(0, 2000, PATIENTS)]


def found(code, **columns):
    frame = pd.DataFrame({"age": np.random.default_rng(1).normal(60, 9, PATIENTS), **columns}, index=IDS)
    return [finding for finding in check(gm.Cohort.from_frames({"clinical": frame})) if finding.code == code]


FORMATS = {
    "%Y-%m-%d": "2020-02-28",
    "%Y-%m-%d %H:%M:%S": "2020-02-28 00:00:00",
    "%Y/%m/%d": "2020/02/28",
    "%d.%m.%Y": "28.02.2020",
    "%d/%m/%Y": "28/02/2020",
    "%m/%d/%Y": "02/28/2020",
    "%d %b %Y": "28 Feb 2020",
    "%d-%B-%Y": "28-February-2020",
}


@pytest.mark.parametrize("form", FORMATS)
def test_dates_are_read_as_python_reads_them(form):
    written = pd.Series([day.strftime(form) for day in STARTS] + [FORMATS[form], None], dtype="str")
    assert date_share(written) == 1.0
    expected = [(day - date(1970, 1, 1)).days for day in [*STARTS, date(2020, 2, 28)]]
    days = read_days(written)
    assert days[:-1].tolist() == expected
    assert np.isnan(days[-1])


@pytest.mark.parametrize(
    "values", [["V57", "428.0"], ["1-2", "3-4"], ["[50-60)", "[60-70)"], ["12:30", "13:45"], ["", "a"]]
)
def test_what_is_no_date_is_none(values):
    assert date_share(pd.Series(values, dtype="str")) == 0.0


def test_gm114_finds_dates_among_names_and_counts_what_is_none():
    written = [day.isoformat() for day in STARTS]
    (finding,) = found("GM114", admitted=written)
    assert finding.status == "warn"
    assert "admitted" in finding.message
    assert 'drop = ["admitted"]' in finding.fix
    written[:12] = ["2019-02-31"] * 12
    assert "12 value(s) are no date" in found("GM114", admitted=written)[0].message
    assert [item.status for item in found("GM113", admitted=written)] == ["pass"]  # no free text besides
    assert [item.status for item in found("GM114", ward=np.where(np.arange(PATIENTS) % 2, "a", "b"))] == ["pass"]


def test_gm116_finds_dates_that_cannot_be_but_not_dates_moved_on_purpose():
    written = [day.isoformat() for day in STARTS]
    assert [item.status for item in found("GM116", seen=written)] == ["pass"]
    (finding,) = found("GM116", seen=["2999-01-01", "1900-01-01", *written[2:]])
    assert finding.status == "warn"
    assert "<11 in the future, <11 on 1900-01-01 or before" in finding.message
    moved = [day.replace(year=day.year + 120).isoformat() for day in STARTS if (day.month, day.day) != (2, 29)]
    moved += [moved[0]] * (PATIENTS - len(moved))
    assert [item.status for item in found("GM116", seen=moved)] == ["pass"]


@pytest.mark.parametrize(("late", "status"), [(0, "pass"), (2, "pass"), (20, "warn"), (90, "fail")])
def test_gm605_holds_dates_against_the_outcomes(late, status):
    diagnosed = [day.isoformat() for day in STARTS]
    moves = np.where(np.arange(PATIENTS) < late, 30, -30)
    other = [(day + timedelta(days=int(move))).isoformat() for day, move in zip(STARTS, moves, strict=True)]
    (finding,) = found("GM605", DiagnosisDate=diagnosed, letter=other)
    assert finding.status == status
    if status != "pass":
        assert f"letter is later than DiagnosisDate in {late} of 120 patients" in finding.message


def test_gm605_does_not_apply_without_a_date_of_the_outcome():
    written = [day.isoformat() for day in STARTS]
    assert [item.status for item in found("GM605", admitted=written, seen=written[::-1])] == ["n.a."]


def test_a_column_without_values_holds_no_dates():
    assert date_share(pd.Series([None, None], dtype="str")) == 0.0
