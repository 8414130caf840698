"""A run that is read back is the run that was made; another cohort's, or a meddled one, is refused in words."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.errors import StoreError
from graphmml.train.loop import Training
from graphmml.train.read_run import read_run
from graphmml.train.runs import RunFolder

QUICK = gm.GraphClassifier(gm.Neighbours("labs", k=5), members=1, training=Training(epochs=3))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    cohort = gm.make_cohort(120, seed=1)
    folder = tmp_path_factory.mktemp("runs") / "one"
    result = gm.cross_validate(QUICK, cohort, gm.Folds(3, repeats=2), jobs=1, run=folder)
    return cohort, folder, result


def test_scores_rows_and_plan_come_back(run):
    cohort, folder, result = run
    back = read_run(folder, cohort).result
    assert back.frame().index.tolist() == result.frame().index.tolist()
    assert (back.plan, back.setting, back.patients, back.classes) == (
        result.plan,
        result.setting,
        result.patients,
        result.classes,
    )
    for row in result.rows:
        again = next(item for item in back.rows if item.name == row.name)
        assert again.metrics == row.metrics


def test_rows_stand_as_they_were_planned_in_whatever_order_they_ended(run, tmp_path):
    cohort, folder, result = run
    other = shutil.copytree(folder, tmp_path / "other")
    lines = (other / "units.jsonl").read_text().splitlines(keepends=True)
    (other / "units.jsonl").write_text("".join(reversed(lines)))
    assert read_run(other, cohort).result.frame().index.tolist() == result.frame().index.tolist()


def test_predictions_stand_at_their_patients(run):
    cohort, folder, result = run
    back = read_run(folder, cohort)
    p = back.predictions("graph", len(cohort))
    assert not np.isnan(p).any()
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    one = next(unit for unit in result.units if unit.model == "graph" and unit.repeat == 0 and unit.fold == 1)
    other = [
        (unit, np.flatnonzero(back.tests[1, unit.fold] == back.tests[0, 1][0]))
        for unit in result.units
        if unit.model == "graph" and unit.repeat == 1
    ]
    unit, at = next((unit, at) for unit, at in other if len(at))
    wanted = (one.probabilities[0] + unit.probabilities[at[0]]) / 2
    np.testing.assert_allclose(p[back.tests[0, 1][0]], wanted)


def test_predictions_stay_with_their_patients_when_the_cohorts_rows_are_in_another_order(run):
    cohort, folder, _ = run
    order = np.random.default_rng(0).permutation(len(cohort))
    moved = read_run(folder, cohort[order]).predictions("graph", len(cohort))
    np.testing.assert_array_equal(moved, read_run(folder, cohort).predictions("graph", len(cohort))[order])


def test_another_cohort_is_refused(run):
    _, folder, _ = run
    with pytest.raises(StoreError, match="other patients or tables"):
        read_run(folder, gm.make_cohort(120, seed=2))


def test_splits_and_predictions_are_tables_that_name_patients(run):
    cohort, folder, result = run
    splits = pd.read_csv(folder / "splits.csv", index_col=0, dtype="str", keep_default_na=False)
    assert list(splits.index) == list(cohort.ids)
    for fold in gm.Folds(3, repeats=2).split(cohort):
        sides = splits[f"repeat{fold.repeat}_fold{fold.number}"]
        assert list(sides.index[sides == "test"]) == list(cohort.ids[fold.test])
        assert list(sides.index[sides == "train"]) == list(cohort.ids[fold.train])
    told = pd.read_csv(folder / "predictions.csv", dtype={"patient_id": "str"})
    graph = told[told["model"] == "graph"]
    assert graph.groupby("repeat").size().tolist() == [len(cohort)] * 2
    truth = cohort.outcome.values.loc[graph.iloc[:, 0]].to_numpy()
    assert (graph["outcome"].to_numpy() == truth).all()
    one = result.of("graph")[0]
    first = graph[(graph["repeat"] == one.repeat) & (graph["fold"] == one.fold)]
    np.testing.assert_allclose(first[[f"p_{name}" for name in result.classes]].to_numpy(), one.probabilities)
    assert {path.stat().st_mode & 0o077 for path in folder.glob("*.*") if path.name != ".gitignore"} == {0}


def test_a_run_is_not_taken_up_with_its_rows_in_another_order(run):
    cohort, folder, _ = run
    order = np.random.default_rng(0).permutation(len(cohort))
    with pytest.raises(StoreError, match="another order"):
        gm.cross_validate(QUICK, cohort[order], gm.Folds(3, repeats=2), jobs=1, run=folder, resume=True)


def test_a_run_that_another_process_writes_is_left_alone(run):
    cohort, folder, _ = run
    with RunFolder(folder).held(), pytest.raises(StoreError, match="another process"):
        gm.cross_validate(QUICK, cohort, gm.Folds(3, repeats=2), jobs=1, run=folder, resume=True)


def test_an_empty_or_broken_folder_is_named(run, tmp_path):
    cohort = run[0]
    with pytest.raises(StoreError, match="holds no run"):
        read_run(tmp_path, cohort)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(StoreError, match="not readable JSON"):
        read_run(tmp_path, cohort)


def test_an_unfinished_model_is_left_out(run, tmp_path):
    cohort, folder, _ = run
    lines = (folder / "units.jsonl").read_text().splitlines()
    kept = [line for line in lines if not (json.loads(line)["model"] == "graph" and json.loads(line)["fold"] == 2)]
    for name in ("run.json", "splits.csv"):
        (tmp_path / name).write_text((folder / name).read_text())
    (tmp_path / "units.jsonl").write_text("\n".join(kept) + "\n")
    names = {row.name for row in read_run(tmp_path, cohort).result.rows}
    assert "graph" not in names
    assert "no graph" in names
