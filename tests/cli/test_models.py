"""fit calibrates and says so; predict marks whom it abstains from; export still takes what fit wrote."""

import json
import tomllib

import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.synthetic import write_demo


@pytest.fixture
def demo(tmp_path):
    write_demo(tmp_path / "demo", patients=80)
    return tmp_path / "demo"


FAST = ["--links", "neighbours:modality=labs,k=3", "--members", 1]


def test_fit_calibrates_and_predict_marks(graphmml, demo, tmp_path):
    code, out, _ = graphmml(
        "fit",
        demo,
        *FAST,
        "--calibrate",
        "isotonic",
        "--coverage",
        0.8,
        "--group",
        "site",
        "-o",
        tmp_path / "m",
        "--json",
    )
    record = json.loads(out)
    assert code == 0
    assert (record["calibrated"], record["coverage"], record["group"]) == ("isotonic", 0.8, "site")
    model = gm.load(tmp_path / "m")
    assert isinstance(model, gm.CalibratedClassifier)
    assert len(model.held_out_.codes) == record["patients"] == 80
    code, out, _ = graphmml("predict", tmp_path / "m", demo, "-o", tmp_path / "p.csv", "--json")
    table = pd.read_csv(tmp_path / "p.csv", dtype={"patient_id": str, "set": str})
    record = json.loads(out)
    assert record["abstained"] == table["abstained"].sum()
    assert record["unlike_training"] == table["unlike_training"].sum() == 0
    assert (table["abstained"] == (table["set"].fillna("").str.count("[^;]+") != 1)).all()
    assert any("80 of 80 patients were in training" in words for words in record["differences"])
    _, out, _ = graphmml("predict", tmp_path / "m", demo, "-o", tmp_path / "p.csv")
    assert "abstained from, 0 unlike those of training" in out
    cohort_file = tomllib.loads((demo / "cohort.toml").read_text())
    (demo / cohort_file["cohort"]["outcome"]["path"]).unlink()  # of new patients it is not known
    assert graphmml("predict", tmp_path / "m", demo, "-o", tmp_path / "new.csv")[0] == 0
    assert (tmp_path / "new.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()
    assert graphmml("export", tmp_path / "m", "-o", tmp_path / "g.graphml")[0] == 0


def test_fit_says_how_it_was_calibrated_and_none_is_one_plain_fit(graphmml, demo, tmp_path):
    _, out, _ = graphmml("fit", demo, *FAST, "--group", "site", "-o", tmp_path / "m")
    assert "calibrated on held-out patients; sets are to cover 90% in each site" in out
    code, out, _ = graphmml("fit", demo, *FAST, "--calibrate", "none", "-o", tmp_path / "plain", "--json")
    assert code == 0
    assert json.loads(out)["calibrated"] == "none"
    assert json.loads(out)["coverage"] is None
    assert isinstance(gm.load(tmp_path / "plain"), gm.GraphClassifier)
    graphmml("predict", tmp_path / "plain", demo, "-o", tmp_path / "p.csv")
    assert "set" not in pd.read_csv(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--calibrate", "platt"), "choose temperature, isotonic or none"),
        (("--coverage", 90), "coverage is 90"),
        (("--group", "ward"), "no group 'ward'"),
    ],
)
def test_what_cannot_be_is_refused(graphmml, demo, tmp_path, words, said):
    code, _, err = graphmml("fit", demo, *FAST, *words, "-o", tmp_path / "m")
    assert code == 2
    assert said in err
    assert not (tmp_path / "m").exists()


def test_help_says_what_calibration_costs(graphmml):
    assert "six fits" in graphmml("fit", "--help")[1]


def test_card_is_written_and_says_what_is_left(graphmml, demo, tmp_path):
    graphmml("fit", demo, *FAST, "--calibrate", "none", "-o", tmp_path / "m")
    graphmml("cv", demo, *FAST, "--folds", 2, "--repeats", 1, "--jobs", 1, "-o", tmp_path / "run")
    code, out, _ = graphmml(
        "card", tmp_path / "m", "--cv", tmp_path / "run", "--cohort", demo, "-o", tmp_path / "card.md"
    )
    assert code == 0
    assert "49 of 52 parts of items wait for you" in out
    text = (tmp_path / "card.md").read_text()
    assert "has the settings of this model" in text
    assert "AUROC within site" in text
    code, out, _ = graphmml("card", tmp_path / "m", "-o", tmp_path / "card.json", "--json")
    assert json.loads(out)["schema"] == "graphmml.card/1"
    code, _, err = graphmml("card", tmp_path / "m", "-o", tmp_path / "card.pdf")
    assert code == 2
    assert "ends in .md" in err


def test_a_plain_model_is_fitted_by_its_name_in_the_table_of_cv_and_predicts(graphmml, demo, tmp_path):
    code, out, _ = graphmml("fit", demo, "--plain", "logistic regression", "-o", tmp_path / "m", "--json")
    assert code == 0
    assert json.loads(out)["calibrated"] == "temperature"
    assert isinstance(gm.load(tmp_path / "m").model_, gm.Baseline)
    assert graphmml("predict", tmp_path / "m", demo, "-o", tmp_path / "p.csv")[0] == 0
    table = pd.read_csv(tmp_path / "p.csv")
    assert table["spread"].isna().all()
    assert table["set"].notna().any()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--plain", "svm"], "choose logistic regression, random forest"),
        (["--plain", "random forest", "--conv", "gcn"], "leave out links, conv"),
    ],
)
def test_a_plain_model_that_cannot_be_is_refused(graphmml, demo, tmp_path, words, said):
    code, _, told = graphmml("fit", demo, *words, "-o", tmp_path / "m")
    assert code == 2
    assert said in told.replace("\n", " ")
    assert not (tmp_path / "m").exists()
