"""The command line as a user meets it: exit codes, JSON, errors without traceback or patient id."""

import json
import subprocess
import sys

import pandas as pd
import pytest

import graphmml as gm
from graphmml.cli import commands
from graphmml.cli import main as cli
from graphmml.data.synthetic import write_demo
from graphmml.graph.store import load_graph
from graphmml.report import render


@pytest.fixture
def demo(tmp_path):
    write_demo(tmp_path / "demo", patients=80)
    return tmp_path / "demo"


@pytest.fixture
def clean(demo):
    """The demo without its planted leak."""
    file = demo / "cohort.toml"
    file.write_text(file.read_text().replace('# drop = ["followup_dx"]', 'drop = ["followup_dx"]'))
    return demo


def test_demo_writes_a_cohort_that_reads(graphmml, tmp_path):
    code, out, _ = graphmml("demo", tmp_path / "d", "--patients", 60, "--json")
    assert code == 0
    assert json.loads(out)["schema"] == "graphmml.demo/1"
    assert len(gm.read_cohort(tmp_path / "d")) == 60
    code, _, err = graphmml("demo", tmp_path / "d")
    assert code == 2
    assert "choose another folder" in err


def test_check_masks_counts_above_its_findings_as_in_them(graphmml, demo):
    labels = pd.read_csv(demo / "labels.csv", dtype=str)
    labels.iloc[3:].to_csv(demo / "labels.csv", index=False)
    head = graphmml("check", demo, "--fail-on", "never")[1].splitlines()[1]
    assert "unknown <11" in head
    assert "or more" in head
    assert "unknown 3" in graphmml("check", demo, "--fail-on", "never", "--min-cell", 1)[1].splitlines()[1]


def test_check_finds_the_planted_leak_and_exits_with_1(graphmml, demo):
    code, out, _ = graphmml("check", demo, "--json")
    record = json.loads(out)
    assert code == 1
    assert record["schema"] == "graphmml.check/1"
    failed = [finding for finding in record["findings"] if finding["status"] == "fail"]
    assert [finding["code"] for finding in failed] == ["GM602"]
    assert "followup_dx" in failed[0]["message"]
    assert all(set(finding) == {"code", "status", "message", "fix"} for finding in record["findings"])
    assert graphmml("check", demo, "--fail-on", "never")[0] == 0


def test_check_text_says_the_same_and_shows_no_patient(graphmml, demo):
    code, out, _ = graphmml("check", demo)
    assert code == 1
    assert "GM602" in out
    assert "P00" not in out


def test_build_diagnose_export(graphmml, clean, tmp_path):
    code, out, _ = graphmml("build", clean, "--links", "neighbours:modality=labs,k=3", "-o", tmp_path / "g", "--json")
    assert code == 0
    assert json.loads(out)["edges"] == 240
    code, out, _ = graphmml("diagnose", tmp_path / "g", "--fail-on", "never", "--json")
    record = json.loads(out)
    assert code == 0
    assert record["schema"] == "graphmml.diagnose/1"
    assert {"patients", "edges", "components", "isolated"} <= set(record["graph"])
    assert record["graph"]["patients"] == 80
    assert record["findings"]
    assert record["measures"]
    for to in ("graphml", "gexf", "csv", "pyg", "csr"):
        assert graphmml("export", tmp_path / "g", "--to", to, "-o", tmp_path / f"g.{to}")[0] == 0
        assert (tmp_path / f"g.{to}").stat().st_size > 0
    assert b"P00" not in (tmp_path / "g.graphml").read_bytes()
    assert graphmml("export", tmp_path / "g", "--to", "pdf", "-o", tmp_path / "g.pdf")[0] == 2


def test_a_later_modality_is_built_onto_a_graph(graphmml, clean, tmp_path):
    graphmml("build", clean, "--links", "neighbours:modality=labs,k=3", "-o", tmp_path / "g")
    words = ["build", clean, "--onto", tmp_path / "g", "-o", tmp_path / "both", "--json"]
    code, out, _ = graphmml(*words, "--links", "neighbours:modality=rna,k=3")
    assert code == 0
    both, manifest = load_graph(tmp_path / "both")
    assert list(json.loads(out)["relations"]) == [item.name for item in both.relations]
    before, _ = load_graph(tmp_path / "g")
    assert (both.relations[0].edges == before.relations[0].edges).all()
    assert len(both.relations) == 2
    assert manifest["links"] == "neighbours:modality=labs,k=3 and neighbours:modality=rna,k=3"
    code, _, err = graphmml(*words, "--links", "neighbours:modality=labs,k=4")
    assert code == 2
    assert "both graphs have a relation" in err


def test_export_to_scanpy_takes_the_tables_along(graphmml, clean, tmp_path):
    pytest.importorskip("anndata")
    graphmml("build", clean, "--links", "neighbours:modality=labs,k=3", "-o", tmp_path / "g")
    for to in ("h5ad", "h5mu"):
        code, out, _ = graphmml("export", tmp_path / "g", "--to", to, "-o", tmp_path / f"g.{to}")
        assert code == 0
        assert "with these patients' data" in out
        assert b"P00" not in (tmp_path / f"g.{to}").read_bytes()
    clean.rename(tmp_path / "moved")
    words = ["export", tmp_path / "g", "--to", "h5ad", "-o", tmp_path / "g.h5ad"]
    assert graphmml(*words)[0] == 2
    assert graphmml(*words, "--cohort", tmp_path / "moved")[0] == 0


def test_diagnose_of_a_graph_says_what_diagnose_of_the_cohort_says(graphmml, clean, tmp_path):
    links = "neighbours:modality=labs,k=3"
    graphmml("build", clean, "--links", links, "-o", tmp_path / "g")
    stored = json.loads(graphmml("diagnose", tmp_path / "g", "--fail-on", "never", "--json")[1])
    fresh = json.loads(graphmml("diagnose", clean, "--links", links, "--fail-on", "never", "--json")[1])
    assert {item["code"] for item in stored["findings"]} == {item["code"] for item in fresh["findings"]}
    for told in (stored, fresh):  # provenance is asked of a graph that was given, attaching of a known constructor
        assert {told["measures"].pop("provenance")["given"]} == {told is stored}
        told["measures"].pop("attachability")
        told["findings"] = [item for item in told["findings"] if item["code"] not in ("GM612", "GM613", "GM616")]
    assert stored == fresh


def test_cv_json_and_run_folder(graphmml, clean, tmp_path):
    words = ["cv", clean, "--folds", 2, "--repeats", 1, "--members", 1, "--jobs", 1, "-o", tmp_path / "run"]
    code, out, _ = graphmml(*words, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["schema"] == "graphmml.cv/1"
    assert [row["kind"] for row in record["rows"]] == ["graph", "shuffled", "no-graph", *["baseline"] * 6]
    assert record["rows"][0]["vs_no_graph"]["auroc"].keys() == {"mean", "low", "high"}
    assert graphmml(*words)[0] == 2
    code, out, _ = graphmml(*words, "--resume", "--json")
    again = json.loads(out)
    assert again["rows"] == record["rows"]


def test_cv_text_ends_with_a_verdict(graphmml, clean):
    code, out, _ = graphmml("cv", clean, "--folds", 2, "--repeats", 1, "--members", 1, "--jobs", 1)
    assert code == 0
    for word in ("no graph", "shuffled", "logistic regression", "gradient boosting", "The graph"):
        assert word in out


def test_cv_takes_a_plug_in(graphmml, clean, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nimport graphmml as gm\n\n"
        "@dataclass(frozen=True)\nclass Twins:\n    k: int = 2\n\n"
        "    def link(self, source, target):\n        return gm.Neighbours('labs', k=self.k).link(source, target)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    words = ["--folds", 2, "--repeats", 1, "--members", 1, "--jobs", 1, "--json"]
    code, out, _ = graphmml("cv", clean, "--links", "mine:Twins,k=3", *words)
    assert code == 0
    assert "mine:Twins,k=3" in json.loads(out)["rows"][0]["name"]


def test_fit_predict(graphmml, clean, tmp_path):
    assert graphmml("fit", clean, "--members", 1, "-o", tmp_path / "model")[0] == 0
    labs = pd.read_csv(clean / "labs.csv", dtype=str).head(7)
    new = tmp_path / "new"
    new.mkdir()
    labs.to_csv(new / "labs.csv", index=False)
    (new / "cohort.toml").write_text('[modality.labs]\npath = "labs.csv"\n')
    code, out, _ = graphmml("predict", tmp_path / "model", new, "-o", tmp_path / "p.csv", "--json")
    assert code == 0
    assert any("rna" in words for words in json.loads(out)["differences"])
    table = pd.read_csv(tmp_path / "p.csv", dtype={"patient_id": str})
    assert list(table.columns[:4]) == ["patient_id", "prediction", "p_control", "p_case"]
    assert table["patient_id"].tolist() == labs["patient_id"].tolist()
    assert table["absent_modalities"].eq("clinical;rna").all()
    assert table["in_training"].all()


def test_every_command_speaks_to_people_too(graphmml, clean, tmp_path):
    (clean / "cohort.toml").rename(tmp_path / "kept.toml")
    tables = [clean / f"{name}.csv" for name in ("clinical", "labs", "rna", "labels")]
    assert "read its comments" in graphmml("init", *tables)[1]
    (tmp_path / "kept.toml").replace(clean / "cohort.toml")
    assert "synthetic, safe to share" in graphmml("demo", tmp_path / "d")[1]
    assert "next: graphmml diagnose" in graphmml("build", clean, "-o", tmp_path / "g")[1]
    assert "descriptive" in graphmml("diagnose", tmp_path / "g", "--fail-on", "never")[1]
    assert "edges" in graphmml("export", tmp_path / "g", "-o", tmp_path / "g.graphml")[1]
    assert "contains these patients' data" in graphmml("fit", clean, "--members", 1, "-o", tmp_path / "m")[1]
    assert "80 patients" in graphmml("predict", tmp_path / "m", clean, "-o", tmp_path / "p.csv")[1]
    assert "GM602" in graphmml("rule")[1]
    assert "torch" in graphmml("env")[1]


def test_a_graph_of_other_patients_is_not_diagnosed(graphmml, clean, tmp_path):
    graphmml("build", clean, "-o", tmp_path / "g")
    write_demo(tmp_path / "fewer", patients=40)
    code, _, err = graphmml("diagnose", tmp_path / "g", "--cohort", tmp_path / "fewer")
    assert code == 2
    assert "40 of the graph's 80 patients" in err


def test_text_that_would_start_a_formula_is_written_as_text(tmp_path):
    frame = pd.DataFrame({"patient_id": ["=1+1", " @sum", "fine"], "p": [-0.5, 0.1, 0.2]})
    render.write_csv(frame, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[1:] == ["'=1+1,-0.5", "' @sum,0.1", "fine,0.2"]
    with pytest.raises(gm.StoreError, match="could not be written"):
        render.write_csv(frame, tmp_path / "nowhere" / "p.csv")


def test_options_that_contradict_each_other_are_refused(graphmml, clean, tmp_path):
    assert "exclude each other" in graphmml("cv", clean, "--split", "--leave-out", "site")[2]
    assert "one conv" in graphmml("fit", clean, "--conv", "sage,gcn", "-o", tmp_path / "m")[2]
    assert "--fail-on" in graphmml("check", clean, "--fail-on", "sometimes")[2]
    assert "--setting" in graphmml("cv", clean, "--setting", "both")[2]
    assert "no module" in graphmml("cv", clean, "--links", "no_such_module:Thing")[2]
    assert "has no 'Thing'" in graphmml("cv", clean, "--links", "json:Thing")[2]


FAILING = {
    "check": ["nowhere"],
    "build": ["nowhere", "-o", "g"],
    "diagnose": ["nowhere"],
    "compare": ["nowhere"],
    "cv": ["nowhere", "--links", "friends"],
    "fit": ["nowhere", "-o", "m"],
    "predict": ["nowhere", "nowhere", "-o", "p.csv"],
    "rule": ["GM999"],
    "init": ["nowhere.csv"],
}


@pytest.mark.parametrize("command", FAILING)
def test_with_json_an_error_is_one_object_beside_its_text(graphmml, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain, nothing, said = graphmml(command, *FAILING[command])
    code, out, err = graphmml(command, *FAILING[command], "--json")
    assert (plain, nothing, said) == (2, "", err)
    assert code == 2
    assert json.loads(out) == {"schema": "graphmml.error/1", "error": err.partition("error: ")[2].strip()}


@pytest.mark.parametrize("words", [("cv", "--json"), ("check", ".", "--fold", "3", "--json")])
def test_with_json_a_wrong_usage_is_an_object_too(graphmml, words):
    code, out, err = graphmml(*words)
    assert code == 2
    record = json.loads(out)
    assert record["schema"] == "graphmml.error/1"
    assert record["error"].split()[0] in err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [(KeyError("secret"), 3, "internal error: KeyError"), (KeyboardInterrupt(), 130, "--resume")],
)
def test_with_json_a_bug_and_an_interruption_are_objects_without_data(graphmml, monkeypatch, error, code, said):
    def broken(standalone_mode):
        raise error

    monkeypatch.setattr(cli, "app", broken)
    for form in (["--json"], ["--format", "json"], ["--format=json"]):
        left, out, err = graphmml("check", ".", *form)
        assert left == code
        assert said in json.loads(out)["error"]
        assert "secret" not in out + err
    assert graphmml("check", ".")[1] == ""


def test_rule_explains_and_lists(graphmml):
    code, out, _ = graphmml("rule", "gm602")
    assert code == 0
    assert out.startswith("GM602")
    every = json.loads(graphmml("rule", "--json")[1])["rules"]
    assert {"GM101", "GM401", "GM602"} <= {rule["code"] for rule in every}
    assert graphmml("rule", "GM999")[0] == 2


def test_env_names_versions(graphmml):
    assert "torch" in json.loads(graphmml("env", "--json")[1])


def test_init_writes_a_file_that_reads_and_overwrites_nothing(graphmml, demo):
    (demo / "cohort.toml").unlink()
    tables = [demo / f"{name}.csv" for name in ("clinical", "labs", "rna", "labels")]
    assert graphmml("init", *tables)[0] == 0
    assert len(gm.read_cohort(demo)) == 80
    assert graphmml("init", *tables)[0] == 2


BAD = {
    "a missing file": lambda demo: (demo / "labs.csv").unlink(),
    "an unknown column": lambda demo: edit(demo / "cohort.toml", 'column = "dx"', 'column = "nothing"'),
    "an unknown key": lambda demo: edit(demo / "cohort.toml", "[modality.labs]", "[modality.labs]\ncolour = 1"),
    "broken toml": lambda demo: (demo / "cohort.toml").write_text("[cohort"),
    "duplicate ids": lambda demo: edit(demo / "labs.csv", "P0002", "P0001"),
    "unmatched ids": lambda demo: edit(demo / "labels.csv", "P00", "Q99"),
    "007 beside 7": lambda demo: edit(edit(demo / "labs.csv", "P0007", "007"), "P0008", "7"),
    "bytes that are not UTF-8": lambda demo: (demo / "labs.csv").write_bytes(b"patient_id,a\nP0001,\xe9\n"),
    "decimal commas": lambda demo: (demo / "labs.csv").write_text('patient_id,a\nP0001,"1,5"\nP0002,"2,5"\n'),
    "infinities": lambda demo: (demo / "labs.csv").write_text("patient_id,a\nP0001,inf\nP0002,2\n"),
    "an empty file": lambda demo: (demo / "labs.csv").write_text(""),
    "a header alone": lambda demo: (demo / "labs.csv").write_text("patient_id,a\n"),
    "one class": lambda demo: edit(demo / "labels.csv", "control", "case"),
    "too few of a class": lambda demo: lone_case(demo / "labels.csv"),
}


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def lone_case(path):
    table = pd.read_csv(path, dtype=str)
    table["dx"] = "control"
    table.loc[0, "dx"] = "case"
    table.to_csv(path, index=False)


@pytest.mark.parametrize("fault", BAD)
@pytest.mark.parametrize("command", ["cv", "fit"])
def test_bad_input_exits_with_2_and_words(graphmml, clean, tmp_path, fault, command):
    BAD[fault](clean)
    output = tmp_path / "out"
    words = ["--folds", 2, "--repeats", 1, "--jobs", 1] if command == "cv" else []
    code, out, err = graphmml(command, clean, "--members", 1, "-o", output, *words)
    assert code == 2, err
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert "P00" not in err
    assert out == ""
    assert not output.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--links", "neighbours:k=500"], "k is 500"),
        (["--links", "neighbours:knn=5"], "no option 'knn=5'"),
        (["--links", "friends"], "no constructor 'friends'"),
        (["--links", "phenotype"], "phenotype"),
        (["--links", "neighbours:modality=brain"], "no modality 'brain'"),
        (["--conv", "transformer"], "no conv 'transformer'"),
        (["--links", "concepts:modality=clinical,most=0.9", "--conv", "gcn"], "SAGEStack or GATStack"),
        (["--split"], "no official split"),
        (["--leave-out", "ward"], "no group 'ward'"),
        (["--resume"], "-o RUN"),
    ],
)
def test_bad_options_of_cv_exit_with_2_and_the_way_out(graphmml, clean, words, said):
    code, _, err = graphmml("cv", clean, "--folds", 2, "--repeats", 1, "--members", 1, "--jobs", 1, *words)
    assert code == 2
    assert said in err


def test_a_foreign_or_damaged_model_exits_with_2(graphmml, clean, tmp_path):
    (tmp_path / "model").mkdir()
    assert graphmml("predict", tmp_path / "model", clean, "-o", tmp_path / "p.csv")[0] == 2
    graphmml("fit", clean, "--members", 1, "-o", tmp_path / "real")
    weights = tmp_path / "real" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    code, _, err = graphmml("predict", tmp_path / "real", clean, "-o", tmp_path / "p.csv")
    assert code == 2
    assert "weights.safetensors" in err
    assert not (tmp_path / "p.csv").exists()


def test_a_bug_of_ours_exits_with_3_and_one_line_without_data(graphmml, clean, monkeypatch):
    def broken(path, strict=True):
        raise RuntimeError("patient P0001 has 3 arms")

    monkeypatch.setattr("graphmml.data.read.read_cohort", broken)
    code, _, err = graphmml("check", clean)
    assert code == 3
    assert "P0001" not in err
    assert len(err.splitlines()) == 1


def test_an_interrupt_exits_with_130(graphmml, clean, monkeypatch):
    def stopped(path, strict=True):
        raise KeyboardInterrupt

    monkeypatch.setattr("graphmml.data.read.read_cohort", stopped)
    assert graphmml("check", clean)[0] == 130


def test_usage_errors_exit_with_2(graphmml):
    assert graphmml("check")[0] == 2
    assert graphmml("nonsense")[0] == 2


@pytest.mark.parametrize("module", ["graphmml", "graphmml.cli.main"])
def test_the_installed_command_is_there(module):
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    for command in ["demo", "init", "check", "build", "diagnose", "cv", "fit", "predict", "export", "rule", "env"]:
        assert command in done.stdout


def test_linking_that_took_long_says_how_it_takes_less(capsys):
    exact, quick = gm.Neighbours(k=5), gm.Neighbours(k=5, recall=0.9)
    inside = gm.Restricted(gm.Union((gm.SharedPhenotype("sex"), exact)), across="site")
    for links, patients, seconds, said in [
        (exact, 20_000, 61, True),
        (inside, 70_000, 300, True),
        (quick, 70_000, 300, False),
        (gm.NoEdges(), 70_000, 300, False),
        (exact, 70_000, 20, False),
        (exact, 19_000, 61, False),
    ]:
        commands.hint(links, patients, seconds)
        assert ("--links neighbours:recall=0.95" in " ".join(capsys.readouterr().err.split())) == said
