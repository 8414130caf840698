"""Communities of a site are named, those of nobody are not."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

import graphmml as gm
from graphmml.data.faults import site_only
from graphmml.report.diagnose import diagnose
from graphmml.report.measures import Target
from graphmml.report.panel import communities as module
from graphmml.report.panel.communities import goes_with


def found(cohort, code="GM206"):
    return next(item for item in diagnose(cohort).findings if item.code == code)


@pytest.mark.parametrize("seed", range(3))
def test_a_graph_of_sites_is_named(seed):
    assert found(site_only(gm.make_cohort(200, seed=seed), seed)).status == "warn"


def test_a_graph_of_no_site_passes_and_no_group_is_not_applicable():
    cohort = gm.make_cohort(200, seed=0)
    assert found(cohort).status == "pass"
    assert found(replace(cohort, groups=cohort.groups[[]])).status == "n.a."


def test_unknown_labels_take_no_part_and_identities_are_not_asked():
    random = np.random.default_rng(0)
    label, values = random.integers(4, size=90), random.integers(3, size=90)
    values[:30] = -1
    target = Target("group:x", "x", "group", ("a", "b", "c"), values)
    assert goes_with(label, target) == pytest.approx(adjusted_mutual_info_score(values[30:], label[30:]))
    assert goes_with(values, target) == pytest.approx(1.0)
    assert np.isnan(goes_with(label, replace(target, block=True)))
    assert np.isnan(goes_with(label, replace(target, labels=np.zeros(90, dtype=int))))


def test_by_chance_communities_match_nothing():
    random = np.random.default_rng(1)
    target = Target("group:x", "x", "group", ("a", "b"), random.integers(2, size=400))
    drawn = [goes_with(random.integers(6, size=400), target) for _ in range(30)]
    assert abs(np.mean(drawn)) < 0.01


def test_too_many_links_are_not_searched_and_it_is_said(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 10)
    finding = found(gm.make_cohort(60, seed=0))
    assert finding.status == "n.a."
    assert "too many" in finding.message


def test_in_a_large_cohort_chance_is_left_out(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 10)
    result = diagnose(gm.make_cohort(60, seed=0))
    assert np.isnan(result.measures["communities"]["modularity_by_chance"])
    assert "by chance" in result.summary()
    assert "nan" not in repr(result) + found(gm.make_cohort(60, seed=0)).message
