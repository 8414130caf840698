"""Copies of one model fitted on patients of their own: in one go as one by one."""

from dataclasses import replace
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.train import cross_validate as cv
from graphmml.train import members
from graphmml.train.baselines import Baseline
from graphmml.train.chance import seeded
from graphmml.train.several import fit_each

FOLDS = gm.Folds(3, repeats=2)
SPACE = {"width": [4, 8]}


def steady(**settings):
    """A model without chance but in its first weights."""
    settings = {"links": gm.Neighbours(each=True, k=4), "conv": partial(gm.SAGEStack, dropout=0.0)} | settings
    settings = {"encoder": partial(gm.LinearEncoder, dropout=0.0), "width": 8, "members": 2} | settings
    return gm.GraphClassifier(training=gm.Training(epochs=8), **settings)


@pytest.fixture(scope="module")
def cohort():
    """Patients of whom only the last has a ward, so that folds have one column more or fewer."""
    people = gm.make_cohort(90, seed=2)
    first, *others = people.tables
    ward = pd.Series(["east", "west"] * 44 + ["north", "south"], index=people.ids, dtype="str")
    return replace(
        people, tables={first: people.tables[first].assign(ward=ward)} | {n: people.tables[n] for n in others}
    )


@pytest.fixture
def gpu(monkeypatch):
    """As on a GPU: how many networks were trained as one program, each time."""
    asked = []

    def counted(networks, *rest):
        asked.append(len(networks))
        return train(networks, *rest)

    train = members.train_together
    monkeypatch.setattr(members, "idle", lambda device, patients: True)
    monkeypatch.setattr(members, "train_together", counted)
    return asked


def parts(cohort, folds=FOLDS):
    return list(folds.split(cohort))


def said(fitted, cohort, made):
    return np.concatenate([one.predict_proba(cohort[fold.test]) for one, fold in zip(fitted, made, strict=True)])


@pytest.mark.parametrize("encoder", [gm.LinearEncoder, gm.MLPEncoder, torch.nn.Linear])
def test_folds_with_other_columns_train_in_one_go_as_one_by_one(cohort, encoder, gpu):
    kind = encoder if encoder is torch.nn.Linear else partial(encoder, dropout=0.0)
    made = parts(cohort)
    models = [steady(encoder=kind, seed=at) for at in range(len(made))]
    together = list(fit_each(models, [cohort[fold.train] for fold in made]))
    assert gpu == [2 * len(made)]
    widths = {len(one.source_.columns[next(iter(one.source_.columns))]) for one in together}
    assert len(widths) > 1
    found = said(together, cohort, made)
    apart = [alone(steady(encoder=kind, seed=at), cohort[fold.train]) for at, fold in enumerate(made)]
    assert found == pytest.approx(said(apart, cohort, made), abs=1e-3)
    assert found != pytest.approx(said(apart[::-1], cohort, made), abs=1e-2)


def alone(model, people):
    """Fit, as on a CPU, one network after the other."""
    model.meet(people)
    device = torch.device("cpu")
    model.members_ = [members.alone(one, device, None) for one in members.lessons(model, device)]
    return model.combine()


def test_early_fusion_whose_columns_differ_trains_by_fold(cohort, gpu):
    made = parts(cohort)
    list(fit_each([steady(fusion=gm.Early()) for _ in made], [cohort[fold.train] for fold in made]))
    assert gpu == [2] * len(made)


def test_early_fusion_knows_where_a_modality_ends(gpu):
    """As many columns in all, of which the modalities have others."""
    values = np.random.default_rng(0).standard_normal((60, 6))
    ids, outcome = pd.Index([f"p{at}" for at in range(60)], dtype="str"), ["a", "b"] * 30
    people = [
        gm.Cohort.from_frames(
            {
                "one": pd.DataFrame(values[:, :cut], index=ids).add_prefix("x"),
                "two": pd.DataFrame(values[:, cut:], index=ids).add_prefix("y"),
            },
            pd.Series(outcome, index=ids),
        )
        for cut in (2, 4)
    ]
    list(fit_each([steady(fusion=gm.Early()) for _ in people], people))
    assert gpu == [2, 2]


def test_models_that_have_no_room_together_are_trained_in_turn(cohort, gpu, monkeypatch):
    made = parts(cohort)
    one = steady().meet(cohort[made[0].train])
    monkeypatch.setattr(members, "ROOM", int(members.size(one) * 2.5))
    list(fit_each([steady() for _ in made], [cohort[fold.train] for fold in made]))
    assert gpu == [4, 4, 4]


def test_a_fold_that_lacks_a_class_does_not_keep_the_others_from_training(gpu):
    people = gm.make_cohort(60, seed=3)
    values = people.outcome.values.copy()
    values.iloc[:2] = "rare"
    three = replace(people, outcome=replace(people.outcome, values=values, positive=None))
    fitted = list(fit_each([steady(), steady()], [three, people]))
    assert gpu == [2, 2]
    assert [len(one.classes_) for one in fitted] == [3, 2]


def test_one_by_one_a_model_is_given_before_the_next_is_fitted():
    class Counted:
        def __init__(self):
            self.done = False

        def fit(self, cohort):
            self.done = True
            return self

    models = [Counted(), Counted()]
    first = next(fit_each(models, [None, None]))
    assert first is models[0]
    assert not models[1].done


def test_on_a_cpu_nothing_changes_and_models_are_given_one_by_one(cohort):
    made = parts(cohort)[:2]
    fitted = fit_each([steady(seed=at) for at in range(2)], (cohort[fold.train] for fold in made))
    for at, (one, fold) in enumerate(zip(fitted, made, strict=True)):
        again = steady(seed=at).fit(cohort[fold.train])
        assert (one.predict_proba(cohort[fold.test]) == again.predict_proba(cohort[fold.test])).all()


def test_cross_validation_of_a_network_is_one_program_a_row_and_its_table_the_same(cohort, gpu, monkeypatch):
    model = steady()
    together = gm.cross_validate(model, cohort, FOLDS, jobs=1)
    assert gpu == [2 * 3] * 6  # the graph, shuffled, and none, in each repeat
    monkeypatch.undo()
    apart = gm.cross_validate(model, cohort, FOLDS, jobs=1)
    for row in ("graph", "graph, shuffled", "no graph"):
        for one, other in zip(together.of(row), apart.of(row), strict=True):
            assert (one.key, one.trained) == (other.key, other.trained)
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-3)
    plain = [unit.probabilities for unit in together.of("random forest")]
    assert all((one == unit.probabilities).all() for one, unit in zip(plain, apart.of("random forest"), strict=True))


def test_a_run_cut_off_within_a_bundle_ends_in_the_same_table(cohort, gpu, tmp_path):
    model = steady(encoder=gm.LinearEncoder)  # with dropout, whose chance is of the whole bundle
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for run in (whole, cut):
        gm.cross_validate(model, cohort, FOLDS, jobs=1, run=run)
    lines = (cut / "units.jsonl").read_text().splitlines(keepends=True)
    (cut / "units.jsonl").write_text("".join(lines[:4]))
    for name in ("table.csv", "predictions.csv"):
        (cut / name).unlink()
    told = []
    gm.cross_validate(model, cohort, FOLDS, jobs=1, run=cut, resume=True, watch=told.append)
    assert len(told) == len(lines) - 4
    for name in ("table.csv", "predictions.csv"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def test_only_graph_networks_on_an_idle_device_are_bundled(cohort, gpu, monkeypatch):
    rows = cv.plan({"graph": steady()}, "inductive")
    work = [(row, fold, "inductive") for fold in FOLDS.split(cohort) for row in rows]
    sizes = {row.name: len(folds) for row, folds, _ in cv.bundled(work, 90)}
    assert {name for name, size in sizes.items() if size == 3} == {"graph", "graph, shuffled", "no graph"}
    assert all(len({fold.repeat for fold in folds}) == 1 for _, folds, _ in cv.bundled(work, 90))
    assert sum(len(folds) for _, folds, _ in cv.bundled(work, 90)) == len(work)
    with joblib.parallel_config(backend="threading"):  # what a worker elsewhere has, nobody here knows
        assert all(len(folds) == 1 for _, folds, _ in cv.bundled(work, 90))
    monkeypatch.undo()
    assert all(len(folds) == 1 for _, folds, _ in cv.bundled(work, 90))


def test_of_a_transductive_row_everybody_counts(cohort, gpu, monkeypatch):
    monkeypatch.setattr(members, "idle", lambda device, patients: patients < 80)
    rows = cv.plan({"graph": steady()}, "inductive")[:1]
    folds = parts(cohort)
    for setting, count in (("inductive", 2), ("transductive", 6)):
        assert len(cv.bundled([(rows[0], fold, setting) for fold in folds], len(cohort))) == count


LONE = {
    "late": {"fusion": gm.Late()},
    "hybrid": {"fusion": gm.Hybrid()},
    "own graphs": {"fusion": gm.Intermediate(own_graphs=True)},
    "hidden modalities": {"fusion": gm.Intermediate(drop=0.2)},
    "an auxiliary loss": {"fusion": gm.Intermediate(auxiliary=gm.Contrast)},
    "completion": {"fusion": gm.Intermediate(complete=gm.LearnedTokens)},
    "learned edges": {"structure": gm.NeighbourEdges},
    "batches": {"training": gm.Training(batch=20)},
    "pretraining": {"training": gm.Training(pretraining=3)},
    "reweighing": {"training": gm.Training(reweigh="site")},
    "no training": {"training": {"epochs": 3}},
}


@pytest.mark.parametrize("settings", LONE.values(), ids=LONE)
def test_what_cannot_be_one_program_is_no_bundle(gpu, settings):
    assert members.fits_beside(steady(), 90)
    assert not members.fits_beside(steady().set_params(**settings), 90)


def test_where_the_device_is_not_to_be_had_nothing_is_asked_of_it(gpu):
    """A finished run is read, and a plan is made, on a machine without the GPU of the one that computes."""
    assert not members.fits_beside(steady(device="cuda:7"), 90)


def test_what_is_frozen_stays(cohort, gpu):
    def frozen(columns, width):
        return torch.nn.Linear(columns, width).requires_grad_(False)

    made = parts(cohort)
    models = [steady(encoder=frozen, seed=at) for at in range(len(made))]
    for one in fit_each(models, [cohort[fold.train] for fold in made]):
        for at, member in enumerate(one.members_):
            with seeded(one.seed * 7919 + at, torch.device("cpu")):
                fresh = one.network(member.schema)
            for (name, before), after in zip(fresh.named_parameters(), member.network.parameters(), strict=True):
                assert torch.equal(before, after) == ("encoders" in name), name
    assert gpu == [12]


def test_what_drops_by_its_columns_is_trained_by_fold(cohort, gpu):
    people = [cohort[fold.train] for fold in parts(cohort)]
    widths = [len(steady().meet(some).source_.columns[next(iter(cohort.tables))]) for some in people]

    def told(columns, width):
        return gm.LinearEncoder(columns, width, dropout=0.5 if columns == min(widths) else 0.0)

    list(fit_each([steady(encoder=told) for _ in widths], people))
    assert gpu == [2] * 6


def test_where_memory_does_not_reach_models_are_trained_in_turn(cohort, gpu, monkeypatch):
    made = parts(cohort)[:2]
    enough = members.train_together

    def short(networks, *rest):
        if len(networks) > 2:
            raise torch.OutOfMemoryError("a GPU is full")
        return enough(networks, *rest)

    monkeypatch.setattr(members, "train_together", short)
    fitted = list(fit_each([steady(), steady()], [cohort[fold.train] for fold in made]))
    assert gpu == [2, 2]
    assert all(len(one.members_) == 2 for one in fitted)


def test_where_a_gpu_lacks_a_kernel_models_are_trained_in_turn_and_it_is_said(cohort, gpu, monkeypatch):
    def lacking(*_):
        raise NotImplementedError("no kernel for this\nand much more")

    monkeypatch.setattr(members, "train_together", lacking)
    made = parts(cohort)[:2]
    with pytest.warns(UserWarning, match=r"one after the other; .*: no kernel for this$"):
        fitted = list(fit_each([steady(), steady()], [cohort[fold.train] for fold in made]))
    monkeypatch.undo()
    for one, fold in zip(fitted, made, strict=True):
        alike = steady().fit(cohort[fold.train])
        assert np.array_equal(one.predict_proba(cohort), alike.predict_proba(cohort))


def test_a_modality_that_a_fold_knows_nothing_of_does_no_harm(gpu):
    people = gm.make_cohort(60, seed=4)
    name, *others = people.tables
    empty = people.tables[name].astype(object).mask(np.ones(people.tables[name].shape, dtype=bool))
    lacking = replace(people, tables={name: empty} | {other: people.tables[other] for other in others})
    fitted = list(fit_each([steady(), steady()], [people, lacking]))
    assert np.isfinite(said(fitted, people, [gm.data.folds.Fold(None, np.arange(5), 0, 0, 0)] * 2)).all()


def test_met_anew_a_model_has_forgotten(cohort):
    model = steady().fit(cohort)
    with pytest.raises(gm.NotFittedError):
        steady().learn()
    with pytest.raises(gm.NotFittedError):
        model.meet(cohort[:40]).predict(cohort)


def test_inner_folds_of_a_search_and_of_calibration_are_one_program_too(cohort, gpu):
    tuned = gm.Tuned(steady(), gm.Search(2, folds=3), space=SPACE).fit(cohort)
    assert gpu == [6, 6, 2]
    assert len(tuned.trials_) == 2
    gpu.clear()
    calibrated = gm.CalibratedClassifier(steady(), gm.Folds(3)).fit(cohort)
    assert gpu == [8]
    assert len(calibrated.held_out_.p) == len(cohort)
    gpu.clear()
    gm.CalibratedClassifier(Baseline(LogisticRegression()), gm.Folds(3)).fit(cohort)
    assert gpu == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_a_gpu_folds_are_one_program_and_as_one_by_one(cohort, monkeypatch):
    model = steady(device="cuda")
    together = gm.cross_validate(model, cohort, FOLDS, jobs=1)
    monkeypatch.setattr(members, "idle", lambda device, patients: False)
    apart = gm.cross_validate(model, cohort, FOLDS, jobs=1)
    for one, other in zip(together.of("graph"), apart.of("graph"), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-3)
