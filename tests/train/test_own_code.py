"""What a run and a cache go by: code of a user's own and files that settings name, but no line that moved."""

from functools import partial

import pytest

import graphmml as gm
from graphmml.data.encode import CohortEncoder
from graphmml.errors import StoreError
from graphmml.train.own_code import behind
from graphmml.train.planned import plan
from graphmml.train.shared import fitted, sharing


def made(source, name="Mine", **known):
    """What a cell of a notebook defines."""
    space = {"__name__": "cell", "CohortEncoder": CohortEncoder, **known}
    exec(source, space)  # as a notebook does
    return space[name]


TIMES = """
class Mine(CohortEncoder):
    def transform(self, cohort):
        encoded = super().transform(cohort)
        for x in encoded.features.values():
            x *= {factor}
        return encoded
"""


def test_of_ours_and_of_libraries_there_is_nothing():
    assert (
        behind([gm.GraphClassifier(gm.Neighbours("labs"), conv=partial(gm.SAGEStack, depth=1)), CohortEncoder()]) == ""
    )


def test_of_a_plan_of_ours_there_is_nothing():
    rows = plan(
        {"graph": gm.GraphClassifier(gm.Shuffled(gm.Neighbours(each=True)), fusion=gm.Late(gm.VCDN()))}, "inductive"
    )
    assert behind([row.model for row in rows]) == ""


def test_code_counts_where_it_changes_what_is_done_and_not_where_it_stands():
    one, moved, other = (
        made(text) for text in (TIMES.format(factor=1), "\n\n" + TIMES.format(factor=1), TIMES.format(factor=0))
    )
    assert behind(one()) == behind(moved()) != behind(other())
    assert behind(gm.GraphClassifier(prepare=one())) != behind(gm.GraphClassifier(prepare=other()))
    double = made("def double(x): return 2 * x", "double")
    triple = made("def double(x): return 3 * x", "double")
    assert behind(partial(double)) != behind(partial(triple))


def test_a_file_counts_by_its_content(tmp_path):
    file = tmp_path / "edges.csv"
    file.write_text("source,target\np1,p2\n")
    links = gm.Layers((gm.KnownEdges(str(file)), gm.Neighbours()))
    before = behind(links)
    assert before == behind(links) != ""
    file.write_text("source,target\np1,p3\n")
    assert behind(links) != before


def test_a_class_defined_anew_is_not_taken_for_the_one_before():
    cohort = gm.make_cohort(40, seed=0)
    with sharing():
        for factor, varies in ((1, True), (0, False)):
            encoder = fitted(made(TIMES.format(factor=factor))(), cohort)
            assert any(x.std() > 0 for x in encoder.transform(cohort).features.values()) == varies


def test_a_run_with_another_file_of_edges_is_not_taken_up(tmp_path):
    cohort = gm.make_cohort(60, seed=0)
    file = tmp_path / "edges.csv"
    file.write_text("source,target\n" + "\n".join(f"{a},{b}" for a, b in zip(cohort.ids, cohort.ids[1:], strict=False)))
    model = gm.GraphClassifier(gm.KnownEdges(str(file)), members=1, training=gm.Training(epochs=2))
    run = partial(gm.cross_validate, model, cohort, gm.Folds(2), jobs=1, run=tmp_path / "run")
    run()
    assert len(run(resume=True).units)
    file.write_text("source,target\n" + "\n".join(f"{a},{b}" for a, b in zip(cohort.ids, cohort.ids[2:], strict=False)))
    with pytest.raises(StoreError, match="a run of another code, or files that its models name"):
        run(resume=True)
