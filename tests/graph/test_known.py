from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.cli.choices import links_of


def people(ids):
    cohort = gm.Cohort.from_frames({"labs": pd.DataFrame({"a": np.arange(float(len(ids)))}, index=list(ids))})
    return gm.CohortEncoder().fit(cohort).transform(cohort)


@pytest.fixture
def written(tmp_path):
    """Write rows as a CSV and return its path."""

    def write(header, *rows):
        path = tmp_path / "edges.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return str(path)

    return write


def edges_of(relations, source, target):
    relation = relations["known"]
    return {
        (source.ids[a], target.ids[b]): weight
        for a, b, weight in zip(*relation.edges.tolist(), relation.weight.tolist(), strict=True)
    }


def naively(rows, source, target, directed):
    """Every rule of the docstring, pair by pair."""
    found = {}
    for speaker in source.ids:
        for listener in target.ids:
            for one, other, weight in rows:
                ordered = (one, other) == (speaker, listener)
                either = not directed and (other, one) == (speaker, listener)
                if speaker != listener and weight > 0 and (ordered or either):
                    found[speaker, listener] = max(weight, found.get((speaker, listener), 0))
    return found


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_edges_are_those_of_the_rows_whose_ends_are_there(written, directed, seed):
    random = np.random.default_rng(seed)
    ids = [f"p{at:02d}" for at in range(15)]
    ends = random.choice([*ids, "stranger"], (80, 2))
    rows = [(one, other, int(weight)) for (one, other), weight in zip(ends, random.integers(0, 4, 80), strict=True)]
    path = written("target,source,strength", *(f"{other},{one},{weight}" for one, other, weight in rows))
    links = gm.KnownEdges(path, weight="strength", directed=directed)
    everybody = people(ids)
    train, new = everybody[np.arange(10)], everybody[np.arange(10, 15)]
    for source, target in ((train, train), (train, new), (train, everybody)):
        assert edges_of(links.link(source, target), source, target) == naively(rows, source, target, directed)


def test_without_weights_an_edge_weighs_one_however_often_it_stands(written):
    three = people(["a", "b", "c"])
    path = written("source,target", "a,b", "a,b", "b,a", "a,c")
    assert edges_of(gm.KnownEdges(path, directed=True).link(three, three), three, three) == {
        ("a", "b"): 1.0,
        ("b", "a"): 1.0,
        ("a", "c"): 1.0,
    }


def test_ids_are_text_as_written(written):
    three = people(["007", "8", "NA"])
    path = written("source,target", "007,NA", "7,8", "NA,8")
    assert set(edges_of(gm.KnownEdges(path, directed=True).link(three, three), three, three)) == {
        ("007", "NA"),
        ("NA", "8"),
    }


def test_a_part_of_the_cohort_whose_patients_nobody_is_linked_to_gets_no_edge(written):
    four = people("abcd")
    path = written("source,target", "a,b", "b,a")
    relations = gm.KnownEdges(path).link(four[np.array([0, 2])], four[np.array([3])])
    assert len(relations) == 1
    assert relations.edges == 0


def test_a_file_that_names_nobody_of_the_cohort_is_refused_without_an_id(written):
    three = people(["alice", "bob", "carol"])
    path = written("source,target", "Dora,Emil", "Emil,Frida")
    with pytest.raises(gm.GraphError, match=r"none of the 3 ids in .* is one of the 3 patients") as caught:
        gm.KnownEdges(path).link(three, three)
    assert not any(name in str(caught.value) for name in ("Dora", "Emil", "Frida", "alice", "bob", "carol"))


@pytest.mark.parametrize("weights", [("1", "-2", "x"), ("", "1", "inf"), ("nan", "1e39", "0")])
def test_weights_below_zero_or_no_numbers_are_refused_with_their_count(written, weights):
    two = people("ab")
    path = written("source,target,w", *(f"a,b,{weight}" for weight in weights))
    with pytest.raises(gm.GraphError, match="2 of 3 rows have a 'w' that is no number or below zero"):
        gm.KnownEdges(path, weight="w").link(two, two)


def test_a_column_or_file_that_is_not_there_is_named(written, tmp_path):
    two = people("ab")
    path = written("from,to", "a,b")
    with pytest.raises(gm.CohortError, match=r"no column 'source' in .*; it has: from, to"):
        gm.KnownEdges(path).link(two, two)
    with pytest.raises(gm.CohortError, match="no column 'w'"):
        gm.KnownEdges(path, "from", "to", "w").link(two, two)
    with pytest.raises(gm.GraphError, match="relative to the folder you are in"):
        gm.KnownEdges(str(tmp_path / "none.csv")).link(two, two)
    with pytest.raises(gm.CohortError, match="is a folder"):
        gm.KnownEdges(str(tmp_path)).link(two, two)


def test_a_path_is_relative_to_the_current_folder(written, tmp_path, monkeypatch):
    two = people("ab")
    written("source,target", "a,b")
    monkeypatch.chdir(tmp_path)
    assert gm.KnownEdges(Path("edges.csv")) == gm.KnownEdges("edges.csv")
    assert gm.KnownEdges("edges.csv").link(two, two).edges == 2


@pytest.mark.parametrize("wrong", [{"source": "target"}, {"weight": "source"}, {"name": ""}, {"path": ""}])
def test_settings_are_checked_when_given(wrong):
    with pytest.raises(gm.GraphError, match="give a path, a name and columns that differ"):
        gm.KnownEdges(**{"path": "edges.csv", **wrong})


def test_the_command_line_has_a_word_for_it():
    assert links_of("known:path=a/b.csv,directed=true,weight=w") == gm.KnownEdges("a/b.csv", weight="w", directed=True)
    assert links_of("concepts:modality=drugs,hierarchy=1+3+5,numbers=4") == gm.Concepts(
        "drugs", hierarchy=(1, 3, 5), numbers=4
    )


def test_new_patients_attach_by_the_rows_that_name_them(written):
    four = people("abcd")
    path = written("source,target", "a,b", "b,c", "c,d")
    graph = gm.build_graph(gm.KnownEdges(path), four[:2], four[2:])
    assert graph.relations[0].edges.T.tolist() == [[1, 0], [0, 1], [1, 2]]


def test_a_file_that_was_changed_is_read_again(written):
    four = people("abcd")
    links = gm.KnownEdges(written("source,target", "a,b"))
    assert links.link(four[:2], four[2:]).edges == 0
    written("source,target", "a,b", "c,a")
    assert links.link(four[:2], four[2:]).edges == 1
