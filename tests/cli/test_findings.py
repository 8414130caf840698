"""Findings on the command line: chosen by code, judged by profile or file, printed in four forms, told by exit code."""

import json

import pandas as pd
import pytest

from graphmml.cli.findings import FindingChoice, all_rules, split
from graphmml.data.findings import Finding, selected
from graphmml.data.synthetic import write_demo
from graphmml.errors import CohortError, GraphmmlError
from graphmml.report.render_findings import github, markdown

FOUND = (
    Finding("GM101", "pass", "all is well"),
    Finding("GM203", "warn", "50 % | more, <b>bold</b>", "do: this, then\nthat"),
    Finding("GM602", "fail", "one column tells all", "drop it"),
)
CODES = tuple(item.code for item in FOUND)


@pytest.fixture
def leaky(tmp_path):
    write_demo(tmp_path / "demo", patients=120)
    return tmp_path / "demo"


def test_select_keeps_and_ignore_drops_by_the_beginning_of_a_code():
    assert [item.code for item in selected(FOUND, CODES, select=["GM2", "GM602"])] == ["GM203", "GM602"]
    assert [item.code for item in selected(FOUND, CODES, ignore=["GM6"])] == ["GM101", "GM203"]
    assert [item.code for item in selected(FOUND, CODES, select=["GM"], ignore=["GM1", "GM2"])] == ["GM602"]
    assert selected(FOUND, CODES) == FOUND


@pytest.mark.parametrize("word", ["XX9", "gm2", "", "GM20333"])
def test_a_code_that_does_not_exist_is_an_error_and_silences_nothing(word):
    with pytest.raises(CohortError, match="no code begins with"):
        selected(FOUND, CODES, ignore=[word])


def test_codes_are_read_with_commas_blanks_and_small_letters():
    assert split(["gm2, GM403", "GM5"]) == ("GM2", "GM403", "GM5")
    assert split(None) == ()


def test_every_finding_of_a_command_has_a_rule_and_a_worked_example(graphmml, leaky):
    found = []
    for command in ("check", "diagnose"):
        _, out, _ = graphmml(command, leaky, "--json")
        found += [item["code"] for item in json.loads(out)["findings"]]
    rules = all_rules()
    assert set(found) <= set(rules)
    assert all(rules[code].example and rules[code].fix and rules[code].meaning for code in rules)


def test_ignoring_what_fails_makes_the_exit_code_0(graphmml, leaky):
    assert graphmml("check", leaky)[0] == 1
    assert graphmml("check", leaky, "--ignore", "GM6")[0] == 0
    assert graphmml("check", leaky, "--fail-on", "never")[0] == 0
    code, out, _ = graphmml("check", leaky, "--select", "GM602", "--json")
    assert code == 1
    assert {item["code"] for item in json.loads(out)["findings"]} == {"GM602"}


def test_bad_choices_are_the_users_to_mend(graphmml, leaky):
    for words, said in (
        (["--fail-on", "often"], "never, warn or fail"),
        (["--format", "xml"], "text, json, md, github"),
        (["--profile", "vet"], "default, ehr, neuro, omics"),
        (["--select", "GM9999"], "no code begins with"),
    ):
        code, out, err = graphmml("check", leaky, *words)
        assert (code, out) == (2, "")
        assert said in err


def test_limits_of_a_file_change_the_verdict(graphmml, leaky, tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text("[GM203]\nskew = -10\n")
    status = {}
    for name, words in {"shipped": [], "own": ["--thresholds", file]}.items():
        _, out, _ = graphmml("diagnose", leaky, "--select", "GM203", "--json", *words)
        status[name] = [item["status"] for item in json.loads(out)["findings"]]
    assert status == {"shipped": ["pass"], "own": ["warn"]}


def test_markdown_keeps_every_finding_in_its_cell():
    text = markdown("check demo", FOUND)
    row = next(line for line in text.splitlines() if "GM203" in line)
    assert row.count("|") - row.count("\\|") == 5
    assert "<b>" not in text
    assert all(item.code in text for item in FOUND)
    assert text.index("GM602") < text.index("GM203") < text.index("GM101")


def test_github_annotations_are_one_line_each_and_name_the_level():
    lines = github(FOUND, "my,cohort: a.toml").splitlines()
    assert lines[0].startswith("::warning file=my%2Ccohort%3A a.toml,title=GM203::50 %25 |")
    assert "%0A" in lines[0]
    assert lines[1].startswith("::error ")
    assert len(lines) == 3
    assert "1 pass · 1 warn · 1 fail" in lines[2]


def test_the_forms_say_the_same(graphmml, leaky):
    told = {form: graphmml("check", leaky, "--format", form) for form in ("text", "json", "md", "github")}
    assert {code for code, _, _ in told.values()} == {1}
    failed = {item["code"] for item in json.loads(told["json"][1])["findings"] if item["status"] in ("warn", "fail")}
    assert failed
    for form, (_, out, _) in told.items():
        assert all(code in out for code in failed), form


def test_nothing_printed_holds_an_id(graphmml, leaky):
    ids = pd.read_csv(leaky / "labels.csv", dtype=str)["patient_id"]
    for form in ("text", "json", "md", "github"):
        for command in ("check", "diagnose"):
            out = graphmml(command, leaky, "--format", form)[1]
            assert not any(one in out for one in ids)


def test_a_choice_of_unknown_form_or_level_is_refused_at_once():
    for wrong in ({"fail_on": "x"}, {"format": "x"}):
        with pytest.raises(GraphmmlError):
            FindingChoice(**wrong)


def test_a_page_is_written_beside_the_findings(graphmml, leaky, tmp_path):
    graphmml("diagnose", leaky, "--html", tmp_path / "d.html")
    code, out, _ = graphmml("report", leaky, "-o", tmp_path / "r.html")
    assert code == 0
    assert "wrote" in out
    texts = [(tmp_path / name).read_text() for name in ("d.html", "r.html")]
    assert texts[0] == texts[1]
    assert "GM602" in texts[0]
    code, _, err = graphmml("report", leaky, "-o", tmp_path / "r.pdf")
    assert code == 2
    assert ".html, .md, .json" in err
    assert graphmml("diagnose", leaky, "--html", tmp_path / "d.txt")[0] == 2


def test_a_report_of_a_graph_folder_knows_what_it_was_built_from(graphmml, leaky, tmp_path):
    graphmml("build", leaky, "-o", tmp_path / "graph", "--links", "neighbours:modality=labs")
    code, out, _ = graphmml("report", tmp_path / "graph", "-o", tmp_path / "r.json", "--json", "--fail-on", "fail")
    assert code == 1
    record = json.loads(out)
    assert record["schema"] == "graphmml.report/1"
    assert list(record["measures"]["relations"]) == ["labs"]
