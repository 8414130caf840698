"""A fitted model meets new patients one by one, and takes them in."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone

import graphmml as gm
from graphmml.data.timeline import Timeline

TRAIN, MORE, TEST = slice(0, 40), slice(40, 50), slice(50, 60)


class Box:
    """Holds what clone would otherwise unfit."""

    def __init__(self, content):
        self.content = content


class Fixed(BaseEstimator):
    """An encoder that has learned already and learns no more."""

    def __init__(self, box):
        self.box = box

    def fit(self, cohort):
        return self.box.content


def tiny(links=None, **settings):
    settings = {"members": 2, "width": 8, "training": gm.Training(epochs=5), "device": "cpu"} | settings
    return gm.GraphClassifier(gm.Neighbours(k=4) if links is None else links, **settings)


MODELS = {
    "neighbours": tiny(),
    "each modality": tiny(gm.Neighbours(k=3, each=True), encoder=gm.MLPEncoder),
    "phenotype": tiny(gm.SharedPhenotype(("site", "age"), tolerance=(0, 10), k=4)),
    "concepts": tiny(gm.Concepts("codes", most=0.9)),
    "modality nodes": tiny(gm.ModalityNodes(k=4), conv=partial(gm.SAGEStack, depth=2)),
    "no edges": tiny(gm.NoEdges()),
    "transductive": tiny(setting="transductive"),
}


@pytest.fixture(params=list(MODELS))
def fitted(request, cohort):
    return clone(MODELS[request.param]).fit(cohort[TRAIN])


def same_graph(one, other):
    assert (list(one.ids), one.trained, one.kinds) == (list(other.ids), other.trained, other.kinds)
    for a, b in zip(one.relations, other.relations, strict=True):
        assert np.array_equal(a.edges, b.edges)
        assert np.array_equal(a.weight, b.weight)


def listened(graph, name):
    """Return who this patient listens to, by id or concept, in every relation."""
    at = list(graph.ids).index(name)
    heard = set()
    for item in graph.by_patient().relations:
        if item.target == "patient":
            nodes = graph.ids if item.source == "patient" else graph.concepts[item.source]
            mine = item.edges[1] == at
            heard |= {(item.name, nodes[n], w) for n, w in zip(item.edges[0][mine], item.weight[mine], strict=True)}
    return heard


def test_attached_one_by_one_or_in_batches_a_patient_listens_to_the_same(fitted, cohort):
    together = fitted.attach(cohort[MORE])
    assert together.trained == 40
    assert set(together.ids[40:]) == set(cohort[MORE].ids)
    for at in range(40, 50):
        alone = fitted.attach(cohort[at : at + 1])
        assert listened(alone, cohort.ids[at]) == listened(together, cohort.ids[at])


def test_attaching_is_what_building_the_graph_of_both_would_be(fitted, cohort):
    new = fitted.encoder_.transform(cohort[MORE])
    same_graph(fitted.attach(cohort[MORE]), gm.build_graph(fitted.constructor, fitted.source_, new))


def test_the_training_patients_are_linked_once_however_many_attach(cohort):
    counted = Counted()
    model = tiny(counted, members=1).fit(cohort[TRAIN])
    model.attach(cohort[50:51])
    before = list(CALLS)
    for at in range(51, 60):
        model.attach(cohort[at : at + 1])
    assert CALLS[len(before) :] == [(40, 1)] * 9


CALLS = []


class Counted:
    """Neighbours that count how often they are asked to link how many."""

    def link(self, source, target):
        CALLS.append((len(source), len(target)))
        return gm.Neighbours(k=4).link(source, target)


def test_extended_is_what_fitting_with_that_encoder_would_be(fitted, cohort):
    grown = fitted.extend(cohort[MORE])
    anew = clone(fitted).set_params(prepare=Fixed(Box(fitted.encoder_))).fit(cohort[0:50])
    assert len(grown.source_) == 50
    assert np.array_equal(grown.predict_proba(cohort[TEST]), anew.predict_proba(cohort[TEST]))


def test_extending_leaves_the_model_itself_as_it_was(fitted, cohort):
    p = fitted.predict_proba(cohort[TEST])
    for retrain in (True, False) if not isinstance(fitted.links, gm.Concepts) else (True,):
        grown = fitted.extend(cohort[MORE], retrain=retrain)
        assert grown is not fitted
        assert repr(grown.get_params()) == repr(fitted.get_params())
    assert len(fitted.source_) == 40
    assert np.array_equal(fitted.predict_proba(cohort[TEST]), p)


def test_without_retraining_weights_stay_and_the_new_are_listened_to(fitted, cohort):
    if isinstance(fitted.links, gm.Concepts):
        pytest.skip("the next test")
    grown = fitted.extend(cohort[MORE].with_outcome_of([]), retrain=False)
    for before, after in zip(fitted.members_, grown.members_, strict=True):
        assert after.network is before.network
        assert set(after.source.ids) == set(before.source.ids) | set(cohort[MORE].ids)
    moved = np.abs(grown.predict_proba(cohort[TEST]) - fitted.predict_proba(cohort[TEST])).max() > 1e-6
    assert moved != isinstance(fitted.links, gm.NoEdges)


def test_concepts_that_stay_let_a_model_grow_and_new_ones_are_refused(frames):
    tables, outcome, _ = frames
    half = np.random.default_rng(0).integers(0, 2, (60, 4))
    every = pd.DataFrame(half, index=tables["labs"].index).rename(columns=lambda at: f"icd{at}")
    cohort = gm.Cohort.from_frames(tables | {"codes": every}, outcome, positive="case")
    model = tiny(gm.Concepts("codes", most=0.9)).fit(cohort[TRAIN])
    grown = model.extend(cohort[MORE], retrain=False)
    assert not np.allclose(grown.predict_proba(cohort[TEST]), model.predict_proba(cohort[TEST]), atol=1e-9)
    rare = every.assign(new=0)
    rare.loc[cohort.ids[MORE], "new"] = 1
    other = gm.Cohort.from_frames(tables | {"codes": rare}, outcome, positive="case")
    two = tiny(gm.Concepts("codes", most=0.9)).fit(other[TRAIN])
    with pytest.raises(gm.GraphError, match=r"1 concept\(s\) more or fewer .* retrain=True"):
        two.extend(other[MORE], retrain=False)
    assert len(two.extend(other[MORE]).source_) == 50


def test_what_was_taken_in_unheard_is_learned_from_at_the_next_training(cohort):
    model = tiny().fit(cohort[TRAIN])
    twice = model.extend(cohort[40:45], retrain=False).extend(cohort[45:50])
    once = model.extend(cohort[MORE])
    assert np.array_equal(twice.predict_proba(cohort[TEST]), once.predict_proba(cohort[TEST]))


@pytest.mark.parametrize("retrain", [True, False])
def test_the_order_of_new_patients_and_in_how_many_steps_they_come_changes_nothing(cohort, retrain):
    model = tiny().fit(cohort[TRAIN])
    one = model.extend(cohort[MORE], retrain=retrain)
    turned = model.extend(cohort[49:39:-1], retrain=retrain)
    steps = model.extend(cohort[45:50], retrain=retrain).extend(cohort[40:45], retrain=retrain)
    for other in (turned, steps):
        assert np.array_equal(one.predict_proba(cohort[TEST]), other.predict_proba(cohort[TEST]))


@pytest.mark.parametrize("retrain", [True, False])
def test_a_prediction_of_a_grown_model_does_not_depend_on_who_else_is_predicted(cohort, retrain):
    grown = tiny(gm.Neighbours(k=3, each=True)).fit(cohort[TRAIN]).extend(cohort[MORE], retrain=retrain)
    p = grown.predict_proba(cohort[TEST])
    for at in range(10):
        assert grown.predict_proba(cohort[50 + at : 51 + at])[0] == pytest.approx(p[at], abs=1e-6)


@pytest.mark.parametrize("retrain", [True, False])
def test_a_grown_model_is_saved_loaded_and_grows_on(cohort, tmp_path, retrain):
    model = tiny().fit(cohort[TRAIN])
    gm.save(model.extend(cohort[40:45], retrain=retrain), tmp_path / "model")
    loaded = gm.load(tmp_path / "model")
    direct = model.extend(cohort[40:45], retrain=retrain)
    assert np.array_equal(loaded.predict_proba(cohort[TEST]), direct.predict_proba(cohort[TEST]))
    more, straight = loaded.extend(cohort[45:50]), direct.extend(cohort[45:50])
    assert np.array_equal(more.predict_proba(cohort[TEST]), straight.predict_proba(cohort[TEST]))


def test_blocked_patients_stay_together_after_a_reload(cohort, tmp_path):
    people = replace(cohort, groups=cohort.groups.assign(clinic=[str(at % 9) for at in range(60)]), blocks=("clinic",))
    model = tiny().fit(people[TRAIN])
    gm.save(model, tmp_path / "model")
    grown = gm.load(tmp_path / "model").extend(people[MORE])
    for member in grown.members_:
        learned = set(member.source.groups["clinic"])
        stopped = grown.source_[np.setdiff1d(np.arange(50), member.rows)]
        assert not learned & set(stopped.groups["clinic"])


def test_newcomers_without_outcome_are_learned_from_only_where_the_setting_is_transductive(cohort):
    half = cohort[MORE].with_outcome_of(range(5))
    assert len(tiny().fit(cohort[TRAIN]).extend(half).source_) == 45
    assert len(tiny(setting="transductive").fit(cohort[TRAIN]).extend(half).source_) == 50
    assert len(tiny().fit(cohort[TRAIN]).extend(half, retrain=False).source_) == 50
    with pytest.raises(gm.CohortError, match="none of the 10 new patients has a known outcome"):
        tiny().fit(cohort[TRAIN]).extend(cohort[MORE].with_outcome_of([]))
    with pytest.raises(gm.CohortError, match="none of the 10 new patients has a known outcome"):
        tiny().fit(cohort[TRAIN]).extend(replace(cohort[MORE], outcome=None))


def test_visits_of_newcomers_come_along(cohort):
    model = tiny(gm.Visits("codes")).fit(cohort[TRAIN])
    grown = model.extend(cohort[MORE])
    assert len(grown.source_.timeline) == len(cohort[0:50].timeline) > len(cohort[TRAIN].timeline) > 0
    anew = clone(model).set_params(prepare=Fixed(Box(model.encoder_))).fit(cohort[0:50])
    assert np.array_equal(grown.predict_proba(cohort[TEST]), anew.predict_proba(cohort[TEST]))
    bare = model.extend(replace(cohort[MORE], timeline=Timeline()))
    assert len(bare.source_.timeline) == len(cohort[TRAIN].timeline)
    assert np.isfinite(bare.predict_proba(cohort[TEST])).all()


def without(cohort, modality):
    return replace(cohort, tables={name: table for name, table in cohort.tables.items() if name != modality})


def test_newcomers_who_lack_a_modality_are_taken_in(cohort):
    model = tiny(gm.Neighbours(k=3, each=True)).fit(cohort[TRAIN])
    few = without(cohort[MORE], "codes")
    assert model.attach(few).patients == 50
    for retrain in (True, False):
        grown = model.extend(few, retrain=retrain)
        assert not grown.source_.has("codes")[grown.source_.ids.isin(few.ids)].any()
        assert np.isfinite(grown.predict_proba(cohort[TEST])).all()


def test_patients_in_training_are_refused_with_counts_and_without_ids(cohort):
    model = tiny().fit(cohort[TRAIN])
    for ask in (model.attach, model.extend):
        with pytest.raises(gm.CohortError, match="3 of 8 patients are in training already") as error:
            ask(cohort[37:45])
        assert not any(name in str(error.value) for name in cohort.ids)
        with pytest.raises(gm.CohortError, match="give new patients, one or more"):
            ask(cohort[0:0])


def test_another_kind_of_outcome_or_a_class_unheard_of_is_refused(cohort, frames):
    tables, outcome, _ = frames
    model = tiny().fit(cohort[TRAIN])
    third = gm.Cohort.from_frames(tables, outcome.mask(outcome == "case", "perhaps"))
    with pytest.raises(gm.CohortError, match="have outcome perhaps, which training did not"):
        model.extend(third[third.rows_of(cohort.ids[MORE])])
    number = gm.Cohort.from_frames(tables, pd.Series(np.arange(60.0), index=outcome.index), kind="number")
    with pytest.raises(gm.CohortError, match="the outcome is a number"):
        model.extend(number[number.rows_of(cohort.ids[MORE])])


def test_before_fit_nothing_grows(cohort):
    for ask in (tiny().attach, tiny().extend):
        with pytest.raises(gm.NotFittedError, match="has seen no patients yet"):
            ask(cohort[MORE])
