"""Patterns counted by hand, scores against a naive loop over patients, and folds that are not the result's refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.folds import Fold
from graphmml.train.missing_patterns import FEWEST, MOST_PATTERNS, by_repeat, patterns, resampled_score
from graphmml.train.read_run import read_run
from graphmml.train.result import CVResult
from graphmml.train.scores import all_scores, auroc, brier
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit
from graphmml.train.weighted_scores import weighted_auroc

PATIENTS = 120
LACKING = {"labs": range(30), "rna": range(19, 45), "notes": [43, 44, *range(110, 115)]}
"""19 lack labs alone, 11 labs and rna, 13 rna alone, 2 rna and notes, 5 notes alone; 70 are complete."""


def cohort_of(lacking=LACKING, patients=PATIENTS):
    """Who lacks what is said by position; ids run against the order of rows."""
    random = np.random.default_rng(0)
    ids = [f"p{patients - at:03d}" for at in range(patients)]
    y = pd.Series(random.choice(["a", "b"], patients), index=ids)
    frames = {"clinical": pd.DataFrame({"x": random.normal(size=patients)}, index=ids)}
    for name, rows in lacking.items():
        frames[name] = pd.DataFrame({"x": random.normal(size=patients)}, index=ids).drop([ids[at] for at in rows])
    return gm.Cohort.from_frames(frames, y, positive="b")


def result_of(cohort, folds, models=(("graph", "graph"), ("plain", "baseline")), seed=0):
    """Predictions that lean to what happened, rounded so that some tie; no model is trained."""
    random, units = np.random.default_rng(seed), []
    for name, kind in models:
        for fold in folds.split(cohort):
            y = (cohort.outcome.values.iloc[fold.test] == "b").to_numpy(dtype=int)
            one = np.round(1 / (1 + np.exp(-random.normal(size=len(y)) - y)), 2)
            p = np.stack([1 - one, one], axis=1)
            units.append(
                Unit(
                    name, kind, fold.repeat, fold.number, all_scores(y, p), 0.0, len(fold.train), y.astype(np.int64), p
                )
            )
    return CVResult(
        tuple(units),
        "c",
        len(cohort),
        ("a", "b"),
        "plan",
        "inductive",
        False,
        Splits.of(cohort, list(folds.split(cohort))),
    )


FOLDS = gm.Folds(4, repeats=3)


def test_patterns_are_those_counted_by_hand():
    cohort = cohort_of()
    found = gm.scores_by_missing(result_of(cohort, FOLDS), cohort).frame()
    assert list(found["model"].unique()) == ["graph", "plain"]
    assert set(found[found["model"] == "plain"]["kind"]) == {"baseline"}
    counts = {name: len(rows) for name, rows in patterns(cohort.present, cohort.modalities, np.arange(PATIENTS))}
    assert counts == {
        "complete": 70,
        "labs missing": 30,
        "rna missing": 26,
        "notes missing": 7,
        "only labs missing": 19,
        "only rna missing": 13,
        "only labs, rna missing": 11,
    }
    assert list(found[found["model"] == "plain"]["pattern"]) == list(counts)


def test_a_number_from_which_few_could_be_worked_out_is_masked():
    """Of 120 patients 70, 30, 26 and all three exact patterns would leave seven; that 30 lack labs may be told."""
    cohort = cohort_of()
    found = gm.scores_by_missing(result_of(cohort, FOLDS), cohort).frame()
    told = found[found["model"] == "plain"].set_index("pattern")["patients"].dropna()
    assert told.to_dict() == {"complete": 70, "labs missing": 30, "rna missing": 26}


@pytest.mark.parametrize("lacking", [{"labs": range(4)}, {"labs": range(116)}])
def test_beside_few_who_lack_or_have_a_modality_the_rest_are_not_counted(lacking):
    cohort = cohort_of(lacking)
    scores = gm.scores_by_missing(result_of(cohort, FOLDS), cohort)
    assert [row.number for row in scores.rows if row.model == "graph"] in (
        ["11 or more", "<11"],
        ["<11", "11 or more"],
    )
    assert scores.frame()["patients"].isna().all()
    assert {row["patients"] for row in scores.to_json()} == {None}
    assert "116" not in repr(scores)


def test_families_in_a_pattern_are_drawn_together():
    """Every patient ten times over tells no more than once; nor do families that share outcome and prediction."""
    cohort = cohort_of({"labs": range(60)})
    result = result_of(cohort, FOLDS, models=(("graph", "graph"),))
    codes, p = (cohort.outcome.values == "b").to_numpy(int), by_repeat(result.units, result.splits.test, PATIENTS)
    once = resampled_score(weighted_auroc, codes, p, None)
    ten = resampled_score(weighted_auroc, np.repeat(codes, 10), np.repeat(p, 10, axis=1), np.arange(1200) // 10)
    assert [ten.mean, ten.low, ten.high] == pytest.approx([once.mean, once.low, once.high])

    def width(blocks):
        groups = pd.DataFrame({"half": (np.arange(PATIENTS) // 30).astype(str)}, index=cohort.ids)
        row = gm.scores_by_missing(result, replace(cohort, groups=groups, blocks=blocks)).rows[1]
        return row.auroc.high - row.auroc.low

    assert width(("half",)) != width(())


def test_an_exact_pattern_that_repeats_another_row_is_not_shown():
    cohort = cohort_of({"labs": range(30), "rna": range(50, 70)})
    found = gm.scores_by_missing(result_of(cohort, FOLDS), cohort).frame()
    assert list(found[found["model"] == "graph"]["pattern"]) == ["complete", "labs missing", "rna missing"]


def test_the_most_frequent_exact_patterns_are_shown_and_no_small_ones():
    present = np.ones((400, 8), dtype=bool)
    sizes = [40, 30, 25, 20, 15, 12, FEWEST - 1]
    at = 0
    for number, size in enumerate(sizes):
        present[at : at + size, [number, 7]] = False
        at += size
    names = [f"m{number}" for number in range(8)]
    tested = np.flatnonzero(np.arange(400) != 0)  # one of the most frequent was never tested
    found = dict(patterns(present, names, tested))
    exact = {name: len(rows) for name, rows in found.items() if name.startswith("only")}
    # "m0 missing" and so on are the same patients as "only m0, m7 missing"
    assert exact == {}
    present[300:320, 0] = False
    found = dict(patterns(present, names, tested))
    assert {name: len(rows) for name, rows in found.items() if name.startswith("only")} == {
        "only m0, m7 missing": 39,
        "only m0 missing": 20,
    }
    assert len(found["m0 missing"]) == 59
    assert len(found["m7 missing"]) == sum(sizes) - 1
    few = np.ones((200, 8), dtype=bool)
    for number in range(7):
        few[number * 20 : number * 20 + 20 - number, number] = False
        few[number * 20, 7] = False
    shown = [name for name in dict(patterns(few, names, np.arange(200))) if name.startswith("only")]
    assert len(shown) == MOST_PATTERNS
    assert shown == [f"only m{number} missing" for number in range(MOST_PATTERNS)]


def pooled(result, cohort, folds, model, rows):
    """Each repeat's test predictions of these patients, found again patient by patient."""
    found = []
    for repeat in range(folds.repeats):
        y, p = [], []
        for fold, unit in zip(folds.split(cohort), result.of(model), strict=True):
            assert (fold.repeat, fold.number) == (unit.repeat, unit.fold)
            for at, patient in enumerate(fold.test):
                if fold.repeat == repeat and patient in rows:
                    y.append(unit.codes[at])
                    p.append(unit.probabilities[at])
        found.append((np.array(y), np.array(p)))
    return found


@pytest.mark.parametrize(("pattern", "rows"), [("labs missing", range(30)), ("only labs, rna missing", range(19, 30))])
def test_scores_pool_the_folds_of_a_repeat_and_are_averaged_over_repeats(pattern, rows):
    cohort = cohort_of()
    result = result_of(cohort, FOLDS)
    found = gm.scores_by_missing(result, cohort).frame().set_index(["model", "pattern"])
    for model in ("graph", "plain"):
        parts = pooled(result, cohort, FOLDS, model, set(rows))
        assert [len(y) for y, _ in parts] == [len(rows)] * 3
        row = found.loc[(model, pattern)]
        assert row["auroc"] == pytest.approx(np.mean([auroc(y, p) for y, p in parts]))
        assert row["brier"] == pytest.approx(np.mean([brier(y, p) for y, p in parts]))
        assert row["auroc_low"] < row["auroc"] < row["auroc_high"]
        assert row["brier_low"] < row["brier"] < row["brier_high"]


def test_the_interval_is_a_bootstrap_over_patients():
    cohort = cohort_of({"labs": range(100)}, patients=200)
    folds = gm.Folds(4)
    result = result_of(cohort, folds, models=(("graph", "graph"),))
    row = gm.scores_by_missing(result, cohort).frame().set_index("pattern").loc["labs missing"]
    ((y, p),) = pooled(result, cohort, folds, "graph", set(range(100)))
    random = np.random.default_rng(9)
    drawn = [auroc(y[rows], p[rows]) for rows in random.integers(0, 100, (2000, 100))]
    assert row[["auroc_low", "auroc_high"]].to_numpy(float) == pytest.approx(
        np.quantile(drawn, [0.025, 0.975]), abs=0.02
    )


def test_few_patients_and_one_class_have_no_number_but_a_note():
    cohort = cohort_of({"labs": range(30), "rna": range(50, 50 + FEWEST), "notes": range(70, 70 + FEWEST - 1)})
    values = cohort.outcome.values.copy()
    values.iloc[:30] = "a"
    values.iloc[50:80:2], values.iloc[51:80:2] = "a", "b"
    cohort = replace(cohort, outcome=replace(cohort.outcome, values=values))
    result = gm.scores_by_missing(result_of(cohort, FOLDS), cohort)
    table = result.frame().set_index(["model", "pattern"]).loc["graph"]
    numbers = ["auroc", "auroc_low", "auroc_high", "brier"]
    assert table.loc["labs missing", "note"] == "all of one class"
    assert table.loc["notes missing", "note"] == "fewer than 11 patients"
    assert table.loc[["labs missing", "notes missing"], numbers].isna().all(axis=None)
    assert table.loc[["complete", "rna missing"], numbers].notna().all(axis=None)
    assert (table.loc[["complete", "rna missing"], "note"] == "").all()
    assert "notes missing: fewer than 11 patients" in result.lines("graph")
    assert [row["patients"] for row in result.to_json() if row["pattern"] == "notes missing"] == [None, None]


def test_lines_say_auroc_interval_and_number():
    cohort = cohort_of()
    result = gm.scores_by_missing(result_of(cohort, FOLDS), cohort)
    row = result.frame().set_index(["model", "pattern"]).loc[("plain", "labs missing")]
    wanted = [f"{row[name]:.2f}".removeprefix("0") for name in ("auroc", "auroc_low", "auroc_high")]
    assert f"labs missing: AUROC {wanted[0]} ({wanted[1]} to {wanted[2]}), n = 30" in result.lines("plain")
    assert result.lines() == result.lines("graph")
    assert repr(result).splitlines()[0] == "graph"
    assert repr(result).count("\n  labs missing: AUROC") == 2
    with pytest.raises(gm.CohortError, match="no model 'other'; there are: graph; plain"):
        result.lines("other")


def test_patients_whom_no_fold_tests_are_not_counted():
    cohort = cohort_of()
    sides = pd.Series(np.where(np.arange(PATIENTS) % 2, "train", "test"), index=cohort.ids)
    cohort = replace(cohort, split=sides)
    split = gm.OfficialSplit(seeds=3)
    found = gm.scores_by_missing(result_of(cohort, split), cohort).frame().set_index(["model", "pattern"])
    assert found.loc[("graph", "complete"), "patients"] == 34  # 46, 48 ... 108, 116 and 118
    assert found.loc[("graph", "labs missing"), "patients"] == 15


class Listed:
    """Folds that are written down: test rows by (repeat, fold)."""

    def __init__(self, tests):
        self.tests = tests

    def split(self, cohort):
        for (repeat, number), test in self.tests.items():
            yield Fold(np.setdiff1d(np.arange(len(cohort)), test), np.array(test), repeat, number, 0)


def test_repeats_that_test_others_are_scored_on_whom_they_tested():
    cohort = cohort_of()
    folds = Listed({(0, 0): range(25), (1, 0): range(12, 60)})
    result = result_of(cohort, folds)
    row = gm.scores_by_missing(result, cohort).frame().set_index(["model", "pattern"]).loc[("graph", "labs missing")]
    one, other = result.of("graph")
    wanted = np.mean([auroc(one.codes, one.probabilities), auroc(other.codes[:18], other.probabilities[:18])])
    assert row["auroc"] == pytest.approx(wanted)
    assert row["patients"] == 30


def test_the_order_of_the_cohorts_rows_changes_nothing():
    cohort = cohort_of()
    result = result_of(cohort, FOLDS)
    turned = gm.scores_by_missing(result, cohort[::-1]).frame()
    columns = ["model", "pattern", "patients"]
    pd.testing.assert_frame_equal(turned[columns], gm.scores_by_missing(result, cohort).frame()[columns])


def test_other_patients_other_outcomes_and_patients_tested_twice_are_refused():
    cohort = cohort_of()
    result = result_of(cohort, FOLDS)
    twice = Listed({(0, 0): range(30), (0, 1): range(20, 60)})
    others = replace(
        cohort, outcome=replace(cohort.outcome, values=cohort.outcome.values.replace({"a": "b", "b": "a"}))
    )
    for people, made, said in (
        (others, result, "have other outcomes"),
        (cohort[:90], result, "ids are not in the cohort"),
        (cohort, result_of(cohort, twice), "10 tests of one repeat"),
        (replace(cohort, outcome=None), result, "other outcomes|no outcome"),
    ):
        with pytest.raises(gm.CohortError, match=said):
            gm.scores_by_missing(made, people)


def test_a_run_knows_its_folds_and_a_real_result_is_read_alike(tmp_path):
    cohort = cohort_of()
    model = gm.GraphClassifier(gm.Neighbours("clinical", k=5), members=1, width=8, training=gm.Training(epochs=2))
    folds = gm.Folds(3, repeats=2)
    result = gm.cross_validate(model, cohort, folds, jobs=1, run=tmp_path / "run")
    direct = gm.scores_by_missing(result, cohort).frame()
    read = gm.scores_by_missing(read_run(tmp_path / "run", cohort), cohort).frame()
    pd.testing.assert_frame_equal(gm.scores_by_missing(tmp_path / "run", cohort).frame(), read)
    with pytest.raises(gm.StoreError, match="holds no run"):
        gm.scores_by_missing(str(tmp_path / "other"), cohort)
    keys = ["model", "pattern"]
    pd.testing.assert_frame_equal(direct.set_index(keys).sort_index(), read.set_index(keys).sort_index())
    assert set(direct["kind"]) == {"graph", "no-graph", "shuffled", "baseline"}
