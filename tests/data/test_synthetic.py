import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graphmml.data.read import read_cohort
from graphmml.data.synthetic import make_cohort, write_demo
from graphmml.errors import CohortError


def plain(cohort, *modalities):
    """Numbers of these modalities, names one-hot, gaps filled with the mean."""
    wide = pd.concat([pd.get_dummies(cohort.tables[name], dtype=float) for name in modalities], axis=1)
    return wide.fillna(wide.mean()).to_numpy()


def auroc(cohort, *modalities, of=None):
    model = make_pipeline(StandardScaler(), of or LogisticRegression(C=0.1))
    y = (cohort.outcome.values == "case").to_numpy()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return roc_auc_score(
        y, cross_val_predict(model, plain(cohort, *modalities), y, cv=folds, method="predict_proba")[:, 1]
    )


def test_the_same_seed_gives_the_same_cohort_and_another_seed_another():
    assert make_cohort(seed=3).fingerprint == make_cohort(seed=3).fingerprint
    assert make_cohort(seed=3).fingerprint != make_cohort(seed=4).fingerprint


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()
    make_cohort(50)
    assert (np.random.get_state()[1] == before).all()


def test_without_signal_nothing_is_learned():
    scores = [auroc(make_cohort(600, signal=0.0, seed=seed), "clinical", "labs", "rna") for seed in range(3)]
    assert abs(np.mean(scores) - 0.5) < 0.05


def test_with_signal_much_is_learned_and_more_with_more():
    weak, plenty = (
        np.mean([auroc(make_cohort(600, signal=signal, seed=seed), "clinical", "labs") for seed in range(3)])
        for signal in (0.3, 1.0)
    )
    assert plenty > 0.7
    assert plenty > weak + 0.1


def test_neighbours_in_rna_know_what_a_straight_line_does_not():
    cohort = make_cohort(800, missing=0.0)
    assert auroc(cohort, "rna", of=KNeighborsClassifier(15)) > auroc(cohort, "rna") + 0.15


def test_without_site_effect_site_says_nothing_and_with_it_it_shifts_numbers_and_prevalence():
    def by_site(effect):
        cohort = make_cohort(4000, signal=0.0, site_effect=effect, missing=0.0)
        site = cohort.groups["site"].to_numpy()
        means = cohort.tables["rna"].groupby(site).mean()
        case = (cohort.outcome.values == "case").groupby(site).mean()
        return float(np.ptp(means.to_numpy(), axis=0).mean()), float(np.ptp(case.to_numpy()))

    (shift, prevalence), (none, level) = by_site(1.0), by_site(0.0)
    assert none < 0.25 < 1.0 < shift
    assert level < 0.08 < 0.3 < prevalence


@pytest.mark.parametrize("missing", [0.0, 0.25, 0.6])
def test_the_share_missing_lacks_rna_wholly_and_nothing_else(missing):
    cohort = make_cohort(200, missing=missing)
    present = dict(zip(cohort.modalities, cohort.present.mean(axis=0), strict=True))
    assert present == {"clinical": 1.0, "labs": 1.0, "rna": 1 - missing}
    assert 0.0 < cohort.tables["labs"].isna().to_numpy().mean() < 0.1


def test_the_leak_adds_one_column_that_predicts_and_changes_nothing_else():
    leaky, clean = make_cohort(leak=True, signal=0.0), make_cohort(signal=0.0)
    pd.testing.assert_frame_equal(leaky.tables["clinical"].drop(columns="followup_dx"), clean.tables["clinical"])
    assert leaky.outcome.values.equals(clean.outcome.values)
    assert auroc(leaky, "clinical") > 0.95
    assert auroc(clean, "clinical") < 0.65


def test_shape_names_and_classes():
    cohort = make_cohort(50, sites=3)
    assert cohort.ids[0] == "P0001"
    assert len(cohort) == 50
    assert cohort.modalities == ("clinical", "labs", "rna")
    assert cohort.outcome.name == "dx"
    assert cohort.outcome.classes == ("control", "case")
    assert cohort.groups["site"].nunique() == 3
    assert "site" not in cohort.tables["clinical"]


def test_one_site_has_no_site_to_differ_from():
    cohort = make_cohort(2000, sites=1, site_effect=2.0)
    assert abs((cohort.outcome.values == "case").mean() - 0.5) < 0.05


@pytest.mark.parametrize(
    "options",
    [{"patients": 5}, {"sites": 0}, {"missing": 1.0}, {"missing": -0.1}, {"signal": -1.0}, {"site_effect": -1.0}],
)
def test_what_cannot_be_drawn_is_refused(options):
    with pytest.raises(CohortError, match="choose"):
        make_cohort(**options)


def test_the_demo_reads_back_to_the_values_drawn(tmp_path):
    files = write_demo(tmp_path / "demo", patients=120, seed=5)
    assert sorted(path.name for path in files) == sorted(path.name for path in (tmp_path / "demo").iterdir())
    read = read_cohort(tmp_path / "demo")
    drawn = make_cohort(120, site_effect=0.5, leak=True, seed=5)
    assert read.fingerprint == drawn.fingerprint
    assert read.outcome.positive == "case"
    assert read.groups["site"].tolist() == drawn.groups["site"].tolist()
    assert not read.notes
    assert not read.present[:, 2].all()
    assert "followup_dx" in read.tables["clinical"]


def test_the_demo_is_the_same_bytes_for_the_same_seed(tmp_path):
    first, again = write_demo(tmp_path / "a", patients=60), write_demo(tmp_path / "b", patients=60)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


@pytest.mark.parametrize("name", ["clinical.csv", "labs.csv", "rna.csv", "labels.csv", "cohort.toml"])
def test_the_demo_overwrites_nothing_and_then_writes_nothing(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(CohortError, match=name):
        write_demo(tmp_path, patients=60)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_the_demo_does_not_write_below_a_file(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(CohortError, match="cannot be written"):
        write_demo(tmp_path / "taken")
