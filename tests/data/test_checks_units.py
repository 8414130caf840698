"""Another unit at one site is found; a site that measures higher, or differs by nature, is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.check import check
from graphmml.data.checks_units import FACTORS
from graphmml.data.faults import shifted_units, site_only

SITES = np.arange(240) % 4
IDS = pd.Index([f"p{at:03d}" for at in range(240)])


def found(values, sites=SITES, **more):
    groups = pd.DataFrame({"site": [f"site {site}" for site in sites]}, index=IDS)
    cohort = gm.Cohort.from_frames({"labs": pd.DataFrame({"x": values}, index=IDS)}, groups=groups)
    return [finding for finding in check(replace(cohort, **more)) if finding.code == "GM115"]


def skewed(middle, spread, seed=0):
    return np.exp(np.random.default_rng(seed).normal(np.log(middle), spread, 240))


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(("factor", "said"), FACTORS)
def test_every_known_factor_is_found_either_way_round(factor, said, turn):
    values = skewed(60.0, 0.15)
    assert [finding.status for finding in found(values)] == ["pass"]
    (finding,) = found(np.where(SITES == 2, values * factor**turn, values))
    assert finding.status == "warn"
    assert "where 'site' is 'site 2'" in finding.message
    assert "the factor fits" in finding.message


@pytest.mark.parametrize("factor", [18.016, 88.4, 1000.0])
@pytest.mark.parametrize("seed", range(5))
def test_large_factors_are_found_in_skewed_columns(factor, seed):
    values = skewed(5.0, 0.6, seed)
    assert [finding.status for finding in found(np.where(SITES == 1, values * factor, values))] == ["warn"]


def test_a_factor_that_is_none_of_the_known_is_told_as_it_is():
    values = skewed(60.0, 0.1)
    (finding,) = found(np.where(SITES == 0, values * 150.0, values))
    assert "a factor of about 15" in finding.message


def test_degrees_fahrenheit_are_found():
    values = np.random.default_rng(0).normal(37.0, 0.6, 240)
    (finding,) = found(np.where(SITES == 3, values * 1.8 + 32.0, values))
    assert "Fahrenheit" in finding.message


def test_two_sites_are_named_once():
    values = skewed(60.0, 0.15)
    sites = np.arange(240) % 2
    assert len(found(np.where(sites == 0, values * 18.016, values), sites)) == 1


def test_the_official_split_is_a_group_as_well():
    values = skewed(60.0, 0.15)
    sides = pd.Series(np.where(np.arange(240) % 3 > 0, "train", "test"), index=IDS)
    findings = found(np.where(sides == "test", values * 18.016, values), split=sides)
    assert ["the official split" in finding.message for finding in findings] == [True]


def test_a_small_site_is_not_named():
    values = skewed(60.0, 0.15)
    sites = np.where(np.arange(240) < 9, 7, SITES)
    (finding,) = found(np.where(sites == 7, values * 1000, values), sites)
    assert "site 7" not in finding.message


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("effect", [0.0, 0.5, 1.0])
def test_sites_that_measure_higher_have_no_other_unit(seed, effect):
    cohort = gm.make_cohort(300, site_effect=effect, seed=seed)
    assert [finding.status for finding in check(cohort) if finding.code == "GM115"] == ["pass"]


@pytest.mark.parametrize("seed", range(3))
def test_a_strong_batch_effect_is_no_other_unit(seed):
    cohort = site_only(gm.make_cohort(300, seed=seed), seed)
    assert [finding.status for finding in check(cohort) if finding.code == "GM115"] == ["pass"]


def test_without_a_group_there_is_nothing_to_compare():
    cohort = gm.make_cohort(60)
    assert [finding.status for finding in check(replace(cohort, groups=pd.DataFrame())) if finding.code == "GM115"] == [
        "n.a."
    ]


@pytest.mark.parametrize("seed", range(4))
def test_planted_units_are_found(seed):
    cohort = shifted_units(gm.make_cohort(300, seed=seed), seed, factor=[88.4, 18, 1000, 1 / 88.4][seed])
    assert [finding.status for finding in check(cohort) if finding.code == "GM115"] == ["warn"]
