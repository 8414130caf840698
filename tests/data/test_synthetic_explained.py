import pytest
from sklearn.metrics import roc_auc_score

import graphmml as gm
from graphmml.errors import CohortError


def areas(cohort):
    case = (cohort.outcome.values == "case").to_numpy()
    assert abs(case.mean() - 0.5) < 0.05
    of = {
        (name, column): abs(roc_auc_score(case, table[column]) - 0.5)
        for name, table in cohort.tables.items()
        for column in table
    }
    return of, case


def test_one_column_says_nearly_all_and_no_other_anything():
    of, _ = areas(gm.make_explained_cohort("feature", 4000, seed=1))
    assert of.pop(("labs", "marker")) > 0.45
    assert max(of.values()) < 0.04


def test_every_column_of_one_modality_says_some_and_no_other_anything():
    of, _ = areas(gm.make_explained_cohort("modality", 4000, seed=1))
    assert min(of.pop(("imaging", f"x{at}")) for at in range(1, 7)) > 0.2
    assert max(of.values()) < 0.04


def test_the_family_says_what_its_members_do_not():
    cohort = gm.make_explained_cohort("relation", 4000, seed=1)
    of, case = areas(cohort)
    marker = cohort.tables["labs"]["marker"]
    assert of.pop(("labs", "marker")) < 0.3
    assert max(of.values()) < 0.04
    for group, least, most in (("family", 0.49, 0.51), ("ward", -1.0, 0.15)):
        mean = marker.groupby(cohort.groups[group]).transform("mean")
        assert least < roc_auc_score(case, mean) - 0.5 < most


def test_the_seed_decides():
    one, same, other = (gm.make_explained_cohort("modality", 60, seed=seed).fingerprint for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("wrong", [{"carrier": "edge"}, {"patients": 20}])
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(CohortError, match="choose"):
        gm.make_explained_cohort(**wrong)
