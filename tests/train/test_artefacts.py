"""Every file of everything we write, corrupted, cut, lost or swapped for another's in turn, is refused by its name."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import graphmml as gm
from graphmml.data.folder import MANIFEST
from graphmml.errors import StoreError
from graphmml.graph.store import load_graph, save_graph
from graphmml.train.read_run import read_run

QUICK = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, width=8, training=gm.Training(epochs=2), device="cpu")


def people(seed):
    return gm.make_cohort(60, seed=seed)


def plain(path, seed):
    gm.save(clone(QUICK).set_params(seed=seed).fit(people(seed)), path)


def calibrated(path, seed):
    gm.save(gm.CalibratedClassifier(QUICK, gm.HeldOut(0.3), coverage=0.8).fit(people(seed)), path)


def graph(path, seed):
    encoded = gm.CohortEncoder().fit(people(seed)).transform(people(seed))
    save_graph(gm.build_graph(gm.Neighbours("labs", k=3), encoded), path)


KINDS = {
    "model": (plain, gm.load, {"settings.skops", "encoder.skops", "weights.safetensors", "patients.npz"}),
    "calibrated": (
        calibrated,
        gm.load,
        {"settings.skops", "encoder.skops", "weights.safetensors", "patients.npz", "calibration.npz"},
    ),
    "graph": (graph, load_graph, {"graph.npz"}),
}
CASES = [(kind, name) for kind, (_, _, names) in KINDS.items() for name in sorted({*names, MANIFEST})]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two artefacts of each kind, of other patients."""
    folder = tmp_path_factory.mktemp("artefacts")
    for kind, (write, _, _) in KINDS.items():
        for seed in (1, 2):
            write(folder / f"{kind}{seed}", seed)
    return folder


@pytest.fixture
def copy(written, tmp_path):
    """Copy an artefact; return its folder, the other's, and how it is read."""

    def make(kind):
        shutil.copytree(written / f"{kind}1", tmp_path / "mine")
        return tmp_path / "mine", written / f"{kind}2", KINDS[kind][1]

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_else_is_written_and_a_copy_reads(copy, kind):
    mine, _, read = copy(kind)
    assert {path.name for path in mine.iterdir()} == {*KINDS[kind][2], MANIFEST}
    read(mine)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_one_bit_anywhere_is_noticed(copy, kind, name):
    mine, _, read = copy(kind)
    whole = (mine / name).read_bytes()
    places = np.random.default_rng(0).integers(0, len(whole), 25)
    for at in {0, len(whole) - 1, *places.tolist()}:
        (mine / name).write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        with pytest.raises(StoreError, match=name):
            read(mine)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_file_that_was_cut_grown_or_lost_is_named(copy, kind, name):
    mine, _, read = copy(kind)
    whole = (mine / name).read_bytes()
    for content in (b"", whole[:1], whole[: len(whole) // 2], whole[:-1], whole + b"x"):
        (mine / name).write_bytes(content)
        with pytest.raises(StoreError, match=name):
            read(mine)
    (mine / name).unlink()
    with pytest.raises(StoreError, match=name):
        read(mine)
    (mine / name).mkdir()
    with pytest.raises(StoreError, match=name):
        read(mine)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_file_of_another_artefact_is_named(copy, kind, name):
    mine, other, read = copy(kind)
    shutil.copy(other / name, mine / name)
    with pytest.raises(StoreError, match=name):
        read(mine)


def test_the_words_of_a_manifest_cannot_be_changed(copy):
    mine, _, read = copy("model")
    manifest = json.loads((mine / MANIFEST).read_text())
    for change in ({"classes": ["case", "control"]}, {"patients": 7}, {"blocks": ["site"]}, {"members": []}):
        (mine / MANIFEST).write_text(json.dumps(manifest | change))
        with pytest.raises(StoreError, match=r"manifest\.json was changed"):
            read(mine)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        gm.cross_validate(QUICK, people(seed), gm.Folds(2, seed=seed), jobs=1, run=folder / f"run{seed}")
    return folder


@pytest.fixture
def mine(runs, tmp_path):
    shutil.copytree(runs / "run1", tmp_path / "run")
    return tmp_path / "run"


def resumed(folder):
    return gm.cross_validate(QUICK, people(1), gm.Folds(2, seed=1), jobs=1, run=folder, resume=True)


@pytest.mark.parametrize("read", [resumed, lambda folder: read_run(folder, people(1))], ids=["resume", "read"])
@pytest.mark.parametrize("name", ["run.json", "units.jsonl"])
def test_a_changed_or_foreign_file_of_a_run_is_named(mine, runs, read, name):
    whole = (mine / name).read_bytes()
    for at in np.random.default_rng(0).integers(0, len(whole) - 400, 12).tolist():
        (mine / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StoreError, match=name):
            read(mine)
    (mine / name).write_bytes((runs / "run2" / name).read_bytes())
    with pytest.raises(StoreError):
        read(mine)


def test_a_run_without_its_last_lines_goes_on_and_without_its_facts_is_named(mine):
    whole = resumed(mine).frame().drop(columns="seconds")
    units = (mine / "units.jsonl").read_bytes()
    (mine / "units.jsonl").write_bytes(units[: len(units) // 2])
    pd.testing.assert_frame_equal(resumed(mine).frame().drop(columns="seconds").loc[whole.index], whole)
    (mine / "run.json").unlink()
    with pytest.raises(StoreError, match="is no run"):
        resumed(mine)
