"""Laws over all codes: nothing said names a patient or shows a rare value, and no order of rows decides."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data import faults
from graphmml.data.check import CODES, check

RARE = {"word": "Zvonimirsson", "mail": "zvonimir@hospital.example.org", "day": "2999-07-13", "number": 98765.4321}


def spoiled(seed):
    """Plant every fault of tables at once, each with a rare value that must stay unseen."""
    rng = np.random.default_rng(seed)
    cohort = faults.duplicated(gm.make_cohort(200, site_effect=0.3, seed=seed), seed, contradictory=True)
    cohort = faults.duplicated(cohort, seed, changed=1)
    cohort = faults.gaps_by_outcome(faults.leaking_column(cohort, seed), seed, modality="rna")
    cohort = faults.shifted_units(cohort, seed, modality="labs")
    size = len(cohort)
    days = pd.Series(pd.to_datetime("2019-01-01") + pd.to_timedelta(rng.integers(0, 900, size), unit="D"))
    table = cohort.tables["clinical"].assign(
        patient_name=[f"Name {at % 9}" for at in range(size)],
        note=[f"note {at} on {name}" for at, name in enumerate(cohort.ids)],
        diagnosis_date=days.dt.strftime("%Y-%m-%d").to_numpy(),
        seen=(days + pd.Timedelta(days=3)).dt.strftime("%Y-%m-%d").to_numpy(),
        crea=np.where(rng.random(size) < 0.1, "<0.1", rng.normal(5, 1, size).round(2).astype(str)),
        chol=np.where(rng.random(size) < 0.1, 999.0, rng.normal(200, 20, size).round()),
        flat="same",
        ratio=rng.normal(size=size),
    )
    table.iloc[0, table.columns.get_indexer(["crea", "note", "seen", "ratio", "chol"])] = [
        RARE["word"], RARE["mail"], RARE["day"], np.inf, RARE["number"],
    ]  # fmt: skip
    again = table.assign(sex2=table["sex"].str.upper().where(rng.random(size) < 0.5, table["sex"]), copy=table["age"])
    return replace(cohort, tables={**cohort.tables, "clinical": again})


@pytest.mark.parametrize("seed", range(3))
def test_a_spoiled_cohort_is_found_out_and_nobody_is_named(seed):
    cohort = spoiled(seed)
    findings = check(cohort)
    told = {finding.code for finding in findings if finding.status in ("warn", "fail")}
    assert told >= {
        "GM105", "GM106", "GM107", "GM108", "GM109", "GM110", "GM111", "GM112", "GM113", "GM114", "GM115",
        "GM116", "GM502", "GM601", "GM602", "GM605", "GM801", "GM802",
    }  # fmt: skip
    for finding in findings:
        said = f"{finding.message} {finding.fix}"
        assert not any(name in said for name in cohort.ids)
        assert not any(str(value) in said for value in RARE.values())
        assert "note 0" not in said
        assert "Name 1" not in said


def test_rows_columns_and_tables_may_stand_in_any_order():
    cohort = spoiled(1)
    rows = np.random.default_rng(0).permutation(len(cohort))
    turned = cohort[rows]
    turned = replace(
        turned,
        tables={name: turned.tables[name][turned.tables[name].columns[::-1]] for name in reversed(turned.tables)},
    )
    first, second = (sorted((item.code, item.status) for item in check(one)) for one in (cohort, turned))
    assert first == second


def test_new_names_for_the_same_patients_change_no_message():
    cohort = spoiled(2)
    order = np.random.default_rng(1).permutation(len(cohort))
    names = pd.Index([f"Q{number:05d}" for number in order], dtype="str")
    renamed = replace(
        cohort,
        ids=names,
        tables={name: table.set_axis(names) for name, table in cohort.tables.items()},
        outcome=replace(cohort.outcome, values=cohort.outcome.values.set_axis(names)),
        groups=cohort.groups.set_axis(names),
    )
    # GM603 reads ids, and which of many patients in a block are compared follows their order
    first, second = ([item for item in check(one) if item.code != "GM603"] for one in (cohort, renamed))
    assert first == second


def test_no_count_below_the_smallest_cell_is_written():
    cohort = gm.make_cohort(120, seed=0)
    table = cohort.tables["labs"].assign(odd=np.where(np.arange(120) < 7, np.inf, 1.0 + np.arange(120)))
    (finding,) = [
        item for item in check(replace(cohort, tables={**cohort.tables, "labs": table})) if item.code == "GM107"
    ]
    assert finding.status == "fail"
    assert finding.message.endswith("odd (<11 cells)")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("patients", [60, 300])
def test_clean_cohorts_are_passed(seed, patients):
    findings = check(gm.make_cohort(patients, seed=seed))
    assert [item for item in findings if item.status in ("warn", "fail")] == []
    assert tuple(item.code for item in findings) == CODES
