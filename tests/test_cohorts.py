"""Real cohorts walk through the rooms: read, check, encode, link, diagnose, and one is learned from."""

import numpy as np
import pytest

import graphmml as gm

pytestmark = pytest.mark.cohorts

EXPECTED = {
    "hancock": (763, 8, 667),
    "breast_tcga": (220, 3, 220),
    "heart_disease": (920, 2, 920),
    "glioma_grading": (839, 2, 839),
    "mimic3_demo": (129, 4, 129),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_cohort_reads_checks_and_is_diagnosed(cohorts, name):
    cohort = gm.read_cohort(cohorts / name)
    assert (len(cohort), len(cohort.tables), int(cohort.labelled.sum())) == EXPECTED[name]
    codes = [finding.code for finding in gm.check(cohort)]
    assert "GM602" in codes
    result = gm.diagnose(cohort)
    assert result.graph["patients"] == len(cohort)
    text = repr(result) + "".join(finding.message for finding in gm.check(cohort))
    assert not any(patient in text.split() for patient in cohort.ids if len(patient) > 3)


def test_leading_zeros_of_ids_stay(cohorts):
    assert "001" in gm.read_cohort(cohorts / "hancock").ids


def test_impossible_zeros_are_found(cohorts):
    findings = gm.check(gm.read_cohort(cohorts / "heart_disease"))
    assert any(finding.code == "GM110" and "chol" in finding.message for finding in findings)


def test_the_bundled_heart_cohort_is_the_real_one_with_zeros_blanked(cohorts):
    ours, theirs = gm.load_heart(), gm.read_cohort(cohorts / "heart_disease")
    theirs = theirs[theirs.rows_of(list(ours.ids))]
    assert ours.outcome.values.tolist() == theirs.outcome.values.tolist()
    for name, table in theirs.tables.items():
        for column in table:
            known = ours.tables[name][column].notna().to_numpy()
            same = ours.tables[name][column].to_numpy()[known] == table[column].to_numpy()[known]
            assert same.all(), column
            blanked = table[column].to_numpy()[~known & table[column].notna().to_numpy()]
            assert set(blanked) <= {0.0}


def test_a_modality_that_no_test_patient_has_is_no_obstacle(cohorts):
    cohort = gm.read_cohort(cohorts / "breast_tcga")
    fold = next(gm.OfficialSplit(1).split(cohort))
    model = gm.GraphClassifier(gm.Neighbours(k=10, each=True), members=2, device="cpu").fit(cohort[fold.train])
    assert model.score(cohort[fold.test]) > 0.9


def test_visits_of_one_patient_stay_on_one_side(cohorts):
    cohort = gm.read_cohort(cohorts / "mimic3_demo")
    patient = cohort.groups["patient"].to_numpy()
    for fold in gm.Folds(4).split(cohort):
        assert not set(patient[fold.train]) & set(patient[fold.test])


@pytest.mark.slow
def test_seventy_thousand_patients_are_linked_within_bounds(cohorts):
    cohort = gm.read_cohort(cohorts / "diabetes130")
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    graph = gm.build_graph(gm.Neighbours(k=10), encoded)
    listened = np.bincount(graph.relations[0].edges[1], minlength=len(cohort))
    assert (listened == 10).all()
