"""Each planted fault changes what it says, and the cohort that it was planted in stays as it was."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data import faults
from graphmml.data.check import check
from graphmml.data.outcome import Outcome

COHORT = gm.make_cohort(200, seed=3)
PLANTED = {
    "GM602": faults.leaking_column,
    "GM601": faults.duplicated,
    "GM106": lambda cohort, seed: faults.duplicated(cohort, seed, contradictory=True),
    "GM105": lambda cohort, seed: faults.duplicated(cohort, seed, changed=1),
    "GM502": faults.gaps_by_outcome,
    "GM115": faults.shifted_units,
    "GM103": faults.lost_zeros,
    "GM403": faults.site_only,
}


@pytest.mark.parametrize("code", PLANTED)
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_fault_is_found_by_its_code(code, seed):
    before = COHORT.fingerprint
    planted = PLANTED[code](COHORT, seed)
    assert COHORT.fingerprint == before
    assert planted.fingerprint == PLANTED[code](COHORT, seed).fingerprint
    assert planted.fingerprint != PLANTED[code](COHORT, seed + 1).fingerprint
    status = [finding.status for finding in check(planted) if finding.code == code]
    assert set(status) & {"warn", "fail"}
    assert [finding.status for finding in check(COHORT) if finding.code == code] == ["pass"]


def test_copies_are_appended_under_ids_of_the_same_kind():
    planted = faults.duplicated(COHORT, 0, share=0.2, contradictory=True)
    assert len(planted) == 240
    assert planted.ids.is_unique
    assert planted.ids.str.fullmatch(r"P\d{4}").all()
    assert planted[:200].fingerprint == COHORT.fingerprint
    rows = {row.tobytes(): at for at, row in enumerate(COHORT.tables["labs"].to_numpy())}
    for at in range(200, 240):
        original = rows[planted.tables["labs"].iloc[at].to_numpy().tobytes()]
        assert planted.outcome.values.iloc[at] != COHORT.outcome.values.iloc[original]


def test_copies_stand_on_the_other_side_of_a_split_and_turn_events():
    event = pd.Series((np.arange(200) % 2).astype(float), index=COHORT.ids)
    timed = replace(
        COHORT,
        outcome=Outcome("survival", pd.Series(np.arange(200.0), index=COHORT.ids), event=event),
        split=pd.Series("train", index=COHORT.ids),
    )
    planted = faults.duplicated(timed, 0, contradictory=True)
    assert set(planted.split[200:]) == {"test"}
    for at in range(200, len(planted)):
        original = int(planted.outcome.values.iloc[at])
        assert planted.outcome.event.iloc[at] == 1 - event.iloc[original]


def test_ids_run_out_and_are_made_longer():
    short = gm.Cohort.from_frames({"x": pd.DataFrame({"a": np.arange(10.0)}, index=[str(at) for at in range(10)])})
    planted = faults.duplicated(short, 0, share=1.0)
    assert planted.ids.is_unique
    assert len(planted) == 20


def test_gaps_are_where_the_shares_say():
    planted = faults.gaps_by_outcome(COHORT, 0, modality="labs", cases_lack=1.0, others_lack=0.0)
    case = (COHORT.outcome.values == "case").to_numpy()
    assert (planted.present[:, 1] == ~case).all()


def test_units_change_at_one_site_in_one_column():
    planted = faults.shifted_units(COHORT, 5, factor=10.0, modality="labs")
    before, after = COHORT.tables["labs"], planted.tables["labs"]
    changed = (before.fillna(-1) != after.fillna(-1)).any()
    assert changed.sum() == 1
    rows = (before[changed.index[changed]].fillna(-1) != after[changed.index[changed]].fillna(-1)).to_numpy()[:, 0]
    assert COHORT.groups["site"][rows].nunique() == 1


def test_lost_zeros_part_a_modality_from_the_rest():
    planted = faults.lost_zeros(COHORT, 0, modality="labs")
    here = planted.present[:, 1]
    assert not planted.present[here][:, [0, 2]].any()
    assert not planted.ids[here].str.startswith("0").any()
    assert planted.ids[~here].str.startswith("0").all()
    joined = planted.tables["labs"][here].rename(lambda name: f"{int(name):07d}")
    again = planted.tables["clinical"].reindex(joined.index)
    assert pd.util.hash_pandas_object(again["age"], index=False).sum() == (
        pd.util.hash_pandas_object(COHORT.tables["clinical"]["age"], index=False).sum()
    )


def test_site_only_leaves_nothing_within_a_site():
    planted = faults.site_only(gm.make_cohort(2000, seed=0), 1)
    case = (planted.outcome.values == "case").to_numpy()
    shares = [case[(planted.groups["site"] == site).to_numpy()].mean() for site in sorted(set(planted.groups["site"]))]
    assert shares == sorted(shares)
    assert shares[0] < 0.2
    assert shares[-1] > 0.8
    inner = (planted.groups["site"] == "site 1").to_numpy()
    labs = planted.tables["labs"][inner]
    apart = (labs[case[inner]].mean() - labs[~case[inner]].mean()).abs() / labs.std()
    assert apart.max() < 0.5


def test_hardly_measured_patients_keep_few_cells():
    planted = faults.hardly_measured(COHORT, 0, share=0.3, cells=1.0)
    assert 0.2 < (~planted.present.any(axis=1)).mean() < 0.4


def test_a_fault_that_cannot_be_planted_says_why():
    without = replace(COHORT, outcome=None, groups=pd.DataFrame())
    with pytest.raises(gm.CohortError, match="no outcome"):
        faults.leaking_column(without)
    for plant in (faults.shifted_units, faults.site_only):
        with pytest.raises(gm.CohortError, match="no group 'site'"):
            plant(without)
    names = replace(COHORT, tables={"clinical": COHORT.tables["clinical"][["sex"]]})
    with pytest.raises(gm.CohortError, match="no column of positive numbers"):
        faults.shifted_units(names)


def test_cases_are_events_or_the_upper_half():
    ids = COHORT.ids
    event = pd.Series((np.arange(200) < 50).astype(float), index=ids)
    timed = replace(COHORT, outcome=Outcome("survival", pd.Series(1.0, index=ids), event=event))
    assert (faults.cases(timed) == (np.arange(200) < 50)).all()
    number = replace(COHORT, outcome=Outcome("number", pd.Series(np.arange(200.0), index=ids)))
    assert (faults.cases(number) == (np.arange(200) >= 100)).all()
    turned = faults.duplicated(number, 0, contradictory=True).outcome.values
    assert not turned[200:].isin(turned[:200]).any()
    without = faults.lost_zeros(replace(COHORT, outcome=None), 0)
    assert without.outcome is None
    assert faults.lost_zeros(timed, 0).outcome.event.sum() == 50
