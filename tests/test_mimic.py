"""A heterogeneous graph of the MIMIC-III demo - patients, visits, codes in time order - is trained on."""

import csv
from functools import partial

import numpy as np
import pytest

import graphmml as gm

pytestmark = pytest.mark.cohorts

COHORT = """
[cohort]
id = "subject_id"
outcome = {{ path = "labels.csv", column = "died", kind = "class", positive = "1" }}

[visits]
path = "{folder}/ADMISSIONS.csv"
visit = "hadm_id"
time = "admittime"

[modality.diagnoses]
path = "{folder}/DIAGNOSES_ICD.csv"
long = {{ code = "icd9_code", visit = "hadm_id" }}

[modality.prescriptions]
path = "{folder}/PRESCRIPTIONS.csv"
long = {{ code = "drug", visit = "hadm_id" }}

[modality.microbiology]
path = "{folder}/MICROBIOLOGYEVENTS.csv"
long = {{ code = "org_name" }}
"""


@pytest.fixture
def patients(cohorts, tmp_path):
    """One row a patient; the outcome is death in hospital at any of its visits."""
    folder = (cohorts / "mimic3_demo").resolve()
    died = {}
    with (folder / "ADMISSIONS.csv").open() as file:
        for row in csv.DictReader(file):
            died[row["subject_id"]] = max(died.get(row["subject_id"], "0"), row["hospital_expire_flag"])
    with (tmp_path / "labels.csv").open("w") as file:
        csv.writer(file).writerows([("subject_id", "died"), *died.items()])
    (tmp_path / "cohort.toml").write_text(COHORT.format(folder=folder))
    return gm.read_cohort(tmp_path)


def test_admissions_are_read_as_visits_in_time_order(patients):
    assert len(patients) == 100
    assert len(patients.timeline) == 129
    assert not patients.timeline.visits["time"].isna().any()
    encoded = gm.CohortEncoder().fit(patients).transform(patients)
    relations = gm.Visits().link(encoded, encoded)
    assert relations["next_visit"].edges.shape[1] == 129 - 100
    visits = relations.parts["visit"]
    earlier, later = relations["next_visit"].edges
    assert (visits.features[earlier, 1] > visits.features[later, 1]).all(), "days until the last visit fall"
    assert np.array_equal(visits.owner[earlier], visits.owner[later])


@pytest.mark.parametrize("conv", [gm.SAGEStack, gm.GATStack], ids=lambda conv: conv.__name__)
@pytest.mark.parametrize("links", [gm.Visits(), gm.ModalityNodes(k=5)], ids=repr)
def test_a_heterogeneous_graph_trains_and_attaches_the_rest(patients, links, conv):
    training = gm.Training(epochs=5, patience=5)
    model = gm.GraphClassifier(links, partial(conv, depth=2), members=1, training=training, device="cpu")
    p = model.fit(patients[:70]).predict_proba(patients[70:])
    assert p.shape == (30, 2)
    assert np.isfinite(p).all()
    assert np.ptp(p[:, 1]) > 1e-3, "patients are told apart"
    assert np.allclose(model.predict_proba(patients[80:81])[0], p[10], atol=1e-6)


def test_rows_that_are_visits_stay_with_their_patient_on_one_side_of_a_fold(cohorts):
    cohort = gm.read_cohort(cohorts / "mimic3_demo")
    patient = cohort.groups["patient"].to_numpy()
    training = gm.Training(epochs=3, patience=3)
    model = gm.GraphClassifier(gm.ModalityNodes(k=5), members=1, training=training, device="cpu")
    fold = next(gm.Folds(3).split(cohort))
    assert not set(patient[fold.train]) & set(patient[fold.test])
    model.fit(cohort[fold.train])
    learned = patient[cohort.rows_of(list(model.source_.ids))]
    rows = model.members_[0].rows
    stopping = np.setdiff1d(np.arange(len(learned)), rows)
    assert len(stopping)
    assert not set(learned[rows]) & set(learned[stopping]), "nor is a member stopped by a patient it learned from"
    assert len(model.predict_proba(cohort[fold.test])) == len(fold.test)
