import numpy as np
import pytest
from scipy import stats

from graphmml.train.intervals import Interval, over_folds, over_patients, span


def test_the_interval_over_folds_is_that_of_nadeau_and_bengio():
    """By hand: mean 0.8, s^2 = 0.0025 over 5 folds of 80 and 20 patients, t(0.975, 4) = 2.776445."""
    values = np.array([0.75, 0.75, 0.80, 0.85, 0.85])
    got = over_folds(values, train=80, test=20)
    half = 2.776445 * np.sqrt(0.0025 * (1 / 5 + 20 / 80))
    assert got.mean == pytest.approx(0.8)
    assert (got.low, got.high) == (pytest.approx(0.8 - half, abs=1e-6), pytest.approx(0.8 + half, abs=1e-6))


def test_the_correction_widens_the_plain_interval_and_repeats_do_not_shrink_it_away():
    random = np.random.default_rng(0)
    few = random.normal(0.8, 0.05, 5)
    plain = stats.t.interval(0.95, 4, few.mean(), few.std(ddof=1) / np.sqrt(5))
    got = over_folds(few, train=80, test=20)
    assert got.low < plain[0] < plain[1] < got.high
    many = over_folds(random.normal(0.8, 0.05, 5000), train=80, test=20)
    assert (many.high - many.low) / 2 == pytest.approx(1.96 * 0.05 * np.sqrt(1 / 4), rel=0.05)


def test_folds_without_a_score_are_left_out():
    with_gap = over_folds(np.array([0.7, np.nan, 0.9, 0.8]), train=80, test=20)
    assert with_gap == over_folds(np.array([0.7, 0.9, 0.8]), train=80, test=20)


@pytest.mark.parametrize(("values", "mean"), [([0.7], 0.7), ([np.nan, 0.7], 0.7), ([np.nan], np.nan), ([], np.nan)])
def test_one_fold_has_a_mean_and_no_interval(values, mean):
    got = over_folds(np.array(values, dtype=float), train=80, test=20)
    assert got.mean == pytest.approx(mean, nan_ok=True)
    assert np.isnan([got.low, got.high]).all()
    assert got.to_dict()["low"] is None


def test_undefined_becomes_none_in_json():
    assert Interval(0.5, float("nan"), 0.7).to_dict() == {"mean": 0.5, "low": None, "high": 0.7}


def test_the_bootstrap_of_a_mean_is_about_its_normal_interval():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    got = over_patients(lambda rows: float(values[rows].mean()), 400, draws=2000)
    error = values.std() / 20
    assert got.mean == pytest.approx(values.mean())
    assert got.low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert got.high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_the_bootstrap_is_the_same_for_a_seed_and_takes_draws_without_a_score():
    values = np.random.default_rng(0).normal(size=50)

    def score(rows):
        return float("nan") if rows[0] % 5 == 4 else float(values[rows].mean())

    one, again, other = (over_patients(score, 50, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one != other
    assert np.isfinite([one.low, one.high]).all()


def test_blocks_are_drawn_whole_and_blocks_of_one_change_nothing():
    values = np.random.default_rng(0).normal(size=60)
    blocks = np.random.default_rng(1).permutation(np.repeat(np.arange(6), 10))
    drawn = []
    over_patients(lambda rows: drawn.append(rows) or 0.0, 60, blocks=blocks, draws=20)
    for rows in drawn:
        times = np.bincount(rows, minlength=60)
        assert times.sum() == 60
        assert all(len(np.unique(times[blocks == at])) == 1 for at in range(6))

    def mean(rows):
        return float(values[rows].mean())

    assert over_patients(mean, 60, blocks=np.arange(60)[::-1]) == over_patients(mean, 60)


def test_a_bound_just_below_zero_is_seen_to_be():
    assert span(Interval(0.005, -0.0003, 0.012), sign="+") == "+0.005 (-.000 to +.012)"
    assert span(Interval(0.0, -0.0, 0.0), sign="+") == "+0.000 (+.000 to +.000)"
