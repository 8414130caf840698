"""Who is within so many hops is what networkx finds."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.report.diagnose import diagnose
from graphmml.report.panel import reach as module
from graphmml.report.panel.reach import HOPS, within_hops


@pytest.mark.parametrize("seed", range(3))
def test_reach_is_shortest_paths_of_networkx(seed):
    random = np.random.default_rng(seed)
    links, marked = (random.random((50, 50)) < 0.05).astype(float), random.random(50) < 0.4
    graph = nx.from_numpy_array(links, create_using=nx.DiGraph)  # i -> j: i listens to j
    rows = np.array([3, 7, 20, 49])
    share, teachers = within_hops(csr_array(links), rows, marked)
    for place, row in enumerate(rows):
        paths = nx.single_source_shortest_path_length(graph, int(row))
        for hop in range(1, HOPS + 1):
            others = [node for node, length in paths.items() if 0 < length <= hop]
            assert share[place, hop - 1] == pytest.approx(len(others) / 49)
            assert teachers[place, hop - 1] == marked[others].sum()


def test_strips_change_nothing(monkeypatch):
    links = csr_array((np.random.default_rng(0).random((40, 40)) < 0.1).astype(float))
    whole = within_hops(links, np.arange(40), np.ones(40, dtype=bool))
    monkeypatch.setattr(module, "STRIP", 7)
    for one, other in zip(whole, within_hops(links, np.arange(40), np.ones(40, dtype=bool)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_labelled_patients_teach():
    cohort = gm.make_cohort(60, seed=0)
    hidden = cohort.with_outcome_of(np.arange(5))
    assert max(diagnose(hidden, gm.Neighbours(k=5)).measures["reach"]["labelled_median"]) <= 5


def test_a_wide_reach_is_warned_of_in_a_large_cohort_only():
    small = diagnose(gm.make_cohort(100, seed=0))
    large = diagnose(gm.make_cohort(1000, seed=0), gm.RandomEdges(k=60))
    status = [next(item for item in result.findings if item.code == "GM208").status for result in (small, large)]
    assert status == ["pass", "warn"]


def test_a_sample_is_said_to_be_one(monkeypatch):
    monkeypatch.setattr(module, "EVERY", 50)
    monkeypatch.setattr(module, "MOST", 60)
    result = diagnose(gm.make_cohort(200, seed=0))
    assert result.measures["reach"]["patients"] == 60
    assert "sample of 60" in next(item for item in result.findings if item.code == "GM208").message
