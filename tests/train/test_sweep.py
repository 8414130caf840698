from dataclasses import replace

import numpy as np
import pytest

import graphmml as gm
from graphmml.errors import GraphError
from graphmml.train.comparisons import Comparison
from graphmml.train.intervals import Interval
from graphmml.train.sweep import found

QUICK = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, training=gm.Training(epochs=5))


@pytest.fixture
def sweep(cohort):
    fusions = {"mean": gm.MeanFusion, "late": gm.Late(), "too large": big, "gated": gm.GatedFusion}
    return gm.compare_fusions(QUICK, cohort, gm.Folds(2), fusions=fusions, jobs=1)


def big(width, modalities):
    return gm.TensorFusion(width, modalities, size=500)


def test_each_fusion_scores_what_cross_validation_gives_it(sweep, cohort):
    """The same folds, seeds and settings: nothing about a row depends on what stands beside it."""
    for name, fusion in (("late", gm.Late()), ("gated", gm.GatedFusion)):
        model = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, training=gm.Training(epochs=5), fusion=fusion)
        alone = gm.cross_validate({name: model}, cohort, gm.Folds(2), jobs=1)
        row = next(row for row in sweep.rows if row.name == name)
        assert row.metrics == alone.named(name).metrics
        assert row.vs_no_graph == alone.named(name).vs_no_graph


def test_what_fails_is_a_row_that_says_why_and_stops_nobody(sweep):
    assert [row.name for row in sweep.rows] == ["mean", "late", "gated"]
    assert "LowRankFusion" in sweep.refused["too large"]
    table = sweep.frame()
    assert table.loc["too large", "kind"] == "refused"
    assert np.isnan(table.loc["too large", "auroc"])
    assert "LowRankFusion" in table.loc["too large", "why"]
    assert "Best of 3 fusions" in sweep.verdict[0]


def test_the_first_is_what_others_are_held_against(sweep):
    table, folds = sweep.frame(), sweep.result.fold_frame().set_index(["model", "fold"])["auroc"]
    for name in ("late", "gated"):
        assert table.loc[name, "auroc_vs_first"] == pytest.approx((folds[name] - folds["mean"]).mean())
    assert table.loc["mean", "auroc_vs_first"] == 0
    assert [row.kind for row in sweep.controls] == ["shuffled", *["baseline"] * 6]


def test_what_the_verdict_counts_is_corrected_for_how_many_were_tried():
    def compared(mean, p):
        return Comparison("a", "b", "auroc", Interval(mean, mean, mean), p, p)

    nothing = [compared(0.01, 0.5)] * 3
    assert found([compared(0.05, 0.02)]) == 1
    assert found([compared(0.05, 0.02), *nothing]) == 0
    assert found([compared(0.05, 0.004), compared(-0.05, 0.004), *nothing]) == 1
    assert found([compared(0.05, float("nan"))]) == 0


def test_who_hears_the_graph_is_no_plain_model(sweep):
    def best(unit):
        tall = {"label propagation": 1.0, "neighbours' vote": 0.99, "gradient boosting": 0.98}
        return replace(unit, scores={**unit.scores, "auroc": tall.get(unit.model, 0.5)})

    result = replace(sweep.result, units=tuple(map(best, sweep.result.units)))
    assert replace(sweep, result=result).verdict[-1] == "gradient boosting, the best plain model, is 0.480 above."


def test_no_fusion_at_all_is_refused(cohort):
    with pytest.raises(GraphError, match="at least one"):
        gm.compare_fusions(QUICK, cohort, gm.Folds(2), fusions={})
