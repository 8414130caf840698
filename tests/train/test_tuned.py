"""Tuning: the best trial on inner folds wins, the budget is kept by every model, test patients are never asked."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.data.folds import Fold, inner_folds
from graphmml.train.baselines import all_baselines
from graphmml.train.cross_validate import evaluate
from graphmml.train.planned import Planned, plan
from graphmml.train.spaces import alike, given_of, space_of, untuned, with_k
from graphmml.train.tuned import Search, Tuned, drawn, held_out_loss, searched

TINY = gm.Training(epochs=3, patience=3)
MODEL = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, width=4, training=TINY, device="cpu")
COHORT = gm.make_cohort(90, seed=1)


def test_the_settings_of_the_lowest_loss_on_inner_folds_win():
    tuned = Tuned(MODEL, Search(4, folds=2), space={"width": [2, 8, 16]}).fit(COHORT)
    losses = [trial.loss for trial in tuned.trials_]
    assert tuned.loss_ == min(losses)
    assert tuned.chosen_ == tuned.trials_[int(np.argmin(losses))].settings
    folds = [(COHORT[f.train], COHORT[f.test]) for f in inner_folds(COHORT, 2, seed=0, n=2)]
    settings = {name: int(value) for name, value in tuned.trials_[-1].settings.items()}
    again = np.mean([held_out_loss(clone(MODEL).set_params(**settings).fit(train), test) for train, test in folds])
    assert losses[-1] == pytest.approx(again)
    assert tuned.model_.width == int(tuned.chosen_.get("width", 4))


@pytest.mark.parametrize("by", ["random", "optuna"])
def test_trials_are_as_many_as_were_asked_for_the_given_settings_first(by):
    if by == "optuna":
        pytest.importorskip("optuna")
    space, asked = {"a": [1, 2, 3], "b": [4, 5]}, []

    def loss(settings):
        asked.append(settings)
        return float(settings.get("a", 9))

    trials = list(searched(space, Search(4, by=by), loss))
    assert [settings for settings, _ in trials] == asked
    assert asked[0] == {}
    assert len(asked) == 4
    assert all(set(settings) == {"a", "b"} for settings in asked[1:])
    first = list(asked)
    assert first == [settings for settings, _ in searched(space, Search(4, by=by), loss)]


@pytest.mark.parametrize("by", ["random", "optuna"])
@pytest.mark.parametrize("given", [{}, {"a": 2, "b": 3.0}, {"a": 7, "b": 3}])
def test_all_of_a_space_is_tried_once_and_the_given_settings_only_first(by, given):
    if by == "optuna":
        pytest.importorskip("optuna")
    space = {"a": [1, 2, 2], "b": [3, 4]}
    found = [settings for settings, _ in searched(space, Search(6, by=by), lambda settings: 0.0, given)]
    every = [{"a": a, "b": b} for a in (1, 2) for b in (3, 4) if {"a": a, "b": b} != given]
    assert found[0] == {}
    assert len(found) == 1 + len(every)
    assert all(settings in found for settings in every)


def test_settings_that_stand_in_a_space_as_they_are_in_use_are_the_given_ones():
    model = gm.GraphClassifier()
    space = space_of(model)
    in_use = {"width": 32, "training": gm.Training(), "conv": gm.SAGEStack, "links": gm.Neighbours(each=True)}
    given = given_of(model, space)
    assert [at for at in drawn(space, 0, {}) if alike(at, given)] == [
        at for at in drawn(space, 0, {}) if alike(at, in_use)
    ]
    total = int(np.prod([len(values) for values in space.values()]))
    assert len(list(drawn(space, 0, given))) == total - 1
    deeper = {"conv": partial(gm.SAGEStack, depth=3)}
    assert not alike(deeper, {"conv": gm.SAGEStack})
    assert not alike(deeper, given)


def test_what_optuna_proposes_again_is_no_trial():
    pytest.importorskip("optuna")
    found = [settings for settings, _ in searched({"a": range(6)}, Search(5, by="optuna"), lambda s: 0.0, {"a": 3})]
    assert len({settings.get("a", 3) for settings in found}) == len(found) == 5


def test_every_row_has_the_same_budget_and_some_space():
    rows = plan({"graph": Tuned(MODEL, Search(7))}, "inductive")
    assert {row.kind for row in rows} == {"graph", "shuffled", "no-graph", "baseline"}
    for row in rows:
        assert isinstance(row.model, Tuned)
        assert row.model.search == Search(7)
        space = space_of(untuned(row.model.model))
        assert space, row.name
        for name, values in space.items():
            for value in values:
                clone(untuned(row.model.model)).set_params(**{name: value})
    logistic = untuned(all_baselines(MODEL)["logistic regression"])
    assert "GridSearchCV" not in repr(logistic.classifier)


def test_controls_search_the_space_of_their_graph():
    """Else a twin without edges would be tuned over other settings than the graph that it is held against."""
    links = [gm.Neighbours("labs", k=k) for k in (2, 5)]
    space = {"width": [2, 8], "links": links, "structure": [None]}
    two = {"one": Tuned(MODEL, Search(2), space=space), "other": Tuned(clone(MODEL).set_params(width=16), Search(2))}
    for models, prefix in (({"one": two["one"]}, ""), (two, "one, ")):
        rows = {row.name: row.model.space for row in plan(models, "inductive")}
        assert rows["one"] == space
        assert rows[f"{prefix}no graph"] == {"width": [2, 8]}
        assert rows["one, shuffled"]["links"] == [gm.Shuffled(one, seed=MODEL.seed) for one in links]
        assert rows["one, shuffled"]["width"] == [2, 8]
        assert rows["random forest"] is None
    assert rows["other, no graph"] is None


def test_neighbours_are_tuned_inside_what_wraps_them():
    assert with_k(gm.Shuffled(gm.Neighbours(k=10)), 5).links.k == 5
    assert with_k(gm.NoEdges(), 5) is None
    kept = space_of(MODEL.__class__(gm.Neighbours("rna", k=10, metric="cosine")))["links"]
    assert [(one.modality, one.k) for one in kept] == [("rna", 5), ("rna", 10), ("rna", 20)]
    convs = space_of(gm.GraphClassifier(conv=partial(gm.SAGEStack, depth=2)))["conv"]
    assert all(conv.keywords["depth"] == 2 for conv in convs)


def test_outcomes_of_test_patients_change_nothing():
    tuned = Tuned(
        MODEL, Search(3, folds=2), space={"width": [2, 8], "links": [gm.Neighbours("labs", k=k) for k in (2, 5)]}
    )
    flipped = COHORT.outcome.values.copy()
    flipped.iloc[60:] = flipped.iloc[60:].map({"case": "control", "control": "case"})
    other = gm.Cohort.from_frames(dict(COHORT.tables), pd.Series(flipped, index=COHORT.ids), positive="case")
    fold = Fold(np.arange(60), np.arange(60, 90), 0, 0, 0)
    row = Planned("graph", "graph", tuned)
    pair = [evaluate(row, people, [fold], "inductive", ("control", "case")) for people in (COHORT, other)]
    first, second = (unit for units in pair for unit in units)
    assert first.chosen == second.chosen
    assert first.chosen.keys() <= {"width", "links"}
    assert np.array_equal(first.probabilities, second.probabilities)
    assert (first.codes != second.codes).all()


def test_a_class_that_an_inner_fold_lacks_costs_in_full():
    class Sure:
        classes_ = np.array(["a", "b"], dtype=object)

        def predict_proba(self, cohort):
            return np.tile([0.5, 0.5], (len(cohort), 1))

    people = gm.Cohort.from_frames(
        {"t": pd.DataFrame({"x": [1.0, 2.0]}, index=["p", "q"])}, pd.Series(["a", "c"], index=["p", "q"])
    )
    assert held_out_loss(Sure(), people) == pytest.approx((np.log(2) + np.log(1e15)) / 2)


def test_a_budget_of_nothing_is_refused():
    for settings in ({"trials": 0}, {"folds": 1}, {"by": "luck"}):
        with pytest.raises(ValueError, match=r"folds|searched"):
            Search(**settings)
    with pytest.raises(gm.NotFittedError):
        Tuned(MODEL).predict_proba(COHORT)


def links_of(*ks):
    return {"links": [gm.Neighbours("labs", k=k) for k in ks]}


def test_settings_that_the_patients_are_too_few_for_lose_and_say_why():
    tuned = Tuned(MODEL, Search(3, folds=2), space=links_of(2, 5000)).fit(COHORT)
    assert sorted(np.isinf(trial.loss) for trial in tuned.trials_) == [False, False, True]
    for trial in tuned.trials_:
        assert ("k is 5000" in trial.failed) == np.isinf(trial.loss)
    assert "5000" not in repr(tuned.chosen_)


@pytest.mark.parametrize(
    ("model", "space", "said"),
    [
        (MODEL, links_of(5000, 6000), "of 2 settings .* none can be fitted; .* k is [56]000"),
        (MODEL, {"links": [gm.Neighbours("lab", k=2)]}, "no modality 'lab'"),
        (MODEL, {"width": [0]}, "width 0"),
        (MODEL, {"width": ["a"]}, "width is 'a'"),
        (MODEL, {"widht": [8, 16]}, "'widht', which is no setting of a GraphClassifier; there are: .*width"),
        (MODEL, {"links.k": [3]}, "'links.k', which is no setting"),
        (gm.Baseline(LogisticRegression()), {"C": [1.0]}, "no setting of a Baseline; .*classifier__C"),
        (clone(MODEL).set_params(links=gm.Neighbours("labs", k=5000)), {"width": [2]}, "k is 5000"),
    ],
)
def test_a_space_that_no_trial_can_be_had_of_is_refused(model, space, said):
    with pytest.raises(gm.GraphmmlError, match=said):
        Tuned(model, Search(3, folds=2), space=space).fit(COHORT)


def test_settings_of_a_part_that_the_space_puts_in_can_be_searched():
    space = {"prepare": [gm.CohortEncoder()], "prepare__wide": [3, 5]}
    assert len(Tuned(MODEL, Search(3, folds=2), space=space).fit(COHORT).trials_) == 3
