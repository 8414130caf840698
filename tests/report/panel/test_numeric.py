"""Measures of numbers along links equal naive loops and networkx; residuals are those worked by hand."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.data.outcome import Outcome
from graphmml.report.panel.numeric import (
    assortativity,
    moran_chance,
    moran_within,
    morans_i,
    regression_by_chance,
    regression_homophily,
)
from graphmml.report.panel.residuals import cumulative_hazard, martingale, numbers_of


def drawn(seed: int, patients: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    links = random.random((patients, patients)) * (random.random((patients, patients)) < 0.15)
    values = random.gamma(2.0, size=patients)
    values[random.random(patients) < 0.1] = np.nan
    return links, values


def weights_between(links: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.flatnonzero(~np.isnan(values))
    both = links + links.T
    np.fill_diagonal(both, 0)
    return both[np.ix_(known, known)], values[known]


@pytest.mark.parametrize("seed", range(4))
def test_morans_i_is_the_double_sum(seed):
    links, values = drawn(seed)
    both, own = weights_between(links, values)
    mean, size = own.mean(), len(own)
    above = sum(both[i, j] * (own[i] - mean) * (own[j] - mean) for i in range(size) for j in range(size))
    expected = size / both.sum() * above / ((own - mean) ** 2).sum()
    assert morans_i(csr_array(links), values) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
def test_assortativity_is_networkxs_and_the_correlation_of_link_ends(seed):
    links, values = drawn(seed)
    both, own = weights_between(links, values)
    one, other = np.nonzero(both)
    weight = both[one, other]
    pairs = np.cov(own[one], own[other], aweights=weight)
    assert assortativity(csr_array(links), values) == pytest.approx(pairs[0, 1] / pairs[0, 0])
    graph = nx.from_numpy_array((both > 0).astype(int))
    plain = csr_array((links + links.T > 0).astype(float))
    # networkx maps values to whole numbers of its mixing matrix
    whole = np.round(own * 10)
    nx.set_node_attributes(graph, {at: int(value) for at, value in enumerate(whole)}, "value")
    rounded = np.where(np.isnan(values), np.nan, np.round(values * 10))
    expected = nx.numeric_assortativity_coefficient(graph, "value")
    assert assortativity(plain, rounded) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
def test_regression_homophily_is_the_double_loop_over_who_is_listened_to(seed):
    links, values = drawn(seed)
    low, high = np.nanmin(values), np.nanmax(values)
    apart = []
    for i in range(40):
        heard = [j for j in range(40) if links[i, j] > 0 and j != i and not np.isnan(values[[i, j]]).any()]
        if heard:
            total = sum(links[i, j] * abs(values[i] - values[j]) / (high - low) for j in heard)
            apart.append(total / sum(links[i, j] for j in heard))
    assert regression_homophily(csr_array(links), values) == pytest.approx(1 - np.mean(apart))


def test_regression_homophily_by_chance_is_that_of_all_pairs():
    values = drawn(5)[1]
    own = values[~np.isnan(values)]
    own = (own - own.min()) / (own.max() - own.min())
    apart = [abs(a - b) for i, a in enumerate(own) for j, b in enumerate(own) if i != j]
    assert regression_by_chance(values) == pytest.approx(1 - np.mean(apart))


def test_values_along_a_cut_graph_are_alike_and_scale_changes_nothing():
    values = np.repeat([1.0, 5.0], 20)
    links = csr_array((values[:, None] == values).astype(float))
    assert morans_i(links, values) == pytest.approx(1.0)
    assert assortativity(links, values) == pytest.approx(1.0)
    assert regression_homophily(links, values) == pytest.approx(1.0)
    found, other = drawn(6)
    for measure in (morans_i, assortativity, regression_homophily):
        assert measure(csr_array(found), other) == pytest.approx(measure(csr_array(found), 3 * other - 7))


def test_what_does_not_vary_or_is_not_linked_is_nan():
    for measure in (morans_i, assortativity, regression_homophily):
        assert np.isnan(measure(csr_array((5, 5)), np.arange(5.0)))
        assert np.isnan(measure(csr_array(np.ones((5, 5))), np.ones(5)))
    assert np.isnan(moran_chance(csr_array((5, 5)), np.arange(5.0)).adjusted)
    assert np.isnan(moran_within(csr_array((5, 5)), np.arange(5.0), np.zeros(5)))
    assert np.isnan(regression_by_chance(np.full(3, np.nan)))


@pytest.mark.parametrize("strata", [None, np.arange(80) % 4])
def test_values_by_chance_give_uniform_p(strata):
    found = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        links = csr_array((random.random((80, 80)) < 0.08).astype(float))
        found.append(moran_chance(links, random.normal(size=80), strata=strata, rounds=99, seed=seed).adjusted)
    assert abs(np.mean(found) - 0.5) < 4 * np.sqrt(1 / 12 / 200)
    assert np.mean(np.array(found) <= 0.05) < 0.12


@pytest.mark.parametrize("seed", range(3))
def test_what_strata_explain_is_the_mean_of_all_exchanges_within_them(seed):
    links, values = drawn(seed)
    strata = np.random.default_rng(seed).integers(-1, 4, 40)
    random, known = np.random.default_rng(1), np.flatnonzero(~np.isnan(values))
    exchanged = []
    for _ in range(3000):
        other = values.copy()
        for stratum in np.unique(strata):
            members = known[strata[known] == stratum]
            other[members] = values[random.permutation(members)]
        exchanged.append(morans_i(csr_array(links), other))
    expected = morans_i(csr_array(links), values) - np.mean(exchanged)
    found = moran_within(csr_array(links), values, strata)
    assert found == pytest.approx(expected, abs=5 * np.std(exchanged) / np.sqrt(3000))


def test_a_signal_that_strata_explain_vanishes_within_them():
    random = np.random.default_rng(0)
    site = np.arange(200) % 4
    values = random.normal(size=200) + 2.0 * site
    links = csr_array(((site[:, None] == site) & (random.random((200, 200)) < 0.2)).astype(float))
    assert moran_chance(links, values, rounds=199).adjusted == 1 / 200
    assert moran_chance(links, values, strata=site, rounds=199).adjusted > 0.05
    assert abs(moran_within(links, values, site)) < 0.05 < morans_i(links, values)


def test_martingale_residuals_are_those_worked_by_hand():
    # at risk 5, 4, 3 (two deaths), 1: hazard 1/5, then nothing, then 2/3, then 1
    time = np.array([1.0, 2.0, 3.0, 3.0, 4.0])
    event = np.array([1.0, 0.0, 1.0, 1.0, 1.0])
    hazard = [1 / 5, 1 / 5, 1 / 5 + 2 / 3, 1 / 5 + 2 / 3, 1 / 5 + 2 / 3 + 1]
    np.testing.assert_allclose(cumulative_hazard(time, event), hazard)
    np.testing.assert_allclose(martingale(time, event), event - hazard)


@pytest.mark.parametrize("seed", range(3))
def test_martingale_residuals_sum_to_nothing_and_order_does_not_matter(seed):
    random = np.random.default_rng(seed)
    time, event = np.round(random.exponential(10, 100)), (random.random(100) < 0.6).astype(float)
    found = martingale(time, event)
    assert found.sum() == pytest.approx(0.0, abs=1e-9)
    order = random.permutation(100)
    np.testing.assert_allclose(martingale(time[order], event[order]), found[order])
    risk = [(event[time == at].sum() / (time >= at).sum()) for at in np.unique(time)]
    naive = [
        event[i] - sum(h for at, h in zip(np.unique(time), risk, strict=True) if at <= time[i]) for i in range(100)
    ]
    np.testing.assert_allclose(found, naive)


def test_an_outcome_is_a_number_a_residual_or_nothing():
    cohort = gm.make_cohort(20)
    assert numbers_of(cohort) is None
    time = pd.Series(np.arange(20.0), index=cohort.ids)
    event = pd.Series(np.arange(20) % 2.0, index=cohort.ids)
    event.iloc[3] = np.nan
    number = numbers_of(replace(cohort, outcome=Outcome("number", time, name="age")))
    assert (number.name, number.what) == ("age", "value")
    np.testing.assert_array_equal(number.values, np.arange(20.0))
    survival = numbers_of(replace(cohort, outcome=Outcome("survival", time, event, name="death")))
    assert survival.what == "martingale residual"
    assert np.isnan(survival.values).tolist() == [at == 3 for at in range(20)]
