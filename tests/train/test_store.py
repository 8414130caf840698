import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.seal import sealed

TINY = gm.Training(epochs=3, patience=3)


def cohort_of(patients=50, seed=0):
    random = np.random.default_rng(seed)
    ids = pd.Index([f"q{n:03d}" for n in range(patients)])
    labs = pd.DataFrame(random.normal(size=(patients, 3)), index=ids, columns=["hb", "wbc", "crp"])
    labs.loc[ids[:5], "hb"] = np.nan
    clinical = pd.DataFrame({"sex": random.choice(["f", "m"], patients), "age": random.integers(30, 80, patients)}, ids)
    rna = pd.DataFrame(random.normal(size=(patients - 12, 80)), index=ids[12:]).rename(columns=str)
    outcome = pd.Series(random.choice(["a", "b"], patients), index=ids)
    return gm.Cohort.from_frames({"labs": labs, "clinical": clinical, "rna": rna}, outcome)


@pytest.fixture(scope="module")
def cohort():
    return cohort_of()


@pytest.fixture(
    scope="module",
    params=[
        gm.Neighbours(k=3),
        gm.Shuffled(gm.Neighbours("labs", k=3, edges="mutual")),
        gm.SharedPhenotype("sex", k=3),
        gm.Concepts("clinical", most=0.9),
    ],
    ids=repr,
)
def fitted(request, cohort):
    return gm.GraphClassifier(request.param, members=2, width=8, training=TINY, device="cpu").fit(cohort[:40])


def test_save_load_predict_is_bit_equal(fitted, cohort, tmp_path):
    gm.save(fitted, tmp_path / "model")
    loaded = gm.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(cohort[40:]), fitted.predict_proba(cohort[40:]))
    assert list(loaded.classes_) == list(fitted.classes_)
    assert loaded.get_params()["links"] == fitted.get_params()["links"]


def test_a_model_comes_back_with_the_epochs_of_its_members(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    assert gm.load(tmp_path / "model").epochs_ == fitted.epochs_


def test_no_file_of_a_model_is_a_pickle_and_the_manifest_says_that_patients_are_in_it(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {"manifest.json", "settings.skops", "encoder.skops", "weights.safetensors", "patients.npz"}
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert manifest["contains_patient_level_data"] is True
    assert set(manifest["sha256"]) == names - {"manifest.json"}


@pytest.mark.parametrize("name", ["settings.skops", "encoder.skops", "weights.safetensors", "patients.npz"])
def test_a_changed_truncated_or_absent_file_is_refused_by_name(fitted, tmp_path, name):
    gm.save(fitted, tmp_path / "model")
    file = tmp_path / "model" / name
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(gm.StoreError, match=name):
        gm.load(tmp_path / "model")
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(gm.StoreError, match=name):
        gm.load(tmp_path / "model")
    file.unlink()
    with pytest.raises(gm.StoreError, match=name):
        gm.load(tmp_path / "model")


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"schema": "other/1"}', '{"schema": "graphmml.model/1"}'])
def test_a_foreign_or_broken_manifest_is_refused(tmp_path, manifest):
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(gm.StoreError):
        gm.load(tmp_path)


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(gm.StoreError, match="is not a folder"):
        gm.load(tmp_path / "nothing")
    with pytest.raises(gm.StoreError, match=r"no manifest\.json"):
        gm.load(tmp_path)


def test_a_manifest_cannot_point_outside_its_folder(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    file = tmp_path / "model" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["sha256"]["../secret"] = "0"
    file.write_text(json.dumps(sealed(manifest)))
    with pytest.raises(gm.StoreError, match="outside itself"):
        gm.load(tmp_path / "model")


def test_saving_replaces_a_model_and_refuses_anything_else(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    gm.save(fitted, tmp_path / "model")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years")
    with pytest.raises(gm.StoreError, match="something else"):
        gm.save(fitted, tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "thesis"]


def test_an_unfitted_model_is_not_saved(tmp_path):
    with pytest.raises(gm.NotFittedError):
        gm.save(gm.GraphClassifier(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_loaded_model_predicts_tables_that_differ(cohort, tmp_path):
    model = gm.GraphClassifier(gm.Neighbours(k=3), members=2, width=8, training=TINY, device="cpu").fit(cohort[:40])
    gm.save(model, tmp_path / "model")
    loaded = gm.load(tmp_path / "model")
    labs = cohort.tables["labs"].iloc[40:].drop(columns="crp").assign(extra=1.0)
    clinical = cohort.tables["clinical"].iloc[40:].assign(sex="unheard of")
    new = gm.Cohort.from_frames({"labs": labs, "clinical": clinical})
    p = loaded.predict_proba(new)
    assert p.shape == (10, 2)
    assert np.allclose(p.sum(axis=1), 1)
    said = " ".join(loaded.encoder_.differences(new))
    for word in ("crp", "extra", "sex", "rna"):
        assert word in said


@dataclass(frozen=True)
class Foreign:
    """A plug-in of a user's own."""

    k: int = 3

    def link(self, source, target):
        return gm.Neighbours(k=self.k).link(source, target)


def test_a_type_of_the_users_own_loads_only_when_trusted(cohort, tmp_path):
    model = gm.GraphClassifier(Foreign(), members=1, width=8, training=TINY, device="cpu").fit(cohort[:40])
    gm.save(model, tmp_path / "model")
    with pytest.raises(gm.StoreError, match="Foreign"):
        gm.load(tmp_path / "model")
    name = f"{Foreign.__module__}.{Foreign.__qualname__}"
    loaded = gm.load(tmp_path / "model", trust=[name])
    assert np.array_equal(loaded.predict_proba(cohort[40:]), model.predict_proba(cohort[40:]))


@pytest.mark.parametrize("method", ["temperature", "isotonic", None])
@pytest.mark.parametrize("splits", [gm.HeldOut(0.3), None], ids=repr)
def test_a_calibrated_model_comes_back_bit_equal(cohort, tmp_path, method, splits):
    inner = gm.GraphClassifier(gm.Neighbours(k=3), members=1, width=8, training=TINY, device="cpu")
    model = gm.CalibratedClassifier(inner, splits, method=method, coverage=0.7).fit(cohort[:40])
    gm.save(model, tmp_path / "model")
    loaded = gm.load(tmp_path / "model")
    new = cohort[40:]
    for ask in ("predict_proba", "predict_sets", "predict_novelty", "predict"):
        assert np.array_equal(getattr(loaded, ask)(new), getattr(model, ask)(new))
    assert repr(loaded.get_params()) == repr(model.get_params())
    for name in ("p", "codes", "groups", "strangeness"):
        assert np.array_equal(getattr(loaded.held_out_, name), getattr(model.held_out_, name))
    assert loaded.learn().predict_sets(new).tolist() == model.predict_sets(new).tolist()
    assert json.loads((tmp_path / "model" / "manifest.json").read_text())["model"] == "CalibratedClassifier"
