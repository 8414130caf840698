"""Counts of those who lack a modality: right where shown, and no small one can be worked out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.absence import WITHHELD, absence_table

COHORT = gm.make_cohort(300, seed=1)


def cohort_of(seed):
    """Return a cohort of classes, sites and gaps of many sizes."""
    random = np.random.default_rng(seed)
    sizes = random.choice([0, 5, 13, 40, 90], 6)
    dx, site = np.repeat(["case", "control"], 3), np.tile(["a", "b", "c"], 2)
    dx, site = np.repeat(dx, sizes), np.repeat(site, sizes)
    ids = [f"p{at}" for at in range(len(dx))]
    chance = random.choice([0.0, 0.05, 0.3, 0.95, 1.0], 6).repeat(sizes)
    rna = pd.DataFrame({"g": np.where(random.random(len(dx)) < chance, np.nan, 1.0)}, index=ids)
    tables = {"labs": pd.DataFrame({"crp": np.arange(len(dx))}, index=ids), "rna": rna}
    outcome = pd.Series(dx, index=ids, name="dx")
    return gm.Cohort.from_frames(tables, outcome=outcome, groups=pd.DataFrame({"site": site}, index=ids))


@pytest.mark.parametrize("seed", range(60))
def test_what_is_shown_is_right_and_no_total_less_the_rest_is_a_small_count(seed):
    cohort = cohort_of(seed)
    told = absence_table(cohort, "site")
    keys = pd.DataFrame({"dx": cohort.outcome.values, "site": cohort.groups["site"]})
    without = pd.Series(~cohort.present[:, 1], index=cohort.ids)
    sizes, lack = keys.groupby(["dx", "site"]).size(), without.groupby([keys["dx"], keys["site"]]).sum()
    assert told.index.equals(sizes.index)
    for true, column in ((sizes, told["patients"]), (lack, told["rna"])):
        open_ = ~column.isin([WITHHELD, "<11"])
        assert (column[open_].astype(int) == true[open_]).all()
        assert ((true[column == "<11"] > 0) & (true[column == "<11"] < 11)).all()
        assert not ((true[open_] > 0) & (true[open_] < 11)).any()
        for level in ("dx", "site"):
            for value in told.index.unique(level):
                line = column.index.get_level_values(level) == value
                hidden = ~open_ & line
                for count in (true, sizes - true) if column is not told["patients"] else (true,):
                    if hidden.sum() and (open_ & line).any():
                        assert hidden.sum() > 1
                        assert count[hidden].sum() >= 11 or not (count[open_ & line] > 0).any()


def test_without_outcome_or_group_all_are_counted_together():
    assert absence_table(COHORT).index.name == "dx"
    assert absence_table(COHORT).loc["case", "clinical"] == "0"
    whole = absence_table(replace(COHORT, outcome=None))
    assert whole.loc["all", "patients"] == "300"
    assert whole.loc["all", "rna"] == str(int((~COHORT.present[:, 2]).sum()))


def test_few_of_a_class_are_a_bound_and_the_rest_withheld():
    case = COHORT.outcome.values == "case"
    chosen = COHORT[np.concatenate([np.flatnonzero(case)[:5], np.flatnonzero(~case)[:60]])]
    assert absence_table(chosen)["patients"].to_list() == ["<11", WITHHELD]
