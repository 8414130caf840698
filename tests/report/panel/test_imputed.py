"""Planted gaps are found, gaps at random are not, and what is measured is what a naive count gives."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

import graphmml as gm
from graphmml.data.faults import hardly_measured
from graphmml.report.panel.imputed import IMPUTED, mean_filled, patterns, rho_within, within_ranks

LINKS = [gm.Neighbours(each=True), gm.Neighbours(), gm.Neighbours(metric="euclidean")]


def one_modality(cohort, seed, modality, share=0.3):
    random = np.random.default_rng(seed)
    table, chosen = cohort.tables[modality], random.random(len(cohort)) < share
    emptied = table.mask(chosen[:, None] & (random.random(table.shape) < 0.9))
    return replace(cohort, tables={**cohort.tables, modality: emptied})


@pytest.mark.parametrize("links", LINKS)
def test_hubs_made_by_imputation_are_found(asked, links):
    for seed in range(20 if links.each else 3):
        cohort = hardly_measured(gm.make_cohort(300, seed=seed), seed)
        assert asked(IMPUTED, cohort, links)[1]["GM204"].status == "warn"


@pytest.mark.parametrize("modality", ["labs", "rna"])
def test_gaps_of_a_single_modality_are_found(asked, modality):
    found = [
        asked(IMPUTED, one_modality(gm.make_cohort(300, seed=seed), seed, modality), LINKS[0])[1]["GM204"].status
        for seed in range(5)
    ]
    assert found.count("warn") >= 4


def test_clean_cohorts_are_not_warned_of(asked):
    for seed in range(20):
        assert asked(IMPUTED, gm.make_cohort(300, seed=seed), LINKS[0])[1]["GM204"].status == "pass"


def test_patients_of_whom_little_is_compared_are_named_as_hubs(asked):
    measures, found = asked(IMPUTED, gm.make_cohort(300, seed=0), gm.Neighbours(metric="euclidean"))
    assert measures["imputed"]["lacking_times"] > 3
    assert found["GM204"].status == "warn"
    assert "without a modality" in found["GM204"].message


def test_without_gaps_there_is_nothing_to_ask(asked):
    cohort = gm.make_cohort(60, missing=0.0, seed=0)
    filled = {name: table.ffill().bfill() for name, table in cohort.tables.items()}
    assert asked(IMPUTED, replace(cohort, tables=filled), LINKS[0])[1]["GM204"].status == "n.a."


def test_ranks_are_within_patients_of_the_same_modalities():
    random = np.random.default_rng(0)
    present = random.random((80, 2)) < 0.7
    pattern = patterns(present)
    heard, filled = random.poisson(4, 80).astype(float), random.random(80)
    ranks = within_ranks(heard, pattern)
    for number in np.unique(pattern):
        own = pattern == number
        np.testing.assert_allclose(ranks[own], rankdata(heard[own]) / (own.sum() + 1) - 0.5)
        assert len(np.unique(present[own], axis=0)) == 1
    # what differs between patterns alone is no correlation
    level = heard + 100 * pattern
    everybody = np.ones(80, dtype=bool)
    assert rho_within(level, filled + 5 * pattern, pattern, everybody, 0)[0] == pytest.approx(
        rho_within(heard, filled, pattern, everybody, 0)[0]
    )


def test_cells_of_an_absent_modality_do_not_count_as_filled():
    filled = np.array([[0.5, np.nan], [0.2, 0.4], [np.nan, np.nan]])
    assert mean_filled(filled) == pytest.approx([0.5, 0.3, 0.0])
