"""graphmml audit as a user meets it."""

import json

import pytest

from graphmml.data.synthetic import write_demo

FAST = ["--folds", 2, "--members", 1, "--jobs", 1, "--links", "neighbours:modality=labs,k=3"]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The demo without its planted leak and without its largest table."""
    folder = tmp_path_factory.mktemp("audit") / "demo"
    write_demo(folder, patients=60)
    file = folder / "cohort.toml"
    text = file.read_text().replace('# drop = ["followup_dx"]', 'drop = ["followup_dx"]')
    file.write_text(text[: text.index("# A quarter of the patients")])
    return folder


def test_a_run_is_kept_and_taken_up_and_speaks_json_and_text(graphmml, clean, tmp_path):
    kept = tmp_path / "run"
    code, out, _ = graphmml("audit", clean, *FAST, "-o", kept, "--fail-on", "never", "--json")
    assert code == 0
    record = json.loads(out)
    assert record["schema"] == "graphmml.audit/1"
    assert record["group"] == "site" or record["group"] is None
    assert [row["control"] for row in record["rows"]][:2] == ["the model", "no graph"]
    assert {finding["code"] for finding in record["findings"]} == {f"GM70{at}" for at in range(1, 8)}
    units = (kept / "units.jsonl").read_text()
    assert graphmml("audit", clean, *FAST, "-o", kept)[0] == 2
    for width in (80, 120):
        words = [*FAST, "-o", kept, "--resume", "--fail-on", "never"]
        code, out, _ = graphmml("audit", clean, *words, width=width)
        assert code == 0
        assert max(map(len, out.splitlines())) <= width
        for row in record["rows"]:
            assert row["name"] in out
            assert row["reading"] in " ".join(out.split()) or width == 120
        assert record["verdict"]["sentence"] in " ".join(out.split())
        assert "P00" not in out
    assert (kept / "units.jsonl").read_text() == units


def test_findings_are_chosen_and_decide_the_exit_code(graphmml, clean, tmp_path):
    words = ["audit", clean, *FAST, "-o", tmp_path / "run", "--resume"]
    file = tmp_path / "strict.toml"
    file.write_text("[GM702]\ngain = 9.0\n")
    code, out, _ = graphmml(*words, "--thresholds", file, "--fail-on", "warn", "--json")
    assert code == 1
    assert {item["code"]: item["status"] for item in json.loads(out)["findings"]}["GM702"] in ("warn", "n.a.")
    code, out, _ = graphmml(*words, "--ignore", "GM702", "--fail-on", "never", "--json")
    assert "GM702" not in {item["code"] for item in json.loads(out)["findings"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--resume"], "-o RUN --resume"),
        (["--group", "ward"], "no group 'ward'"),
        (["--conv", "sage,gat"], "one conv"),
        (["--split"], "no official split"),
        (["--fail-on", "often"], "--fail-on"),
    ],
)
def test_bad_options_exit_with_2_and_the_way_out(graphmml, clean, words, said):
    code, out, err = graphmml("audit", clean, *FAST, *words)
    assert code == 2
    assert said in err
    assert out == ""
