"""`graphmml compare` as a user meets it: a table that fits, JSON with promised keys, no patient id."""

import json
import re

import pytest

import graphmml as gm
from graphmml.cli import main as cli
from graphmml.data.synthetic import write_demo
from graphmml.report import render_compare
from graphmml.report.compare import compare

FEW = ["--only", "--links", "neighbours:modality=labs,k=5", "--links", "random:k=5"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "demo"
    write_demo(folder, patients=80)
    return folder


@pytest.fixture
def graphmml(capsys, monkeypatch):
    def run(*words, width=100):
        monkeypatch.setattr("sys.argv", ["graphmml", "compare", *map(str, words)])
        monkeypatch.setenv("COLUMNS", str(width))
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return run


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_table_fits_and_names_every_graph(graphmml, demo, width):
    code, out, _ = graphmml(demo, width=width)
    assert code == 0
    assert max(map(len, out.splitlines())) <= width
    words = " ".join(out.split())
    for name in ("neighbours in labs", "neighbours over all", "same site", "random", "degree", "giant", "Jaccard"):
        assert name in words
    assert "…" not in words
    assert "descriptive" in words
    assert "P00" not in out


def test_json_is_one_versioned_object(graphmml, demo):
    code, out, _ = graphmml(demo, *FEW, "--json", "--seed", 3)
    record = json.loads(out)
    assert code == 0
    assert record["schema"] == "graphmml.compare/1"
    assert [row["name"] for row in record["rows"]] == ["neighbours:modality=labs,k=5", "random:k=5"]
    assert len(record["agreement"]) == 1
    assert record["seed"] == 3
    assert "P00" not in out


def test_graphs_named_stand_before_the_usual_ones(graphmml, demo):
    names = [row["name"] for row in json.loads(graphmml(demo, *FEW[1:3], "--json")[1])["rows"]]
    assert names[0] == "neighbours:modality=labs,k=5"
    assert "neighbours over all" in names


def test_a_graph_that_cannot_be_drawn_is_a_line_with_its_reason(graphmml, demo):
    code, out, _ = graphmml(demo, *FEW, "--links", "neighbours:modality=labs,k=500")
    assert code == 0
    assert re.search(r"^ *3 +k is 500", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only"], "--links"),
        (["--links", "friends"], "no constructor 'friends'"),
        (["--links", "neighbours:knn=5"], "no option 'knn=5'"),
    ],
)
def test_bad_options_exit_with_2_and_the_way_out(graphmml, demo, words, said):
    code, out, err = graphmml(demo, *words)
    assert code == 2
    assert said in err
    assert out == ""


def test_what_nobody_has_takes_no_column():
    cohort = gm.make_cohort(60)
    bare = gm.Cohort.from_frames(dict(cohort.tables))
    headings = render_compare.shown(compare(bare, [gm.RandomEdges(k=5)]), wide=True)
    assert list(headings) == ["pairs", "degree", "alone", "parts", "giant", "hubs", "s", "MB"]


def test_of_several_groups_the_one_most_followed_is_shown():
    cohort = gm.make_cohort(80, site_effect=3.0)
    wards = cohort.groups.assign(ward=["odd", "even"] * 40)
    labels = cohort.outcome.values.rename("dx")
    found = compare(gm.Cohort.from_frames(dict(cohort.tables), labels, groups=wards), [gm.Neighbours(k=5)])
    headings = list(render_compare.shown(found, wide=True))
    assert "site" in headings
    assert "ward" not in headings
    assert "in group" in headings
    assert "of 2 groups" in render_compare.legend(found, wide=True)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.4321, "+.43"), (-0.001, "+.00"), (0.999, "+1.00"), (1.0, "+1.00"), (-0.25, "-.25"), (-1.0, "-1.00")],
)
def test_small_numbers_lose_their_zero_and_nothing_else(value, written):
    assert render_compare.bare(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0"), (12.5, "12.5"), (9999, "9,999"), (10_000, "10k"), (1_234_567, "1.23M")]
)
def test_counts_stay_short(value, written):
    assert render_compare.compact(value) == written
    assert len(render_compare.compact(value)) <= 5


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (1.0, "100"),
        (0.1, "10"),
        (0.0996, "10"),
        (0.0123, "1.2"),
        (0.001, "0.1"),
        (0.00094, ".09"),
        (0.00001, "0"),
        (0, "0"),
    ],
)
def test_shares_keep_the_digits_that_count(share, written):
    assert render_compare.percent(share) == written


def test_long_names_break_behind_commas():
    assert render_compare.spaced("neighbours:modality=labs,k=5") == "neighbours: modality=labs, k=5"
    assert render_compare.spaced("neighbours, a layer each") == "neighbours, a layer each"
