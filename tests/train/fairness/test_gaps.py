"""Gaps against their definitions, and how often chance alone is called a gap."""

import numpy as np
import pytest
from scipy.stats import norm

from graphmml.train.fairness.gaps import GAPS, LEVEL, Spread, adjusted, gap


def spread_of(scores, errors, among=1e9, measure="sensitivity", draws=4000, seed=0):
    """Independent values with normal draws of these standard errors."""
    random = np.random.default_rng(seed)
    drawn = np.array(scores)[:, None] + np.array(errors)[:, None] * random.normal(size=(len(scores), draws))
    names = tuple(f"v{at}" for at in range(len(scores)))
    return Spread(measure, names, np.array(scores), drawn, np.full(len(scores), among))


def test_of_two_values_the_interval_and_p_are_those_of_a_normal_difference():
    found = gap("m", "g", "x", [spread_of([0.7, 0.8], [0.02, 0.03])])
    error = np.hypot(0.02, 0.03)
    assert found.largest == found.clearest
    assert (found.largest.above, found.largest.below) == ("v1", "v0")
    assert np.isclose(found.largest.difference.mean, 0.1)
    assert np.isclose(found.largest.difference.low, 0.1 - 1.96 * error, atol=0.004)
    assert np.isclose(found.largest.difference.high, 0.1 + 1.96 * error, atol=0.004)
    assert np.isclose(found.p, 2 * norm.sf(0.1 / error), atol=0.003)
    assert np.isclose(found.largest.ratio.mean, 0.875)
    assert (found.p < LEVEL) == (found.largest.difference.low > 0)


def test_the_largest_gap_and_the_clearest_may_be_of_other_values():
    found = gap("m", "g", "x", [spread_of([0.5, 0.8, 0.6], [0.001, 0.3, 0.001])])
    assert (found.largest.above, found.largest.below) == ("v1", "v0")
    assert (found.clearest.above, found.clearest.below) == ("v2", "v0")
    assert found.p < 0.01
    assert found.largest.difference.low < 0


def test_the_limit_of_many_pairs_is_wider_than_that_of_one():
    two = gap("m", "g", "x", [spread_of([0.5, 0.6], [0.03] * 2)])
    many = gap("m", "g", "x", [spread_of([0.5, 0.6, *[0.55] * 6], [0.03] * 8)])
    assert np.isclose(two.largest.difference.mean, many.largest.difference.mean)
    width = [np.diff([one.largest.difference.low, one.largest.difference.high])[0] for one in (two, many)]
    assert width[1] > 1.4 * width[0]  # Tukey's range: 3.03 standard errors instead of 1.96
    assert many.p > two.p


def test_equalised_odds_is_the_larger_of_its_two_measures():
    sensitivity = spread_of([0.7, 0.72], [0.02, 0.02])
    specificity = spread_of([0.9, 0.6], [0.02, 0.02], measure="specificity", seed=1)
    found = gap("m", "g", "equalised_odds", [sensitivity, specificity])
    assert np.isclose(found.largest.difference.mean, 0.3)
    assert found.largest.measure == "specificity"
    assert set(GAPS["equalised_odds"]) == {"sensitivity", "specificity"}


def test_a_share_of_one_among_few_is_not_certain():
    flat = Spread("ppv", ("a", "b"), np.array([1.0, 0.8]), np.array([[1.0] * 500, [0.8] * 500]), np.array([12.0, 12.0]))
    found = gap("m", "g", "x", [flat])
    assert found.p > 0.1
    assert found.largest.difference.low < 0


def test_undefined_values_are_no_pair():
    nothing = Spread("auroc", ("a",), np.array([0.5]), np.full((1, 10), 0.5), np.array([9.0]))
    assert gap("m", "g", "x", [nothing]) is None


def test_holm_is_over_all_gaps_of_a_model():
    gaps = [
        gap("m", "g", name, [spread_of([0.5, 0.5 + by], [0.02, 0.02])])
        for name, by in (("x", 0.08), ("y", 0.05), ("z", 0))
    ]
    found = adjusted(gaps)
    p = [one.p for one in gaps]
    assert np.isclose(found[0].p_holm, 3 * p[0])
    assert np.isclose(found[1].p_holm, max(3 * p[0], 2 * p[1]))
    assert found[0].demonstrable


@pytest.mark.parametrize("values", [2, 5])
def test_chance_alone_is_called_a_gap_no_more_often_than_said(values):
    random, flagged = np.random.default_rng(3), 0
    for seed in range(400):
        errors = random.uniform(0.01, 0.2, values)
        scores = 0.5 + errors * random.normal(size=values)
        flagged += gap("m", "g", "x", [spread_of(scores, errors, draws=400, seed=seed)]).p < 0.05
    assert flagged / 400 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert flagged / 400 > 0.01
