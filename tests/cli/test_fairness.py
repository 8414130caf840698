"""graphmml fairness as a user meets it: tables, JSON, a page, a mitigation's price, and words for what is wrong."""

import json
import sys

import pytest

import graphmml as gm
from graphmml.cli import main as cli
from graphmml.data.synthetic import write_demo
from graphmml.train.fairness import judge
from graphmml.train.loop import Training


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fair")
    write_demo(folder / "demo", patients=160)
    cohort = gm.read_cohort(folder / "demo")
    model = gm.GraphClassifier(gm.Neighbours("labs", k=5), members=1, training=Training(epochs=3))
    gm.cross_validate(model, cohort, gm.Folds(2), jobs=1, run=folder / "run")
    return folder


@pytest.fixture
def graphmml(capsys, monkeypatch, run_of):
    monkeypatch.setattr(judge, "DRAWS", 100)
    monkeypatch.setattr(judge, "CURVE_DRAWS", 10)

    def call(*words):
        arguments = ["graphmml", "fairness", run_of / "demo", "--cv", run_of / "run", *words]
        monkeypatch.setattr(sys, "argv", [str(word) for word in arguments])
        monkeypatch.setenv("COLUMNS", "100")
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return call


def test_it_prints_tables_and_ends_with_the_verdict(graphmml, tmp_path):
    code, out, _ = graphmml("--group", "site", "--html", tmp_path / "f.html")
    assert code == 0
    assert "gap by site" in out
    assert out.splitlines()[-1].startswith("wrote")
    assert "within chance" in out or "demonstrably" in out
    assert (tmp_path / "f.html").read_text().startswith("<!doctype html>")


def test_json_is_one_versioned_object(graphmml):
    code, out, _ = graphmml("--group", "site", "--group", "sex", "--threshold", "0.4", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["schema"] == "graphmml.fairness/1"
    assert shown["threshold"] == 0.4
    assert shown["groups"] == ["site", "sex", "site x sex"]
    assert {row["model"] for row in shown["rows"]} >= {"graph", "no graph", "logistic regression"}


@pytest.mark.slow
def test_a_mitigation_shows_its_price(graphmml):
    options = ("--group", "sex", "--links", "neighbours:modality=labs,k=5", "--members", 1, "--jobs", 1)
    code, out, _ = graphmml(*options, "--mitigate", "reweigh", "--json")
    assert code == 0
    price = json.loads(out)["price"]
    assert price["mitigation"] == "reweighed by sex"
    assert {cost["name"] for cost in price["costs"]} == {"auroc", "brier", "accuracy", "sensitivity", "specificity"}
    code, out, _ = graphmml(*options, "--mitigate", "thresholds", "--constraint", "demographic_parity")
    assert code == 0
    assert "AUROC as it was" in out


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--group", "ward"), "no column or group 'ward'"),
        (("--group", "site", "--mitigate", "pray"), "--mitigate is 'pray'; choose reweigh or thresholds"),
        (("--group", "site", "--min-cell", "900"), "no two values of 'site' can be shown"),
        (("--group", "site", "--mitigate", "reweigh", "--conv", "sage,gat"), "tried on one model"),
    ],
)
def test_what_is_wrong_is_said_in_words(graphmml, words, match):
    code, _, err = graphmml(*words)
    assert code == 2
    assert match in err
