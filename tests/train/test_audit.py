"""audit on cohorts whose truth is known; what is slow trains real models."""

import json

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.thresholds import thresholds
from graphmml.train import audit_controls as controls
from graphmml.train.audit import AuditPlan
from graphmml.train.audit_controls import CONTROLS

TINY = gm.Training(epochs=4, patience=4)
SAME_FOLDS = [name for name in CONTROLS if name != controls.TRANSDUCTIVE]


def model(links=None, **settings):
    settings = {"members": 1, "width": 4, "training": TINY, "device": "cpu", **settings}
    return gm.GraphClassifier(gm.Neighbours(k=3) if links is None else links, **settings)


def small(patients=80, seed=0, groups=True):
    made = gm.make_cohort(patients, signal=2.0, seed=seed)
    tables = {"labs": made.tables["labs"], "clinical": made.tables["clinical"]}
    return gm.Cohort.from_frames(
        tables, made.outcome.values, groups=made.groups if groups else None, positive="case", name="small"
    )


@pytest.fixture(scope="module")
def found():
    return gm.audit(model(), small(), gm.Folds(2), jobs=1)


def test_every_control_is_a_row_on_the_same_folds(found):
    assert [row.control.name for row in found.rows] == SAME_FOLDS
    assert all(row.auroc is not None for row in found.rows)
    shared = [name for name in SAME_FOLDS if name != controls.PERMUTED]
    tested = [np.concatenate([unit.codes for unit in found.inside.of(name)]) for name in shared]
    assert all(np.array_equal(tested[0], other) for other in tested)
    assert sorted(found.frame().columns) == sorted(
        ["auroc", "auroc_low", "auroc_high", "change", "change_low", "change_high", "reading"]
    )


def test_a_row_is_the_cross_validation_of_its_model(found):
    result = gm.cross_validate(model(), small(), gm.Folds(2), jobs=1)
    for mine, theirs in [
        (controls.MODEL, "graph"),
        (controls.NO_GRAPH, "no graph"),
        (controls.SHUFFLED, "graph, shuffled"),
        (controls.LOGISTIC, "logistic regression"),
    ]:
        for one, other in zip(found.inside.of(mine), result.of(theirs), strict=True):
            assert np.array_equal(one.probabilities, other.probabilities)
    gain = result.named("graph").vs_no_graph["auroc"]
    change = next(row for row in found.rows if row.control.name == controls.NO_GRAPH).change
    assert (change.mean, change.low, change.high) == pytest.approx((-gain.mean, -gain.high, -gain.low))


def test_masking_edges_changes_the_prediction_and_not_the_training(found):
    cohort = small()
    fold = next(iter(gm.Folds(2).split(cohort)))
    fitted = model(seed=fold.seed).fit(cohort[fold.train])
    usual = fitted.predict_proba(cohort[fold.test])
    masked = fitted.set_params(links=gm.Detached(gm.Neighbours(k=3))).predict_proba(cohort[fold.test])
    assert np.array_equal(found.inside.of(controls.MODEL)[0].probabilities, usual)
    assert np.array_equal(found.inside.of(controls.DETACHED)[0].probabilities, masked)
    assert not np.array_equal(usual, masked)


def test_transductive_numbers_share_no_table_with_inductive_ones(found):
    assert found.inside.setting == found.left_out.setting == "inductive"
    assert found.transductive.setting == "transductive"
    assert controls.TRANSDUCTIVE not in {unit.model for unit in (*found.inside.units, *found.left_out.units)}
    result = gm.cross_validate(model(), small(), gm.Folds(2), jobs=1, setting="transductive")
    for one, other in zip(found.transductive.of(controls.TRANSDUCTIVE), result.of("graph"), strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)


def test_pooled_within_and_left_out_stand_side_by_side(found):
    scores = found.groups[0]
    assert [one.model for one in found.groups] == [controls.MODEL, controls.NO_GRAPH, controls.LOGISTIC]
    assert scores.pooled.mean == pytest.approx(found.auroc(controls.MODEL).mean)
    assert scores.lost.mean == pytest.approx(scores.pooled.mean - scores.within.mean)
    outside = gm.cross_validate(model(), small(), gm.LeaveGroupOut("site"), jobs=1)
    assert scores.left_out.mean == pytest.approx(outside.named("graph").metrics["auroc"].mean)


def test_json_is_json_and_says_all(found):
    record = found.to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["schema"] == "graphmml.audit/1"
    assert [row["control"] for row in record["rows"]] == SAME_FOLDS
    for row in record["rows"]:
        assert row["alters"]
        assert row["reading"]
        assert set(row["auroc"]) == {"mean", "low", "high"}
    assert {finding["code"] for finding in record["findings"]} == {f"GM70{at}" for at in range(1, 8)}
    assert record["verdict"]["sentence"] == found.verdict.sentence
    assert found.verdict.sentence in repr(found)


def test_other_limits_judge_the_same_scores(found, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[GM702]\ngain = -9.0\n")
    from_file = thresholds(file=file)
    statuses = {finding.code: finding.status for finding in found.judged(from_file).findings}
    assert statuses["GM702"] == "pass"
    assert found.judged(from_file).scores == found.scores


def test_without_a_group_what_needs_one_is_not_applicable():
    found = gm.audit(model(), small(groups=False), gm.Folds(2), jobs=1)
    done = {row.control.name: row.auroc is not None for row in found.rows}
    assert {name for name, applies in done.items() if not applies} == {controls.FEATURES, controls.ACROSS}
    assert found.groups == ()
    assert found.left_out.units == ()
    assert {item.code for item in found.findings if item.status == "n.a."} >= {"GM704", "GM705"}
    json.dumps(found.to_json(), allow_nan=False)


def test_a_control_that_the_links_refuse_is_not_applicable_and_says_why():
    found = gm.audit(model(gm.Concepts("clinical", most=0.9)), small(), gm.Folds(2), jobs=1)
    refused = {row.control.name: row.reading for row in found.rows if row.auroc is None}
    assert set(refused) == {controls.RANDOM, controls.ACROSS}
    assert "Shuffled" in refused[controls.RANDOM]
    assert found.verdict.sentence


def test_an_audited_model_that_cannot_be_is_an_error():
    with pytest.raises(gm.GraphError, match="k is 500"):
        gm.audit(model(gm.Neighbours(k=500)), small(), gm.Folds(2), jobs=1)


def test_a_group_that_is_not_there_is_refused():
    with pytest.raises(gm.CohortError, match="no group 'ward'"):
        gm.audit(model(), small(), gm.Folds(2), group="ward", jobs=1)


class Peeking(gm.GraphClassifier):
    """Has read the answers."""

    def predict_proba(self, cohort):
        hit = (cohort.outcome.values == self.classes_[1]).to_numpy(dtype=float)
        return np.stack([1 - hit, hit], axis=1)


def test_a_model_that_reads_the_answers_is_a_leak():
    peeking = Peeking(gm.Neighbours(k=3), members=1, width=4, training=TINY, device="cpu")
    found = gm.audit(peeking, small(), gm.Folds(2), jobs=1)
    assert found.verdict.word == "leak"
    assert {finding.code: finding.status for finding in found.findings}["GM701"] == "fail"


def test_a_stopped_audit_goes_on_where_it_was(tmp_path, found):
    told, run = [], tmp_path / "run"

    def stop(unit):
        told.append(unit)
        if len(told) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gm.audit(model(), small(), gm.Folds(2), jobs=1, run=run, watch=stop)
    with pytest.raises(gm.StoreError, match="--resume"):
        gm.audit(model(), small(), gm.Folds(2), jobs=1, run=run)
    with pytest.raises(gm.StoreError, match="another cohort, group"):
        gm.audit(model(), groups_twice(small()), gm.Folds(2), group="other", jobs=1, run=run, resume=True)
    rest = []
    resumed = gm.audit(model(), small(), gm.Folds(2), jobs=1, run=run, resume=True, watch=rest.append)
    assert len(rest) == len(AuditPlan(model(), small(), gm.Folds(2)).work) - 7
    for one, other in zip(resumed.inside.units, found.inside.units, strict=True):
        assert (one.model, one.fold) == (other.model, other.fold)
        assert np.allclose(one.probabilities, other.probabilities)


def groups_twice(cohort):
    """The same cohort with its group under a second name."""
    return gm.Cohort.from_frames(
        dict(cohort.tables), cohort.outcome.values, groups=cohort.groups.assign(other=cohort.groups["site"])
    )


@pytest.mark.slow
def test_one_test_set_is_judged_over_its_patients_and_permutations_over_trainings():
    cohort = small(120)
    sides = pd.Series(np.where(np.arange(120) < 80, "train", "test"), index=cohort.ids)
    split = gm.Cohort.from_frames(
        dict(cohort.tables), cohort.outcome.values, groups=cohort.groups, split=sides, positive="case"
    )
    found = gm.audit(model(), split, gm.OfficialSplit(3), jobs=1)
    assert found.inside.same_test
    permuted = [unit.scores["auroc"] for unit in found.permuted.of(controls.PERMUTED)]
    answers = {unit.probabilities.tobytes() for unit in found.permuted.units}
    assert len(answers) == len(permuted) >= 20
    assert found.auroc(controls.PERMUTED).mean == pytest.approx(np.mean(permuted))
    assert found.groups[0].within.low < found.groups[0].within.mean < found.groups[0].within.high
    json.dumps(found.to_json(), allow_nan=False)


def kin(file, *, within_site, patients=500, seed=0):
    """A weak measurement, and edges from a file that mostly join equal outcomes, perhaps at one site only."""
    random = np.random.default_rng(seed)
    ids = np.array([f"k{at:03d}" for at in range(patients)])
    y, site = random.integers(0, 2, patients), random.choice(["n", "s", "w"], patients)
    rows = []
    for at in range(patients):
        likely = np.where(y == y[at], 30.0, 1.0) * ((site == site[at]) if within_site else 1.0)
        likely[at] = 0
        for other in random.choice(patients, 10, replace=False, p=likely / likely.sum()):
            rows.append((ids[at], ids[other]))
    pd.DataFrame(rows, columns=["source", "target"]).drop_duplicates().to_csv(file, index=False)
    table = pd.DataFrame({"x": 1.2 * y + random.normal(size=patients)}, index=ids)
    outcome = pd.Series(np.where(y, "case", "control"), index=ids)
    groups = pd.DataFrame({"site": site}, index=ids)
    return gm.Cohort.from_frames({"labs": table}, outcome, groups=groups, positive="case")


@pytest.mark.slow
@pytest.mark.parametrize(("within_site", "word"), [(False, "helps"), (True, "edges within group")])
def test_edges_that_carry_the_answer_help_and_it_is_said_where_they_run(tmp_path, within_site, word):
    cohort = kin(tmp_path / "kin.csv", within_site=within_site)
    training = gm.Training(epochs=80, patience=15)
    audited = model(gm.KnownEdges(tmp_path / "kin.csv"), width=8, training=training)
    found = gm.audit(audited, cohort, gm.Folds(5), jobs=1)
    assert found.verdict.word == word, (found, found.findings)
    assert found.difference(controls.MODEL, controls.DETACHED).low > 0  # the answer comes at prediction
    assert {item.status for item in found.findings if item.code in ("GM701", "GM702", "GM703")} == {"pass"}


@pytest.mark.slow
def test_a_score_that_is_the_sites_is_said_to_be():
    cohort = gm.make_cohort(400, signal=0, site_effect=1.5)
    found = gm.audit(gm.GraphClassifier(members=1, device="cpu"), cohort, gm.Folds(5), jobs=1)
    statuses = {item.code: item.status for item in found.findings}
    assert found.verdict.word == "group"
    assert statuses["GM704"] == "fail"
    assert statuses["GM701"] == "pass"
    scores = found.groups[0]
    assert scores.pooled.low > 0.5
    assert scores.within.low < 0.5
    assert scores.left_out.mean < 0.6


@pytest.mark.slow
def test_where_there_is_nothing_nothing_is_found():
    found = gm.audit(gm.GraphClassifier(members=1, device="cpu"), gm.make_cohort(400, signal=0), gm.Folds(5), jobs=1)
    assert found.verdict.word == "nothing learned"
    assert not [item for item in found.findings if item.status == "fail"]
    permuted = found.auroc(controls.PERMUTED)
    assert permuted.low < 0.5 < permuted.high
