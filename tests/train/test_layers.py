"""Plain models and layers on disk: bit-equal back, whatever is around what; damage is refused by name."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import graphmml as gm
from graphmml.train.baselines import plain_baselines
from graphmml.train.layers import innermost
from graphmml.train.predictions import differences, prediction_frame

TINY = gm.Training(epochs=3, patience=3)
GRAPH = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=2, width=4, training=TINY, device="cpu")
PLAIN = gm.Baseline(LogisticRegression(max_iter=1000))
COHORT = gm.make_cohort(160, seed=2)
PEOPLE, NEW = COHORT[:120], COHORT[120:]
MODELS = {
    **plain_baselines(gm.CohortEncoder(components=3), seed=4),
    "calibrated plain": gm.CalibratedClassifier(PLAIN, gm.Folds(3), method="isotonic", group="site"),
    "thresholds of a plain model": gm.GroupThresholds(PLAIN, "site", folds=2, seed=3),
    "thresholds of a calibrated graph": gm.GroupThresholds(
        gm.CalibratedClassifier(GRAPH, gm.Folds(2)), "site", folds=2
    ),
    "calibrated and tuned": gm.CalibratedClassifier(gm.Tuned(PLAIN, gm.Search(2, folds=2)), gm.Folds(2)),
    "tuned graph": gm.Tuned(GRAPH, gm.Search(2, folds=2), space={"width": [4, 8]}),
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    return MODELS[request.param].fit(PEOPLE)


def test_a_model_and_what_is_around_it_come_back_bit_equal(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    loaded = gm.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(NEW), fitted.predict_proba(NEW))
    assert np.array_equal(loaded.predict(NEW), fitted.predict(NEW))
    assert list(loaded.classes_) == list(fitted.classes_)
    if not isinstance(fitted, gm.Tuned):
        assert type(loaded) is type(fitted)
        pd.testing.assert_frame_equal(prediction_frame(loaded, NEW), prediction_frame(fitted, NEW))
        assert differences(loaded, NEW) == differences(fitted, NEW)
        assert any("120 of 160 patients were in training" in words for words in differences(loaded, COHORT))
    gm.save(loaded, tmp_path / "again")
    assert np.array_equal(gm.load(tmp_path / "again").predict_proba(NEW), fitted.predict_proba(NEW))


def test_what_was_loaded_can_be_fitted_anew_with_the_settings_that_were_chosen(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    inner, loaded = innermost(fitted), gm.load(tmp_path / "model")
    assert repr(innermost(loaded)) == repr(inner)
    again = type(loaded)(**loaded.get_params(deep=False)).fit(PEOPLE)
    np.testing.assert_allclose(again.predict_proba(NEW), fitted.predict_proba(NEW), atol=1e-6)


def test_decisions_of_group_thresholds_stand_in_the_prediction_table(tmp_path):
    model = gm.GroupThresholds(PLAIN, "site", "demographic_parity", folds=2).fit(PEOPLE)
    gm.save(model, tmp_path / "model")
    table = prediction_frame(gm.load(tmp_path / "model"), NEW)
    case = f"p_{model.classes_[1]}"
    assert ((table[case] >= table["threshold"]) == (table["prediction"] == model.classes_[1])).all()
    assert set(table["threshold"]) <= {*model.thresholds_.values(), model.common_}


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("classifier.skops", PLAIN),
        ("thresholds.npz", gm.GroupThresholds(PLAIN, "site", folds=2)),
        ("calibration.npz", gm.CalibratedClassifier(PLAIN, gm.Folds(2))),
    ],
)
def test_a_damaged_or_absent_file_is_refused_by_name(name, model, tmp_path):
    gm.save(model.fit(PEOPLE), tmp_path / "model")
    file = tmp_path / "model" / name
    whole = file.read_bytes()
    for damaged in (whole[:50] + bytes([whole[50] ^ 1]) + whole[51:], whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(gm.StoreError, match=name):
            gm.load(tmp_path / "model")
    file.unlink()
    with pytest.raises(gm.StoreError, match=name):
        gm.load(tmp_path / "model")


class Mine(HistGradientBoostingClassifier):
    """A classifier of the user's own."""


def test_a_classifier_of_ones_own_wants_to_be_trusted(tmp_path):
    model = gm.Baseline(Mine(max_iter=3)).fit(PEOPLE)
    gm.save(model, tmp_path / "model")
    own = f"{Mine.__module__}.Mine"
    with pytest.raises(gm.StoreError, match="not ours"):
        gm.load(tmp_path / "model")
    loaded = gm.load(tmp_path / "model", trust=[own])
    assert np.array_equal(loaded.predict_proba(NEW), model.predict_proba(NEW))


def test_what_is_not_written_is_refused_in_words(tmp_path):
    with pytest.raises(gm.StoreError, match="a LabelPropagation is not written"):
        gm.save(gm.GroupThresholds(gm.LabelPropagation(GRAPH.links), "site", folds=2).fit(PEOPLE), tmp_path / "m")
    twice = gm.GroupThresholds(gm.GroupThresholds(PLAIN, "site", folds=2), "site", folds=2).fit(PEOPLE)
    with pytest.raises(gm.StoreError, match="twice"):
        gm.save(twice, tmp_path / "m")
    with pytest.raises(gm.StoreError, match="a LogisticRegression is not written"):
        gm.save(LogisticRegression(), tmp_path / "m")
    with pytest.raises(gm.NotFittedError):
        gm.save(gm.Baseline(LogisticRegression()), tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "ask",
    [
        gm.learned_graph,
        lambda model: gm.modality_weights(model, NEW),
    ],
)
def test_what_only_a_network_has_is_refused_of_a_plain_model(ask):
    with pytest.raises(gm.GraphmmlError, match="GraphClassifier, calibrated or not; this is a Baseline"):
        ask(PLAIN.fit(PEOPLE))


def test_the_worth_of_modalities_to_a_plain_model_is_what_it_says_without_them():
    model = PLAIN.fit(PEOPLE)
    worth = gm.modality_worth(model, NEW, resamples=20)
    assert {one.modality for one in worth.worths} == set(NEW.modalities)
    truth = (NEW.outcome.values == model.classes_[1]).to_numpy()
    everything = roc_auc_score(truth, model.predict_proba(NEW)[:, 1])
    assert worth.everything.mean == pytest.approx(everything)
    rest = {name: table for name, table in NEW.tables.items() if name != "rna"}
    rna = gm.Cohort.from_frames(rest, groups=NEW.groups)
    drop = worth.frame().loc["rna", "drop_one"]
    assert drop == pytest.approx(everything - roc_auc_score(truth, model.predict_proba(rna)[:, 1]))
