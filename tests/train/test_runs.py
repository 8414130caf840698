"""A run that was killed, resumed, or made elsewhere ends in the same table, byte for byte."""

import os
import signal
import subprocess
import sys
import time

import joblib
import pytest

import graphmml as gm
from graphmml.errors import StoreError

TINY = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, width=4, training=gm.Training(epochs=3), device="cpu")
COHORT = gm.make_cohort(60, seed=2)
FOLDS = gm.Folds(2)
SCRIPT = """
import sys
from pathlib import Path
import graphmml as gm
model = gm.GraphClassifier(
    gm.Neighbours("labs", k=3), members=1, width=4, training=gm.Training(epochs=3), device="cpu"
)
cohort = gm.make_cohort(60, seed=2)
gm.cross_validate(model, cohort, gm.Folds(2), jobs=1, run=Path(sys.argv[1]), resume=len(sys.argv) > 2)
"""
KEPT = ("table.csv", "predictions.csv", "splits.csv")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    gm.cross_validate(TINY, COHORT, FOLDS, jobs=1, run=folder)
    return folder


def same(one, other):
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in KEPT)


def test_a_killed_run_is_resumed_to_the_same_table(whole, tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], start_new_session=True)
    units, give_up = folder / "units.jsonl", time.monotonic() + 120
    while not (units.exists() and units.read_bytes().count(b"\n") >= 3) and time.monotonic() < give_up:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = units.read_bytes().count(b"\n")
    assert 3 <= before < 18
    assert not (folder / "table.csv").exists()
    gm.cross_validate(TINY, COHORT, FOLDS, jobs=1, run=folder, resume=True)
    assert same(whole, folder)
    assert len(units.read_text().splitlines()) == 18


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_line_that_a_kill_cut_off_is_made_again(whole, tmp_path, cut):
    folder = tmp_path / "run"
    gm.cross_validate(TINY, COHORT, FOLDS, jobs=1, run=folder)
    units = folder / "units.jsonl"
    units.write_bytes(units.read_bytes()[:-cut])
    for name in ("table.csv", "predictions.csv"):
        (folder / name).unlink()
    made = []
    gm.cross_validate(TINY, COHORT, FOLDS, jobs=1, run=folder, resume=True, watch=made.append)
    assert len(made) == 1
    assert same(whole, folder)


def test_what_is_no_longer_the_same_is_named(whole, monkeypatch):
    for cohort, folds, model, said in (
        (gm.make_cohort(60, seed=3), FOLDS, TINY, "cohort"),
        (COHORT, gm.Folds(3), TINY, "folds"),
        (COHORT, FOLDS, gm.GraphClassifier(gm.Neighbours("rna", k=3), members=1), "models"),
    ):
        with pytest.raises(StoreError, match=f"another .*{said}"):
            gm.cross_validate(model, cohort, folds, jobs=1, run=whole, resume=True)
    monkeypatch.setattr("graphmml.train.runs.versions", lambda: {"torch": "0"})
    with pytest.raises(StoreError, match="another versions"):
        gm.cross_validate(TINY, COHORT, FOLDS, jobs=1, run=whole, resume=True)


@pytest.mark.slow
def test_a_cluster_of_two_workers_makes_the_same_table(whole, tmp_path):
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "host": "127.0.0.1"}
    with distributed.LocalCluster(**settings, dashboard_address=None) as cluster, distributed.Client(cluster):
        with joblib.parallel_config(backend="dask"):
            gm.cross_validate(TINY, COHORT, FOLDS, run=tmp_path / "run")
        assert len(cluster.workers) == 2
    assert same(whole, tmp_path / "run")
