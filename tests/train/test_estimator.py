import pickle
import random as python_random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

import graphmml as gm
from graphmml.model.tensors import GraphTensors

TRAIN, TEST = slice(0, 45), slice(45, 60)
OTHER = {"case": "control", "control": "case"}


def tiny(links=None, **settings):
    settings = {"members": 2, "width": 8, "training": gm.Training(epochs=5), "device": "cpu"} | settings
    return gm.GraphClassifier(gm.Neighbours(k=4) if links is None else links, **settings)


MODELS = {
    "neighbours": tiny(),
    "gcn": tiny(gm.Neighbours("labs", k=4), conv=gm.GCNStack, fusion=gm.MeanFusion),
    "concepts, sage": tiny(gm.Concepts("codes", most=0.9), conv=gm.SAGEStack),
    "concepts, gat": tiny(gm.Concepts("codes", most=0.9), conv=gm.GATStack, fusion=gm.AttentionFusion),
    "each modality": tiny(gm.Neighbours(k=3, each=True), encoder=gm.MLPEncoder, fusion=gm.ConcatFusion),
    "phenotype": tiny(gm.SharedPhenotype(("site", "age"), tolerance=(0, 10), k=4)),
    "no edges": tiny(gm.NoEdges()),
    "shuffled": tiny(gm.Shuffled(gm.Neighbours(k=4))),
    "transductive": tiny(setting="transductive"),
}


FROZEN = {}


@pytest.fixture(params=list(MODELS))
def model(request):
    return clone(MODELS[request.param])


@pytest.fixture
def fitted(request, model, cohort):
    """The model fitted, every test's own: fitted once and thawed."""
    key = request.node.callspec.params["model"]
    if key not in FROZEN:
        FROZEN[key] = pickle.dumps(model.fit(cohort[TRAIN]))
    return pickle.loads(FROZEN[key])


def test_probabilities_are_of_the_classes_and_sum_to_one(fitted, cohort):
    p = fitted.predict_proba(cohort[TEST])
    assert p.shape == (15, 2)
    assert list(fitted.classes_) == ["control", "case"]
    assert (p > 0).all()
    assert p.sum(axis=1) == pytest.approx(1)
    assert p[:, 1].std() > 1e-4
    assert list(fitted.predict(cohort[TEST])) == list(fitted.classes_[p.argmax(axis=1)])


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(fitted, model, cohort):
    p = fitted.predict_proba(cohort[TEST])
    with torch.random.fork_rng():
        torch.manual_seed(123)
        again = clone(model).fit(cohort[TRAIN])
    assert np.array_equal(p, again.predict_proba(cohort[TEST]))
    assert np.array_equal(p, fitted.predict_proba(cohort[TEST]))
    other = clone(model).set_params(seed=1).fit(cohort[TRAIN])
    assert not np.allclose(p, other.predict_proba(cohort[TEST]))


def test_a_prediction_does_not_depend_on_who_else_is_predicted(fitted, cohort):
    p = fitted.predict_proba(cohort[TEST])
    for at in range(15):
        assert fitted.predict_proba(cohort[45 + at : 46 + at])[0] == pytest.approx(p[at], abs=1e-6)
    assert fitted.predict_proba(cohort)[TEST] == pytest.approx(p, abs=1e-6)
    assert fitted.predict_proba(cohort[::-1])[::-1][TEST] == pytest.approx(p, abs=1e-6)


def test_what_is_known_of_held_out_patients_changes_nothing(model, frames):
    """Outcomes of the others flipped, their rows replaced: fitting on the training rows answers the same."""
    tables, outcome, groups = frames
    before = gm.Cohort.from_frames(tables, outcome, groups=groups, positive="case")
    out = before.ids[TEST]
    flipped = outcome.copy()
    flipped[out] = flipped[out].map(OTHER)
    changed = {name: table.copy() for name, table in tables.items()}
    changed["labs"].loc[out] = 1e4
    changed["clinical"].loc[out, "sex"] = "unheard of"
    groups = groups.copy()
    groups.loc[out] = "elsewhere"
    after = gm.Cohort.from_frames(changed, flipped, groups=groups, positive="case")
    assert list(after.ids) == list(before.ids)
    one, other = clone(model).fit(before[TRAIN]), clone(model).fit(after[TRAIN])
    assert np.array_equal(one.predict_proba(before[TEST]), other.predict_proba(before[TEST]))


def test_the_outcome_of_those_predicted_is_not_looked_at(fitted, cohort):
    assert np.array_equal(fitted.predict_proba(cohort[TEST]), fitted.predict_proba(replace(cohort[TEST], outcome=None)))


def test_the_order_of_rows_columns_and_modalities_changes_nothing(model, frames):
    tables, outcome, groups = frames
    cohort = gm.Cohort.from_frames(tables, outcome, groups=groups, positive="case")
    random = np.random.default_rng(3)
    mixed = {
        name: tables[name].iloc[random.permutation(len(tables[name])), random.permutation(tables[name].shape[1])]
        for name in reversed(list(tables))
    }
    turned = gm.Cohort.from_frames(mixed, outcome[::-1], groups=groups.sample(frac=1, random_state=1), positive="case")
    train, test = cohort.ids[TRAIN], cohort.ids[TEST]
    assert list(turned.ids) != list(cohort.ids)
    one = clone(model).fit(cohort[TRAIN]).predict_proba(cohort[TEST])
    fit_on = turned[np.sort(turned.rows_of(train))]
    other = clone(model).fit(fit_on).predict_proba(turned[turned.rows_of(test)])
    assert one == pytest.approx(other, abs=1e-6)


def test_global_generators_and_threads_are_left_as_they_were(model, cohort):
    def state():
        return torch.get_rng_state().tolist(), repr(np.random.get_state()), python_random.getstate()

    before, threads = state(), torch.get_num_threads()
    model.fit(cohort[TRAIN]).predict_proba(cohort[TEST])
    assert state() == before
    assert torch.get_num_threads() == threads


def test_a_clone_is_unfitted_and_set_up_alike(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(gm.NotFittedError, match=r"call fit\(cohort\[train\]\) first"):
        copy.predict_proba(None)
    check_is_fitted(fitted)
    assert not copy.__sklearn_is_fitted__()


def test_noise_in_an_absent_modality_changes_no_answer(fitted, cohort):
    target = fitted.encoder_.transform(cohort[TEST])
    assert not target.present.all()
    for member in fitted.members_:
        graph = gm.build_graph(fitted.constructor, member.source, target)
        answers = []
        for noise in (0.0, 1e4, float("nan")):
            parts = [
                replace(
                    part,
                    features={
                        name: np.where(part.has(name)[:, None], matrix, np.float32(noise))
                        for name, matrix in part.features.items()
                    },
                )
                for part in (member.source, target)
            ]
            with torch.no_grad():
                answers.append(member.network.eval()(GraphTensors.of(graph, *parts, device=torch.device("cpu"))))
        assert torch.equal(answers[0], answers[1])
        assert torch.equal(answers[0], answers[2])


def without(cohort, modality):
    """The same patients from files that lack a modality."""
    tables = {name: table for name, table in cohort.tables.items() if name != modality}
    return replace(cohort, tables=tables)


@pytest.mark.parametrize("modality", ["clinical", "labs", "codes"])
def test_a_cohort_that_lacks_a_modality_is_predicted(fitted, cohort, modality):
    p = fitted.predict_proba(without(cohort[TEST], modality))
    assert p.shape == (15, 2)
    assert np.isfinite(p).all()
    blank = dict(cohort.tables) | {modality: cohort.tables[modality].mask(cohort.tables[modality].notna())}
    assert p == pytest.approx(
        fitted.predict_proba(replace(cohort[TEST], tables={name: table.iloc[TEST] for name, table in blank.items()})),
        abs=1e-6,
    )


def test_a_patient_with_nothing_measured_is_predicted(fitted, cohort):
    nothing = {name: table.mask(table.notna()) for name, table in cohort[TEST].tables.items()}
    p = fitted.predict_proba(replace(cohort[TEST], tables=nothing))
    assert np.isfinite(p).all()
    assert p.sum(axis=1) == pytest.approx(1)


def test_columns_missing_new_or_in_another_order_are_taken_by_name(fitted, cohort):
    part = cohort[TEST]
    labs = part.tables["labs"]
    p = fitted.predict_proba(part)
    more = replace(part, tables=dict(part.tables) | {"labs": labs.assign(new=1.0)[["new", *labs.columns[::-1]]]})
    assert fitted.predict_proba(more) == pytest.approx(p, abs=1e-6)
    fewer = replace(part, tables=dict(part.tables) | {"labs": labs.drop(columns="a")})
    empty = replace(part, tables=dict(part.tables) | {"labs": labs.assign(a=np.nan)})
    assert np.array_equal(fitted.predict_proba(fewer), fitted.predict_proba(empty))
    assert not np.allclose(fitted.predict_proba(fewer), p)


SCRIPT = """
import graphmml as gm
cohort = gm.make_cohort(60, seed=3)
model = gm.GraphClassifier(gm.Neighbours(k=4), members=2, width=8, training=gm.Training(epochs=5), device="cpu")
p = model.fit(cohort[:45]).predict_proba(cohort[45:])
import sys
sys.stdout.write(p.tobytes().hex())
"""


def test_another_process_gives_the_same_answer_to_the_last_bit(monkeypatch):
    cohort = gm.make_cohort(60, seed=3)
    p = tiny().fit(cohort[:45]).predict_proba(cohort[45:])
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == p.tobytes().hex()


def test_a_planted_signal_is_learned():
    random = np.random.default_rng(0)
    ids, y = [f"p{at}" for at in range(200)], random.integers(0, 2, 200)
    labs = pd.DataFrame(random.normal(size=(200, 4)) + 2 * y[:, None], index=ids)
    cohort = gm.Cohort.from_frames({"labs": labs}, pd.Series(y, index=ids))
    model = gm.GraphClassifier(gm.Neighbours(k=4), members=1, training=gm.Training(epochs=60), device="cpu")
    assert model.fit(cohort[:150]).score(cohort[150:]) >= 0.9


def test_the_answer_is_the_mean_over_members(cohort):
    model = tiny(members=3).fit(cohort[TRAIN])
    members = model.predict_members(cohort[TEST])
    assert members.shape == (3, 15, 2)
    assert np.array_equal(model.predict_proba(cohort[TEST]), members.mean(axis=0))
    assert not np.allclose(members[0], members[1])


def test_members_stop_by_patients_they_do_not_learn_from(cohort):
    model = tiny(members=5).fit(cohort[TRAIN])
    learned = [set(member.rows.tolist()) for member in model.members_]
    assert all(len(rows) < 45 for rows in learned)
    stopped_by = [set(range(45)) - rows for rows in learned]
    assert set.union(*stopped_by) == set(range(45))
    assert sum(map(len, stopped_by)) == 45


def test_patients_without_outcome_are_left_out_unless_the_setting_is_transductive(cohort):
    half = cohort.with_outcome_of(TRAIN)
    inductive = tiny().fit(half)
    assert np.array_equal(inductive.predict_proba(cohort[TEST]), tiny().fit(cohort[TRAIN]).predict_proba(cohort[TEST]))
    assert len(inductive.source_) == 45
    joined = tiny(setting="transductive").fit(half)
    assert len(joined.source_) == 60
    assert all(len(member.rows) > 45 for member in joined.members_)
    assert not np.allclose(joined.predict_proba(cohort[TEST]), inductive.predict_proba(cohort[TEST]))


def test_transductive_sees_features_of_the_others_and_never_their_outcome(cohort):
    half = cohort.with_outcome_of(TRAIN)
    flipped = cohort.outcome.values.where(np.arange(60) < 45, cohort.outcome.values.map(OTHER))
    other = replace(cohort, outcome=replace(cohort.outcome, values=flipped)).with_outcome_of(TRAIN)
    one, two = (tiny(setting="transductive").fit(part) for part in (half, other))
    assert np.array_equal(one.predict_proba(cohort[TEST]), two.predict_proba(cohort[TEST]))
    moved = dict(cohort.tables) | {"labs": cohort.tables["labs"].copy()}
    moved["labs"].iloc[TEST] += 3.0
    three = tiny(setting="transductive").fit(replace(half, tables=moved))
    assert not np.allclose(one.predict_proba(cohort[:5]), three.predict_proba(cohort[:5]), atol=1e-6)


def test_the_encoder_learns_from_labelled_patients_alone_in_either_setting(cohort):
    half = cohort.with_outcome_of(TRAIN)
    for setting in ("inductive", "transductive"):
        learned = tiny(setting=setting).fit(half).encoder_
        direct = gm.CohortEncoder().fit(cohort[TRAIN])
        assert np.array_equal(learned.tables_["labs"].mean_, direct.tables_["labs"].mean_)


def test_watch_is_told_of_every_epoch_of_every_member(cohort):
    seen = []
    tiny().fit(cohort[TRAIN], watch=seen.append)
    assert [epoch.number for epoch in seen] == [*range(5), *range(5)]
    assert all(np.isfinite([epoch.loss, epoch.validation]).all() for epoch in seen)


def test_a_member_says_after_how_many_epochs_it_was_best(cohort):
    seen = []
    how = gm.Training(epochs=12, patience=3, learning_rate=0.1)
    model = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=2, width=4, training=how).fit(cohort, seen.append)
    second = [at for at, epoch in enumerate(seen) if epoch.number == 0][1]
    losses = [[epoch.validation for epoch in part] for part in (seen[:second], seen[second:])]
    assert model.epochs_ == tuple(1 + int(np.argmin(one)) for one in losses)


def test_more_than_two_classes(frames):
    tables, outcome, groups = frames
    three = outcome.copy()
    three.iloc[::3] = "other"
    cohort = gm.Cohort.from_frames(tables, three, groups=groups)
    model = tiny().fit(cohort[TRAIN])
    assert list(model.classes_) == ["case", "control", "other"]
    assert model.predict_proba(cohort[TEST]).shape == (15, 3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"members": 0}, "members is 0"),
        ({"width": 0}, "width 0"),
        ({"setting": "both"}, "choose inductive or transductive"),
        ({"device": "cuda:99"}, "choose device"),
    ],
)
def test_settings_that_no_network_can_have_are_refused(cohort, settings, said):
    if settings.get("device") and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(gm.GraphmmlError, match=said):
        tiny(**settings).fit(cohort[TRAIN])


def test_without_two_classes_there_is_nothing_to_learn(frames):
    tables, outcome, _ = frames
    number = pd.Series(np.arange(60.0), index=outcome.index, name="days")
    for given, kind, said in (
        (None, "class", "has no outcome"),
        (outcome.map(lambda _: "case"), "class", "two are wanted"),
        (number, "number", "learns classes"),
    ):
        with pytest.raises(gm.CohortError, match=said):
            tiny().fit(gm.Cohort.from_frames(tables, given, kind=kind))


def test_concepts_and_gcn_do_not_go_together_and_the_error_says_what_does(cohort):
    with pytest.raises(gm.GraphError, match="use SAGEStack or GATStack"):
        tiny(gm.Concepts("codes", most=0.9), conv=gm.GCNStack).fit(cohort[TRAIN])
