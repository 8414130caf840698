"""The curve over k is that of diagnosing each k, and a conclusion that hangs on k is named."""

from types import SimpleNamespace

import numpy as np
import pytest

import graphmml as gm
from graphmml.data.thresholds import thresholds
from graphmml.report.diagnose import diagnose
from graphmml.report.panel import sensitivity as module
from graphmml.report.panel.sensitivity import SENSITIVITY, changes, low_high, own_k


def test_the_curve_is_what_diagnosing_each_k_says(asked):
    cohort = gm.make_cohort(80, seed=0)
    measures, found = asked(SENSITIVITY, cohort, gm.Neighbours(k=7))
    curve = measures["sensitivity"]["curve"]
    assert list(curve) == ["5", "7", "10", "15", "20", "30"]
    for k in (5, 30):
        other = diagnose(cohort, gm.Neighbours(k=k)).measures
        assert curve[str(k)]["adjusted"] == pytest.approx(other["homophily"]["outcome:dx"]["adjusted"])
        assert curve[str(k)]["giant_share"] == pytest.approx(other["components"]["giant_share"])
    assert found["GM211"].status == "pass"
    assert "not for choosing" in found["GM211"].message


def test_links_without_k_and_too_few_patients_are_not_asked(asked):
    cohort = gm.make_cohort(60, seed=0)
    assert asked(SENSITIVITY, cohort, gm.NoEdges())[1]["GM211"].status == "n.a."
    assert own_k(None) is None
    measures, _ = asked(SENSITIVITY, gm.make_cohort(20, seed=0, missing=0.0), gm.Neighbours(k=5))
    assert set(measures["sensitivity"]["curve"]) == {"5", "10", "15"}


def row(p, giant=1.0):
    return {"p": p, "giant_share": giant, "isolated": 0.0, "adjusted": 0.1}


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        ({"5": row(0.005), "10": row(0.5)}, "at another k they do not"),
        ({"5": row(0.5), "10": row(0.005)}, "at another k they do"),
        ({"5": row(0.005, 0.5), "10": row(0.005, 1.0)}, "whole from k 10"),
        ({"5": row(0.005), "10": row(0.1)}, ""),
        ({"5": row(np.nan), "10": row(np.nan)}, ""),
        ({"10": row(0.005), "20": row(0.5)}, ""),
    ],
)
def test_a_conclusion_that_hangs_on_k_is_named(curve, said):
    found = changes(SimpleNamespace(limit=thresholds()), curve, "5")
    assert said in found
    assert bool(said) == bool(found)


def test_ranges_are_written_once_where_they_are_one_number():
    assert low_high([0.5, 0.5], ".0%") == "50%"
    assert low_high([0.1, np.nan, 0.2], ".1f") == "0.1 to 0.2"
    assert low_high([np.nan], ".1f") == "undefined"


def test_a_large_cohort_is_sampled(asked, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 100)
    monkeypatch.setattr(module, "SAMPLE", 90)
    assert asked(SENSITIVITY, gm.make_cohort(150, seed=0), gm.Neighbours())[0]["sensitivity"]["patients"] == 90
