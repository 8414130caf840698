"""p is honest when nothing is there, small when something is, and blind within the strata that explain it."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from graphmml.report.homophily import homophily
from graphmml.report.permutation import exchanges, homophily_chance, homophily_p


def links(seed: int, patients: int = 80) -> csr_array:
    random = np.random.default_rng(seed)
    return csr_array((random.random((patients, patients)) < 0.08).astype(np.float64))


def joined(groups: np.ndarray, seed: int) -> csr_array:
    same = groups[:, None] == groups[None, :]
    random = np.random.default_rng(seed)
    return csr_array((same & (random.random(same.shape) < 0.3)).astype(np.float64))


@pytest.mark.parametrize("strata", [None, np.arange(80) % 4])
def test_labels_by_chance_give_uniform_p(strata):
    random = np.random.default_rng(0)
    found = [
        homophily_p(links(seed), random.integers(0, 2, 80), strata=strata, rounds=99, seed=seed) for seed in range(200)
    ]
    # 200 uniform draws: the mean is within 4 standard errors of 0.5, and few are below 0.05
    assert abs(np.mean(found) - 0.5) < 4 * np.sqrt(1 / 12 / 200)
    assert np.mean(np.array(found) <= 0.05) < 0.12
    assert np.mean(np.array(found) <= 0.5) > 0.35


def test_labels_by_chance_have_adjusted_homophily_near_zero():
    random = np.random.default_rng(1)
    found = [homophily(links(seed, 200), random.integers(0, 2, 200)).adjusted for seed in range(30)]
    assert abs(np.mean(found)) < 0.02


def test_p_is_never_zero_and_as_small_as_the_rounds_allow_for_a_clear_signal():
    labels = np.arange(80) % 2
    assert homophily_p(joined(labels, 0), labels, rounds=99) == pytest.approx(0.01)


def test_a_signal_that_strata_explain_vanishes_within_them():
    random = np.random.default_rng(2)
    site = np.arange(200) % 4
    labels = (random.random(200) < np.array([0.05, 0.35, 0.65, 0.95])[site]).astype(int)
    by_site = joined(site, 3)
    assert homophily_p(by_site, labels, rounds=199) <= 0.01
    assert homophily_p(by_site, labels, strata=site, rounds=199) > 0.05


def test_a_signal_beside_the_strata_remains_within_them():
    labels = np.arange(200) % 2
    assert homophily_p(joined(labels, 4), labels, strata=np.arange(200) // 50, rounds=199) <= 0.01


@pytest.mark.parametrize("strata", [1, 6, 100])
def test_exchanges_stay_within_strata_and_lose_nobody(strata):
    member = np.random.default_rng(5).integers(0, strata, 300)
    drawn = exchanges(np.arange(300), member, 7, np.random.default_rng(6))
    assert drawn.shape == (7, 300)
    assert (member[drawn] == member).all()
    assert (np.sort(drawn, axis=1) == np.arange(300)).all()
    assert len(np.unique(drawn, axis=0)) == 7


@pytest.mark.parametrize("strata", [1, 3, 80])
def test_every_place_in_a_stratum_is_equally_likely(strata):
    member = np.arange(160) % strata
    drawn = exchanges(np.arange(160), member, 4000, np.random.default_rng(7))
    seen = np.bincount(drawn[:, 0], minlength=160)[member == 0]
    expected = 4000 / len(seen)
    assert len(seen) == len(np.flatnonzero(member == 0))
    assert np.abs(seen - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("count", [2, 3, 20])
@pytest.mark.parametrize("weighted", [False, True])
def test_exchanges_are_measured_as_one_labelling_after_another_is(count, weighted):
    random = np.random.default_rng(count)
    adjacency = links(1) if not weighted else links(1) * random.random((80, 80))
    labels, strata = random.integers(-1, count, 80), np.arange(80) % 3
    found = homophily_chance(adjacency, labels, strata=strata, rounds=50, seed=4, informed=True)
    known = np.flatnonzero(labels >= 0)
    own = np.unique(labels[known], return_inverse=True)[1]
    drawn = exchanges(own.astype(np.uint8), strata[known], 50, np.random.default_rng(4))
    plain, one_by_one = homophily(adjacency, labels), []
    for row in drawn:
        other = np.full(80, -1)
        other[known] = row
        one_by_one.append(homophily(adjacency, other))
    adjusted = np.array([row.adjusted for row in one_by_one])
    told = [row.informativeness >= plain.informativeness - 1e-12 for row in one_by_one]
    assert found.adjusted == ((adjusted >= plain.adjusted - 1e-12).sum() + 1) / 51
    assert found.z == pytest.approx((plain.adjusted - adjusted.mean()) / adjusted.std())
    assert np.isnan(found.informativeness) if count > 8 else found.informativeness == (sum(told) + 1) / 51


def test_unknown_labels_take_no_part():
    labels = np.arange(80) % 2
    adjacency = joined(labels, 7).toarray()
    wider = csr_array(np.pad(adjacency, (0, 30), constant_values=1.0))
    unknown = np.concatenate([labels, np.full(30, -1)])
    alone = homophily_p(csr_array(adjacency), labels, rounds=99, seed=1)
    assert homophily_p(wider, unknown, rounds=99, seed=1) == alone


def test_the_same_seed_gives_the_same_p():
    labels = np.random.default_rng(8).integers(0, 2, 80)
    assert homophily_p(links(8), labels, rounds=99, seed=3) == homophily_p(links(8), labels, rounds=99, seed=3)


def test_without_links_or_with_one_label_there_is_no_p():
    assert np.isnan(homophily_p(csr_array((5, 5)), np.arange(5) % 2))
    assert np.isnan(homophily_p(csr_array(np.ones((5, 5))), np.zeros(5, dtype=int)))
