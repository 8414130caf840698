"""What is planted by site is found as site's, in words; what is not there is not found."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.faults import site_only
from graphmml.data.outcome import Outcome
from graphmml.data.thresholds import thresholds
from graphmml.report.diagnosis import Diagnosis
from graphmml.report.panel.confounding import CONFOUNDING
from graphmml.report.panel.labels import LABELS
from graphmml.report.panel.numbers import NUMBERS
from graphmml.report.panel.panel import lines_of
from graphmml.report.panel.pattern import gap_patterns
from graphmml.report.panel.prevalence import correlation_ratio
from graphmml.report.panel.relation import RELATION
from graphmml.report.within import all_strata

LINKS = gm.Neighbours("labs", k=8)


def made(seed=0, patients=240, shift=4.0, kind="number", signal=0.0, by_site=1.5):
    """Patients of four sites whose labs follow the site; the outcome follows the site and, by `signal`, labs."""
    random = np.random.default_rng(seed)
    site = np.arange(patients) % 4
    labs = random.normal(size=(patients, 5))
    labs[:, :4] += shift * np.eye(4)[site]
    level = by_site * site + signal * labs[:, 4] + random.normal(size=patients)
    ids = pd.Index([f"secret{number:04d}" for number in random.permutation(patients)])
    groups = pd.DataFrame({"site": np.array(["north", "south", "west", "east"])[site]}, index=ids)
    cohort = gm.Cohort.from_frames({"labs": pd.DataFrame(labs, index=ids)}, groups=groups)
    if kind == "number":
        return replace(cohort, outcome=Outcome("number", pd.Series(level, index=ids), name="score"))
    time = pd.Series(random.exponential(np.exp(-level)), index=ids)
    event = pd.Series((random.random(patients) < 0.7).astype(float), index=ids)
    return replace(cohort, outcome=Outcome("survival", time, event, name="death"))


def found(result: Diagnosis, code: str):
    return [finding for finding in result.findings if finding.code == code]


def only(result: Diagnosis, code: str):
    (finding,) = found(result, code)
    return finding


@pytest.mark.parametrize("kind", ["number", "survival"])
@pytest.mark.parametrize("seed", range(3))
def test_a_signal_of_site_alone_fails_for_numbers_and_survival_times(kind, seed):
    result = gm.diagnose(made(seed, kind=kind), LINKS)
    assert only(result, "GM301").status == "pass"
    assert only(result, "GM401").status == "fail"
    assert only(result, "GM403").status == "warn"
    assert "ranges from" in only(result, "GM403").message
    assert result.measures["numbers"]["moran"] > 0.2 > abs(result.measures["numbers"]["moran_within"]["site"])


@pytest.mark.parametrize("kind", ["number", "survival"])
def test_a_signal_beside_the_site_does_not_fail(kind):
    result = gm.diagnose(made(kind=kind, shift=0.0, signal=2.0, by_site=0.0, patients=400), LINKS)
    assert only(result, "GM301").status == "pass"
    assert only(result, "GM401").status == "pass"
    assert only(result, "GM403").status == "pass"


@pytest.mark.parametrize("kind", ["number", "survival"])
def test_numbers_by_chance_are_no_signal(kind):
    results = [gm.diagnose(made(seed, 120, 0.0, kind, by_site=0.0), LINKS) for seed in range(10)]
    assert [only(result, "GM301").status for result in results].count("warn") >= 8
    assert all(only(result, "GM401").status == "pass" for result in results)
    text = repr(results[0]) + json.dumps(results[0].to_json(), allow_nan=False)
    assert "secret" not in text
    assert max(map(len, lines_of(dict(results[0].measures), (NUMBERS, LABELS)))) <= 100


def test_numbers_and_times_are_described_in_the_summary():
    assert "score (values" in gm.diagnose(made(), LINKS).summary()
    assert "death (martingale residuals" in gm.diagnose(made(kind="survival"), LINKS).summary()
    assert "go without death" in only(gm.diagnose(made(kind="survival"), LINKS), "GM301").message


@pytest.mark.parametrize("seed", range(3))
def test_the_planted_fault_of_a_site_is_found(seed):
    assert only(gm.diagnose(site_only(gm.make_cohort(300, seed=seed), seed)), "GM401").status == "fail"


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_cohort_has_no_warning_of_labels_or_groups(seed):
    told = [finding for finding in gm.diagnose(gm.make_cohort(300, seed=seed)).findings if finding.code[2] in "34"]
    assert not [finding for finding in told if finding.status in ("warn", "fail")]


def test_several_groups_are_also_crossed_where_that_leaves_strata():
    cohort = gm.make_cohort(300)
    sex = pd.Series(np.where(np.arange(300) % 2, "f", "m"), index=cohort.ids)
    person = pd.Series(np.arange(300).astype(str), index=cohort.ids)
    groups = cohort.groups.assign(sex=sex, person=person)
    result = gm.diagnose(replace(cohort, groups=groups))
    row = result.measures["homophily"]["outcome:dx"]
    assert list(row["p_within"]) == ["site", "sex", "person", "site x sex"]
    assert np.isnan(row["p_within"]["person"])
    assert row["p_within"]["site x sex"] < 0.05
    assert row["within"]["site x sex"] == pytest.approx(row["adjusted"], abs=0.03)
    assert len(found(result, "GM401")) == 3
    assert "site x sex" in " ".join(result.frame().columns)


def test_prevalence_is_said_of_the_sites_that_have_it_least_and_most_and_not_of_few_patients():
    cohort = gm.make_cohort(400, signal=0.0, site_effect=2.0, seed=1)
    site = cohort.groups["site"].copy()
    site.iloc[:5] = "tiny"
    values = cohort.outcome.values.copy()
    values.iloc[:5] = "case"
    outcome = replace(cohort.outcome, values=values)
    result = gm.diagnose(replace(cohort, outcome=outcome, groups=pd.DataFrame({"site": site})))
    tie = result.measures["group_ties"]["site"]
    shares = (values == "case").groupby(site).mean().drop("tiny")
    assert (tie["lowest"]["value"], tie["highest"]["value"]) == (shares.idxmin(), shares.idxmax())
    assert tie["lowest"]["level"] == pytest.approx(shares.min())
    message = only(result, "GM403").message
    assert f"dx=case ranges from {shares.min():.0%} in {shares.idxmin()} to {shares.max():.0%}" in message
    assert "tiny" not in json.dumps([result.measures["group_ties"], message])
    assert 0.6 < tie["auroc"] < 0.9


def test_a_group_of_single_patients_is_not_held_against_the_outcome():
    cohort = gm.make_cohort(100)
    person = pd.DataFrame({"person": np.arange(100).astype(str)}, index=cohort.ids)
    assert only(gm.diagnose(replace(cohort, groups=person)), "GM403").status == "n.a."


def test_an_outcome_of_several_classes_is_told_by_its_widest_class():
    cohort = gm.make_cohort(400, seed=2)
    random = np.random.default_rng(0)
    site = cohort.groups["site"].to_numpy()
    grade = np.where(
        site == "site 1",
        random.choice(["a", "b", "c"], 400, p=[0.2, 0.2, 0.6]),
        random.choice(["a", "b", "c"], 400, p=[0.45, 0.45, 0.1]),
    )
    outcome = replace(cohort.outcome, values=pd.Series(grade, index=cohort.ids), positive=None)
    result = gm.diagnose(replace(cohort, outcome=outcome))
    assert only(result, "GM403").status == "warn"
    assert "dx=c ranges from" in only(result, "GM403").message
    assert result.measures["group_ties"]["site"]["highest"]["value"] == "site 1"


def test_the_correlation_ratio_is_kelleys_epsilon_and_its_p_is_honest():
    random = np.random.default_rng(0)
    labels, values = random.integers(0, 4, 200), random.normal(size=200)
    values = values + 0.8 * labels
    frame = pd.Series(values).groupby(labels)
    within = sum(((part - part.mean()) ** 2).sum() for _, part in frame)
    total = ((values - values.mean()) ** 2).sum()
    epsilon = 1 - within / (200 - 4) / (total / (200 - 1))
    found, p = correlation_ratio(labels, values, 0)
    assert found == pytest.approx(np.sqrt(epsilon))
    assert p == 1 / 200
    by_chance = [correlation_ratio(labels, random.normal(size=200), seed)[1] for seed in range(100)]
    assert abs(np.mean(by_chance) - 0.5) < 4 * np.sqrt(1 / 12 / 100)
    assert np.isnan(correlation_ratio(np.zeros(10, dtype=int), values[:10], 0)).all()


def test_patterns_are_of_what_some_lack_and_rare_ones_are_nobodys():
    ids = pd.Index([f"p{at}" for at in range(100)])
    table = pd.DataFrame(np.ones((100, 4)), index=ids, columns=list("abcd"))
    table.loc[ids[:30], "a"] = np.nan
    table.loc[ids[20:30], "b"] = np.nan  # ten lack both: too few to be a pattern
    table.loc[ids[50:53], "c"] = np.nan  # too few to count at all
    table["e"] = np.nan
    labels = gap_patterns(gm.Cohort.from_frames({"labs": table}))
    assert labels.tolist() == [1] * 20 + [-1] * 10 + [0] * 70


def lacking(seed, informative):
    """Patients of two sites: at one of them half of the columns were not measured."""
    random = np.random.default_rng(seed)
    site = np.arange(300) % 2
    ids = pd.Index([f"p{at:03d}" for at in range(300)])
    values = random.normal(size=(300, 6)) + 3.0
    unmeasured = site if informative else random.permutation(site)
    values[:, :3] = np.where(unmeasured[:, None] == 1, np.nan, values[:, :3])
    dx = pd.Series(np.where(random.random(300) < 0.3 + 0.4 * site, "case", "control"), index=ids, name="dx")
    groups = pd.DataFrame({"site": np.array(["n", "s"])[site]}, index=ids)
    return gm.Cohort.from_frames({"labs": pd.DataFrame(values, index=ids)}, dx, groups=groups)


@pytest.mark.parametrize("seed", range(3))
def test_links_that_follow_what_is_missing_are_named_with_what_that_goes_with(seed):
    finding = only(gm.diagnose(lacking(seed, informative=True), LINKS), "GM404")
    assert finding.status == "warn"
    assert finding.message.startswith("what is missing follows site (Cramer's V 1.00) and dx")
    finding = only(gm.diagnose(lacking(seed, informative=False), LINKS), "GM404")
    assert finding.status == "warn"
    assert "follows" not in finding.message
    mended = gm.diagnose(lacking(seed, informative=True), gm.Neighbours("labs", k=8, metric="gower"))
    assert only(mended, "GM404").status == "pass"


def test_that_a_modality_joins_only_those_who_have_it_is_no_warning():
    result = gm.diagnose(gm.make_cohort(300, missing=0.5, seed=3), gm.Neighbours(each=True))
    row = result.measures["gap_pattern"]
    assert row["adjusted"] > 0.15 > abs(row["layered"])
    assert only(result, "GM404").status == "pass"
    assert only(gm.diagnose(gm.make_cohort(100, missing=0.0)), "GM404").status == "n.a."


def test_the_summary_says_how_far_likeness_reaches_and_is_silent_where_nothing_was_measured():
    result = gm.diagnose(gm.make_cohort(200))
    lines = lines_of(dict(result.measures), (RELATION,))
    assert len(lines) == 2
    assert max(map(len, lines)) <= 100
    assert "adjusted" in lines[0]
    assert "case" in lines[1]
    assert lines_of({"homophily": {}}, (RELATION, NUMBERS, LABELS)) == []
    json.dumps(result.to_json(), allow_nan=False)


def judged(groups: int, p: float) -> list[str]:
    """Judge an outcome without signal beside groups that all have the same homophily and p."""
    outcome = {"name": "dx", "kind": "outcome", "adjusted": 0.1, "p": 0.2}
    outcome |= {part: {f"g{at}": 0.1 for at in range(groups)} for part in ("p_within", "within")}
    rows = {f"group:g{at}": {"name": f"g{at}", "kind": "group", "adjusted": 0.5, "p": p} for at in range(groups)}
    subject = SimpleNamespace(limit=thresholds(), cohort=range(100))
    return [item.status for item in CONFOUNDING.judge(subject, {"homophily": {"outcome:dx": outcome, **rows}})]


def test_the_more_groups_are_asked_the_less_one_of_them_may_owe_to_chance():
    assert judged(1, 0.04) == ["warn"]
    assert judged(5, 0.04) == ["pass"] * 5
    assert judged(5, 0.001) == ["warn"] * 5


def test_strata_that_leave_nobody_to_trade_with_are_not_asked_nor_crossed():
    known = np.arange(100) >= 10
    site, person, ward = np.arange(100) % 4, np.arange(100), np.arange(100) // 3
    found = all_strata({"site": site, "person": person, "ward": ward, "sex": np.arange(100) % 3}, known)
    assert found["person"] is None
    assert found["ward"] is None
    assert list(found) == ["site", "person", "ward", "sex", "site x sex"]
    pairs = {(a, b): c for a, b, c in zip(site, np.arange(100) % 3, found["site x sex"], strict=True)}
    assert len(set(pairs.values())) == len(pairs) == 12
    assert list(all_strata({"site": site, "person": person}, known)) == ["site", "person"]
    assert all_strata({"site": site}, np.zeros(100, dtype=bool))["site"] is None


def test_events_are_held_against_those_expected_at_each_site():
    cohort = made(kind="survival", by_site=1.0)
    tie = gm.diagnose(cohort, LINKS).measures["group_ties"]["site"]
    time, event = cohort.outcome.values.to_numpy(), cohort.outcome.event.to_numpy()
    expected = np.zeros(len(time))
    for at in range(len(time)):
        expected[at] = sum(
            1 / (time >= time[one]).sum() for one in range(len(time)) if event[one] and time[one] <= time[at]
        )
    site = cohort.groups["site"].to_numpy()
    ratio = {name: event[site == name].sum() / expected[site == name].sum() for name in np.unique(site)}
    assert tie["lowest"]["level"] == pytest.approx(min(ratio.values()))
    assert tie["highest"]["level"] == pytest.approx(max(ratio.values()))
    assert f"{max(ratio.values()):.2f} times the events expected" in tie["highest"]["said"]


def test_medians_are_those_of_each_site():
    cohort = made()
    tie = gm.diagnose(cohort, LINKS).measures["group_ties"]["site"]
    medians = cohort.outcome.values.groupby(cohort.groups["site"]).median()
    assert tie["lowest"]["level"] == pytest.approx(medians.min())
    assert (tie["lowest"]["value"], tie["highest"]["value"]) == (medians.idxmin(), medians.idxmax())
