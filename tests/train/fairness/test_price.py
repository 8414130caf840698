"""The price against the two models scored one after the other."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.train.fairness import judge
from graphmml.train.fairness.price_result import BEFORE, Change, cost_change
from graphmml.train.intervals import Interval
from graphmml.train.loop import Training

FOLDS = gm.Folds(3)


@pytest.fixture(scope="module")
def cohort():
    random = np.random.default_rng(3)
    ids = [f"p{at:04d}" for at in range(210)]
    sex = random.choice(["f", "m"], 210)
    x = random.normal(size=(210, 3))
    x[:, 1] += 2 * (sex == "m")
    y = (x[:, 0] + 1.5 * (sex == "m") + 0.7 * random.normal(size=210) > 0.5).astype(int)
    frames = {
        "labs": pd.DataFrame(x, index=ids, columns=list("abc")),
        "clinical": pd.DataFrame({"sex": sex}, index=ids),
    }
    return gm.Cohort.from_frames(frames, pd.Series(np.array(["no", "yes"])[y], ids), positive="yes")


@pytest.fixture(scope="module")
def model():
    return gm.GraphClassifier(gm.Neighbours("labs", k=5), members=1, training=Training(epochs=15))


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(judge, "DRAWS", 200)
    monkeypatch.setattr(judge, "CURVE_DRAWS", 20)


def test_a_mitigation_that_changes_nothing_costs_nothing(cohort, model):
    found = gm.fairness_price(model, model, cohort, FOLDS, group="sex", jobs=1)
    assert found.mitigation == "another model"
    assert (found.frame()[["change", "change_low", "change_high"]] == 0).all(axis=None)
    assert np.allclose(found.gaps()["change"], 0)


def test_what_is_no_model_is_refused_and_a_plain_one_is_priced(cohort, model):
    plain = gm.Baseline(LogisticRegression())
    for one, other in ((cohort, model), (model, plain), (None, None)):
        with pytest.raises(gm.GraphmmlError, match="is wanted"):
            gm.fairness_price(one, other, cohort, FOLDS, group="sex")
    with pytest.raises(gm.GraphmmlError, match="a Cohort is wanted"):
        gm.fairness_price(model, model, model, FOLDS, group="sex")
    thresholds = gm.GroupThresholds(plain, "sex", "true_positive_rate", folds=2)
    costs = gm.fairness_price(plain, thresholds, cohort, gm.Folds(2), group="sex", jobs=1).frame().set_index("name")
    assert costs.loc["auroc", "change"] == 0


def test_both_are_what_cross_validation_gives_each(cohort, model):
    mended = gm.reweighed(model, "sex")
    assert mended.training.reweigh == "sex"
    assert model.training.reweigh is None
    found = gm.fairness_price(model, mended, cohort, FOLDS, group="sex", jobs=1)
    both = gm.cross_validate({"plain": model, "mended": mended}, cohort, FOLDS, jobs=1)
    costs = found.frame().set_index("name")
    for name in ("auroc", "brier", "accuracy"):
        for column, row in (("before", "plain"), ("after", "mended")):
            assert np.isclose(costs.loc[name, column], both.named(row).metrics[name].mean), name
    units = {name: both.of(name) for name in ("plain", "mended")}
    change = both.interval("brier", units["mended"], units["plain"])
    assert np.isclose(costs.loc["brier", "change_low"], change.low)
    assert np.isclose(costs.loc["brier", "change"], change.mean)
    alone = gm.fairness(both, cohort, group="sex").gaps().set_index(["model", "gap"])["difference"]
    gaps = found.gaps().set_index("name")
    for name in ("demographic_parity", "auroc", "equalised_odds"):
        assert np.isclose(gaps.loc[name, "before"], alone["plain", name])
        assert np.isclose(gaps.loc[name, "after"], alone["mended", name])
    assert found.fairness.models == (BEFORE, "reweighed by sex")


def test_thresholds_leave_risks_and_narrow_the_gap_they_are_for(cohort, model):
    mended = gm.GroupThresholds(model, "sex", "demographic_parity", folds=3)
    found = gm.fairness_price(model, mended, cohort, FOLDS, group="sex", jobs=1)
    costs = found.frame().set_index("name")
    assert costs.loc["auroc", "change"] == 0
    assert costs.loc["brier", "change"] == 0
    gaps = found.gaps().set_index("name")
    assert gaps.loc["demographic_parity", "after"] < gaps.loc["demographic_parity", "before"] / 2
    assert "AUROC as it was" in found.verdict[-1]
    shown = json.loads(json.dumps(found.to_json()))
    assert shown["schema"] == "graphmml.fairness_price/1"
    assert shown["fairness"]["schema"] == "graphmml.fairness/1"
    assert "demographic parity" in found._repr_html_() + repr(found)


def test_a_change_reads_as_better_worse_or_chance():
    zero = Interval(0.5, 0.4, 0.6)
    for name, change, word in (
        ("brier", Interval(-0.1, -0.2, -0.05), "better"),
        ("auroc", Interval(-0.1, -0.2, -0.05), "worse"),
        ("accuracy", Interval(-0.1, -0.2, 0.05), "may be chance"),
    ):
        assert cost_change(Change("", name, zero, zero, change)).endswith(word)


def test_several_classes_are_refused(cohort, model):
    y = pd.Series(np.array(["a", "b", "c"])[np.arange(210) % 3], index=cohort.ids)
    three = gm.Cohort.from_frames(dict(cohort.tables), y)
    with pytest.raises(gm.CohortError, match="the outcome has 3"):
        gm.fairness_price(model, gm.reweighed(model, "sex"), three, FOLDS, group="sex")
