"""What a result says follows from its units: rows, intervals, words."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.train.intervals import Interval, over_folds
from graphmml.train.result import CVResult
from graphmml.train.row import Row, sentence
from graphmml.train.scores import METRICS, all_scores
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit


def unit(model, kind, fold, lift, seed=0):
    """A model whose scores are better by `lift` standard deviations on cases."""
    random = np.random.default_rng([seed, fold])
    codes = random.integers(0, 2, 60)
    score = random.normal(size=60) + lift * codes
    p = 1 / (1 + np.exp(-score))
    p = np.stack([1 - p, p], axis=1)
    return Unit(model, kind, 0, fold, all_scores(codes, p), 1.0, 240, codes, p)


def result_of(graph, bare, *, same_test=False, baseline=0.5):
    units = [
        unit(name, kind, fold, lift)
        for name, kind, lift in (
            ("graph", "graph", graph),
            ("no graph", "no-graph", bare),
            ("logistic regression", "baseline", baseline),
        )
        for fold in range(5)
    ]
    if same_test:
        units = [unit(one.model, one.kind, 0, graph if one.kind == "graph" else bare) for one in units]
    return CVResult(tuple(units), "c", 300, ("a", "b"), "plan", "inductive", same_test, who_is(same_test))


def who_is(same_test, blocks=None):
    """Sixty patients a fold; of one test set, the first sixty."""
    test = {(0, 0): np.arange(60)} if same_test else {(0, fold): np.arange(60) + 60 * fold for fold in range(5)}
    train = {key: np.setdiff1d(np.arange(300), rows) for key, rows in test.items()}
    return Splits(pd.Index([f"p{n}" for n in range(300)]), train, test, np.arange(300) if blocks is None else blocks)


@pytest.mark.parametrize(
    ("graph", "bare", "said"),
    [(3.0, 0.5, "The graph helped"), (0.5, 3.0, "The graph did harm"), (1.0, 1.0, "did not demonstrably help")],
)
def test_the_verdict_follows_the_interval_of_the_difference(graph, bare, said):
    result = result_of(graph, bare)
    (verdict,) = result.verdict
    assert said in verdict
    assert f"{result.named('graph').vs_no_graph['auroc'].mean:+.3f}" in verdict
    assert "logistic regression" in verdict


def test_the_verdict_says_on_which_side_of_the_plain_models_the_graph_lies():
    assert "above logistic regression" in result_of(3.0, 1.0, baseline=0.0).verdict[0]
    assert "below logistic regression" in result_of(0.5, 0.5, baseline=3.0).verdict[0]


def test_a_verdict_without_enough_to_judge_says_so():
    nothing = {name: Interval(0.5, float("nan"), float("nan")) for name in METRICS}
    assert "cannot be judged" in sentence(Row("graph", "graph", 1.0, nothing, nothing), None)
    assert "no twin without edges" in sentence(Row("graph", "graph", 1.0, nothing), None)


def test_intervals_over_folds_are_those_of_the_fold_scores():
    result = result_of(1.0, 0.5)
    values = np.array([one.scores["auprc"] for one in result.of("graph")])
    expected = over_folds(values, train=240, test=60)
    found = result.named("graph").metrics["auprc"]
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high))


def test_intervals_on_one_test_set_are_drawn_over_its_patients():
    """Five equal seeds are one answer: their spread is nil, the patients' is not."""
    result = result_of(1.0, 0.5, same_test=True)
    found = result.named("graph").metrics["auroc"]
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(result.of("graph")[0].scores["auroc"])
    difference = result.named("graph").vs_no_graph["auroc"]
    assert difference.mean == pytest.approx(found.mean - result.named("no graph").metrics["auroc"].mean)


def test_frames_hold_a_row_a_model_and_a_row_a_fold():
    result = result_of(1.0, 0.5)
    frame = result.frame()
    assert frame.index.tolist() == ["graph", "no graph", "logistic regression"]
    assert frame["auroc_vs_no_graph"].notna().tolist() == [True, False, False]
    folds = result.fold_frame()
    assert len(folds) == 15
    assert folds.groupby("model")["auroc"].mean()["graph"] == pytest.approx(frame.loc["graph", "auroc"])
    assert "plan, inductive, 300 patients" in repr(result)


def test_a_row_that_is_not_there_is_asked_for_in_vain():
    with pytest.raises(gm.CohortError, match="there are: graph; no graph"):
        result_of(1.0, 0.5).named("gcn")


def test_slope_and_intercept_are_of_all_test_patients_and_not_means_of_few():
    result = result_of(2.0, 0.5)
    for row in result.rows:
        units = result.of(row.name)
        codes, p = np.concatenate([one.codes for one in units]), np.concatenate([one.probabilities for one in units])
        for name in ("calibration_slope", "calibration_intercept"):
            assert row.metrics[name].mean == pytest.approx(METRICS[name](codes, p))
            assert np.isnan(row.metrics[name].low)
            if row.vs_no_graph is not None:
                less = row.metrics[name].mean - result.named("no graph").metrics[name].mean
                assert row.vs_no_graph[name].mean == pytest.approx(less)
    repeated = replace(result, units=(*result.units, *(replace(one, repeat=1) for one in result.units)))
    assert repeated.rows[0].metrics["calibration_slope"].mean == pytest.approx(
        result.rows[0].metrics["calibration_slope"].mean
    )


def test_differences_stay_where_differences_can_be():
    two = result_of(3.0, -3.0)
    few = replace(two, units=tuple(one for one in two.units if one.fold < 2))
    difference = few.rows[0].vs_no_graph["auroc"]
    assert -1 <= difference.low <= difference.mean <= difference.high <= 1
    assert few.rows[0].vs_no_graph["log_loss"].low < 0


def test_where_no_model_is_above_chance_that_is_said():
    nothing, something = result_of(0.0, 0.0, baseline=0.0), result_of(0.0, 0.0, baseline=2.0)
    assert any("No model is demonstrably above chance" in words for words in nothing.verdict)
    assert not any("above chance" in words for words in something.verdict)


def test_what_hears_the_links_is_no_plain_model():
    plain = result_of(0.5, 0.5, baseline=0.5)
    heard = replace(
        plain, units=(*plain.units, *(unit("neighbours' vote", "baseline", fold, 3.0) for fold in range(5)))
    )
    assert "logistic regression, the best plain model" in heard.verdict[0]


def test_folds_without_auroc_are_counted_in_the_verdict():
    folds = gm.LeaveGroupOut("pair")
    cohort = gm.make_cohort(16, seed=1)
    pairs = pd.DataFrame({"pair": [f"f{at // 2}" for at in range(16)]}, index=cohort.ids)
    cohort = replace(cohort, groups=pairs)
    model = gm.GraphClassifier(gm.Neighbours("labs", k=2), members=1, width=4, training=gm.Training(epochs=2))
    result = gm.cross_validate(model, cohort, folds, jobs=1)
    codes = [unit.codes for unit in result.of("graph")]
    mixed = sum(len(set(code.tolist())) == 2 for code in codes)
    assert 0 < mixed < 8
    assert any(f"AUROC is the mean over {mixed} of 8 folds" in said for said in result.verdict)
    whole = gm.cross_validate(model, cohort, gm.Folds(2), jobs=1)
    assert not any("AUROC is the mean over" in said for said in whole.verdict)
