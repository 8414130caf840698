"""No count that is masked can be worked out along a row or column of what is shown."""

import numpy as np
import pytest

from graphmml.data.grouping import Grouping, crossed
from graphmml.train.fairness.cells import cells_of


def one(counts, name="g"):
    labels = np.repeat(np.arange(len(counts)), counts)
    return Grouping(name, tuple(f"v{at}" for at in range(len(counts))), labels)


def test_small_values_are_masked_and_one_alone_takes_the_next_smallest_with_it():
    hit = np.zeros(0, dtype=bool)
    for counts, masked in (
        ([50, 40, 30], []),
        ([50, 5, 30], [1, 2]),
        ([50, 9, 30, 8], [1, 3]),
        ([50, 4, 30, 3], [1, 2, 3]),  # 4 and 3 are a small cell together
        ([50, 10], [0, 1]),
    ):
        group = one(counts)
        hit = np.tile([True, False], len(group.labels))[: len(group.labels)]
        assert np.flatnonzero(cells_of(group, hit, 11).masked).tolist() == masked


def test_few_of_a_class_hide_what_rests_on_it_and_the_next_value_keeps_its_counts_back():
    group = one([60, 80, 100])
    hit = np.concatenate([np.arange(60) < 4, np.arange(80) < 30, np.arange(100) < 40])
    cells = cells_of(group, hit, 11)
    assert cells.few.tolist() == [True, False, False]
    assert cells.kept_back.tolist() == [False, True, False]
    mirrored = cells_of(group, ~hit, 11)  # so do few without the class
    assert mirrored.few.tolist() == [True, False, False]


@pytest.mark.parametrize("seed", range(40))
def test_no_line_of_any_table_has_a_hidden_count_that_is_total_less_the_rest(seed):
    random = np.random.default_rng(seed)
    first = Grouping("a", ("x", "y", "z")[: random.integers(2, 4)], np.zeros(0, dtype=int))
    second = Grouping("b", ("n", "s", "w", "e")[: random.integers(2, 5)], np.zeros(0, dtype=int))
    size = len(first.values) * len(second.values)
    cell = np.repeat(np.arange(size), random.choice([0, 3, 12, 40, 90], size))
    wide = len(second.values)
    groups = [Grouping("a", first.values, cell // wide), Grouping("b", second.values, cell % wide)]
    hit = random.random(len(cell)) < random.random()
    parts = [cells_of(group, hit, 11) for group in groups]
    both = cells_of(crossed(*groups), hit, 11, marginals=parts)
    table = np.arange(size).reshape(len(first.values), wide)
    for cells, lines in (
        (parts[0], [np.arange(len(first.values))]),
        (parts[1], [np.arange(wide)]),
        (both, [*table, *table.T]),
    ):
        out = cells.masked | cells.few | cells.kept_back
        for counts, hidden in (
            (cells.patients, cells.masked),
            (cells.positives, out),
            (cells.patients - cells.positives, out),
        ):
            assert (counts[~hidden] >= 11).all()
            for line in lines:
                behind = line[hidden[line]]
                if 0 < len(behind) < len(line):
                    assert len(behind) >= 2
                    assert counts[behind].sum() >= 11
    # a part that is held back is not the sum of pairs that are shown
    assert both.masked.reshape(table.shape)[parts[0].masked].all()
    held = (both.masked | both.few | both.kept_back).reshape(table.shape)
    assert held[parts[0].few | parts[0].kept_back].all()
    assert held[:, parts[1].few | parts[1].kept_back].all()


def test_a_few_of_unknown_value_are_masked_and_mask_nobody():
    labels = np.repeat([0, 1, -1], [60, 50, 4])
    closed = Grouping("sex", ("f", "m"), labels).closed()
    cells = cells_of(closed, np.arange(114) % 2 == 0, 11)
    assert cells.masked.tolist() == [False, False, True]
    assert not (cells.few | cells.kept_back).any()
    site = Grouping("site", ("n", "s"), np.arange(114) % 2)
    hit = np.random.default_rng(0).random(114) < 0.5
    parts = [cells_of(one.closed(), hit, 2) for one in (Grouping("sex", ("f", "m"), labels), site)]
    both = cells_of(crossed(Grouping("sex", ("f", "m"), labels), site).closed(), hit, 3, marginals=parts)
    assert both.masked.tolist() == [False] * 4 + [True] * 2
