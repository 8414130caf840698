import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import graphmml as gm
from graphmml.data.folds import Fold
from graphmml.train.cross_validate import classes_in
from graphmml.train.planned import plan

TINY = gm.Training(epochs=4, patience=4)


def small(seed=0, patients=60, signal=2.0):
    """Two modalities of noise, the first with a class signal in it."""
    random = np.random.default_rng(seed)
    ids = pd.Index([f"q{n}" for n in random.permutation(patients)])
    y = random.integers(0, 2, patients)
    labs = pd.DataFrame(random.normal(size=(patients, 4)), index=ids, columns=list("abcd"))
    labs["a"] += signal * y
    rna = pd.DataFrame(random.normal(size=(patients, 6)), index=ids, columns=list("uvwxyz"))
    site = pd.DataFrame({"site": random.choice(["x", "y", "z"], patients)}, index=ids)
    outcome = pd.Series(np.where(y, "case", "control"), index=ids, name="dx")
    return gm.Cohort.from_frames({"labs": labs, "rna": rna}, outcome, groups=site, positive="case")


def model(**settings):
    return gm.GraphClassifier(gm.Neighbours(k=3), members=1, width=4, training=TINY, device="cpu", **settings)


def test_every_graph_stands_beside_its_controls_and_plain_models_on_the_same_folds():
    result = gm.cross_validate({"sage": model(), "gcn": model(conv=gm.GCNStack)}, small(), gm.Folds(3), jobs=1)
    kinds = {row.name: row.kind for row in result.rows}
    assert kinds == {
        "sage": "graph",
        "gcn": "graph",
        "sage, shuffled": "shuffled",
        "gcn, shuffled": "shuffled",
        "no graph": "no-graph",
        "logistic regression": "baseline",
        "random forest": "baseline",
        "gradient boosting": "baseline",
        "multilayer perceptron": "baseline",
        "neighbours' vote": "baseline",
        "label propagation": "baseline",
    }
    tested = [np.concatenate([unit.codes for unit in result.of(name)]) for name in kinds]
    assert all(np.array_equal(tested[0], other) for other in tested)
    assert len(tested[0]) == 60


def test_the_difference_to_no_graph_is_that_of_the_two_rows():
    result = gm.cross_validate(model(), small(), gm.Folds(3, repeats=2), jobs=1)
    graph, bare = result.named("graph"), result.named("no graph")
    difference = graph.vs_no_graph["auroc"]
    assert difference.mean == pytest.approx(graph.metrics["auroc"].mean - bare.metrics["auroc"].mean)
    assert difference.low <= difference.mean <= difference.high
    assert bare.vs_no_graph is None


def test_models_that_differ_without_edges_are_each_held_against_their_own_twin():
    models = {"narrow": model(), "wide": model().set_params(width=16), "plain": model(fusion=gm.MeanFusion)}
    result = gm.cross_validate(models, small(), gm.Folds(2), jobs=1)
    for name in models:
        own = result.named(f"{name}, no graph").metrics["auroc"].mean
        for row in (name, f"{name}, shuffled"):
            mean = result.named(row).metrics["auroc"].mean
            assert result.named(row).vs_no_graph["auroc"].mean == pytest.approx(mean - own)
    deeper = {"one": model(), "two": model(conv=partial(gm.SAGEStack, depth=2))}
    assert {row.name for row in plan(deeper, "inductive") if row.kind == "no-graph"} == {
        "one, no graph",
        "two, no graph",
    }


def test_convs_that_differ_in_messages_alone_are_one_network_without_edges():
    """Else one twin could not stand for them."""
    answers = []
    for conv in (gm.SAGEStack, gm.GCNStack, partial(gm.GATStack, heads=2)):
        bare = model(conv=conv).set_params(links=gm.NoEdges()).fit(small()[:40])
        answers.append(bare.predict_proba(small()[40:]))
    assert np.array_equal(answers[0], answers[1])
    assert np.array_equal(answers[0], answers[2])


def test_a_fold_without_one_of_three_classes_is_scored_all_the_same():
    cohort = small()
    classes = np.where(cohort.groups["site"] == "x", "rare", cohort.outcome.values)
    three = gm.Cohort.from_frames(dict(cohort.tables), pd.Series(classes, cohort.ids), groups=cohort.groups)
    result = gm.cross_validate(model(), three, gm.LeaveGroupOut("site"), jobs=1)
    for unit in result.of("graph"):
        assert unit.probabilities.shape[1] == 3
        assert np.allclose(unit.probabilities.sum(axis=1), 1)


def test_a_class_that_only_a_later_fold_has_is_among_the_classes():
    cohort = small()
    classes = np.where(np.arange(60) < 6, "rare", cohort.outcome.values)
    three = gm.Cohort.from_frames(dict(cohort.tables), pd.Series(classes, cohort.ids))
    early, late = np.arange(6, 40), np.arange(40, 60)
    folds = [Fold(early, late, 0, 0, 0), Fold(np.concatenate([late, np.arange(3, 6)]), np.arange(3), 0, 1, 0)]
    assert classes_in(three, folds) == ("case", "control", "rare")


def test_a_run_that_stopped_before_its_first_unit_can_be_started_anew(tmp_path):
    with pytest.raises(gm.GraphError, match="k is 500"):
        gm.cross_validate(
            model().set_params(links=gm.Neighbours(k=500)), small(), gm.Folds(2), jobs=1, run=tmp_path / "run"
        )
    gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, run=tmp_path / "run")
    with pytest.raises(gm.StoreError, match="--resume"):
        gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, run=tmp_path / "run")


def test_no_edges_as_the_graph_differs_from_no_graph_by_nothing():
    bare = model().set_params(links=gm.NoEdges())
    result = gm.cross_validate(bare, small(), gm.Folds(3), jobs=1)
    assert result.named("graph").vs_no_graph["auroc"].mean == 0.0


def test_processes_do_not_change_the_numbers():
    alone = gm.cross_validate(model(), small(), gm.Folds(2), jobs=1)
    side_by_side = gm.cross_validate(model(), small(), gm.Folds(2), jobs=2)
    for one, other in zip(alone.units, side_by_side.units, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)


def test_json_carries_what_is_promised_and_is_json():
    record = gm.cross_validate(model(), small(), gm.Folds(3), jobs=1).to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["schema"] == "graphmml.cv/1"
    for row in record["rows"]:
        assert set(row) >= {"name", "kind", "seconds"}
        for metric in ("auroc", "auprc", "accuracy", "f1_macro", "brier"):
            assert set(row[metric]) == {"mean", "low", "high"}
        assert ("vs_no_graph" in row) == (row["kind"] in ("graph", "shuffled"))


@pytest.mark.parametrize("setting", ["inductive", "transductive"])
def test_held_out_outcomes_reach_no_model(setting, monkeypatch):
    """Flip every test outcome of a split: the probabilities stay."""
    cohort = small()
    sides = pd.Series(np.where(np.arange(60) < 40, "train", "test"), index=cohort.ids)
    answers = []
    for flip in (False, True):
        values = cohort.outcome.values.copy()
        if flip:
            other = values.map({"case": "control", "control": "case"})
            values = values.where(sides == "train", other)
        changed = gm.Cohort.from_frames(dict(cohort.tables), values, split=sides, positive="case")
        result = gm.cross_validate(model(), changed, gm.OfficialSplit(seeds=1), jobs=1, setting=setting)
        answers.append({unit.model: unit.probabilities for unit in result.units})
    for name, before in answers[0].items():
        assert np.array_equal(before, answers[1][name]), name


def test_test_features_reach_training_only_in_the_transductive_setting():
    cohort = small()
    sides = pd.Series(np.where(np.arange(60) < 40, "train", "test"), index=cohort.ids)
    tables = {name: table.copy() for name, table in cohort.tables.items()}
    tables["labs"].iloc[41:] += np.random.default_rng(0).normal(size=(19, 4))  # all test patients but the first
    seen = {}
    for setting in ("inductive", "transductive"):
        for word, frames in (("before", dict(cohort.tables)), ("after", tables)):
            changed = gm.Cohort.from_frames(frames, cohort.outcome.values, split=sides, positive="case")
            result = gm.cross_validate(model(), changed, gm.OfficialSplit(seeds=1), jobs=1, setting=setting)
            first = np.flatnonzero(np.sort(changed.ids[40:]) == changed.ids[40])[0]
            rows = next(gm.OfficialSplit(1).split(changed)).test
            first = int(np.flatnonzero(rows == 40)[0])
            seen[setting, word] = result.of("graph")[0].probabilities[first]
    assert np.allclose(seen["inductive", "before"], seen["inductive", "after"], atol=1e-9)
    assert not np.allclose(seen["transductive", "before"], seen["transductive", "after"], atol=1e-9)


def test_the_setting_is_stamped_on_the_result():
    result = gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, setting="transductive")
    assert result.to_json()["setting"] == "transductive"
    assert "transductive" in repr(result)


LINKS = (gm.Neighbours(k=5), gm.SharedPhenotype("site", k=5), gm.RandomEdges(k=5), gm.Concepts("codes", most=0.9))


@pytest.mark.slow
def test_permuted_outcomes_give_intervals_that_cover_a_half():
    """With nothing to learn, no row may claim that it learned: 19 of 20 intervals cover one half."""
    covered = []
    for seed in range(4):
        cohort = small(seed=seed, patients=100, signal=0.0)
        codes = (cohort.tables["rna"] > 0.5).astype(float).set_axis(cohort.ids)
        tables = {**cohort.tables, "codes": codes}
        changed = gm.Cohort.from_frames(tables, cohort.outcome.values, groups=cohort.groups, positive="case")
        how = gm.Training(epochs=60, patience=8)
        bare = gm.GraphClassifier(members=1, width=8, training=how, device="cpu")
        models = {str(links): clone(bare).set_params(links=links) for links in LINKS}
        result = gm.cross_validate(models, changed, gm.Folds(4, seed=seed), jobs=1)
        aurocs = [row.metrics["auroc"] for row in result.rows]
        covered.append([auroc.low <= 0.5 <= auroc.high for auroc in aurocs])
    assert np.mean(covered) >= 0.85
    assert np.mean(covered, axis=0).min() >= 0.5  # of each row


@pytest.mark.slow
def test_a_graph_that_knows_something_is_seen_to_help_and_its_shuffled_twin_is_not():
    """The classes of this cohort sit in clusters that no straight line separates, but neighbours share."""
    links = gm.Neighbours("rna", k=15)
    result = gm.cross_validate(gm.GraphClassifier(links, device="cpu"), gm.make_cohort(600), gm.Folds(5), jobs=1)
    assert result.named("graph").vs_no_graph["auroc"].low > 0
    shuffled = result.named("graph, shuffled").vs_no_graph["auroc"]
    assert shuffled.low <= 0 <= shuffled.high
    assert result.verdict[0].startswith("The graph helped")


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    folds = gm.Folds(2)
    whole = gm.cross_validate(model(), small(), folds, jobs=1)
    stop = []

    class StopError(Exception):
        pass

    def watch(unit):
        stop.append(unit)
        if len(stop) == 3:
            raise StopError

    with pytest.raises(StopError):
        gm.cross_validate(model(), small(), folds, jobs=1, run=tmp_path / "run", watch=watch)
    later = []
    result = gm.cross_validate(model(), small(), folds, jobs=1, run=tmp_path / "run", resume=True, watch=later.append)
    assert len(later) == len(whole.units) - 3
    for one, other in zip(whole.units, result.units, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)


def test_a_line_cut_off_by_a_kill_is_done_again(tmp_path):
    gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, run=tmp_path / "run")
    units = tmp_path / "run" / "units.jsonl"
    units.write_bytes(units.read_bytes()[:-20])
    again = []
    gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, run=tmp_path / "run", resume=True, watch=again.append)
    assert len(again) == 1
    assert all(json.loads(line) for line in units.read_text().splitlines())


def test_another_cohort_or_other_folds_do_not_take_up_a_run(tmp_path):
    gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, run=tmp_path / "run")
    with pytest.raises(gm.StoreError, match="another cohort"):
        gm.cross_validate(model(), small(seed=1), gm.Folds(2), jobs=1, run=tmp_path / "run", resume=True)
    with pytest.raises(gm.StoreError, match="another folds"):
        gm.cross_validate(model(), small(), gm.Folds(3), jobs=1, run=tmp_path / "run", resume=True)
    with pytest.raises(gm.StoreError, match="--resume"):
        gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, run=tmp_path / "run")


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(gm.StoreError, match="is no run"):
        gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, run=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_plan_does_not_touch_the_models_given():
    given = model()
    plan({"graph": given}, "transductive")
    assert given.setting == "inductive"
    assert given.links == gm.Neighbours(k=3)


def test_every_model_gets_the_seed_of_its_fold_also_plain_ones():
    cohort = small()
    split = replace(cohort, split=pd.Series(np.where(np.arange(60) % 3, "train", "test"), index=cohort.ids))
    result = gm.cross_validate(model(), split, gm.OfficialSplit(2), jobs=1)
    for name, fixed in (("random forest", False), ("logistic regression", True)):
        first, second = result.of(name)
        assert np.array_equal(first.probabilities, second.probabilities) == fixed


@pytest.mark.parametrize("name", ["random forest", "no graph", "neighbours' vote"])
def test_a_model_named_like_a_row_beside_it_is_refused_before_anything_is_fitted(name):
    with pytest.raises(gm.GraphmmlError, match="give it another name"):
        gm.cross_validate({name: model()}, small())
