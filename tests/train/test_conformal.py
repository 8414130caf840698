"""Conformal sets are those of the p-values that define them, and cover as promised, in each group too."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphmml as gm
from graphmml.errors import CohortError, GraphmmlError
from graphmml.train.calibration import Isotonic
from graphmml.train.conformal import ConformalSets, refuse_sets, threshold, values_of

NOBODY = np.full(400, "", dtype=object)


def said(random, patients, classes=3, sharp=1.0):
    logits = sharp * random.normal(size=(patients, classes))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return p, (random.random((patients, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=classes - 1)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(1, 60), st.sampled_from([0.5, 0.7, 0.8, 0.9, 0.95]), st.integers(0, 1000))
def test_a_class_is_in_the_set_where_its_p_value_is_above_one_less_coverage(patients, coverage, seed):
    random = np.random.default_rng(seed)
    p, codes = said(random, patients)
    p = p.round(1)  # ties
    new, _ = said(random, 7)
    sets = ConformalSets.learned(p, codes, NOBODY[:patients], coverage).sets(new.round(1), NOBODY[:7])
    scores = [1.0 - p[row, codes[row]] for row in range(patients)]
    for row in range(7):
        for at in range(3):
            mine = 1.0 - new.round(1)[row, at]
            p_value = (1 + sum(score >= mine for score in scores)) / (patients + 1)
            assert sets[row, at] == (p_value > 1 - coverage + 1e-12)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
@pytest.mark.parametrize("held", [19, 40, 99])
def test_coverage_lies_between_what_was_asked_and_one_patient_more(coverage, held):
    random = np.random.default_rng(held)
    covered = []
    for _ in range(1500):
        p, codes = said(random, held + 20)
        sets = ConformalSets.learned(p[:held], codes[:held], NOBODY[:held], coverage).sets(p[held:], NOBODY[:20])
        covered.append(sets[np.arange(20), codes[held:]].mean())
    error = 3 * np.std(covered) / np.sqrt(len(covered))
    assert coverage - error < np.mean(covered) < coverage + 1 / (held + 1) + error


def test_each_group_is_covered_where_one_threshold_for_all_covers_one_too_rarely():
    random = np.random.default_rng(0)
    whole, within = {"a": [], "b": []}, {"a": [], "b": []}
    for _ in range(300):
        p, codes = said(random, 400, sharp=3.0)
        groups = np.array(["a", "b"], dtype=object)[(random.random(400) < 0.3).astype(int)]
        codes = np.where((groups == "b") & (random.random(400) < 0.4), random.integers(0, 3, 400), codes)
        old, new = slice(0, 200), slice(200, 400)
        for where, named in ((whole, NOBODY), (within, groups)):
            sets = ConformalSets.learned(p[old], codes[old], named[old], 0.9).sets(p[new], named[new])
            hit = sets[np.arange(200), codes[new]]
            for name, values in where.items():
                values.append(hit[groups[new] == name].mean())
    assert np.mean(whole["b"]) < 0.87
    assert all(0.89 < np.mean(values) < 0.93 for values in within.values())


def test_probabilities_that_were_calibrated_on_the_same_patients_would_cover_too_rarely():
    """Why sets are made from the model's own probabilities."""
    random = np.random.default_rng(0)
    own, after = [], []
    for _ in range(200):
        p, codes = said(random, 130)
        step = Isotonic.learned(p[:30], codes[:30])
        for values, q in ((own, p), (after, step.calibrated(p))):
            sets = ConformalSets.learned(q[:30], codes[:30], NOBODY[:30], 0.9).sets(q[30:], NOBODY[:100])
            values.append(sets[np.arange(100), codes[30:]].mean())
    assert np.mean(own) > 0.89
    assert np.mean(after) < 0.89


def test_a_value_with_too_few_patients_or_none_gets_every_class():
    p, codes = said(np.random.default_rng(1), 40)
    groups = np.array(["many"] * 32 + ["few"] * 8, dtype=object)
    learned = ConformalSets.learned(p, codes, groups, 0.9)
    assert learned.thresholds["few"] == np.inf
    assert learned.counts == {"few": 8, "many": 32}
    new = np.array(["few", "unheard of", "", "many"], dtype=object)
    sets = learned.sets(np.tile([0.98, 0.02, 0.0], (4, 1)), new)
    assert sets[:3].all()
    assert not sets[3, 2]


def test_the_patients_of_one_value_decide_nothing_for_another():
    p, codes = said(np.random.default_rng(1), 80)
    groups = np.array(["a", "b"] * 40, dtype=object)
    other = np.where(groups == "b", (codes + 1) % 3, codes)
    one, two = (ConformalSets.learned(p, some, groups, 0.9) for some in (codes, other))
    assert one.thresholds["a"] == two.thresholds["a"]
    assert one.thresholds["b"] != two.thresholds["b"]


def test_a_patient_of_a_class_that_the_model_does_not_know_counts_as_not_covered():
    p, codes = said(np.random.default_rng(1), 40)
    assert ConformalSets.learned(p, np.where(np.arange(40) < 5, -1, codes), NOBODY[:40], 0.9).thresholds[""] == np.inf


def test_the_threshold_is_the_order_statistic():
    assert threshold(np.arange(9.0), 0.9) == 8
    assert threshold(np.arange(8.0), 0.9) == np.inf
    assert threshold(np.arange(9.0), 0.7) == 6
    assert threshold(np.zeros(0), 0.9) == np.inf


def test_values_of_a_group_are_text_and_missing_is_a_value_of_its_own():
    groups = pd.DataFrame({"ward": ["1", None, "2"]}, index=["a", "b", "c"])
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=["a", "b", "c"])
    cohort = gm.Cohort.from_frames({"labs": table}, groups=groups)
    assert values_of(cohort, "ward").tolist() == ["1", "", "2"]
    assert values_of(cohort, None).tolist() == values_of(cohort, "absent").tolist() == ["", "", ""]
    with pytest.raises(CohortError, match=r"no group 'site' \(it has: ward\)"):
        refuse_sets(0.9, "site", cohort)
    with pytest.raises(GraphmmlError, match="coverage is 90"):
        refuse_sets(90, None, cohort)
