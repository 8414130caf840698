"""Comparisons against second implementations: the corrected t-test, Holm, the bootstrap over patients and blocks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import graphmml as gm
from graphmml.train.comparisons import comparison_frame, holm
from graphmml.train.intervals import over_folds, p_over_draws, p_over_folds
from graphmml.train.result import CVResult
from graphmml.train.scores import all_scores, auroc
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit


def naive_holm(p):
    """Step down: the i-th smallest times how many are left, never below one before it."""
    order, corrected, least = sorted(range(len(p)), key=lambda at: p[at]), list(p), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, p[at] * (len(p) - rank)))
        corrected[at] = least
    return corrected


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03], [0.5], [0.02, 0.02, 0.9, 0.001], []])
def test_holm_steps_down(p):
    assert holm(p) == pytest.approx(naive_holm(p))


def test_holm_leaves_out_what_could_not_be_tested():
    corrected = holm([0.01, float("nan"), 0.02])
    assert corrected[0] == pytest.approx(0.02)
    assert np.isnan(corrected[1])
    assert corrected[2] == pytest.approx(0.02)


def test_p_is_below_a_twentieth_exactly_where_the_interval_leaves_out_zero():
    random = np.random.default_rng(0)
    for shift in np.linspace(-0.2, 0.2, 41):
        values = random.normal(shift, 0.1, 25)
        interval, p = over_folds(values, train=80, test=20), p_over_folds(values, train=80, test=20)
        assert (p < 0.05) == (interval.low > 0 or interval.high < 0)


def test_without_shared_training_patients_it_is_the_t_test():
    values = np.random.default_rng(1).normal(0.1, 0.3, 12)
    assert p_over_folds(values, train=1, test=0) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert p_over_folds(values, train=80, test=20) > p_over_folds(values, train=80, test=0)


def test_differences_of_nothing_prove_nothing_and_one_fold_says_nothing():
    assert p_over_folds(np.zeros(5), train=80, test=20) == 1.0
    assert np.isnan(p_over_folds(np.array([0.3]), train=80, test=20))
    assert p_over_draws(np.zeros(10)) == 1.0
    assert np.isnan(p_over_draws(np.full(5, np.nan)))


def made(blocks, *, same_test, lift=1.0, patients=80):
    """Two models of one strength on one test set or four folds; blocks of patients share what happened."""
    random = np.random.default_rng(5)
    y = random.integers(0, 2, blocks.max() + 1)[blocks]
    rows = [np.arange(patients)] * 2 if same_test else np.array_split(np.arange(patients), 4)
    keys = [(seed, 0) for seed in range(2)] if same_test else [(0, fold) for fold in range(4)]
    units = []
    for name, kind in (("graph", "graph"), ("no graph", "no-graph")):
        score = random.normal(size=blocks.max() + 1)[blocks] + lift * y
        for (repeat, fold), mine in zip(keys, rows, strict=True):
            p = 1 / (1 + np.exp(-score[mine] - 0.1 * random.normal(size=len(mine))))
            p = np.stack([1 - p, p], axis=1)
            units.append(Unit(name, kind, repeat, fold, all_scores(y[mine], p), 0.0, 60, y[mine], p))
    test = dict(zip(keys, rows, strict=True))
    splits = Splits(pd.Index([f"p{n}" for n in range(patients)]), {key: np.arange(0) for key in keys}, test, blocks)
    return CVResult(tuple(units), "c", patients, ("a", "b"), "plan", "inductive", same_test, splits)


def test_resamples_are_the_scores_of_the_patients_drawn():
    result = made(np.arange(80), same_test=False)
    drawn = result.splits.resampled(result.of("graph"), "auroc")
    counts = np.concatenate(list(result.splits.drawn(1000)), axis=1)
    for at in (0, 7, 400):
        each = []
        for unit in result.of("graph"):
            rows = np.repeat(np.arange(len(unit.codes)), counts[result.splits.test[unit.key], at].astype(int))
            each.append(auroc(unit.codes[rows], unit.probabilities[rows]))
        assert drawn[at] == pytest.approx(np.nanmean(each))


def test_blocks_are_drawn_whole_and_widen_the_interval():
    blocks = np.arange(80) // 8
    result = made(blocks, same_test=True)
    counts = np.concatenate(list(result.splits.drawn(50)), axis=1)
    for block in range(10):
        assert (counts[blocks == block] == counts[blocks == block][0]).all()
    whole = result.bootstrap("graph")
    table = result.row("graph", None).metrics["auroc"]
    assert table.mean == whole.mean
    assert table.high - table.low > whole.high - whole.low  # of two trainings, which the bootstrap holds fixed
    each = replace(result, splits=replace(result.splits, blocks=np.arange(80))).bootstrap("graph")
    assert each.mean == whole.mean
    assert whole.high - whole.low > 1.3 * (each.high - each.low)


def test_comparisons_are_paired_and_corrected_over_their_table():
    result = made(np.arange(80), same_test=False)
    (one,) = result.comparisons()
    values = [
        a.scores["auroc"] - b.scores["auroc"] for a, b in zip(result.of("graph"), result.of("no graph"), strict=True)
    ]
    (one,) = result.comparisons()
    assert one.difference.mean == pytest.approx(np.mean(values))
    assert one.p == one.p_holm
    back = result.comparison("no graph", "graph")
    assert back.p == pytest.approx(one.p)
    assert back.difference.mean == pytest.approx(-one.difference.mean)
    table = comparison_frame(result.comparisons("brier", against="no graph"))
    assert list(table["model"]) == ["graph"]
    assert set(one.to_dict()) >= {"model", "against", "mean", "low", "high", "p", "p_holm"}


def test_predictions_are_one_row_a_tested_patient_and_say_what_happened():
    result = made(np.arange(80), same_test=False)
    table = result.predictions()
    assert len(table) == 160
    graph = table[table["model"] == "graph"].set_index("patient_id")
    assert sorted(graph.index) == sorted(result.splits.ids)
    unit = result.of("graph")[1]
    assert graph.loc[result.splits.ids[result.splits.test[unit.key]], "p_b"].to_numpy() == pytest.approx(
        unit.probabilities[:, 1]
    )
    assert set(graph["outcome"]) == {"a", "b"}


def test_repeating_the_same_folds_makes_no_interval_narrower():
    values = np.random.default_rng(0).normal(0.1, 0.3, 5)
    once, often = over_folds(values, train=80, test=20), over_folds(np.tile(values, 4), train=80, test=20, repeats=4)
    spread = np.std(values, ddof=1) * np.sqrt(1 / 5 + 20 / 80)
    assert once.high - once.mean == pytest.approx(stats.t.ppf(0.975, 4) * spread)
    # of the 20 values the variance is estimated with one degree of freedom fewer, of the 5 as well
    assert often.high - often.mean == pytest.approx(stats.t.ppf(0.975, 19) * spread * np.sqrt((4 / 5) / (19 / 20)))
    alone = p_over_folds(values, train=80, test=20, repeats=1)
    assert p_over_folds(values, train=80, test=20, repeats=2) > alone


def noise_scores(random, repeats, patients=120, columns=10):
    """The AUROC of a direction between class means, on columns that tell nothing, in every one of `repeats` x 5."""
    columns, codes = random.normal(size=(patients, columns)), np.arange(patients) % 2
    for _ in range(repeats):
        order = random.permutation(patients // 2)
        for part in np.array_split(order, 5):
            test = np.isin(np.arange(patients) // 2, part)
            direction = columns[~test & (codes == 1)].mean(axis=0) - columns[~test & (codes == 0)].mean(axis=0)
            case, control = (columns[test & (codes == of)] @ direction for of in (1, 0))
            yield (case[:, None] > control).mean()


def test_intervals_of_repeated_folds_cover_chance_where_the_outcome_is_chance():
    random, covered, naive = np.random.default_rng(0), 0, 0
    for _ in range(200):
        values = np.array(list(noise_scores(random, 5)))
        interval = over_folds(values, train=96, test=24, repeats=5)
        covered += interval.low < 0.5 < interval.high
        interval = over_folds(values, train=96, test=24)
        naive += interval.low < 0.5 < interval.high
    assert covered >= 180  # of 200, where 95 % would be 190, one standard deviation 3
    assert naive < 180


def test_a_table_says_which_group_is_asked_for_in_vain():
    result = made(np.arange(80), same_test=False)
    cohort = gm.make_cohort(80)
    with pytest.raises(gm.CohortError, match="no group 'ward'"):
        gm.group_table(result, cohort, "ward")


def test_two_models_that_differ_by_seeds_alone_are_not_told_apart_on_one_test_set():
    """The chance of training counts: without it the same patients would tell equal networks apart again and again."""
    random = np.random.default_rng(0)
    patients, seeds, told, fixed = 400, 3, [], []
    for _ in range(60):
        truth = random.normal(size=patients)
        y = (random.random(patients) < 1 / (1 + np.exp(-truth))).astype(np.int64)
        units = []
        for name in ("one", "other"):
            for seed in range(seeds):
                p = 1 / (1 + np.exp(-truth - 2 * np.sin(2 * truth + random.uniform(0, 7))))  # how a training errs
                p = np.stack([1 - p, p], axis=1)
                units.append(Unit(name, "graph", seed, 0, all_scores(y, p), 0.0, 60, y, p))
        keys = [(seed, 0) for seed in range(seeds)]
        rows = {key: np.arange(patients) for key in keys}
        ids = pd.Index([f"p{n}" for n in range(patients)])
        splits = Splits(ids, {key: np.arange(0) for key in keys}, rows, np.arange(patients))
        result = CVResult(tuple(units), "c", patients, ("a", "b"), "plan", "inductive", True, splits)
        told.append(result.comparison("one", "other").p < 0.05)
        fixed.append(p_over_draws(result.draws_of("auroc", result.of("one"), result.of("other"))) < 0.05)
    assert np.mean(told) <= 0.1
    assert np.mean(fixed) > 0.2


def test_one_training_each_tells_nothing_apart():
    result = made(np.arange(80), same_test=True)
    once = replace(result, units=tuple(unit for unit in result.units if unit.repeat == 0))
    found = once.comparison("graph", "no graph")
    assert np.isnan([found.p, found.difference.low, found.difference.high]).all()
    assert found.difference.mean == pytest.approx(once.values("auroc", once.of("graph"), once.of("no graph")).mean())
    assert "cannot be judged on one fold, or by one training" in once.verdict[0]
    with pytest.raises(gm.CohortError, match="no score 'acc'; there are: auroc"):
        result.comparison("graph", "no graph", "acc")
