"""What follows a site, what is filled for one class, how many patients there are."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.check import check
from graphmml.data.checks_outcome import parameters, rarest_share
from graphmml.data.outcome import Outcome
from graphmml.data.telling import auc, level_share_auc, within

COHORT = gm.make_cohort(300, seed=1)
SITE = COHORT.groups["site"].to_numpy(dtype=str)


def found(code, cohort):
    return [finding for finding in check(cohort) if finding.code == code]


def with_gaps(cohort, modality, column, rows):
    table = cohort.tables[modality].copy()
    table.loc[rows, column] = np.nan
    return replace(cohort, tables={**cohort.tables, modality: table})


def case_of(cohort):
    return (cohort.outcome.values == "case").to_numpy()


def test_gm503_finds_columns_and_modalities_that_a_site_lacks():
    rng = np.random.default_rng(0)
    assert [item.status for item in found("GM503", COHORT)] == ["pass"]
    (column,) = found("GM503", with_gaps(COHORT, "labs", "crp", (SITE == "site 1") & (rng.random(300) < 0.7)))
    assert column.status == "warn"
    assert "a value is missing can be told from 'site' (AUROC, chance .5): crp" in column.message
    (whole,) = found("GM503", with_gaps(COHORT, "rna", COHORT.tables["rna"].columns, SITE == "site 2"))
    assert "whether modality 'rna' is there can be told from 'site'" in whole.message
    assert "--leave-out site" in whole.fix


def test_gm502_says_what_is_left_within_the_site():
    rng = np.random.default_rng(0)
    case = case_of(COHORT)
    cohort = with_gaps(COHORT, "labs", "crp", case & (rng.random(300) < 0.7))
    (finding,) = found("GM502", cohort)
    assert "crp (0.8" in finding.message
    assert "within 'site' 0.8" in finding.message
    # gaps of one site, whose patients are mostly cases: nothing is left within it
    sites = pd.DataFrame({"site": np.where(case ^ (rng.random(300) < 0.1), "north", "south")}, index=cohort.ids)
    confounded = with_gaps(replace(COHORT, groups=sites), "labs", "crp", sites["site"].to_numpy() == "north")
    assert "within 'site' 0.5" in found("GM502", confounded)[0].message


def test_gm604_finds_a_column_filled_for_one_class_however_few():
    case = case_of(COHORT)
    for rows in (np.flatnonzero(case)[:24], np.flatnonzero(~case)[:24]):
        values = np.full(300, np.nan)
        values[rows] = np.arange(24.0)
        table = COHORT.tables["labs"].assign(margin=values)
        (finding,) = found("GM604", replace(COHORT, tables={**COHORT.tables, "labs": table}))
        assert finding.status == "fail"
        assert "margin (24 cells)" in finding.message
    mixed = np.full(300, np.nan)
    mixed[:24] = 1.0
    table = COHORT.tables["labs"].assign(margin=mixed)
    assert [item.status for item in found("GM604", replace(COHORT, tables={"labs": table}))] == ["pass"]


def test_gm604_lets_a_handful_of_cells_be_chance():
    values = np.full(300, np.nan)
    values[np.flatnonzero(case_of(COHORT))[:9]] = 1.0
    table = COHORT.tables["labs"].assign(margin=values)
    assert [item.status for item in found("GM604", replace(COHORT, tables={"labs": table}))] == ["pass"]


def test_gm410_puts_a_group_beside_its_chance_level():
    (clean,) = found("GM403", COHORT)
    assert clean.status == "pass"
    assert "by chance up to 0." in clean.message
    case = case_of(COHORT)
    odd = np.random.default_rng(0).random(300) < 0.3
    groups = pd.DataFrame({"ward": np.where(case ^ odd, "a", "b")}, index=COHORT.ids)
    (told,) = found("GM403", replace(COHORT, groups=groups))
    assert told.status == "warn"
    assert "AUROC 0.7" in told.message or "AUROC 0.6" in told.message
    assert "are cases" in told.message
    assert "--leave-out ward" in told.fix


@pytest.mark.parametrize("sites", [4, 8, 30])
def test_gm410_raises_no_alarm_by_chance(sites):
    rng = np.random.default_rng(sites)
    for _ in range(5):
        groups = pd.DataFrame({"ward": rng.integers(0, sites, 300).astype(str)}, index=COHORT.ids)
        assert [item.status for item in found("GM403", replace(COHORT, groups=groups))] in (["pass"], ["n.a."])


def test_a_group_of_single_patients_is_not_judged():
    groups = pd.DataFrame({"person": COHORT.ids.astype(str)}, index=COHORT.ids)
    assert [item.status for item in found("GM403", replace(COHORT, groups=groups))] == ["n.a."]


def test_gm603_passes_an_order_that_a_declared_group_explains():
    rng = np.random.default_rng(0)
    case = case_of(COHORT)
    site = np.where(case ^ (rng.random(300) < 0.1), "a", "b")
    groups = pd.DataFrame({"hospital": site}, index=COHORT.ids)
    ordered = replace(COHORT, groups=groups)[np.argsort(site, kind="stable")]
    (explained,) = found("GM603", ordered)
    assert explained.status == "pass"
    assert "the order of rows follows 'hospital'" in explained.message
    (unexplained,) = found("GM603", COHORT[np.argsort(case, kind="stable")])
    assert unexplained.status == "warn"
    assert "within 'site'" in unexplained.message


def test_pairs_within_strata_are_counted_as_by_hand():
    rng = np.random.default_rng(0)
    score, case, strata = rng.random(60).round(1), rng.random(60) < 0.5, rng.integers(-1, 4, 60)
    won = pairs = 0.0
    for one in np.flatnonzero(case):
        for other in np.flatnonzero(~case):
            if strata[one] == strata[other] >= 0:
                won += float(score[one] > score[other]) + 0.5 * float(score[one] == score[other])
                pairs += 1
    assert within(score, case, strata) == pytest.approx(won / pairs)
    assert within(score, case, np.zeros(60, dtype=int)) == pytest.approx(auc(score, case))
    assert within(score, case, np.arange(60)) == 0.5


def test_gm123_counts_and_warns_in_extremes_only():
    (usual,) = found("GM123", COHORT)
    assert usual.status == "pass"
    assert "would want" in usual.message
    (few,) = found("GM123", COHORT[:40])
    assert few.status == "warn"
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 1300)), index=[f"p{at}" for at in range(60)])
    outcome = pd.Series(np.arange(60) % 2, index=wide.index, name="dx").astype(str)
    (many,) = found("GM123", gm.Cohort.from_frames({"rna": wide}, outcome))
    assert many.status == "warn"
    assert "far more columns than patients" in many.message
    narrow = gm.Cohort.from_frames({"labs": wide[[0]]}, outcome)
    assert "on all of them without penalty" in found("GM123", narrow)[0].message


def test_parameters_are_numbers_and_levels_but_one():
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": ["x", "y", "z"], "c": ["u", "u", "u"]}, index=["p", "q", "r"])
    assert parameters(gm.Cohort.from_frames({"labs": frame})) == 3


def test_the_rarer_side_of_an_outcome():
    cohort = COHORT
    share = case_of(cohort).mean()
    assert rarest_share(cohort) == pytest.approx(min(share, 1 - share))
    event = pd.Series((np.arange(300) < 30).astype(float), index=cohort.ids)
    timed = replace(cohort, outcome=Outcome("survival", pd.Series(1.0, index=cohort.ids), event=event))
    assert rarest_share(timed) == pytest.approx(0.1)
    number = replace(cohort, outcome=Outcome("number", pd.Series(np.arange(300.0), index=cohort.ids)))
    assert rarest_share(number) is None
    assert found("GM123", number)[0].status == "pass"


def test_a_group_known_for_one_class_alone_cannot_be_judged():
    case = case_of(COHORT)
    groups = pd.DataFrame({"ward": pd.Series(np.where(SITE == "site 1", "a", "b"), index=COHORT.ids).where(case)})
    assert [item.status for item in found("GM403", replace(COHORT, groups=groups))] == ["n.a."]


def test_gaps_that_hardly_follow_a_site_are_let_be():
    rng = np.random.default_rng(0)
    sites = pd.DataFrame({"site": rng.choice(["a", "b"], 3000)})
    large = gm.make_cohort(3000, seed=0)
    cohort = replace(large, groups=sites.set_axis(large.ids))
    few = rng.random(3000) < np.where(sites["site"] == "a", 0.2, 0.1)  # beyond chance, but AUROC .58
    assert [item.status for item in found("GM503", with_gaps(cohort, "labs", "crp", few))] == ["pass"]


def test_one_class_cannot_be_told_by_levels():
    assert level_share_auc(np.array([0, 1, 1]), np.array([True, True, True])) == 0.5
