"""Patients who stand twice are found whole, changed, rounded or in part, and nobody else is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.check import check
from graphmml.data.copies import NOBODY, copies, equal_pairs, numbered
from graphmml.data.faults import duplicated
from graphmml.data.outcome import Outcome

COPIES = ("GM104", "GM105", "GM106", "GM601")


def status_of(cohort, **options):
    status = {code: [] for code in COPIES}
    for finding in check(cohort, **options):
        if finding.code in COPIES:
            status[finding.code].append(finding.status)
    return {code: max(found, key=["n.a.", "pass", "warn", "fail"].index) for code, found in status.items()}


def message(cohort, code):
    return "; ".join(finding.message for finding in check(cohort) if finding.code == code)


@pytest.mark.parametrize("seed", range(3))
def test_clean_cohorts_have_no_copies(seed):
    assert status_of(gm.make_cohort(250, seed=seed)) == dict.fromkeys(COPIES, "pass")


@pytest.mark.parametrize("seed", range(3))
def test_whole_copies_may_sit_on_two_sides_of_a_fold(seed):
    cohort = duplicated(gm.make_cohort(250, seed=seed), seed, share=0.1)
    assert status_of(cohort) == {"GM104": "warn", "GM105": "pass", "GM106": "pass", "GM601": "fail"}
    assert "25 patient(s) repeat another one" in message(cohort, "GM104")
    assert "25 patient(s) are copies" in message(cohort, "GM601")


@pytest.mark.parametrize("seed", range(3))
def test_copies_with_changed_cells_are_found(seed):
    cohort = duplicated(gm.make_cohort(250, seed=seed), seed, share=0.1, changed=1)
    assert status_of(cohort) == {"GM104": "pass", "GM105": "warn", "GM106": "pass", "GM601": "fail"}
    assert "25 patient(s) agree with another one in 80%" in message(cohort, "GM105")


def test_rounded_copies_are_found():
    cohort = duplicated(gm.make_cohort(250, seed=4), 4, share=0.1)
    rounded = {name: table.copy() for name, table in cohort.tables.items()}
    for table in rounded.values():
        numbers = table.select_dtypes("number").columns
        table.iloc[250:, table.columns.get_indexer(numbers)] = table[numbers].iloc[250:].round(1)
    assert status_of(replace(cohort, tables=rounded))["GM105"] == "warn"


def test_copies_with_other_outcomes_contradict_each_other():
    cohort = duplicated(gm.make_cohort(250, seed=1), 1, share=0.1, contradictory=True)
    assert status_of(cohort)["GM106"] == "fail"
    assert "25 set(s)" in message(cohort, "GM106")
    assert status_of(replace(cohort, outcome=None))["GM106"] == "n.a."


def test_copies_whose_event_or_number_differs_contradict_each_other():
    cohort = gm.make_cohort(250, seed=1)
    rng = np.random.default_rng(0)
    times = pd.Series(rng.random(250), index=cohort.ids)
    events = pd.Series(rng.integers(0, 2, 250).astype(float), index=cohort.ids)
    for outcome in (Outcome("survival", times, event=events), Outcome("number", times)):
        other = replace(cohort, outcome=outcome)
        assert status_of(duplicated(other, 1))["GM106"] == "pass"
        assert status_of(duplicated(other, 1, contradictory=True))["GM106"] == "fail"


def test_a_blocking_group_holds_copies_together():
    cohort = duplicated(gm.make_cohort(250, seed=2), 2)
    found = copies(cohort, 0.8)
    person = numbered(found.whole, len(cohort))
    alone = np.arange(len(cohort)) + len(cohort)
    groups = cohort.groups.assign(person=np.where(person >= 0, person, alone).astype(str))
    held = replace(cohort, groups=groups, blocks=("person",))
    assert status_of(held) == {"GM104": "warn", "GM105": "pass", "GM106": "pass", "GM601": "pass"}
    assert status_of(replace(held, blocks=()))["GM601"] == "fail"


def test_copies_across_the_official_split_are_counted():
    clean = gm.make_cohort(250, seed=2)
    sides = pd.Series(np.where(np.arange(250) % 3 > 0, "train", "test"), index=clean.ids)
    said = message(duplicated(replace(clean, split=sides), 2), "GM601")
    assert "25 of the copies stand across the official split" in said


def planted_row(cohort, modality, source, targets):
    """Give some patients the row of another one in one modality."""
    table = cohort.tables[modality].copy()
    table.iloc[targets] = table.iloc[[source]].to_numpy()
    return replace(cohort, tables={**cohort.tables, modality: table})


def test_a_modality_of_another_patient_is_found_and_named():
    clean = gm.make_cohort(250, seed=3, missing=0.0)
    cohort = planted_row(clean, "rna", 5, [40, 80])
    assert status_of(cohort) == {"GM104": "pass", "GM105": "warn", "GM106": "pass", "GM601": "warn"}
    assert "rna (<11)" in message(cohort, "GM105")


def test_a_modality_filled_with_the_columns_means_is_called_that():
    cohort = gm.make_cohort(250, seed=3, missing=0.2)
    table = cohort.tables["rna"]
    cohort = replace(cohort, tables={**cohort.tables, "rna": table.fillna(table.mean())})
    said = message(cohort, "GM105")
    assert "nothing but the columns' means" in said
    assert "rna (49)" in said  # of fifty alike one is not one too many
    assert status_of(cohort)["GM601"] == "pass"


def test_columns_that_go_together_count_once():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(400, 1))
    ids = pd.Index([f"p{at}" for at in range(400)])
    frame = pd.DataFrame(factor + 0.001 * rng.normal(size=(400, 60)), index=ids).round(3)
    assert status_of(gm.Cohort.from_frames({"texture": frame}))["GM105"] == "pass"


def test_rows_may_stand_in_any_order():
    cohort = duplicated(gm.make_cohort(250, seed=5), 5, changed=1)
    turned = cohort[np.random.default_rng(1).permutation(len(cohort))]
    first, second = ([finding for finding in check(one) if finding.code in COPIES] for one in (cohort, turned))
    assert first == second


def test_ten_thousand_patients_need_no_comparison_of_all_pairs():
    cohort = duplicated(gm.make_cohort(10_000, seed=0), 0, share=0.01, changed=1)
    found = copies(cohort, 0.8)
    planted = {frozenset(pair) for pair in found.near.tolist()}
    assert len(planted) >= 95
    assert all(max(pair) >= 10_000 for pair in planted)


def test_equal_values_are_chained():
    values = np.array([3, 1, 3, 2, 1, 3])
    assert {tuple(sorted(pair)) for pair in equal_pairs(values).tolist()} == {(0, 2), (2, 5), (1, 4)}
    assert equal_pairs(values, np.array([0, 1, 3])).tolist() == NOBODY.tolist()
    assert numbered(equal_pairs(values), 6).tolist() == [0, 1, 0, -1, 1, 0]


def test_copies_on_one_side_of_the_official_split_do_not_stand_across_it():
    clean = gm.make_cohort(250, seed=2)
    cohort = duplicated(clean, 2)
    said = message(replace(cohort, split=pd.Series("train", index=cohort.ids)), "GM601")
    assert "official split" not in said
    assert "no blocking group" in said


def test_columns_that_tell_little_recognise_nobody():
    frame = pd.DataFrame({"flat": 1.0, "coin": np.arange(90) % 2}, index=[f"p{at}" for at in range(90)])
    assert len(copies(gm.Cohort.from_frames({"labs": frame}), 0.8).pairs) == 0


def test_of_a_crowd_of_copies_everybody_is_found():
    clean = gm.make_cohort(200, seed=6, missing=0.0)
    rows = np.where(np.arange(200) < 60, 0, np.arange(200))
    tables = {name: table.iloc[rows].set_axis(clean.ids) for name, table in clean.tables.items()}
    crowd = replace(clean, tables=tables)
    assert "59 patient(s) repeat another one" in message(crowd, "GM104")
    assert numbered(copies(crowd, 0.8).pairs, 200)[:60].tolist() == [0] * 60
