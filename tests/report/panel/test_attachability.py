"""Held-out patients are held against training patients; distances and probabilities equal naive ones."""

from dataclasses import replace
from math import comb

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.report.panel.attachability import ATTACHABILITY, apart, exceeding, nearest_apart, silent_in

LINKS = gm.Neighbours(k=5)


def naive(source, target, one, other):
    """Mean over shared modalities of the mean squared difference a column."""
    parts = [
        ((source.features[name][one].astype(float) - target.features[name][other]) ** 2).mean()
        for name in source.modalities
        if source.has(name)[one] and target.has(name)[other]
    ]
    return np.sqrt(np.mean(parts)) if parts else np.nan


def test_distances_equal_a_loop():
    cohort = gm.make_cohort(60, seed=1, missing=0.4)
    train, new = cohort[:40], cohort[40:]
    encoder = gm.CohortEncoder().fit(train)
    source, target = encoder.transform(train), encoder.transform(new)
    wanted = [np.nanmin([naive(source, target, one, other) for one in range(40)]) for other in range(20)]
    np.testing.assert_allclose(nearest_apart(source, target), wanted, rtol=1e-3)
    own = [np.nanmin([naive(source, source, one, at) for one in range(40) if one != at]) for at in (0, 7)]
    np.testing.assert_allclose(nearest_apart(source, np.array([0, 7])), own, rtol=1e-3)
    assert np.isnan(apart(source, np.array([-1]), target[:1]))[0]


@pytest.mark.parametrize(("above", "held", "above_train", "train"), [(3, 10, 1, 30), (0, 5, 2, 9), (5, 6, 0, 8)])
def test_probability_equals_counting_the_orders(above, held, above_train, train):
    # among the largest above + above_train, at least `above` are held out
    top, total = above + above_train, held + train
    wanted = sum(comb(held, x) * comb(train, top - x) for x in range(above, top + 1)) / comb(total, top)
    assert exceeding(above, held, above_train, train) == pytest.approx(wanted)


def test_clean_cohorts_pass(asked):
    found = []
    for seed in range(20):
        measures, findings = asked(ATTACHABILITY, gm.make_cohort(300, seed=seed), LINKS)
        found += [findings["GM611"].status, findings["GM616"].status]
        assert 0.1 < measures["attachability"]["held"] / 300 < 0.3
    assert found.count("pass") >= 39
    assert "fail" not in found


def shifted(seed, by=8.0, share=0.15):
    """An official split whose test patients lie elsewhere, most of them at one site."""
    cohort = gm.make_cohort(300, seed=seed, missing=0.0)
    random = np.random.default_rng(seed)
    test = random.random(300) < 0.3
    away = test & (random.random(300) < share / 0.3)
    labs = cohort.tables["labs"] + by * 10 * away[:, None] * random.choice([-1, 1], size=(300, 8))
    groups = cohort.groups.assign(site=np.where(away, "north", "south"))
    split = pd.Series(np.where(test, "test", "train"), index=cohort.ids)
    return replace(cohort, tables={**cohort.tables, "labs": labs}, split=split, groups=groups)


@pytest.mark.parametrize("seed", range(3))
def test_test_patients_who_lie_elsewhere_are_found_with_their_site(asked, seed):
    measures, findings = asked(ATTACHABILITY, shifted(seed), LINKS)
    row = measures["attachability"]
    assert row["by"] == "official test patients"
    assert findings["GM611"].status == "warn"
    assert "most often site=north" in findings["GM611"].message
    assert row["outside_by_group"]["site"]["north"]["share"] > 0.3
    assert asked(ATTACHABILITY, shifted(seed, by=0.0), LINKS)[1]["GM611"].status == "pass"


def test_a_constructor_that_reaches_only_patients_it_knows_is_found(asked):
    cohort = gm.make_cohort(300, seed=1)
    region = np.where(np.arange(300) % 5, "old", "new")
    split = pd.Series(np.where(np.arange(300) % 5, "train", "test"), index=cohort.ids)
    cohort = replace(cohort, groups=cohort.groups.assign(region=region), split=split)
    measures, findings = asked(ATTACHABILITY, cohort, gm.SharedPhenotype("region", k=5))
    assert measures["attachability"]["unlinked"] == 1.0
    assert measures["attachability"]["unlinked_train"] == 0.0
    assert findings["GM616"].status == "warn"
    assert asked(ATTACHABILITY, cohort, gm.SharedPhenotype("sex", k=5))[1]["GM616"].status == "pass"


def test_of_a_graph_that_was_given_the_attached_patients_are_asked(asked):
    cohort = gm.make_cohort(200, seed=4)
    encoder = gm.CohortEncoder().fit(cohort[:150])
    graph = gm.build_graph(LINKS, encoder.transform(cohort[:150]), encoder.transform(cohort[150:]))
    measures, findings = asked(ATTACHABILITY, cohort, graph=graph)
    assert (measures["attachability"]["held"], measures["attachability"]["train"]) == (50, 150)
    assert findings["GM616"].status == "pass"
    whole = gm.build_graph(LINKS, encoder.transform(cohort))
    assert asked(ATTACHABILITY, cohort, graph=whole)[1]["GM616"].status == "n.a."
    assert silent_in(gm.build_graph(gm.NoEdges(), encoder.transform(cohort))).all()


def test_a_blocking_group_is_held_out_whole(asked):
    cohort = gm.make_cohort(200, seed=5)
    person = (np.arange(200) // 2).astype(str)
    together = replace(cohort, groups=cohort.groups.assign(person=person), blocks=("person",))
    copies = {name: table.iloc[np.arange(200) // 2 * 2].set_axis(cohort.ids) for name, table in cohort.tables.items()}
    apart_from = asked(ATTACHABILITY, replace(cohort, tables=copies), LINKS)[0]["attachability"]
    whole = asked(ATTACHABILITY, replace(together, tables=copies), LINKS)[0]["attachability"]
    assert apart_from["distance"]["held"]["median"] == 0.0
    assert whole["distance"]["held"]["median"] > 0.0


def test_large_cohorts_are_sampled_and_small_ones_are_not_asked(asked, monkeypatch):
    monkeypatch.setattr("graphmml.report.panel.attachability.TRAIN", 100)
    monkeypatch.setattr("graphmml.report.panel.attachability.HELD", 30)
    measures, findings = asked(ATTACHABILITY, gm.make_cohort(300, seed=1), LINKS)
    assert (measures["attachability"]["train"], measures["attachability"]["held"]) == (100, 30)
    assert "on a sample of 30" in findings["GM611"].message
    findings = asked(ATTACHABILITY, gm.make_cohort(40, seed=1), LINKS)[1]
    assert {item.status for item in findings.values()} == {"n.a."}


def test_links_that_cannot_be_drawn_from_fewer_patients_are_said(asked):
    findings = asked(ATTACHABILITY, gm.make_cohort(200, seed=1, missing=0.5), gm.Neighbours("rna", k=90))[1]
    assert findings["GM611"].status == "pass"
    assert findings["GM616"].status == "n.a."
    assert "k is 90" in findings["GM616"].message
