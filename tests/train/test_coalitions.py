"""Shapley values against their definition and axioms, exact and from drawn orders."""

from itertools import permutations

import numpy as np
import pytest

from graphmml.train.coalitions import MOST_EXACT, ORDERS, coalitions


def asked_of(modalities, seed=0):
    return coalitions(modalities, np.random.default_rng(seed))


def values_of(subsets, value):
    return np.array([value(frozenset(np.flatnonzero(subset).tolist())) for subset in subsets])


def table(modalities, seed=0):
    """A value for every subset, drawn."""
    random = np.random.default_rng(seed)
    drawn = random.random(2**modalities)
    return lambda chosen: float(drawn[sum(2**at for at in chosen)])


def by_orders(modalities, value):
    """The mean gain of each modality over all orders in which they can be added."""
    total, orders = np.zeros(modalities), list(permutations(range(modalities)))
    for order in orders:
        for at, player in enumerate(order):
            total[player] += value(frozenset(order[: at + 1])) - value(frozenset(order[:at]))
    return total / len(orders)


@pytest.mark.parametrize("modalities", [1, 2, 3, 5])
def test_exact_values_are_the_mean_gain_over_all_orders(modalities):
    asked, value = asked_of(modalities), table(modalities)
    found = asked.shapley @ values_of(asked.subsets, value)
    assert found == pytest.approx(by_orders(modalities, value), abs=1e-12)


@pytest.mark.parametrize("modalities", [1, 4, MOST_EXACT, MOST_EXACT + 1, 14])
def test_every_subset_is_asked_once_nothing_first_and_everything_last(modalities):
    asked = asked_of(modalities)
    assert not asked.subsets[0].any()
    assert asked.subsets[-1].all()
    assert len(np.unique(asked.subsets, axis=0)) == len(asked.subsets)
    assert (len(asked.subsets) == 2**modalities) == (modalities <= MOST_EXACT)


@pytest.mark.parametrize("modalities", [3, MOST_EXACT + 2])
def test_values_sum_to_everything_less_nothing(modalities):
    asked = asked_of(modalities)
    values = np.random.default_rng(1).random(len(asked.subsets))
    assert (asked.shapley @ values).sum() == pytest.approx(values[-1] - values[0], abs=1e-12)
    assert (asked.pairs @ values).sum(axis=1) == pytest.approx(np.full(len(asked.pairs), values[-1] - values[0]))


@pytest.mark.parametrize("modalities", [4, MOST_EXACT + 2])
def test_who_adds_nothing_gets_nothing_and_what_adds_up_gets_its_own(modalities):
    asked, own = asked_of(modalities), np.random.default_rng(2).random(modalities)
    own[1] = 0.0
    found = asked.shapley @ values_of(asked.subsets, lambda chosen: sum(own[at] for at in chosen))
    assert found == pytest.approx(own, abs=1e-12)
    assert [asked.error(at, asked.subsets @ own) for at in range(modalities)] == pytest.approx([0.0] * modalities)


def test_two_that_are_interchangeable_get_the_same():
    asked, base = asked_of(4), table(4)

    def alike(chosen):  # of 0 and 1 only the number counts
        return base(chosen - {0, 1}) + 0.3 * len(chosen & {0, 1}) ** 2 * (1 + len(chosen))

    found = asked.shapley @ values_of(asked.subsets, alike)
    assert found[0] == pytest.approx(found[1], abs=1e-12)
    assert found[0] != pytest.approx(found[2], abs=1e-3)


@pytest.mark.parametrize("modalities", [1, 3, MOST_EXACT + 1])
def test_drop_one_is_everything_less_all_the_others(modalities):
    asked = asked_of(modalities)
    values = np.random.default_rng(3).random(len(asked.subsets))
    for at in range(modalities):
        others = np.arange(modalities) != at
        (row,) = np.flatnonzero((asked.subsets == others).all(axis=1))
        assert asked.drop_one[at] @ values == pytest.approx(values[-1] - values[row])


def test_drawn_orders_come_near_the_exact_values_by_their_own_error():
    modalities = 9
    weight = np.random.default_rng(4).normal(size=(modalities, modalities))

    def value(chosen):  # a modality's own worth and one a pair, shared by halves: Shapley values in closed form
        return sum(weight[a, b] for a in chosen for b in chosen if a <= b)

    exact = np.array(
        [weight[a, a] + sum(weight[min(a, b), max(a, b)] for b in range(modalities) if b != a) / 2 for a in range(9)]
    )
    asked = asked_of(modalities)
    found = asked.shapley @ values_of(asked.subsets, value)
    # with an order and its reverse every pair is split evenly, so that nothing is left to chance
    assert found == pytest.approx(exact, abs=1e-9)

    def third(chosen):
        return value(chosen) + (2.0 if {0, 1, 2} <= chosen else 0.0)

    values = values_of(asked.subsets, third)
    error = np.array([asked.error(at, values) for at in range(modalities)])
    away = asked.shapley @ values - exact - np.where(np.arange(9) < 3, 2 / 3, 0.0)
    assert (error[:3] > 0.01).all()
    assert error[3:] == pytest.approx(np.zeros(6), abs=1e-9)
    assert (np.abs(away) <= 4 * error + 1e-9).all()


def test_orders_come_in_pairs_one_the_reverse_of_the_other():
    asked = asked_of(10)
    assert len(asked.pairs) == ORDERS // 2
    # whoever is first in an order is last in its reverse: half a gain from nothing, half a gain to everything
    for pair in asked.pairs:
        starts, ends = np.flatnonzero(pair[:, 0]), np.flatnonzero(pair[:, -1])
        assert len(starts) == 2
        assert pair[starts, 0] == pytest.approx([-0.5, -0.5])
        assert pair[ends, -1] == pytest.approx([0.5, 0.5])
        assert np.array_equal(starts, ends)


def test_the_same_chance_draws_the_same_orders_and_another_others():
    one, same, other = asked_of(10, 5), asked_of(10, 5), asked_of(10, 6)
    assert np.array_equal(one.subsets, same.subsets)
    assert np.array_equal(one.shapley, same.shapley)
    assert not np.array_equal(one.subsets, other.subsets)
