"""An explanation says what is planted, turns what it says it turns, names nobody and leaves the model as it is."""

import copy
import json

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.errors import CohortError, GraphmmlError
from graphmml.report.explain.subject import Subject

METHODS = [gm.Occlusion(), gm.IntegratedGradients(16), gm.GNNExplainer(8)]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_explaining_changes_neither_the_model_nor_global_chance(people, fitted, method):
    weights = [copy.deepcopy(member.network.state_dict()) for member in fitted.members_]
    grads = {
        value: value.grad.clone()
        for member in fitted.members_
        for value in member.network.parameters()
        if value.grad is not None
    }
    before, chance = fitted.predict_proba(people), (torch.random.get_rng_state(), np.random.get_state()[1].copy())
    one = gm.explain(fitted, people, 80, method=method)
    np.testing.assert_array_equal(fitted.predict_proba(people), before)
    for member, weight in zip(fitted.members_, weights, strict=True):
        assert all(torch.equal(value, weight[name]) for name, value in member.network.state_dict().items())
        assert all(torch.equal(value.grad, grads[value]) for value in member.network.parameters() if value in grads)
    assert torch.equal(torch.random.get_rng_state(), chance[0])
    np.testing.assert_array_equal(np.random.get_state()[1], chance[1])
    assert gm.explain(fitted, people, 80, method=method).to_json() == one.to_json()


def test_it_does_not_depend_on_who_else_is_in_the_cohort(people, fitted):
    whole, alone = gm.explain(fitted, people, 85), gm.explain(fitted, people[[85]], 0)
    assert whole.frame().drop(columns=["effect", "spread"]).equals(alone.frame().drop(columns=["effect", "spread"]))
    np.testing.assert_allclose(whole.frame()["effect"], alone.frame()["effect"], atol=1e-6)


def test_no_id_is_shown_unless_asked_for(people, fitted):
    told = gm.explain(fitted, people, str(people.ids[80]))
    record = json.dumps(told.to_json(), allow_nan=False)
    assert told.patient == "row 80"
    assert not any(name in record + repr(told) for name in people.ids)
    named = gm.explain(fitted, people, 80, show_ids=True)
    assert named.patient == people.ids[80]
    neighbours = {item.attribution.part.name for item in named.of_kind("link")}
    assert neighbours <= set(fitted.source_.ids)
    assert any("patient's record" in note for note in told.notes)


def test_what_is_shown_is_what_the_patient_has_and_of_which_class_neighbours_are(people, fitted):
    frame = gm.explain(fitted, people, 80).frame()
    features = frame[frame["kind"] == "feature"]
    for _, row in features.iterrows():
        assert people.tables[row["through"]][row["name"]].iloc[80] == row["value"]
    subject = Subject.of(fitted, people[[80]])
    links = frame[frame["kind"] == "link"]
    assert len(links) == len(subject.links)
    truth = dict(zip(people.ids, people.outcome.values, strict=True))
    named = gm.explain(fitted, people, 80, show_ids=True).frame()
    for _, row in named[named["kind"] == "link"].iterrows():
        assert truth[row["name"]] == row["class"]


def test_another_class_is_explained_by_the_opposite_of_two(people, fitted):
    own = gm.explain(fitted, people, 80)
    other = next(str(name) for name in fitted.classes_ if name != own.explained)
    against = gm.explain(fitted, people, 80, target=other)
    one, two = ({(r.kind, r.name, r.through): r.effect for r in e.frame().itertuples()} for e in (own, against))
    assert one.keys() == two.keys()
    assert all(two[key] == pytest.approx(-effect, abs=1e-6) for key, effect in one.items())
    assert against.prediction == own.prediction
    assert against.links.words == own.links.words
    with pytest.raises(GraphmmlError, match="no class"):
        gm.explain(fitted, people, 80, target="nobody")


def test_who_is_not_there_is_refused_without_repeating_an_id(people, fitted):
    with pytest.raises(CohortError, match="rows 0 to 109") as wrong:
        gm.explain(fitted, people, 110)
    with pytest.raises(CohortError) as unknown:
        gm.explain(fitted, people, "secret")
    assert "secret" not in str(unknown.value) + str(wrong.value)
    with pytest.raises(GraphmmlError, match="one or more"):
        gm.explain(fitted, people, 80, parts=0)
    with pytest.raises(gm.NotFittedError):
        gm.explain(gm.GraphClassifier(), people, 80)


@pytest.mark.parametrize(("method", "said"), [("occlusion", "'occlusion'"), (gm.Occlusion, "the class Occlusion")])
def test_what_attributes_nothing_is_no_method(people, fitted, method, said):
    with pytest.raises(GraphmmlError, match=f"method is {said}; give gm.Occlusion"):
        gm.explain(fitted, people, 80, method=method)


def test_training_patients_and_loners_are_pointed_out(people, fitted, make):
    assert any("fitted on this patient" in note for note in gm.explain(fitted, people, 3).notes)
    assert not any("fitted on this patient" in note for note in gm.explain(fitted, people, 80).notes)
    alone = gm.explain(make(links=gm.NoEdges()), people, 80)
    assert any("no link" in note for note in alone.notes)
    assert alone.of_kind("link") == ()


def test_effects_can_be_drawn(people, fitted):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    told = gm.explain(fitted, people, 80)
    _, ax = pyplot.subplots()
    assert told.plot.parts("feature", ax, most=4) is ax
    first = [item.attribution.effect for item in told.of_kind("feature")[:4]]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], first)
    pyplot.close("all")
    with pytest.raises(GraphmmlError, match="no second hand"):
        told.plot.parts("second hand")


LINKS = {
    "modality": gm.Neighbours(each=True),
    "feature": gm.Neighbours(each=True),
    "relation": gm.Layers((gm.SharedPhenotype("family", k=20), gm.SharedPhenotype("ward", k=20))),
}
CARRIES = {"modality": ("imaging", ""), "feature": ("marker", "labs"), "relation": ("same_family", "")}


@pytest.mark.slow
@pytest.mark.parametrize("carrier", CARRIES)
def test_what_is_planted_ranks_first_and_every_counterfactual_turns_the_answer(carrier, drop, rewrite):
    cohort = gm.make_explained_cohort(carrier, 640, seed=1)
    model = gm.GraphClassifier(LINKS[carrier], members=3).fit(cohort[:600])
    held_out = cohort[600:]
    right = np.flatnonzero(model.predict(held_out) == held_out.outcome.values.to_numpy(dtype=object))
    assert len(right) >= 20
    first = dict.fromkeys(("occlusion", "gradients"), 0)
    for row in map(int, right[:20]):
        told, subject = gm.explain(model, held_out, row), Subject.of(model, held_out[[row]])
        ranked = {"occlusion": told.of_kind(carrier)[0].attribution.part}
        ranked["gradients"] = gm.IntegratedGradients().attribute(subject).of_kind(carrier)[0].part
        for method, part in ranked.items():
            first[method] += (part.name, part.through) == CARRIES[carrier]
        own = model.predict(held_out[[row]])[0]
        if told.feature.found is not None:
            cell = told.feature.found.parts[0]
            other = rewrite(held_out, row, cell.through, cell.name, told.feature.found.after)
            assert model.predict(other)[0] == told.feature.found.prediction != own
        if told.links.found is not None:
            gone = [subject.links[each.number] for each in told.links.found.parts]
            assert drop(model, gone).predict(held_out[[row]])[0] == told.links.found.prediction != own
    assert min(first.values()) >= 18  # nine in ten


@pytest.mark.slow
def test_what_is_before_calibration_says_what_predict_gives(people, fitted):
    model = gm.CalibratedClassifier(fitted, gm.Folds(2), method="isotonic").fit(people)
    for row in (80, 85):
        one = gm.explain(model, people, row)
        risk = model.predict_proba(people[[row]])[0, list(model.classes_).index(one.explained)]
        (note,) = [note for note in one.notes if "calibrated, as predict gives it" in note]
        assert note.endswith(f"'{one.explained}' is {risk:.2f}.")
    assert not any("calibrated" in note for note in gm.explain(fitted, people, 80).notes)
