import numpy as np
import pytest

from graphmml.graph.chance import choose, mixed, own_position, rank_by_key, uniform

KEYS = np.arange(1, 2001, dtype=np.uint64)


def test_mixing_is_splitmix64():
    """The first outputs of the published generator from state 0."""
    zero = np.zeros(1, dtype=np.uint64)
    assert [int(mixed(zero, salt)[0]) for salt in range(3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


def test_uniform_fills_the_unit_interval_evenly_and_salts_are_unrelated():
    one, other = uniform(KEYS, 0), uniform(KEYS, 1)
    assert ((one >= 0) & (one < 1)).all()
    assert np.histogram(one, bins=10, range=(0, 1))[0] == pytest.approx(200, abs=60)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.08


def test_choices_are_distinct_and_below_each_size():
    sizes = np.tile([3, 7, 8, 40], 500)
    chosen = choose(KEYS, sizes, 7, seed=0)
    for row, size in zip(chosen, sizes, strict=True):
        taken = row[row >= 0]
        assert len(set(taken)) == len(taken) == min(size, 7)
        assert taken.max() < size


def test_a_choice_does_not_depend_on_who_else_chooses():
    sizes = np.full(2000, 50)
    together = choose(KEYS, sizes, 5, seed=3)
    assert all(np.array_equal(together[at], choose(KEYS[[at]], sizes[[at]], 5, seed=3)[0]) for at in (0, 17, 1999))


def test_every_position_is_chosen_about_equally_often():
    counts = np.bincount(choose(KEYS, np.full(2000, 20), 5, seed=0).ravel(), minlength=20)
    assert counts == pytest.approx(500, abs=100)


def test_another_seed_chooses_otherwise():
    sizes = np.full(2000, 50)
    same = (choose(KEYS, sizes, 5, seed=0) == choose(KEYS, sizes, 5, seed=1)).mean()
    assert same < 0.1


def test_order_by_key_is_of_the_patients_and_not_of_the_rows(encoded):
    mixed_up = encoded[np.random.default_rng(0).permutation(len(encoded))]
    assert list(encoded.ids[rank_by_key(encoded)]) == list(mixed_up.ids[rank_by_key(mixed_up)])
    assert list(encoded.ids[rank_by_key(encoded)]) != sorted(encoded.ids)


def test_a_newcomer_has_no_position_of_its_own(encoded):
    assert own_position(encoded[:10], encoded[8:12]).tolist() == [8, 9, -1, -1]
