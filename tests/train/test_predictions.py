from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.data.holes import hide_modalities
from graphmml.train.predictions import differences, prediction_frame


def marked(fusion, cohort):
    quick = gm.Training(epochs=3)
    model = gm.GraphClassifier(gm.Neighbours("labs", k=3), fusion=fusion, members=2, training=quick).fit(cohort[:40])
    return prediction_frame(model, hide_modalities(cohort[40:], 0.4))


def test_what_stood_in_for_an_absent_modality_is_marked(cohort):
    table = marked(gm.Intermediate(complete=gm.LearnedTokens), cohort)
    nothing = table["nothing_measured"]
    assert (table["absent_modalities"] != "").sum() > 5
    assert table.loc[~nothing, "completed_modalities"].equals(table.loc[~nothing, "absent_modalities"])
    assert (table.loc[nothing, "completed_modalities"] == "").all()


def test_neighbours_complete_what_they_have_and_nothing_else(cohort):
    table = marked(gm.Intermediate(complete=gm.NeighbourCompletion), cohort)
    for absent, completed in zip(table["absent_modalities"], table["completed_modalities"], strict=True):
        assert set(filter(None, completed.split(";"))) <= set(absent.split(";"))
    lacks_labs = table["absent_modalities"].str.contains("labs")
    assert lacks_labs.any()
    assert (table.loc[lacks_labs, "completed_modalities"] == "").all(), "who lacks labs has no neighbours in them"
    assert (table.loc[~lacks_labs, "completed_modalities"] != "").any()


def test_nothing_is_marked_where_nothing_completes(cohort):
    for fusion in (gm.GatedFusion, gm.Late(), gm.Early()):
        assert (marked(fusion, cohort)["completed_modalities"] == "").all()


@pytest.mark.parametrize(("members", "known"), [(1, False), (2, True)])
def test_one_member_alone_has_no_spread(cohort, members, known):
    model = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=members, training=gm.Training(epochs=1))
    spread = prediction_frame(model.fit(cohort[:40]), cohort[40:])["spread"]
    assert spread.notna().all() if known else spread.isna().all()


def test_what_cannot_predict_is_refused(cohort):
    with pytest.raises(gm.GraphmmlError, match="predictions are of a GraphClassifier or a Baseline"):
        prediction_frame(cohort, cohort)
    with pytest.raises(gm.NotFittedError):
        prediction_frame(gm.GraphClassifier(), cohort)
    fitted = gm.Baseline(LogisticRegression()).fit(cohort)
    with pytest.raises(gm.GraphmmlError, match="a Cohort is wanted"):
        prediction_frame(fitted, fitted)


def without(table, first):
    """The table, of whose first rows nothing is known."""
    return table.mask(np.broadcast_to(np.arange(len(table))[:, None] < first, table.shape))


@pytest.fixture(scope="module")
def people():
    return gm.make_cohort(170, sites=2, seed=4)


@pytest.fixture(scope="module")
def calibrated(people):
    inner = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=2, width=8, training=gm.Training(epochs=3))
    return gm.CalibratedClassifier(inner, gm.HeldOut(0.5), group="site", coverage=0.8).fit(people[:150])


def test_a_calibrated_model_marks_sets_abstained_and_unlike(calibrated, people):
    new = hide_modalities(people[150:], 0.4)
    far = {name: table.copy() for name, table in new.tables.items()}
    far["labs"].iloc[3] = 9000.0
    new = replace(new, tables=far)
    table = prediction_frame(calibrated, new)
    sets = calibrated.predict_sets(new)
    assert table["set"].tolist() == [";".join(calibrated.classes_[row]) for row in sets]
    nothing = table["nothing_measured"].to_numpy()
    assert np.array_equal(table["abstained"], (sets.sum(axis=1) != 1) | nothing)
    assert (table.loc[nothing, "unlike_p"] == 1).all()
    assert np.array_equal(table["unlike_p"], calibrated.predict_novelty(new))
    assert table["unlike_p"].iloc[3] == 1 / 76
    assert not table["unlike_training"].any(), "75 held-out patients are too few to flag anybody at 0.01"
    p = calibrated.predict_proba(new)
    assert np.array_equal(table[["p_control", "p_case"]], p)
    assert table["prediction"].tolist() == calibrated.predict(new).tolist()


def test_a_patient_with_nothing_measured_is_abstained_from_however_small_his_set(calibrated, people):
    tables = {name: without(table, 4) for name, table in people[150:].tables.items()}
    sure = copy(calibrated)
    sure.sets_ = replace(calibrated.sets_, thresholds=dict.fromkeys(calibrated.sets_.thresholds, 0.5))
    table = prediction_frame(sure, replace(people[150:], tables=tables))
    assert not table["set"].str.contains(";").any(), "every set is a single class"
    assert table["abstained"].tolist() == table["nothing_measured"].tolist() == [True] * 4 + [False] * 16


def test_columns_of_a_plain_model_stay_what_they_were(calibrated, people):
    plain, more = (prediction_frame(model, people[150:]) for model in (calibrated.model_, calibrated))
    assert list(more.columns[: len(plain.columns)]) == list(plain.columns)
    assert list(more.columns[len(plain.columns) :]) == ["set", "abstained", "unlike_p", "unlike_training"]
    same = [name for name in plain if not name.startswith("p_")]
    assert more[same].equals(plain[same])


def test_patients_like_those_of_training_differ_in_nothing(calibrated, people):
    assert differences(calibrated, people[150:]) == ()


def test_what_differs_from_training_is_said_with_counts_and_no_id(calibrated, people):
    new = people[140:]
    tables = {**new.tables, "imaging": new.tables["labs"]}
    tables["labs"] = tables["labs"].assign(crp=tables["labs"]["crp"] * 18.016).drop(columns="ldh")
    tables["clinical"] = tables["clinical"].assign(smoking="unheard of")
    tables["rna"] = without(tables["rna"], 25)
    said = differences(calibrated, replace(new, tables=tables, groups=new.groups.assign(site="elsewhere")))
    seen = int(sum(name in set(calibrated.model_.source_.ids) for name in new.ids))
    for words in (
        "modality imaging was not there in training",
        "labs: 1 column(s) absent, taken as missing: ldh",
        "labs: column crp has a median of",
        "clinical: column smoking has a level unknown to the model in 30 patient(s)",
        "modality rna is absent for 2",
        f"{seen} of 30 patients were in training",
        "30 of 30 patients get every class: too few patients of their site",
    ):
        assert any(line.startswith(words) for line in said), words
    assert len(said) == 7
    assert not any(name in " ".join(said) for name in people.ids)


def test_who_has_nothing_is_counted(calibrated, people):
    tables = {name: without(table, 4) for name, table in people[150:].tables.items()}
    assert "4 of 20 patients have nothing measured that the model knows" in differences(
        calibrated, replace(people[150:], tables=tables)
    )
