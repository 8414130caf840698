"""Each code is raised by a planted fault and silent without it."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.check import CODES, check
from graphmml.data.checks_words import setting, some
from graphmml.data.few import masked
from graphmml.data.findings import Finding, selected
from graphmml.data.outcome import Outcome
from graphmml.data.rules import RULES
from graphmml.data.telling import TOO_SMALL, level_auc, number_auc
from graphmml.data.thresholds import thresholds

PATIENTS = 240
IDS = pd.Index([f"pat{number:04d}" for number in np.random.default_rng(5).permutation(9000)[:PATIENTS]])


def clean_frames():
    """Nothing is wrong with these: the outcome is chance, the columns are plain, a few cells are empty."""
    random = np.random.default_rng(3)
    labs = pd.DataFrame(random.normal(size=(PATIENTS, 4)), index=IDS, columns=["crp", "ldh", "sodium", "iron"])
    labs["age"] = random.integers(30, 90, PATIENTS).astype(float)
    labs = labs.mask(random.random(labs.shape) < 0.03)
    clinical = pd.DataFrame(
        {"sex": random.choice(["f", "m"], PATIENTS), "stage": random.choice(["I", "II", "III"], PATIENTS)}, index=IDS
    )
    return {"labs": labs, "clinical": clinical}, pd.Series(random.choice(["no", "yes"], PATIENTS), index=IDS, name="dx")


def found(code, frames=None, outcome="chance", **options):
    """Return the findings of one code, after planting."""
    tables, labels = clean_frames()
    labels = labels if isinstance(outcome, str) else outcome
    cohort = gm.Cohort.from_frames(tables if frames is None else frames, labels, **options)
    return [finding for finding in check(cohort) if finding.code == code]


def statuses(findings):
    return [finding.status for finding in findings]


def with_column(name, values, modality="labs"):
    tables, _ = clean_frames()
    tables[modality][name] = values
    return tables


def test_a_clean_cohort_passes_every_code_once():
    tables, outcome = clean_frames()
    findings = check(gm.Cohort.from_frames(tables, outcome))
    assert tuple(finding.code for finding in findings) == CODES
    ungrouped = {"GM115", "GM403", "GM503", "GM605"}
    assert {finding.code for finding in findings if finding.status == "n.a."} == ungrouped
    assert {finding.status for finding in findings} == {"pass", "n.a."}
    assert all(finding.message and not finding.fix for finding in findings)


def test_every_code_has_its_rule():
    assert set(RULES) == set(CODES)
    for code, rule in RULES.items():
        assert rule.code == code
        assert all([rule.title, rule.meaning, rule.example, rule.fix])


def test_without_an_outcome_its_codes_do_not_apply():
    tables, _ = clean_frames()
    status = {finding.code: finding.status for finding in check(gm.Cohort.from_frames(tables))}
    about_outcome = {"GM106", "GM120", "GM121", "GM122", "GM123", "GM124", "GM403", "GM502", "GM602", "GM603", "GM604"}
    about_outcome |= {"GM115", "GM503", "GM605"}  # nor is there a group or a date
    assert {code for code in status if status[code] == "n.a."} == about_outcome
    assert {status[code] for code in status if code not in about_outcome} == {"pass"}


def test_checking_needs_no_torch():
    code = (
        "import sys, graphmml as gm; gm.check(gm.make_cohort(60)); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'networkx', 'numba', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- tables


def test_gm101_counts_rows_of_nobody():
    _, outcome = clean_frames()
    more = pd.concat([outcome, pd.Series("no", index=[f"stranger{at}" for at in range(3)])]).rename("dx")
    (finding,) = found("GM101", outcome=more)
    assert finding.status == "warn"
    assert "<11 rows of the outcome" in finding.message


@pytest.mark.parametrize("spelled", ["<0.1", "12 mg", "pending", ">90", "1e3 U/l"])
def test_gm108_finds_numbers_spoiled_by_a_few_words(spelled):
    values = np.where(np.arange(PATIENTS) % 12 == 0, spelled, np.random.default_rng(0).normal(5, 1, PATIENTS).round(2))
    (finding,) = found("GM108", with_column("crea", values))
    assert finding.status == "warn"
    assert "crea" in finding.message
    assert ('na = ["pending"]' in finding.fix) == (spelled == "pending")


@pytest.mark.parametrize(
    ("spelled", "said"),
    [
        ("<0.1", "20 with < or >"),
        (">=90", "20 with < or >"),
        ("12 mg", "20 with a unit"),
        ("5%", "20 with a unit"),
        ("1,234.5", "20 with separators of thousands"),
        ("1.234,5", "20 with separators of thousands"),
        ("1,5", "20 with a decimal comma"),
        ("pending", "21 with words or signs"),
    ],
)
def test_gm108_says_in_which_format_how_many_are_written(spelled, said):
    values = np.random.default_rng(0).normal(5, 1, PATIENTS).round(2).astype(str).astype(object)
    values[::12] = spelled
    values[1] = "n/d"  # a decimal comma alone is refused at reading
    (finding,) = found("GM108", with_column("crea", values))
    assert said in finding.message


def test_gm108_does_not_show_a_rare_word():
    values = np.random.default_rng(0).normal(5, 1, PATIENTS).round(2).astype(str).astype(object)
    values[:3] = "see letter of Mr Smith"
    (finding,) = found("GM108", with_column("crea", values))
    assert finding.status == "warn"
    assert "Smith" not in finding.message + finding.fix


def test_gm108_leaves_codes_and_names_alone():
    random = np.random.default_rng(0)
    codes = np.where(random.random(PATIENTS) < 0.1, "V57", random.integers(1, 30, PATIENTS).astype(str))
    assert statuses(found("GM108", with_column("icd", codes))) == ["pass"]
    assert statuses(found("GM108", with_column("band", random.choice(["[0-10)", "[10-20)"], PATIENTS)))) == ["pass"]


@pytest.mark.parametrize(("one", "other"), [("Male", "male"), ("not known", "Not  Known")])
def test_gm109_finds_two_spellings(one, other):
    (finding,) = found("GM109", with_column("sex2", np.random.default_rng(0).choice([one, other, "x"], PATIENTS)))
    assert finding.status == "warn"
    assert "sex2" in finding.message


def test_gm109_finds_two_spellings_of_a_code_and_of_a_class():
    tables, outcome = clean_frames()
    tables["labs"]["CRP"] = tables["labs"]["crp"].to_numpy()[::-1]
    assert statuses(found("GM109", tables)) == ["warn"]
    outcome[:60] = outcome[:60].str.upper()
    assert statuses(found("GM109", outcome=outcome)) == ["fail"]


@pytest.mark.parametrize("mark", [-9, -99, 999, 9999, 0])
def test_gm110_finds_marks_of_missing(mark):
    values = np.random.default_rng(0).normal(200, 20, PATIENTS).round()
    assert statuses(found("GM110", with_column("chol", values))) == ["pass"]
    values[:24] = mark
    (finding,) = found("GM110", with_column("chol", values))
    assert finding.status == "warn"
    assert f"chol = {mark} in 24 patients" in finding.message
    assert finding.fix == f'na = ["{mark}"] under [modality.labs]'


def test_gm110_finds_a_single_impossible_zero_and_hides_how_single_it_is():
    values = np.random.default_rng(0).normal(130, 15, PATIENTS).round()
    values[7] = 0
    (finding,) = found("GM110", with_column("pressure", values))
    assert "pressure = 0 in <11 patients" in finding.message


def test_gm110_shows_no_value_of_few_patients_that_is_no_usual_mark():
    values = np.random.default_rng(0).normal(50, 5, PATIENTS)
    values[:7] = 777
    (finding,) = found("GM110", with_column("x", values))
    assert "777" not in finding.message


def test_gm110_finds_a_spike_that_is_no_usual_mark_and_nine_beside_yes_and_no():
    random = np.random.default_rng(0)
    values = random.normal(50, 5, PATIENTS)
    values[:20] = 777
    assert statuses(found("GM110", with_column("x", values))) == ["warn"]
    unknown = np.where(np.arange(PATIENTS) < 20, 9, random.integers(0, 2, PATIENTS))
    assert statuses(found("GM110", with_column("x", unknown))) == ["warn"]


def test_gm110_does_not_offer_na_where_another_column_holds_the_number_truly():
    tables = with_column("chol", np.where(np.arange(PATIENTS) < 24, 0, np.arange(PATIENTS) % 60 + 150))
    tables["labs"]["smokes"] = np.arange(PATIENTS) % 2
    (finding,) = found("GM110", tables)
    assert "chol" in finding.fix
    assert "smokes" in finding.fix
    assert not finding.fix.startswith("na")


@pytest.mark.parametrize("kind", ["poisson", "binary", "rare", "capped"])
def test_gm110_leaves_counts_and_codes_alone(kind):
    random = np.random.default_rng(2)
    values = {
        "poisson": random.poisson(2, PATIENTS),
        "binary": (random.random(PATIENTS) < 0.1).astype(int),
        "rare": np.where(random.random(PATIENTS) < 0.05, 3, 0),
        "capped": np.minimum(random.normal(100, 20, PATIENTS).round(), 120),
    }[kind]
    assert statuses(found("GM110", with_column("x", values))) == ["pass"]


def test_gm111_finds_columns_that_do_not_vary():
    tables = with_column("flat", 1.0)
    tables["labs"]["empty"] = np.nan
    (finding,) = found("GM111", tables)
    assert finding.status == "warn"
    assert finding.fix == 'drop = ["empty", "flat"] under [modality.labs]'


def test_gm112_finds_a_copy_in_its_own_table_and_in_another():
    tables, _ = clean_frames()
    tables["labs"]["ldh_1"] = tables["labs"]["ldh"]
    tables["clinical"]["gender"] = tables["clinical"]["sex"]
    tables["extra"] = tables["labs"][["crp"]].rename(columns={"crp": "CRP again"})
    findings = found("GM112", tables)
    assert statuses(findings) == ["warn"] * 3
    assert "ldh_1 = labs.ldh" in findings[0].message


def test_gm112_lets_rare_codes_coincide():
    tables = with_column("rare1", np.arange(PATIENTS) == 3)
    tables["labs"]["rare2"] = np.arange(PATIENTS) == 3
    assert statuses(found("GM112", tables)) == ["pass"]


def test_gm113_finds_free_text_and_long_lists_of_codes():
    (text,) = found("GM113", with_column("note", [f"seen on day {at * 7}" for at in range(PATIENTS)]))
    assert "drop" in text.fix
    (limits,) = found("GM113", with_column("crp", [f"<{at}" if at % 3 else f"{at}" for at in range(PATIENTS)]))
    assert limits.status == "pass"  # GM108 says what to do with it
    (codes,) = found("GM113", with_column("icd", [f"C{at % 60}" for at in range(PATIENTS)]))
    assert "60 levels" in codes.message
    assert "shorten" in codes.fix


# --- outcome and modalities


def test_gm120_wants_an_outcome_that_varies():
    assert statuses(found("GM120", outcome=pd.Series("yes", index=IDS))) == ["fail"]
    assert statuses(found("GM120", outcome=pd.Series(1.0, index=IDS), kind="number")) == ["fail"]
    assert statuses(found("GM120", outcome=pd.Series(np.nan, index=IDS), kind="number")) == ["fail"]


@pytest.mark.parametrize(("size", "status"), [(3, "fail"), (7, "warn"), (12, "pass")])
def test_gm121_judges_the_smallest_class(size, status):
    _, outcome = clean_frames()
    outcome[:size] = "rare"
    (finding,) = found("GM121", outcome=outcome)
    assert finding.status == status
    assert str(size) not in finding.message.replace("<11", "")


def survival(events, cohort):
    random = np.random.default_rng(0)
    event = pd.Series(np.arange(PATIENTS) < events, index=cohort.ids).astype(float)
    return replace(
        cohort, outcome=Outcome("survival", pd.Series(random.random(PATIENTS), index=cohort.ids), event=event)
    )


@pytest.mark.parametrize(
    ("events", "varies", "enough"), [(0, "fail", "fail"), (7, "pass", "warn"), (90, "pass", "pass")]
)
def test_survival_is_judged_by_its_events(events, varies, enough):
    tables, _ = clean_frames()
    status = {item.code: item.status for item in check(survival(events, gm.Cohort.from_frames(tables)))}
    assert (status["GM120"], status["GM121"]) == (varies, enough)


def test_gm121_counts_known_numbers():
    few = pd.Series(np.where(np.arange(PATIENTS) < 7, np.arange(PATIENTS), np.nan), index=IDS)
    assert statuses(found("GM121", outcome=few, kind="number")) == ["warn"]
    assert found("GM602", outcome=few, kind="number")[0].message == TOO_SMALL


def test_gm122_says_how_many_have_no_outcome():
    _, outcome = clean_frames()
    outcome[:40] = None
    (finding,) = found("GM122", outcome=outcome)
    assert finding.status == "pass"
    assert "40 of 240" in finding.message


def test_gm501_finds_a_modality_that_most_lack():
    tables, _ = clean_frames()
    tables["labs"] = tables["labs"][:100]
    (finding,) = found("GM501", tables)
    assert finding.status == "warn"
    assert "140 of 240" in finding.message


# --- leaks


def test_gm502_finds_gaps_that_follow_the_outcome():
    tables, outcome = clean_frames()
    tables["labs"].loc[(outcome == "yes") & (np.arange(PATIENTS) % 3 > 0), "iron"] = np.nan
    (column,) = found("GM502", tables)
    assert column.status == "warn"
    assert "iron" in column.message
    tables, _ = clean_frames()
    tables["labs"] = tables["labs"][(outcome == "yes") | (np.arange(PATIENTS) % 3 > 0)]
    (modality,) = found("GM502", tables)
    assert "whether modality 'labs' is there" in modality.message


@pytest.mark.parametrize("noise", [0.0, 0.35])
def test_gm602_finds_a_number_that_is_the_outcome(noise):
    _, outcome = clean_frames()
    leak = -(outcome == "yes").astype(float) + noise * np.random.default_rng(0).normal(size=PATIENTS)
    (finding,) = found("GM602", with_column("followup", leak))
    assert finding.status == ("warn" if noise else "fail")
    assert finding.fix.endswith('drop = ["followup"] under [modality.labs]')


def test_gm602_finds_a_name_that_is_the_outcome_but_no_id():
    _, outcome = clean_frames()
    leak = np.where(outcome == "yes", "surgery", "none")
    assert statuses(found("GM602", with_column("therapy", leak, "clinical"))) == ["fail"]
    ids = [f"visit {at}" for at in range(PATIENTS)]
    assert statuses(found("GM602", with_column("visit", ids, "clinical"))) == ["pass"]


def test_gm602_asks_for_every_class_in_turn():
    outcome = pd.Series(np.random.default_rng(0).choice(["a", "b", "c"], PATIENTS), index=IDS)
    frames = with_column("middle", (outcome == "b").astype(float))
    assert statuses(found("GM602", frames, outcome)) == ["fail"]


def test_gm602_reads_numbers_and_survival_too():
    values = pd.Series(np.random.default_rng(0).normal(size=PATIENTS), index=IDS, name="score")
    frames = with_column("copy", 2 * values)
    assert statuses(found("GM602", frames, values, kind="number")) == ["fail"]
    cohort = survival(200, gm.Cohort.from_frames(clean_frames()[0]))
    tables = dict(cohort.tables)
    tables["labs"] = tables["labs"].assign(death=cohort.outcome.values)
    status = [item.status for item in check(replace(cohort, tables=tables)) if item.code == "GM602"]
    assert status == ["fail"]


def test_columns_known_for_hardly_anybody_are_not_judged():
    _, outcome = clean_frames()
    case = (outcome == "yes").to_numpy()
    target = (np.arange(PATIENTS), case)
    few = np.arange(PATIENTS) < 8
    assert number_auc(np.where(few, case, np.nan), target, 1) == 0.5
    assert level_auc(np.where(few, case, -1).astype(int), target, 1) == 0.5


def test_gm603_finds_rows_and_ids_in_order_of_the_outcome():
    tables, outcome = clean_frames()
    order = outcome.sort_values(kind="stable").index
    (rows,) = found("GM603", {name: table.loc[order] for name, table in tables.items()})
    assert rows.status == "warn"
    assert "order of rows" in rows.message
    renamed = {
        old: f"{'k' if outcome[old] == 'yes' else 'c'}{at:03d}x"
        for at, old in enumerate(np.random.default_rng(1).permutation(IDS))
    }
    (letters,) = found(
        "GM603", {name: table.rename(index=renamed) for name, table in tables.items()}, outcome.rename(index=renamed)
    )
    assert "letters of ids" in letters.message
    word = {
        old: new.replace("0", "o") if at % 2 else "q" + "ab"[outcome[old] == "yes"] + chr(97 + at % 26) * (1 + at // 26)
        for at, (old, new) in enumerate(renamed.items())
    }
    (words,) = found(
        "GM603", {name: table.rename(index=word) for name, table in tables.items()}, outcome.rename(index=word)
    )
    assert words.status == "warn"


# --- what is said


def test_nothing_said_names_a_patient():
    tables, outcome = clean_frames()
    tables["labs"].index = [name.upper() if at < 20 else name for at, name in enumerate(IDS)]
    tables["labs"]["leak"] = (outcome == "yes").to_numpy(dtype=float)
    tables["labs"]["note"] = [f"written about {name}" for name in IDS]
    for finding in check(gm.Cohort.from_frames(tables, outcome)):
        said = finding.message + finding.fix
        assert not any(name.casefold() in said.casefold() for name in IDS)


def test_the_order_of_columns_and_rows_changes_no_verdict():
    tables, outcome = clean_frames()
    tables["labs"]["leak"] = (outcome == "yes").astype(float)
    tables["labs"].loc[IDS[:30], "age"] = 999
    turned = {name: table[table.columns[::-1]] for name, table in reversed(tables.items())}
    first, second = (
        sorted((item.code, item.status) for item in check(gm.Cohort.from_frames(frames, outcome)))
        for frames in (tables, turned)
    )
    assert first == second


def test_a_finding_becomes_plain_json():
    assert Finding("GM101", "warn", "a", "b").to_dict() == {
        "code": "GM101",
        "status": "warn",
        "message": "a",
        "fix": "b",
    }


def test_words():
    assert [masked(count, min_cell=11) for count in (0, 1, 10, 11)] == ["0", "<11", "<11", "11"]
    assert masked(3, min_cell=1) == "3"
    assert some(list("abcdefghij")).endswith("h ... (+2)")
    assert setting("drop", ['a "b"'], "labs") == 'drop = ["a \\"b\\""] under [modality.labs]'
    assert setting("drop", list("abcdefghij"), "labs").endswith(", ...] under [modality.labs]")


def test_limits_decide_the_verdicts(tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text("[GM113]\nlevels = 2\n\n[GM121]\nwarn = 1000\nfail = 500\n")
    tables, outcome = clean_frames()
    findings = check(gm.Cohort.from_frames(tables, outcome), limit=thresholds(file=file))
    assert {finding.code for finding in findings if finding.status in ("warn", "fail")} == {"GM113", "GM121"}


def test_every_count_is_shown_where_one_patient_may_be():
    _, outcome = clean_frames()
    outcome[:3] = "rare"
    cohort = gm.Cohort.from_frames(clean_frames()[0], outcome)
    shown, hidden = (
        next(finding.message for finding in check(cohort, min_cell=size) if finding.code == "GM121") for size in (1, 11)
    )
    assert "only 3 patients" in shown
    assert "only <11 patients" in hidden


@pytest.mark.parametrize("word", ["NA", "nan", "None", "Unknown", "?", "."])
def test_a_class_spelt_like_missing_is_told_and_what_to_write(word):
    outcome = clean_frames()[1]
    assert statuses(found("GM124", outcome=outcome.replace("no", "none"))) == ["pass"]
    outcome[:40], outcome[40:45] = word, "NULL"
    (finding,) = found("GM124", outcome=outcome)
    assert finding.status == "warn"
    assert f"'{word}' (40 patients)" in finding.message
    assert "'NULL' (<11 patients)" in finding.message
    assert f'"{word}"' in finding.fix
    assert 'na = ["' in finding.fix
    outcome[:45] = None
    assert statuses(found("GM124", outcome=outcome)) == ["pass"]


def test_numbers_have_no_class_spelt_like_missing():
    outcome = pd.Series(np.arange(PATIENTS, dtype=float), index=IDS)
    assert statuses(found("GM124", outcome=outcome, kind="number")) == ["n.a."]


def test_findings_are_selected_by_the_beginning_of_their_code():
    findings = [Finding(code, "pass", "a") for code in CODES]
    assert selected(findings, CODES) == tuple(findings)
    assert [item.code[-3:] for item in selected(findings, CODES, select=["GM12"])] == [
        "120",
        "121",
        "122",
        "123",
        "124",
    ]
    left = selected(findings, CODES, select=["GM12"], ignore=["GM121", "GM5"])
    assert [item.code for item in left] == ["GM120", "GM122", "GM123", "GM124"]
    for given in ({"select": ["GM9"]}, {"ignore": ["gm103"]}, {"select": [""]}):
        with pytest.raises(gm.CohortError, match=r"no code begins with .*GM101"):
            selected(findings, CODES, **given)


# --- real cohorts


@pytest.mark.cohorts
def test_impossible_zeros_of_the_heart_cohort_are_found(cohorts):
    findings = check(gm.read_cohort(cohorts / "heart_disease"))
    said = " ".join(finding.message for finding in findings if finding.code == "GM110")
    assert "chol = 0 in 172 patients" in said
    assert "trestbps = 0" in said


@pytest.mark.cohorts
def test_seventy_thousand_patients_are_checked_without_a_false_failure(cohorts):
    findings = check(gm.read_cohort(cohorts / "diabetes130"))
    assert "fail" not in statuses(findings)
    assert statuses([finding for finding in findings if finding.code == "GM104"]) == ["pass"]


def test_a_column_filled_for_cases_alone_fails():
    tables, outcome = clean_frames()
    tables["labs"]["biopsy"] = np.where(outcome == "yes", np.arange(PATIENTS) % 17, np.nan)
    assert "fail" in statuses(found("GM502", tables))
