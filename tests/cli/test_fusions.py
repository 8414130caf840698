"""The words of --fusion and --fuse-at, and the sweep as a user meets it."""

import json
from functools import partial

import pytest

import graphmml as gm
from graphmml.cli import fusions as words
from graphmml.data.synthetic import write_demo
from graphmml.errors import GraphError
from graphmml.train.fusions import STRATEGIES, VECTOR_FUSIONS

FAST = ["--folds", 2, "--members", 1, "--jobs", 1, "--links", "neighbours:modality=labs,k=3"]
WIDTH = 100


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fusions") / "demo"
    write_demo(folder, patients=60)
    file = folder / "cohort.toml"
    file.write_text(file.read_text().replace('# drop = ["followup_dx"]', 'drop = ["followup_dx"]'))
    return folder


def test_every_name_of_a_sweep_is_what_the_command_line_takes():
    for name, fusion in VECTOR_FUSIONS.items():
        assert words.fusions_of(name, "intermediate") == {name: fusion}
    for name, strategy in STRATEGIES.items():
        assert list(words.fusions_of("gated", name).values()) == [strategy]
    assert list(words.FUSIONS) == list(VECTOR_FUSIONS)


def test_options_reach_the_part_that_has_them():
    assert words.fusions_of("tensor", "late:stack,early") == {"late:stack": gm.Late(gm.Stacked()), "early": gm.Early()}
    found = words.fusions_of("tensor:size=4,mean", "hybrid:losses,drop=0.3")
    assert list(found) == ["tensor:size=4 at hybrid:losses,drop=0.3", "mean at hybrid:losses,drop=0.3"]
    first = found["tensor:size=4 at hybrid:losses,drop=0.3"]
    assert isinstance(first.fusion, partial)
    assert first.fusion.keywords == {"size": 4}
    assert (first.balance, first.drop) == ("losses", 0.3)
    assert found["mean at hybrid:losses,drop=0.3"].fusion is gm.MeanFusion


@pytest.mark.parametrize(
    ("fusion", "fuse_at", "said"),
    [
        ("tensr", "intermediate", r"no fusion 'tensr'; did you mean tensor\? or choose gated"),
        ("tensr:size=4", "intermediate", r"did you mean tensor\?"),
        ("tensor", "intermediat", r"did you mean intermediate\?"),
        ("tensor", "later", "early, intermediate, hybrid, late"),
        ("tensor", "late:sum", "mean, vote, weights, stack, vcdn"),
        ("tensor", "early:drop=0.2", "has no option 'drop=0.2'; it has: none"),
        ("tensor", "intermediate:own=true", "own_graphs"),
        ("tensor", "intermediate:complete=guess", "tokens, neighbours, experts"),
        ("tensor", "intermediate:auxiliary=clip", "contrast, cca, reconstruct"),
        ("tensor", "intermediate:drop=much", "a share from 0 to below 1"),
        ("tensor", "intermediate:drop=1.5", "choose a share"),
        ("tensor", "hybrid:both", "equal, losses or gradients"),
    ],
)
def test_what_is_no_fusion_is_refused_with_what_there_is(fusion, fuse_at, said):
    with pytest.raises(GraphError, match=said.replace("(", r"\(")):
        words.fusions_of(fusion, fuse_at)


@pytest.mark.parametrize("width", [80, 120])
def test_a_sweep_fits_the_page_and_sets_controls_beside_every_fusion(graphmml, demo, width):
    chosen = ["--fusion", "mean,tensor:size=600", "--fuse-at", "intermediate,late:vote"]
    code, out, _ = graphmml("compare", demo, *chosen, *FAST, width=width)
    assert code == 0
    assert max(map(len, out.splitlines())) <= width
    said = " ".join(out.split())
    for part in ("mean", "late: vote", "mean, shuffled", "logistic regression", "vs no graph", "vs mean"):
        assert part in said
    assert "tensor:size=600 did not run: the product of 3 modalities" in said
    assert "The graph helped" in said
    assert "P00" not in out


def test_a_sweep_is_kept_taken_up_and_one_versioned_object(graphmml, demo, tmp_path):
    chosen = ["--fusion", "mean", "--fuse-at", "intermediate,early", *FAST, "-o", tmp_path / "run", "--json"]
    code, out, _ = graphmml("compare", demo, *chosen)
    assert code == 0
    record = json.loads(out)
    assert record["schema"] == "graphmml.compare-fusions/1"
    kinds = [(row["name"], row["kind"]) for row in record["rows"]]
    assert kinds[:5] == [
        ("mean", "graph"),
        ("mean, no graph", "no-graph"),
        ("early", "graph"),
        ("early, no graph", "no-graph"),
        ("mean, shuffled", "shuffled"),
    ]
    assert {row["kind"] for row in record["rows"][5:]} == {"baseline"}
    assert all({"auroc", "vs_first"} <= set(row) for row in record["rows"])
    units = (tmp_path / "run" / "units.jsonl").read_text()
    assert json.loads(graphmml("compare", demo, *chosen, "--resume")[1])["rows"] == record["rows"]
    assert (tmp_path / "run" / "units.jsonl").read_text() == units


def test_cv_names_how_modalities_were_fused(graphmml, demo):
    at = ["--fusion", "tensor", "--fuse-at", "late:stack"]
    code, out, _ = graphmml("cv", demo, *at, *FAST, "--repeats", 1, "--json")
    assert code == 0
    assert json.loads(out)["rows"][0]["name"] == "sage on neighbours:modality=labs,k=3, fused late:stack"


def test_fit_takes_one_fusion(graphmml, demo, tmp_path):
    code, _, err = graphmml("fit", demo, "--fusion", "mean,max", "-o", tmp_path / "model")
    assert code == 2
    assert "one fusion" in err


def test_cv_ends_with_scores_by_what_is_missing(graphmml, demo):
    words = ["cv", demo, *FAST, "--repeats", 1]
    code, out, _ = graphmml(*words, width=80)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    said = " ".join(out[out.index("of those who") :].split())
    record = json.loads(graphmml(*words, "--json")[1])
    rows = {(row["model"], row["pattern"]): row for row in record["by_missing"]}
    model = record["rows"][0]["name"]
    for pattern, lacked in (("complete", "have everything"), ("rna missing", "lack rna")):
        counted = rows[model, pattern]["patients"]
        assert f"{lacked} {counted}" in said
        assert f"{rows[model, pattern]['auroc']['mean']:.2f}" in said
        assert f"{rows['no graph', pattern]['auroc']['mean']:.2f}" in said
    assert "only rna" not in said
