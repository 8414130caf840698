"""cv as a user meets it: one table, the group's three scores, a page, tuning; and what it refuses."""

import json

import numpy as np
import pandas as pd
import pytest

from graphmml.data.synthetic import write_demo
from graphmml.report.render_cv import cv_parts, cv_table
from graphmml.train.result import CVResult
from graphmml.train.scores import all_scores
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit

FAST = ["--folds", 2, "--repeats", 1, "--members", 1, "--jobs", 1, "--links", "neighbours:modality=labs,k=3"]
WIDTH = 100


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cv") / "demo"
    write_demo(folder, patients=100)
    file = folder / "cohort.toml"
    file.write_text(file.read_text().replace('# drop = ["followup_dx"]', 'drop = ["followup_dx"]'))
    return folder


@pytest.mark.slow
def test_one_command_gives_the_table_the_groups_and_the_page(graphmml, demo, tmp_path):
    run, page = tmp_path / "run", tmp_path / "page.html"
    code, told, _ = graphmml("cv", demo, *FAST, "-o", run, "--html", page, "--json")
    assert code == 0
    record = json.loads(told)
    kinds = {row["name"]: row["kind"] for row in record["rows"]}
    assert set(kinds.values()) == {"graph", "shuffled", "no-graph", "baseline"}
    assert {"random forest", "neighbours' vote", "label propagation"} <= set(kinds)
    (one,) = record["comparisons"]
    assert one["against"] == "no graph"
    assert 0 <= one["p"] <= 1
    by_group = record["by_group"]
    assert by_group["group"] == "site"
    assert len(by_group["rows"]) == len(kinds) - 1
    assert all(row["left_out"] is not None for row in by_group["rows"])
    assert page.stat().st_size > 10_000
    assert "site left out" in page.read_text()
    ids = pd.read_csv(demo / "clinical.csv", dtype="str")["patient_id"]
    assert not any(name in page.read_text() for name in ids)
    code, again, _ = graphmml("cv", demo, *FAST, "-o", run, "--resume", width=80)
    assert code == 0
    assert max(map(len, again.splitlines())) <= 80
    assert "within site" in again.replace("\n", " ")
    code, wide, _ = graphmml("cv", demo, *FAST, "-o", run, "--resume", width=120)
    assert "slope" in wide
    assert "log-loss" in wide
    code, twice, _ = graphmml("cv", demo, *FAST, "-o", run, "--resume", width=120)
    assert wide == twice  # nothing in it depends on how long it took


@pytest.mark.slow
def test_every_row_is_tuned_alike(graphmml, demo, tmp_path):
    code, _, _ = graphmml("cv", demo, *FAST, "--tune", 2, "--group", "none", "-o", tmp_path / "run")
    assert code == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "units.jsonl").read_text().splitlines()]
    assert len(lines) == 18
    assert {line["model"] for line in lines if line["chosen"]} <= {line["model"] for line in lines}
    assert "Search(trials=2" in (tmp_path / "run" / "run.json").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--group", "ward"], "no group 'ward'"),
        (["--html", "page.pdf"], "ends in .html"),
        (["--setting", "both"], "choose inductive or transductive"),
        (["--calibrate", "platt"], "choose temperature, isotonic or none"),
        (["--resume"], "--resume goes with"),
        (["--split", "--temporal", "age"], "exclude each other"),
        (["--temporal", "when"], "no column or group 'when'"),
        (["--cluster", "tcp://127.0.0.1:9"], "no scheduler answers|graphmml\\[cluster\\]"),
    ],
)
def test_what_cannot_be_is_said_with_exit_code_2(graphmml, demo, words, said, monkeypatch):
    monkeypatch.setattr("graphmml.cli.cv.WAIT", 0.5)
    code, _, told = graphmml("cv", demo, *FAST, *words)
    assert code == 2
    assert pd.Series([told]).str.contains(said).all(), told


def test_the_p_of_the_wide_table_are_those_of_the_verdict():
    """Of three graphs the smallest p counts three times."""
    random, units, rows = np.random.default_rng(0), [], np.array_split(np.arange(100), 5)
    for name, kind, lead in (
        ("a", "graph", 1.0),
        ("b", "graph", 0.2),
        ("c", "graph", 0.0),
        ("no graph", "no-graph", 0),
    ):
        for fold in range(5):
            codes = np.arange(20) % 2
            risk = 1 / (1 + np.exp(-(lead + 0.5) * codes - random.normal(size=20)))
            p = np.stack([1 - risk, risk], axis=1)
            units.append(Unit(name, kind, 0, fold, all_scores(codes, p), 0.0, 80, codes, p))
    splits = Splits(pd.Index(map(str, range(100))), {}, {(0, at): rows[at] for at in range(5)}, np.arange(100))
    result = CVResult(tuple(units), "c", 100, ("a", "b"), "plan", "inductive", False, splits)
    told = {one.model: one for one in result.comparisons()}
    table = cv_table(result, wide=True)
    column = dict(zip(map(str, table.columns[0].cells), table.columns[-1].cells, strict=True))
    assert {name: p for name, p in column.items() if p} == {name: f"{p.p_holm:.3f}" for name, p in told.items()}
    assert any(one.p_holm > 1.5 * one.p for one in told.values())
    words = [part.plain for part in cv_parts(result, None, None, 120) if hasattr(part, "plain")]
    assert "after Holm" in words[0]
    assert f"p {told['a'].p_holm:.3f} after Holm" in words[1]
