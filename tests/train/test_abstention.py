"""Abstention: who is least certain is left out first, and the areas are those of the paper by loops."""

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.errors import CohortError
from graphmml.train.abstention import SHARES
from graphmml.train.result import CVResult
from graphmml.train.scores import accuracy, auroc, brier
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit

NONE = {"auroc": 0.5}


def drawn(patients=200, seed=0):
    random = np.random.default_rng(seed)
    one = 1 / (1 + np.exp(-2 * random.normal(size=patients)))
    return (random.random(patients) < one).astype(int), np.stack([1 - one, one], axis=1)


def test_scores_and_area_are_those_of_loops():
    codes, p = drawn()
    made = gm.abstention(codes, p)
    order = np.argsort(-p.max(axis=1))
    for row in made.rows:
        some = order[: round(row.share * 200)]
        for name, metric in (("auroc", auroc), ("accuracy", accuracy), ("brier", brier)):
            assert row.scores[name].mean == pytest.approx(metric(codes[some], p[some]))
    risks = [1 - accuracy(codes[order[:n]], p[order[:n]]) for n in range(1, 201)]
    assert made.area == pytest.approx(np.mean(risks))
    assert made.chance_area == pytest.approx(1 - accuracy(codes, p))
    assert made.best_area <= made.area < made.chance_area


def test_everybody_answered_is_the_score_of_all_with_and_without_chance():
    codes, p = drawn()
    whole = gm.abstention(codes, p).frame().loc[1.0]
    assert whole["brier"] == pytest.approx(brier(codes, p))
    assert whole["chance_brier"] == pytest.approx(brier(codes, p))


def test_leaving_out_by_chance_gains_nothing():
    codes, p = drawn(600)
    table = gm.abstention(codes, p).frame()
    assert np.abs(table["chance_accuracy"] - accuracy(codes, p)).max() < 0.02
    assert (table["chance_accuracy_low"] <= table["chance_accuracy"] + 1e-9).all()
    assert table.loc[0.3, "accuracy"] > table.loc[0.3, "chance_accuracy_high"]
    noise = gm.abstention(codes, p, np.random.default_rng(1).random(600))
    assert noise.area == pytest.approx(noise.chance_area, abs=0.04)


def test_the_order_of_patients_decides_nothing_without_ties():
    codes, p = drawn()
    order = np.random.default_rng(2).permutation(200)
    one, two = gm.abstention(codes, p), gm.abstention(codes[order], p[order])
    assert one.area == pytest.approx(two.area)
    assert one.frame()["auroc"].to_list() == pytest.approx(two.frame()["auroc"].to_list())


def test_ties_are_broken_by_chance_and_not_by_the_order_of_the_file():
    codes = np.repeat([1, 0], 100)
    p = np.tile([0.3, 0.7], (200, 1))
    assert gm.abstention(codes, p).frame()["accuracy"].sub(0.5).abs().max() < 0.2


def seeds_of(tested, seeds, blocks=None):
    """The same patients tested with several seeds."""
    ids = pd.Index([f"p{at}" for at in range(tested)])
    rows = np.arange(tested)
    return Splits(ids, {}, {(at, 0): rows for at in range(seeds)}, rows if blocks is None else blocks)


def splits_of(patients, folds):
    """Patients one after another in as many folds; nothing of it is asked here."""
    rows = np.array_split(np.arange(patients), folds)
    ids = pd.Index([f"p{at}" for at in range(patients)])
    return Splits(ids, {(0, at): rows[at] for at in range(folds)}, dict(enumerate(rows)), np.arange(patients))


def test_a_result_is_scored_fold_by_fold():
    units = tuple(Unit("graph", "graph", 0, at, NONE, 0.0, 90, *drawn(60, seed=at)) for at in range(3))
    result = CVResult(units, "c", 180, ("a", "b"), "5-fold", "inductive", False, splits_of(180, 3))
    made = gm.abstention_of(result, "graph")
    each = [gm.abstention(unit.codes, unit.probabilities) for unit in units]
    assert made.area == pytest.approx(np.mean([one.area for one in each]))
    for at, share in enumerate(SHARES):
        assert made.rows[at].scores["accuracy"].mean == pytest.approx(
            np.mean([one.frame().loc[share, "accuracy"] for one in each])
        )
    assert made.to_json()["rows"][9]["chance"]["brier"]["mean"] == pytest.approx(made.rows[9].scores["brier"].mean)
    assert "by chance" in repr(made)
    with pytest.raises(CohortError, match="no row 'other'; there are: graph"):
        gm.abstention_of(result, "other")


def test_an_official_split_is_drawn_anew_by_patients():
    units = tuple(Unit("graph", "graph", at, 0, NONE, 0.0, 90, *drawn(40)) for at in range(2))
    made = gm.abstention_of(CVResult(units, "c", 130, ("a", "b"), "split", "inductive", True, seeds_of(40, 2)), "graph")
    row = made.rows[-1].scores["accuracy"]
    assert row.low < row.mean < row.high


def test_families_are_drawn_together_on_one_test_set_and_of_arrays():
    codes, p = drawn(80, seed=3)
    families = np.repeat(np.arange(80), 10)
    many, ten = np.repeat(codes, 10), np.repeat(p, 10, axis=0)
    units = (Unit("graph", "graph", 0, 0, {"accuracy": 0.0}, 0.0, 90, many, ten),)
    made = CVResult(units, "c", 800, ("a", "b"), "split", "inductive", True, seeds_of(800, 1, families))
    whole = gm.abstention_of(made, "graph").rows[-1].scores["accuracy"]
    direct = gm.abstention(many, ten, blocks=families).rows[-1].scores["accuracy"]
    alone = gm.abstention(many, ten).rows[-1].scores["accuracy"]
    spread = np.array(made.splits.resampled(list(units), "accuracy"))
    wanted = np.ptp(np.quantile(spread, [0.025, 0.975]))
    assert whole.high - whole.low == pytest.approx(wanted, rel=0.25)
    assert direct.high - direct.low == pytest.approx(wanted, rel=0.25)
    assert alone.high - alone.low < wanted / 2
    with pytest.raises(CohortError, match="blocks numbers 80 patients and there are 800"):
        gm.abstention(many, ten, blocks=np.arange(80))


def test_what_does_not_go_together_is_refused():
    codes, p = drawn()
    with pytest.raises(CohortError, match="199 outcomes, 200 predictions"):
        gm.abstention(codes[1:], p)
    with pytest.raises(CohortError, match="nobody to answer"):
        gm.abstention(codes[:0], p[:0])


def test_a_score_that_is_undefined_stays_so():
    codes, p = np.ones(30, dtype=int), drawn(30)[1]
    made = gm.abstention(codes, p)
    assert np.isnan(made.rows[0].chance["auroc"].mean)
    assert made.to_json()["rows"][0]["chance"]["auroc"]["mean"] is None
