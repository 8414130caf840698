"""GroupThresholds learns from training patients alone, keeps the model's risks, and says what it lacks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.data.outcome import class_outcome
from graphmml.train.curves import net_benefit
from graphmml.train.tasks import ClassTask


def cohort_of(patients=240, seed=0, sexes=("f", "m"), shares=(0.4, 0.6)):
    random = np.random.default_rng(seed)
    ids = [f"p{at:04d}" for at in random.permutation(patients)]
    sex = random.choice(sexes, patients, p=shares)
    x = random.normal(size=(patients, 3))
    x[:, 1] += 3 * (sex == "m")  # so that the model can tell
    y = (x[:, 0] + 1.5 * (sex == "m") + random.normal(size=patients) > 0.8).astype(int)
    frames = {"labs": pd.DataFrame(x, index=ids, columns=list("abc"))}
    groups = pd.DataFrame({"sex": sex}, index=ids)
    return gm.Cohort.from_frames(frames, pd.Series(np.array(["no", "yes"])[y], ids), groups=groups, positive="yes")


PLAIN = gm.Baseline(LogisticRegression())


def made(**settings):
    return gm.GroupThresholds(PLAIN, "sex", **{"constraint": "demographic_parity", **settings})


def test_outcomes_held_out_change_nothing():
    cohort = cohort_of()
    train, test = np.arange(160), np.arange(160, 240)
    values = cohort.outcome.values.to_numpy(dtype=object).copy()
    values[test] = np.where(values[test] == "yes", "no", "yes")
    flipped = replace(cohort, outcome=class_outcome(pd.Series(values, index=cohort.ids), positive="yes"))
    one, two = made().fit(cohort[train]), made().fit(flipped[train])
    assert one.thresholds_ == two.thresholds_
    hidden = made().fit(cohort.with_outcome_of(train))  # nor do patients without outcome
    assert hidden.thresholds_ == one.thresholds_
    assert np.array_equal(one.predict(cohort[test]), two.predict(flipped[test]))


def test_they_are_chosen_by_predictions_out_of_fold(monkeypatch):
    cohort, seen = cohort_of(120), []
    fit = gm.Baseline.fit
    monkeypatch.setattr(gm.Baseline, "fit", lambda self, some: seen.append(len(some)) or fit(self, some))
    made(folds=4).fit(cohort)
    assert sorted(seen) == [90] * 4 + [120]


def test_decisions_follow_the_thresholds_and_risks_stay_the_models_own():
    cohort = cohort_of(400)
    fitted = made(slack=0.01).fit(cohort)
    assert np.allclose(fitted.predict_proba(cohort), clone(PLAIN).fit(cohort).predict_proba(cohort))
    sex = cohort.groups["sex"].to_numpy()
    called = fitted.predict(cohort) == "yes"
    for value, threshold in fitted.thresholds_.items():
        mine = sex == value
        assert np.array_equal(called[mine], fitted.predict_proba(cohort)[mine, 1] >= threshold)
    rates = [called[sex == value].mean() for value in ("f", "m")]
    plain = fitted.predict_proba(cohort)[:, 1] >= 0.5
    assert abs(rates[0] - rates[1]) < 0.07
    assert abs(plain[sex == "f"].mean() - plain[sex == "m"].mean()) > 0.2


def test_a_patient_is_decided_alone_as_among_others():
    cohort = cohort_of(200)
    fitted = made().fit(cohort[:150])
    whole = fitted.predict(cohort[150:])
    assert [fitted.predict(cohort[at : at + 1])[0] for at in range(150, 200)] == whole.tolist()


def test_an_unknown_group_meets_the_threshold_learned_on_all_or_an_error():
    cohort = cohort_of(200)
    fitted = made(threshold=0.6).fit(cohort)
    known = cohort[cohort.sorted_rows]
    task = ClassTask.of(known)
    risk, hit = fitted.out_of_fold(known, task), task.codes(known) == 1
    benefits = [net_benefit(hit, risk - at + 0.6, np.array([0.6]))[0] for at in (fitted.common_, *np.unique(risk))]
    assert benefits[0] == pytest.approx(max(benefits))
    groups = cohort.groups.copy()
    groups.iloc[:5, 0] = None
    groups.iloc[5:8, 0] = "x"
    new = replace(cohort, groups=groups)
    assert (fitted.thresholds(new)[:8] == fitted.common_).all()
    assert fitted.thresholds(new)[8] == fitted.thresholds_[groups.iloc[8, 0]]
    fitted.set_params(unknown="error")
    with pytest.raises(gm.CohortError, match="8 of 200 patients have no 'sex' with a threshold"):
        fitted.predict(new)
    assert len(fitted.predict(cohort)) == 200


def test_a_constraint_that_only_calling_everybody_keeps_is_said():
    random = np.random.default_rng(0)
    sites = pd.DataFrame({"sex": np.repeat(["a", "b", "c", "d"], 50)})
    cohort = cohort_of(200)
    cohort = replace(cohort, groups=sites.set_index(cohort.ids))
    settings = {"constraint": "equalized_odds", "slack": 0.0}
    with pytest.raises(
        gm.GraphmmlError, match=r"within 0 on 200 training patients only by .* one of 4 values positive"
    ):
        made(**settings).fit(cohort)
    fitted = made(constraint="equalized_odds", slack=0.2).fit(cohort)
    called = fitted.predict(cohort[random.permutation(200)]) == "yes"
    assert 0 < called.sum() < 200


def test_a_value_of_few_patients_has_no_threshold_of_its_own():
    cohort = cohort_of(200, sexes=("f", "m", "x"), shares=(0.46, 0.46, 0.08))
    assert set(made().fit(cohort).thresholds_) == {"f", "m"}


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"constraint": "parity"}, "constraint is 'parity'; choose equalized_odds"),
        ({"slack": 1.0}, "slack 1 and folds 5"),
        ({"threshold": 0.0}, "threshold is 0"),
        ({"unknown": "drop"}, "unknown is 'drop'"),
    ],
)
def test_settings_that_decide_nothing_are_refused(settings, match):
    with pytest.raises(gm.GraphmmlError, match=match):
        made(**settings).fit(cohort_of(60))


def test_it_is_an_estimator():
    model = made(slack=0.1)
    assert clone(model).get_params()["slack"] == 0.1
    with pytest.raises(gm.NotFittedError):
        model.predict(cohort_of(30))


def test_several_classes_are_refused(cohort):
    y = pd.Series(np.array(["a", "b", "c"])[np.arange(len(cohort)) % 3], index=cohort.ids)
    three = replace(cohort, outcome=class_outcome(y))
    with pytest.raises(gm.CohortError, match="the outcome has 3"):
        gm.GroupThresholds(PLAIN, "site").fit(three)
