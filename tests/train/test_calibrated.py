"""Calibration and sets are learned from patients whom the model has not seen, whoever stands beside them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.errors import CohortError, GraphmmlError, NotFittedError
from graphmml.train.calibrated import Fitted
from graphmml.train.conformal import values_of

PLAIN = gm.Baseline(LogisticRegression(max_iter=1000))
GRAPH = gm.GraphClassifier(gm.Neighbours(k=4), members=1, width=8, training=gm.Training(epochs=4), device="cpu")


class Watchful(gm.Baseline):
    """Counts the patients who are predicted by a model that has seen them, and keeps whom each fit has seen."""

    seen, again = [], []

    def fit(self, cohort):
        self.mine = set(cohort.ids[cohort.labelled])
        Watchful.seen.append(self.mine)
        return super().fit(cohort)

    def predict_proba(self, cohort):
        Watchful.again.append(len(self.mine & set(cohort.ids)))
        return super().predict_proba(cohort)


@pytest.fixture
def watchful():
    Watchful.seen, Watchful.again = [], []
    return Watchful(LogisticRegression(max_iter=1000))


@pytest.fixture(scope="module")
def people():
    return gm.make_cohort(160, sites=3, seed=3)


@pytest.fixture(scope="module")
def attached(people):
    return gm.CalibratedClassifier(GRAPH, gm.HeldOut(0.3), group="site", coverage=0.8).fit(people[:120])


def test_everybody_is_held_out_once_and_the_model_in_use_has_seen_everybody(people, watchful):
    told = []
    model = gm.CalibratedClassifier(watchful).fit(people[:100], told.append)
    assert Watchful.again == [0] * 5
    assert len(model.held_out_.codes) == 100
    assert Watchful.seen[-1] == set(people.ids[:100])
    assert told == [Fitted(number, 6) for number in range(1, 7)]


def test_with_one_fold_the_model_in_use_has_not_seen_who_was_held_out(people, watchful):
    told = []
    model = gm.CalibratedClassifier(watchful, gm.HeldOut(0.25)).fit(people[:100], told.append)
    assert Watchful.again == [0]
    assert len(Watchful.seen) == 1
    assert len(Watchful.seen[0]) + len(model.held_out_.codes) == 100
    assert told == [Fitted(1, 1)]
    assert np.array_equal(model.model_.predict_proba(people[100:]), model.own_proba(people[100:]))


def test_families_are_never_on_both_sides(people, watchful):
    family = pd.DataFrame({"family": [f"f{at // 3}" for at in range(len(people))]}, index=people.ids)
    cohort = replace(people, groups=family, blocks=("family",))
    for splits in (None, gm.HeldOut(0.25)):
        Watchful.seen = []
        gm.CalibratedClassifier(watchful, splits).fit(cohort)
        for fitted_on in Watchful.seen[:5]:
            inside = cohort.ids.isin(list(fitted_on))
            assert not set(family["family"][inside]) & set(family["family"][~inside])


def test_held_out_patients_score_alone_as_together(attached, people):
    """Who is attached listens and is not listened to: calibration in one go is calibration one by one."""
    held = next(iter(gm.HeldOut(0.3).split(people[:120]))).test
    alone = np.concatenate([attached.own_proba(people[[row]]) for row in held])
    np.testing.assert_allclose(attached.held_out_.p, alone, atol=1e-6)
    sets = [attached.predict_sets(people[[row]])[0] for row in range(120, 160)]
    assert np.array_equal(attached.predict_sets(people[120:]), sets)
    novel = [attached.predict_novelty(people[[row]])[0] for row in range(120, 130)]
    assert np.array_equal(attached.predict_novelty(people[120:130]), novel)


def test_sets_are_made_from_the_models_own_probabilities(attached, people):
    new = people[120:]
    limit = np.array([attached.sets_.thresholds[site] for site in values_of(new, "site")])
    assert np.array_equal(attached.predict_sets(new), 1 - attached.model_.predict_proba(new) <= limit[:, None])
    assert set(attached.sets_.thresholds) == {"site 1", "site 2", "site 3"}


def test_without_a_method_probabilities_are_the_models_and_a_temperature_keeps_the_prediction(attached, people):
    new = people[120:]
    plain = clone(attached).set_params(method=None).fit(people[:120])
    assert np.array_equal(plain.predict_proba(new), plain.model_.predict_proba(new))
    assert np.array_equal(plain.predict(new), attached.predict(new))
    assert np.array_equal(plain.predict_sets(new), attached.predict_sets(new))
    assert not np.array_equal(plain.predict_proba(new), attached.predict_proba(new))


@pytest.mark.parametrize("model", [PLAIN, GRAPH], ids=["baseline", "graph"])
def test_the_order_of_rows_decides_nothing(people, model):
    order = np.random.default_rng(0).permutation(100)
    wrapped = gm.CalibratedClassifier(model, gm.HeldOut(0.25), method="isotonic")
    one, two = wrapped.fit(people[:100]), clone(wrapped).fit(people[:100][order])
    np.testing.assert_allclose(two.predict_proba(people[100:]), one.predict_proba(people[100:]), atol=1e-6)
    assert two.sets_.thresholds[""] == pytest.approx(one.sets_.thresholds[""], abs=1e-6)


def test_outcomes_of_new_patients_decide_nothing(people):
    hidden = people.with_outcome_of(np.arange(100))
    one = gm.CalibratedClassifier(PLAIN).fit(people[:100])
    two = gm.CalibratedClassifier(PLAIN).fit(hidden)
    assert np.array_equal(one.predict_proba(people[100:]), two.predict_proba(hidden[100:]))
    assert one.sets_.thresholds == two.sets_.thresholds


def test_a_class_that_a_folds_model_has_not_seen_is_not_covered_there(people):
    """All patients of class `rare` are in one part: whoever predicts them has never seen one."""
    labels = people.outcome.values.copy()
    labels.iloc[:40] = "rare"
    groups = people.groups.assign(part=np.repeat(["one", "two"], [40, 120]))
    groups.iloc[80:, -1] = "three"
    outcome = replace(people.outcome, values=labels, positive=None)
    model = gm.CalibratedClassifier(PLAIN, gm.LeaveGroupOut("part")).fit(
        replace(people, groups=groups, outcome=outcome)
    )
    rare = list(model.classes_).index("rare")
    assert (model.held_out_.codes == rare).sum() == 40
    assert (model.held_out_.p[model.held_out_.codes == rare, rare] == 0).all()
    assert model.predict_sets(people).all(), "a quarter of the held-out patients were of a class unheard of"


def test_it_is_cloned_without_what_it_learned(attached):
    copy = clone(attached)
    assert copy.get_params()["model__links"] == gm.Neighbours(k=4)
    with pytest.raises(NotFittedError, match="has seen no patients yet"):
        copy.predict_proba(None)
    assert copy.set_params(model__width=4).model.width == 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"splits": gm.Folds(3, repeats=2)}, "hold 60 patients out more than once"),
        ({"method": "platt"}, "choose temperature"),
        ({"coverage": 1.0}, "choose a share between 0 and 1"),
        ({"group": "ward"}, "no group 'ward'"),
    ],
)
def test_settings_that_cannot_be_are_refused(people, settings, words):
    with pytest.raises(GraphmmlError, match=words):
        gm.CalibratedClassifier(PLAIN).set_params(**settings).fit(people[:60])


def test_a_class_of_two_patients_gets_fewer_folds_and_of_one_a_word(people):
    rows = np.concatenate(
        [np.flatnonzero(people.outcome.values == "case")[:4], np.flatnonzero(people.outcome.values != "case")[:30]]
    )
    assert len(gm.CalibratedClassifier(PLAIN).fit(people[rows]).held_out_.codes) == 34
    with pytest.raises(CohortError, match="'case' has 1 patients"):
        gm.CalibratedClassifier(PLAIN).fit(people[rows[3:]])


def test_sets_cover_as_asked_in_each_group():
    covered = []
    for seed in range(12):
        cohort = gm.make_cohort(700, sites=2, site_effect=1.0, missing=0.0, seed=seed)
        model = gm.CalibratedClassifier(PLAIN, gm.HeldOut(0.4), group="site").fit(cohort[:350])
        new = cohort[350:]
        codes = np.array([list(model.classes_).index(value) for value in new.outcome.values])
        hit = model.predict_sets(new)[np.arange(len(new)), codes]
        covered.append([hit[values_of(new, "site") == site].mean() for site in ("site 1", "site 2")])
    error = 3 * np.std(covered, axis=0) / np.sqrt(len(covered))
    assert (np.mean(covered, axis=0) > 0.9 - error).all()
    assert (np.mean(covered, axis=0) < 0.92 + error).all()


def test_what_looks_into_a_model_looks_into_the_one_that_is_calibrated(attached, people):
    inner, new = attached.model_, people[120:]
    assert gm.learned_graph(attached, new).edges == gm.learned_graph(inner, new).edges
    pd.testing.assert_frame_equal(gm.modality_weights(attached, new), gm.modality_weights(inner, new))
    one, two = (gm.modality_worth(model, new, resamples=20) for model in (attached, inner))
    pd.testing.assert_frame_equal(one.frame(), two.frame())
