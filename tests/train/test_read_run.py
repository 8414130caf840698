"""A run that is read back is the run that was made; another cohort's, or a meddled one, is refused in words."""

import json

import numpy as np
import pytest

import graphmml as gm
from graphmml.errors import StoreError
from graphmml.train.loop import Training
from graphmml.train.read_run import read_run, splitter_of
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
    assert set(back.frame().index) == set(result.frame().index)
    assert (back.plan, back.setting, back.patients, back.classes) == (
        result.plan,
        result.setting,
        result.patients,
        result.classes,
    )
    for row in result.rows:
        again = next(item for item in back.rows if item.name == row.name)
        assert again.metrics == row.metrics


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


def test_reordering_moves_predictions_with_their_patients(run):
    cohort, folder, _ = run
    order = np.random.default_rng(0).permutation(len(cohort))
    back = read_run(folder, cohort)
    moved = back.reordered(order).predictions("graph", len(cohort))
    np.testing.assert_array_equal(moved, back.predictions("graph", len(cohort))[order])


def test_another_cohort_is_refused(run):
    _, folder, _ = run
    with pytest.raises(StoreError, match="other patients or tables"):
        read_run(folder, gm.make_cohort(120, seed=2))


def test_the_same_patients_in_another_order_are_refused_and_not_mixed_up(run):
    cohort, folder, _ = run
    with pytest.raises(StoreError, match="another order"):
        read_run(folder, cohort[np.random.default_rng(0).permutation(len(cohort))])


def test_an_empty_or_broken_folder_is_named(run, tmp_path):
    cohort = run[0]
    with pytest.raises(StoreError, match="holds no run"):
        read_run(tmp_path, cohort)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(StoreError, match="not readable JSON"):
        read_run(tmp_path, cohort)


@pytest.mark.parametrize(
    "text", ["__import__('os').system('true')", "Folds(n=", "Other(n=3)", "Folds(n=open('x'))", "3"]
)
def test_nothing_but_our_own_folds_is_made_from_a_run(tmp_path, text):
    with pytest.raises(StoreError, match="cannot be made again"):
        splitter_of(text, RunFolder(tmp_path))


def test_every_splitter_comes_back_from_its_repr(tmp_path):
    for splitter in (gm.Folds(4, repeats=2, seed=3), gm.HeldOut(0.3), gm.LeaveGroupOut("site"), gm.OfficialSplit(2)):
        assert splitter_of(repr(splitter), RunFolder(tmp_path)) == splitter


def test_an_unfinished_model_is_left_out(run, tmp_path):
    cohort, folder, _ = run
    lines = (folder / "units.jsonl").read_text().splitlines()
    kept = [line for line in lines if not (json.loads(line)["model"] == "graph" and json.loads(line)["fold"] == 2)]
    (tmp_path / "run.json").write_text((folder / "run.json").read_text())
    (tmp_path / "units.jsonl").write_text("\n".join(kept) + "\n")
    names = {row.name for row in read_run(tmp_path, cohort).result.rows}
    assert "graph" not in names
    assert "no graph" in names
