"""The minimum sample size agrees with the numbers that the papers work out."""

import math

import pytest

from graphmml.data.sample_size import criteria, largest_fit, minimum_patients, shrunk, typical_fit


def test_chagas_disease_of_the_paper_wants_4_8_events_a_parameter():
    # Riley et al. 2019, three criteria: 24 parameters, prevalence .174, R-squared of Cox and Snell .288
    wanted = criteria(24, 0.174, 0.288)
    most = math.ceil(max(wanted[name] for name in ("risk", "shrinkage", "optimism")))
    assert round(most * 0.174 / 24, 1) == 4.8
    assert most == math.ceil(wanted["optimism"]) == 662
    assert minimum_patients(24, 0.174, 0.288) == math.ceil(wanted["error"]) > most


def test_the_error_of_predicted_risks_by_the_formula_of_2020():
    # exp((-.508 + .259 ln .5 + .504 ln 10 - ln .05) / .544)
    assert criteria(10, 0.5, 0.1)["error"] == pytest.approx(
        (math.exp(-0.508) * 0.5**0.259 * 10**0.504 / 0.05) ** (1 / 0.544)
    )
    assert "error" not in criteria(31, 0.5, 0.1)


def test_the_largest_r_squared_of_a_rare_and_of_an_even_outcome():
    # Riley et al. 2020, box: .33 for a prevalence of 5 per cent, .75 for one of a half
    assert largest_fit(0.05) == pytest.approx(0.33, abs=0.005)
    assert largest_fit(0.5) == pytest.approx(0.75)
    assert typical_fit(0.5) == pytest.approx(0.15 * 0.75)


def test_thirty_parameters_of_a_rare_outcome():
    # with R-squared .05 and a shrinkage of .9: 30 / ((.9 - 1) ln(1 - .05 / .9))
    assert math.ceil(shrunk(30, 0.05, 0.9)) == 5249
    assert minimum_patients(30, 0.05, 0.05) == 5249


def test_the_overall_risk_alone_decides_for_one_parameter():
    # (1.96 / .05)^2 x .5 x .5 = 384.16
    assert criteria(1, 0.5, 0.5)["risk"] == pytest.approx(384.16)
    assert minimum_patients(1, 0.5, 0.5) == 385


def test_more_parameters_and_a_weaker_fit_want_more_patients():
    counts = [minimum_patients(parameters, 0.3, 0.05) for parameters in (5, 20, 30, 31, 200)]
    assert counts == sorted(counts)
    assert minimum_patients(20, 0.3, 0.05) > minimum_patients(20, 0.3, 0.2)
