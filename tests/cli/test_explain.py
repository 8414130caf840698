"""graphmml explain as a user meets it."""

import json

import pytest
from sklearn.linear_model import LogisticRegression

import graphmml as gm
from graphmml.train.loop import Training

WIDTH = 80


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    made = gm.GraphClassifier(gm.Neighbours("clinical", k=4), members=1, width=8, training=Training(epochs=8))
    gm.save(made.fit(gm.load_heart()[:200]), folder / "model")
    return folder / "model"


HEART = "datasets/heart/cohort.toml"


@pytest.mark.parametrize("method", ["occlusion", "gradients", "explainer"])
def test_json_is_one_versioned_object_and_a_card_is_private(graphmml, model, tmp_path, method):
    words = ["--method", method, "--html", tmp_path / "c.html", "--json"]
    code, out, _ = graphmml("explain", model, HEART, "--row", 300, *words)
    record = json.loads(out)
    assert code == 0
    assert record["schema"] == "graphmml.explain/1"
    assert record["contains_patient_level_data"]
    assert {part["kind"] for part in record["parts"]} >= {"modality", "feature", "relation", "link"}
    assert record["patient"] == "row 300"
    assert (tmp_path / "c.html").stat().st_mode & 0o077 == 0
    assert "Why" in (tmp_path / "c.html").read_text()


def test_text_names_nobody_unless_asked(graphmml, model):
    ids = gm.load_heart().ids
    code, out, _ = graphmml("explain", model, HEART, "--patient", ids[300])
    assert code == 0
    assert "row 300" in out
    assert "by chance" in out
    assert max(map(len, out.splitlines())) <= 80
    assert str(ids[300]) in graphmml("explain", model, HEART, "--row", 300, "--show-ids")[1].splitlines()[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name one patient"),
        (["--row", 1, "--patient", "x"], "name one patient"),
        (["--row", 99999], "rows 0 to"),
        (["--patient", "nobody"], "not in the cohort"),
        (["--row", 1, "--method", "attention"], "choose occlusion, gradients, explainer"),
        (["--row", 1, "--html", "card.pdf"], "ends in .html"),
        (["--folds", 2, "--html", "card.pdf"], "ends in .html"),
        (["--folds", 2, "--row", 1, "--method", "gradients"], "--row, --method about one patient"),
        (["--row", 1, "--target", "alive"], "no class"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(graphmml, model, words, said):
    code, _, err = graphmml("explain", model, HEART, *words)
    assert code == 2
    assert said in err
    assert "nobody" not in err


def test_a_plain_model_is_explained_and_its_methods_are_named(graphmml, tmp_path):
    gm.save(gm.Baseline(LogisticRegression(max_iter=2000)).fit(gm.load_heart()[:200]), tmp_path / "plain")
    code, out, _ = graphmml("explain", tmp_path / "plain", HEART, "--row", 300, "--html", tmp_path / "c.html")
    assert code == 0
    assert "no graph" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    code, _, err = graphmml("explain", tmp_path / "plain", HEART, "--row", 300, "--method", "explainer")
    assert code == 2
    assert "explain it by Occlusion" in err


@pytest.mark.slow
def test_without_a_patient_the_cohort_is_explained_over_folds(graphmml, model, tmp_path):
    code, told, _ = graphmml("explain", model, HEART, "--folds", 2)
    assert code == 0
    assert max(map(len, told.splitlines())) <= 80
    assert "folds agree on the order" in " ".join(told.split())
    code, text, _ = graphmml("explain", model, HEART, "--folds", 2, "--json", "--html", tmp_path / "page.html")
    assert "What counts for held-out patients?" in (tmp_path / "page.html").read_text()
    record = json.loads(text)
    assert record["schema"] == "graphmml.importances/1"
    assert record["folds"] == 2
    assert {part["kind"] for part in record["parts"]} >= {"modality", "feature", "relation"}
    assert record["parts"][0]["name"] in told.replace("\n", "")
    assert graphmml("explain", model, HEART)[0] == 2
