"""A plain model is explained too: by what it says itself without a cell or a table, and of nobody else."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.errors import GraphmmlError
from graphmml.report.explain.card import card

ROW = 90


@pytest.fixture(scope="module")
def people():
    return gm.make_cohort(140, seed=3)


@pytest.fixture(scope="module")
def plain(people):
    return gm.Baseline(LogisticRegression(max_iter=2000)).fit(people[np.arange(80)])


@pytest.fixture(scope="module")
def told(people, plain):
    return gm.explain(plain, people, ROW)


def changed(people, modality, column, value):
    table = people.tables[modality].copy()
    table.loc[people.ids[ROW], column] = value
    return replace(people, tables={**people.tables, modality: table})


def test_an_effect_is_what_the_probability_falls_by_with_the_training_median(people, plain, told):
    p = plain.predict_proba(people[[ROW]])[0]
    frame = told.frame()
    assert told.probabilities == pytest.approx(dict(zip(plain.classes_, p, strict=True)))
    rows = frame[(frame["kind"] == "feature") & (frame["through"] == "labs")]
    assert len(rows)
    for _, row in rows.iterrows():
        median = plain.source_.tables["labs"][row["name"]].median()
        other = changed(people, "labs", row["name"], median)[[ROW]]
        fall = p.max() - plain.predict_proba(other)[0, p.argmax()]
        assert row["effect"] == pytest.approx(fall, abs=1e-9)


def test_a_modality_is_taken_away_whole(people, plain, told):
    frame = told.frame()
    (effect,) = frame.loc[(frame["kind"] == "modality") & (frame["name"] == "rna"), "effect"]
    without = replace(people, tables={**people.tables, "rna": people.tables["rna"].copy()})
    without.tables["rna"].loc[people.ids[ROW]] = np.nan
    p = plain.predict_proba(people[[ROW]])[0]
    assert effect == pytest.approx(p.max() - plain.predict_proba(without[[ROW]])[0, p.argmax()], abs=1e-9)


def test_nobody_else_is_in_it_and_it_says_so(people, told):
    assert set(told.frame()["kind"]) == {"modality", "feature"}
    assert any("has no graph" in note for note in told.notes)
    words = json.dumps(told.to_json(), allow_nan=False) + card(told)
    assert not any(name in words for name in people.ids)
    assert told.members == 1


def test_a_counterfactual_turns_the_answer(people, plain):
    turned = 0
    for row in range(80, 110):
        found = gm.explain(plain, people, row).feature.found
        if found is None:
            continue
        (part,) = found.parts
        table = people.tables[part.through].copy()
        table.loc[people.ids[row], part.name] = found.after
        other = replace(people, tables={**people.tables, part.through: table})[[row]]
        assert plain.predict(other)[0] == found.prediction != plain.predict(people[[row]])[0]
        turned += 1
    assert turned


def test_calibrated_or_tuned_it_is_the_model_inside(people, plain):
    calibrated = gm.CalibratedClassifier(plain, gm.HeldOut(0.5)).fit(people[np.arange(80)])
    told = gm.explain(calibrated, people, ROW)
    p = calibrated.model_.predict_proba(people[[ROW]])[0]
    assert told.probabilities == pytest.approx(dict(zip(calibrated.classes_, p, strict=True)))
    assert any("calibrated, as predict gives it" in note for note in told.notes)


@pytest.mark.parametrize("method", [gm.IntegratedGradients(4), gm.GNNExplainer(2)], ids=repr)
def test_what_asks_gradients_or_links_is_refused(people, plain, method):
    with pytest.raises(GraphmmlError, match="explain it by Occlusion"):
        gm.explain(plain, people, ROW, method=method)


def test_importances_of_a_plain_model_have_no_relation_and_are_its_own(people):
    plain = gm.Baseline(LogisticRegression(max_iter=2000))
    found = gm.importances(plain, people, gm.Folds(2), shuffles=1, jobs=1)
    assert {row.part.kind for row in found.rows} == {"modality", "feature"}
    fold = next(iter(gm.Folds(2, seed=0).split(people)))
    fitted, rest = gm.Baseline(LogisticRegression(max_iter=2000)).fit(people[fold.train]), people[fold.test]
    p = fitted.predict_proba(rest)
    bare = replace(rest, tables={**rest.tables, "labs": rest.tables["labs"] * np.nan})
    gone = fitted.predict_proba(bare)
    has = rest.ids.isin(rest.tables["labs"].dropna(how="all").index)
    best = p.argmax(axis=1)
    rows = np.arange(len(rest))
    (labs,) = (row for row in found.rows if (row.part.kind, row.part.name) == ("modality", "labs"))
    assert labs.change[0] == pytest.approx(np.abs(p[rows, best] - gone[rows, best])[has].mean())


def test_intervals_of_importances_count_one_repeat(people):
    plain, alone = (
        gm.Baseline(LogisticRegression(max_iter=2000)),
        replace(people, tables={"labs": people.tables["labs"]}),
    )
    found = gm.importances(plain, alone, gm.Folds(2, repeats=3), shuffles=1, jobs=1)
    assert (found.folds, found.repeats) == (6, 3)
    row = found.rows[0]
    half = found.told(row, "change").high - found.told(row, "change").mean
    spread = np.std(row.change, ddof=1) * np.sqrt(1 / 2 + found.test / found.train)
    assert half == pytest.approx(2.570582 * spread, rel=1e-4)  # t(0.975, 5)
