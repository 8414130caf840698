import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import graphmml as gm
from graphmml.errors import CohortError


def drawn(kind):
    cohort = gm.make_fusion_cohort(kind, 4000, seed=1)
    hidden = {name: table[["x1", "x2"]].sum(axis=1).to_numpy() for name, table in cohort.tables.items()}
    return (cohort.outcome.values == "case").to_numpy(), hidden


def test_neither_modality_of_an_exclusive_or_says_anything_alone_and_both_say_nearly_all():
    case, hidden = drawn("exclusive")
    for z in hidden.values():
        assert abs(roc_auc_score(case, z) - 0.5) < 0.03
        assert abs(roc_auc_score(case, np.abs(z)) - 0.5) < 0.03
    wrong = np.arccos(6 / 38**0.5) / np.pi  # how often the sum of two columns has another sign than z
    right = (1 - wrong) ** 2 + wrong**2
    expected = 0.98 * right + 0.02 * (1 - right)
    assert ((hidden["imaging"] * hidden["genes"] > 0) == case).mean() == pytest.approx(expected, abs=0.02)


def test_log_odds_are_a_sum_or_one_modality_alone():
    case, hidden = drawn("additive")
    both = roc_auc_score(case, sum(hidden.values()))
    assert both > max(roc_auc_score(case, z) for z in hidden.values()) + 0.05
    case, hidden = drawn("single")
    scores = {name: roc_auc_score(case, z) for name, z in hidden.items()}
    assert scores.pop("signal") > 0.85
    assert all(abs(score - 0.5) < 0.03 for score in scores.values())


@pytest.mark.parametrize("wrong", [{"interplay": "and"}, {"patients": 5}])
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(CohortError, match="choose"):
        gm.make_fusion_cohort(**wrong)
