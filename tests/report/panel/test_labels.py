"""What is said of labels: a signal, a signal turned round, a class among strangers, and the vote beside homophily."""

import re

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.report.diagnosis import Diagnosis
from graphmml.report.panel.labels import alike, signal, smallest


def paired(seed: int, turned: bool, tmp_path) -> Diagnosis:
    """Patients linked in a ring of small groups, within their class or only across classes."""
    random = np.random.default_rng(seed)
    ids = pd.Index([f"p{at:03d}" for at in range(200)])
    label = np.arange(200) % 2
    pairs = []
    for at in range(200):
        for other in random.choice(200, 6, replace=False):
            if other != at and (label[at] == label[other]) != turned:
                pairs.append((ids[at], ids[other]))
    file = tmp_path / "pairs.csv"
    pd.DataFrame(pairs, columns=["source", "target"]).to_csv(file, index=False)
    labs = pd.DataFrame(random.normal(size=(200, 3)), index=ids)
    dx = pd.Series(np.where(label, "case", "control"), index=ids, name="dx")
    return gm.diagnose(gm.Cohort.from_frames({"labs": labs}, dx), gm.KnownEdges(str(file)))


def finding(result: Diagnosis, code: str):
    (one,) = [item for item in result.findings if item.code == code]
    return one


def test_links_within_classes_pass_and_links_across_them_are_said_to_inform(tmp_path):
    with_equals = paired(0, False, tmp_path)
    assert finding(with_equals, "GM301").status == "pass"
    across = paired(0, True, tmp_path)
    row = across.measures["homophily"]["outcome:dx"]
    assert row["adjusted"] == pytest.approx(-1.0)
    assert row["informativeness"] == pytest.approx(1.0)
    assert row["p_informativeness"] == 0.001
    assert row["p"] == 1.0
    told = finding(across, "GM301")
    assert told.status == "warn"
    assert "a neighbour's dx tells one's own (p 0.001)" in told.message
    assert "sage" in told.fix


def test_the_vote_of_neighbours_stands_beside_homophily_and_the_commonest_class(tmp_path):
    result = paired(1, False, tmp_path)
    message = finding(result, "GM302").message
    assert "balanced accuracy 1.00, AUROC 1.00" in message
    assert "100% of neighbours are alike, 50% of patients" in message
    votes = gm.diagnose(gm.make_cohort(200)).measures["label_relation"]["votes"]
    assert votes["majority"] >= 0.5
    assert 0.5 < votes["accuracy"] < votes["auroc"] < 1.0


@pytest.mark.parametrize(
    ("share", "node", "status"),
    [(0.1, 0.105, "warn"), (0.1, 0.12, "pass"), (0.48, 0.49, "warn"), (0.48, 0.52, "pass"), (0.3, 0.2, "warn")],
)
def test_a_class_among_strangers_is_one_that_its_neighbours_hardly_know(share, node, status):
    row = {
        "name": "dx",
        "by_value": {
            "case": {"patients": 10, "share": share, "node": node},
            "control": {"patients": 90, "share": 1 - share, "node": 0.9},
        },
    }
    assert smallest(row, 1.1, 0.05).status == status
    assert smallest({"name": "dx", "by_value": {}}, 1.1, 0.05).status == "n.a."


def test_what_cannot_be_asked_is_not_applicable():
    nan = float("nan")
    assert signal({"p": nan}, 0.05).status == "n.a."
    assert alike({"p": nan}, 0.05).status == "n.a."
    silent = gm.diagnose(gm.make_cohort(60), gm.NoEdges())
    assert [finding(silent, code).status for code in ("GM301", "GM302", "GM303", "GM401", "GM404")] == ["n.a."] * 5


def test_every_p_is_beside_its_measure_and_the_row_holds_no_nan_where_there_are_links():
    result = gm.diagnose(gm.make_cohort(120, seed=1))
    row = result.measures["homophily"]["outcome:dx"]
    assert {"p", "z", "p_informativeness", "p_rewired", "p_within", "within", "unbiased", "insensitive"} <= set(row)
    numbers = [value for value in row.values() if isinstance(value, float)]
    assert not np.isnan(numbers).any()
    assert row["p_rewired"] <= 0.05
    head, line, within = re.search(r"(  descriptive.*)\n(  dx .*)\n(    within site .*)\n", result.summary()).groups()
    assert line[-5:] == f"{row['p']:.3f}"
    assert within[-5:] == f"{row['p_within']['site']:.3f}"
    assert len(head) <= len(line) == len(within)
