"""Fairness as laws: names change nothing, planted gaps are found, chance is not, and small cells appear nowhere."""

import json

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

import graphmml as gm
from graphmml.train.fairness import judge


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(judge, "DRAWS", 300)
    monkeypatch.setattr(judge, "CURVE_DRAWS", 40)


def halves(patients, seed=1, names=("f", "m"), p=(0.4, 0.6)):
    return np.random.default_rng(seed).choice(names, patients, p=p)


def test_relabelling_values_changes_nothing_but_names(made, drawn):
    y, p = drawn(300, 0)
    sex = halves(300)
    cohort, _, result = made({"sex": sex}, y, p)
    other, _, same = made({"sex": np.where(sex == "f", "zz", "aa")}, y, p)
    one, two = gm.fairness(result, cohort, group="sex"), gm.fairness(same, other, group="sex")
    left = one.frame().set_index("value").drop(columns=["model", "kind", "group", "note"])
    right = two.frame().set_index("value").drop(columns=["model", "kind", "group", "note"])
    assert left.loc[["f", "m"]].reset_index(drop=True).equals(right.loc[["zz", "aa"]].reset_index(drop=True))
    numbers = ["difference", "difference_low", "p", "p_holm"]
    assert np.allclose(one.gaps()[numbers], two.gaps()[numbers])


def test_gaps_are_fairlearns_and_numbers_are_means_over_repeats(made, drawn):
    y, p = drawn(240, 2)
    sex = halves(240)
    cohort, _, result = made({"sex": sex}, y, p, repeats=3)
    found = gm.fairness(result, cohort, group="sex", threshold=0.35)
    rows = found.frame().set_index("value")
    tests = result.splits.test
    parity, odds, selected = [], [], []
    for repeat in range(3):
        score = np.zeros(240)
        for unit in result.units:
            if unit.repeat == repeat:
                score[tests[repeat, unit.fold]] = unit.probabilities[:, 1]
        called = score >= 0.35
        selected.append([called[sex == value].mean() for value in ("f", "m")])
        parity.append(demographic_parity_difference(y, called, sensitive_features=sex))
        odds.append(equalized_odds_difference(y, called, sensitive_features=sex))
    assert np.allclose(rows.loc[["f", "m"], "selection_rate"], np.mean(selected, axis=0))
    gaps = found.gaps().set_index("gap")["difference"]
    means = np.mean(selected, axis=0)
    assert np.isclose(gaps["demographic_parity"], abs(means[0] - means[1]))
    assert np.isclose(gaps["demographic_parity"], np.mean(parity), atol=0.02)
    assert np.isclose(gaps["equalised_odds"], np.mean(odds), atol=0.02)
    assert rows.loc["f", "patients"] == (sex == "f").sum()
    assert rows.loc["f", "positives"] == y[sex == "f"].sum()


def test_a_group_whose_risks_are_noise_is_found(made, drawn):
    y, p = drawn(500, 5)
    sex = halves(500)
    noise = np.where(sex == "f", np.random.default_rng(6).permutation(p), p)
    cohort, _, result = made({"sex": sex}, y, noise)
    found = gm.fairness(result, cohort, group="sex")
    gaps = found.gaps().set_index("gap")
    assert gaps.loc["auroc", "demonstrable"]
    assert gaps.loc["auroc", "above"] == "m"
    assert gaps.loc["calibration_slope", "demonstrable"]
    assert any(line.startswith("sex: AUROC differs demonstrably") for line in found.verdict)


@pytest.mark.slow
def test_a_fair_cohort_is_flagged_no_more_than_nominally(made, drawn, monkeypatch):
    monkeypatch.setattr(judge, "CURVE_DRAWS", 1)
    flagged, times = 0, 60
    for seed in range(times):
        y, p = drawn(260, 100 + seed)
        cohort, _, result = made({"sex": halves(260, seed, p=(0.2, 0.8))}, y, p)
        flagged += any(gap.demonstrable for gap in gm.fairness(result, cohort, group="sex").found)
    assert flagged <= 8  # 60 x 5 % is 3; 9 or more happen once in 250 times


def test_masked_cells_appear_nowhere(made, drawn):
    y, p = drawn(400, 7)
    site = np.repeat(["big", "large", "tiny9", "small"], [300, 60, 9, 31])
    random = np.random.default_rng(0).permutation(400)
    site[random] = site.copy()
    cohort, _, result = made({"site": site}, y, p)
    found = gm.fairness(result, cohort, group="site")
    rows = found.frame().set_index("value")
    assert rows.loc["tiny9", "patients":"ppv_high"].isna().all()
    assert rows.loc["small", "patients":"ppv_high"].isna().all()  # else 400 less the others are the nine
    assert rows.loc["large", "patients"] == 60
    shown = json.loads(json.dumps(found.to_json()))
    for row in shown["rows"]:
        if row["value"] in ("tiny9", "small"):
            assert set(row) == {"model", "kind", "group", "value", "patients", "positives", "note"}
            assert row["patients"] is None
            assert row["positives"] is None
    assert not {"tiny9", "small"} & {
        name for gap in shown["gaps"] for name in (gap["largest"]["above"], gap["largest"]["below"])
    }
    assert not {"tiny9", "small"} & {curve["value"] for curve in shown["calibration"]}
    kept_back = {row["value"] for row in shown["rows"] if row["note"].startswith("counts masked")}
    assert not kept_back & {curve["value"] for curve in shown["calibration"]}
    assert "tiny9: masked" in repr(found)
    assert found._repr_html_().count("masked") >= 4


def test_few_positives_are_masked_with_all_that_rests_on_them(made, drawn):
    site = np.repeat(["a", "b", "c"], 120)
    y, p = drawn(360, 8)
    y[site == "a"] = np.arange(120) < 6
    cohort, _, result = made({"site": site}, y, p)
    rows = gm.fairness(result, cohort, group="site").frame().set_index("value")
    assert rows.loc["a", "patients"] == 120
    assert rows.loc["a", ["positives", "prevalence", "auroc", "sensitivity", "brier", "observed_expected"]].isna().all()
    assert np.isfinite(rows.loc["a", "selection_rate"])
    held = "b" if min(y[site == "b"].sum(), 999) <= y[site == "c"].sum() else "c"
    assert rows.loc[held, ["positives", "prevalence", "ppv", "selection_rate", "observed_expected"]].isna().all()
    # a share to two places of few positives has one possible denominator
    assert rows.loc[held, ["sensitivity", "specificity"]].isna().all()
    assert np.isclose(rows.loc[held, "auroc"], round(rows.loc[held, "auroc"], 2))
    other = "c" if held == "b" else "b"
    assert rows.loc[other, "positives"] == y[site == other].sum()


def test_two_groups_are_crossed_and_unknown_values_are_counted_but_not_compared(made, drawn):
    y, p = drawn(400, 9)
    sex = halves(400).astype(object)
    sex[:40] = None
    site = halves(400, 2, ("n", "s"))
    cohort, _, result = made({"sex": sex, "site": site}, y, p)
    found = gm.fairness(result, cohort, group=["sex", "site"])
    assert found.groups == ("sex", "site", "sex x site")
    assert [row.value for row in found.of("graph", "sex")] == ["f", "m", "unknown"]
    assert found.of("graph", "sex")[2].patients == 40
    compared = {value for gap in found.found for value in (gap.largest.above, gap.largest.below)}
    assert not any("unknown" in value for value in compared)
    both = {row.value: row.patients for row in found.of("graph", "sex x site")}
    assert both["f, n"] == ((sex == "f") & (site == "n")).sum()


def test_of_several_classes_means_are_given_and_one_class_may_be_named(made):
    random = np.random.default_rng(0)
    p = random.dirichlet([1, 1, 1], 300)
    y = np.array([random.choice(3, p=one) for one in p])
    cohort, _, result = made({"sex": halves(300)}, y, p, classes=("a", "b", "c"))
    found = gm.fairness(result, cohort, group="sex")
    assert found.measures == ("auroc", "auprc", "brier")
    assert set(found.gaps()["gap"]) == {"auroc"}
    assert found.frame()["positives"].isna().all()
    assert len(found.calibration()) == 0
    assert not found.frame()["note"].any()  # nothing that is shown is said to be masked
    one = gm.fairness(result, cohort, group="sex", positive="b")
    rows = one.frame().set_index("value")
    assert rows.loc["f", "positives"] == ((cohort.groups["sex"] == "f").to_numpy() & (y == 1)).sum()
    assert "sensitivity" in one.measures
    with pytest.raises(gm.CohortError, match="no class 'd'; there are: a, b, c"):
        gm.fairness(result, cohort, group="sex", positive="d")


def test_blocks_are_drawn_together(made, drawn):
    """Twins twice in the data make no interval narrower."""
    y, p = drawn(150, 11)
    sex, family = halves(150), np.arange(150)
    once = gm.fairness(*split_of(made({"sex": sex, "family": family}, y, p)), group="sex").frame()
    doubled = made(
        {"sex": np.repeat(sex, 2), "family": np.repeat(family, 2)}, np.repeat(y, 2), np.repeat(p, 2), block="family"
    )
    twice = gm.fairness(*split_of(doubled), group="sex").frame()
    width = lambda frame: (frame["selection_rate_high"] - frame["selection_rate_low"]).to_numpy()  # noqa: E731
    assert (width(twice) > 0.85 * width(once)).all()


def split_of(parts):
    cohort, _, result = parts
    return result, cohort


def test_calibration_curves_lie_on_the_diagonal_of_right_risks(made, drawn):
    y, p = drawn(3000, 12, spread=1.0)
    cohort, _, result = made({"sex": halves(3000)}, y, p)
    curve = gm.fairness(result, cohort, group="sex").calibration()
    middle = curve[curve["predicted"].between(0.2, 0.8)]
    assert set(middle["value"]) == {"f", "m"}
    assert (middle["observed"] - middle["predicted"]).abs().max() < 0.08
    assert (middle["low"] <= middle["observed"]).all()
    assert (curve["patients"] >= 11).all()


def test_a_count_that_is_kept_back_cannot_be_read_from_a_curve(made, drawn):
    y, p = drawn(400, 3)
    site = np.repeat(["a", "b", "c"], [150, 150, 100])
    y[300:] = np.arange(100) < 4
    cohort, _, result = made({"site": site}, y, p)
    found = gm.fairness(result, cohort, group="site")
    held = {row.value for row in found.rows if row.note.startswith("counts masked")}
    assert len(held) == 1
    assert set(found.calibration()["value"]) == {"a", "b"} - held


def test_curves_are_those_of_the_repeats_and_not_of_their_mean(made, drawn):
    """Each repeat says 0.2 or 0.8 by lot to everybody, so that half have the class at either."""
    y = np.arange(1200) % 2
    cohort, _, result = made({"sex": np.repeat(["f", "m"], 600)}, y, np.full(1200, 0.5), repeats=6)
    random = np.random.default_rng(0)
    for unit in result.units:
        unit.probabilities[:, 1] = random.choice([0.2, 0.8], len(unit.codes))
        unit.probabilities[:, 0] = 1 - unit.probabilities[:, 1]
    curve = gm.fairness(result, cohort, group="sex").calibration()
    ends = curve[curve["predicted"].isin(curve["predicted"].iloc[(curve["predicted"] - 0.8).abs().argsort()[:1]])]
    assert (ends["observed"] - 0.5).abs().max() < 0.05
    assert curve["patients"].max() <= 600


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": 1.0}, "threshold is 1"),
        ({"min_cell": 0}, "min_cell is 0"),
        ({"min_cell": 1000}, "no two values of 'sex' can be shown"),
        ({"group": "gender"}, "no column or group 'gender'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(made, drawn, options, match):
    y, p = drawn(100, 1)
    cohort, _, result = made({"sex": halves(100)}, y, p)
    with pytest.raises(gm.CohortError, match=match):
        gm.fairness(result, cohort, **{"group": "sex", **options})
