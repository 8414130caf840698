"""Patients entered twice are found, chance likenesses are not, and sides are told apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.copies import copies
from graphmml.data.faults import duplicated
from graphmml.report.panel.twins import TWINS, in_mixed_sets

CODE = "GM610"
LINKS = gm.Neighbours(k=5)


def test_patients_in_sets_of_several_values():
    member = np.array([0, 0, 1, 1, -1, 2, 2, 2])
    values = np.array([1, 0, 1, 1, 0, 1, -1, 1])
    assert in_mixed_sets(member, values) == 2
    assert in_mixed_sets(member, np.full(8, -1)) == 0


def split_of(cohort, seed):
    """Two thirds train, the others test."""
    drawn = np.random.default_rng(seed).random(len(cohort)) < 0.66
    return replace(cohort, split=pd.Series(np.where(drawn, "train", "test"), index=cohort.ids))


@pytest.mark.parametrize("seed", range(20))
def test_planted_duplicates_are_found_and_clean_cohorts_pass(asked, seed):
    clean = gm.make_cohort(200, seed=seed)
    assert asked(TWINS, clean, LINKS)[1][CODE].status == "pass"
    measures, findings = asked(TWINS, duplicated(clean, seed), LINKS)
    assert findings[CODE].status == "warn"
    assert measures["twins"]["patients"] == "40"
    assert measures["twins"]["linked"] == "40"
    assert measures["twins"]["contradictory"] == "0"
    measures, findings = asked(TWINS, duplicated(split_of(clean, seed), seed, contradictory=True), LINKS)
    assert findings[CODE].status == "fail"
    assert measures["twins"]["across"] == measures["twins"]["contradictory"] == "40"


def test_few_are_not_counted_and_nobody_is_named(asked):
    cohort = duplicated(gm.make_cohort(200, seed=1), 1, share=0.01)
    measures, findings = asked(TWINS, cohort, LINKS)
    assert measures["twins"]["patients"] == "<11"
    assert not any(name in findings[CODE].message for name in cohort.ids)


def test_twins_whom_a_blocking_group_keeps_together_are_on_one_side(asked):
    cohort = duplicated(gm.make_cohort(200, seed=2), 2)
    person = copies(cohort, 0.9).sets(len(cohort))
    person = np.where(person < 0, np.arange(len(cohort)) + 1000, person).astype(str)
    together = replace(cohort, groups=cohort.groups.assign(person=person), blocks=("person",))
    assert asked(TWINS, cohort, LINKS)[0]["twins"]["across"] != "0"
    measures, findings = asked(TWINS, together, LINKS)
    assert measures["twins"]["across"] == "0"
    assert findings[CODE].status == "warn"
    assert "sides" not in findings[CODE].message


@pytest.mark.parametrize("seed", range(5))
def test_a_few_coarse_columns_make_nobody_a_twin(asked, seed):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.integers(2, size=(400, 8)).astype(str), columns=list("abcdefgh"))
    cohort = gm.Cohort.from_frames({"signs": frame.set_axis([f"p{at}" for at in range(400)])})
    assert asked(TWINS, cohort, LINKS)[1][CODE].status == "pass"


def test_rare_codes_that_are_encoded_alike_make_nobody_a_twin(asked):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"c{at}": random.permutation(300).astype(str) for at in range(8)})
    cohort = gm.Cohort.from_frames({"codes": frame.set_axis([f"p{at}" for at in range(300)])})
    assert asked(TWINS, cohort, LINKS)[1][CODE].status == "pass"


def test_who_has_nothing_is_nobodys_twin(asked):
    cohort = gm.make_cohort(100, seed=3)
    kept = np.arange(100) >= 20
    empty = {name: table[kept].reindex(cohort.ids) for name, table in cohort.tables.items()}
    assert asked(TWINS, replace(cohort, tables=empty), LINKS)[1][CODE].status == "pass"
