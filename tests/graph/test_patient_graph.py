import gc
from dataclasses import dataclass, field
from weakref import ref

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.graph.patient_graph import links_between, source_links
from graphmml.graph.relations import PATIENT


def relation(name, pairs, source=PATIENT, target=PATIENT):
    edges = np.array(pairs, dtype=np.int64).T
    return gm.Relation(name, edges, np.ones(len(pairs), dtype=np.float32), source, target)


@pytest.fixture
def graph():
    """Three patients and an attached one; 0 -> 1 among patients, 0 and 2 share x, 3 listens to y that 1 has."""
    return gm.PatientGraph(
        pd.Index(list("abcd"), dtype="str"),
        3,
        (
            relation("alike", [(0, 1)]),
            relation("has", [(0, 0), (2, 0), (1, 1)], target="code"),
            relation("of", [(0, 0), (0, 2), (1, 3)], source="code"),
        ),
        {"code": ("x", "y")},
    )


def test_who_reaches_whom_counts_a_shared_concept_as_one_step(graph):
    reach = graph.between_patients()
    assert {(int(t), int(s)) for t, s in zip(*reach.nonzero(), strict=True)} == {(1, 0), (0, 2), (2, 0), (3, 1)}
    assert set(reach.data) == {1.0}


def test_a_matrix_has_targets_in_rows_and_sources_in_columns(graph):
    assert graph.matrix(graph.relations[0]).toarray().nonzero() == (1, 0)
    assert graph.matrix(graph.relations[1]).shape == (2, 4)
    assert graph.matrix(graph.relations[2]).shape == (4, 2)


def test_counts_and_kinds(graph):
    assert (graph.patients, graph.trained, graph.edges) == (4, 3, 7)
    assert (graph.count(PATIENT), graph.count("code")) == (4, 2)
    assert graph.kinds == ((PATIENT, "alike", PATIENT), (PATIENT, "has", "code"), ("code", "of", PATIENT))
    with pytest.raises(gm.GraphError, match="no nodes of kind 'drug'; there are: patient, code"):
        graph.count("drug")


def test_the_words_for_a_graph_show_no_patient(graph):
    secret = gm.PatientGraph(pd.Index(["ann", "bob", "cat", "dan"]), 3, graph.relations, graph.concepts)
    assert "3 patients + 1 attached, 7 edges" in repr(secret)
    assert not any(name in repr(secret) for name in secret.ids)


@pytest.mark.parametrize(
    "wrong", [relation("alike", [(0, 4)]), relation("alike", [(-1, 0)]), relation("has", [(0, 2)], target="code")]
)
def test_an_edge_to_nobody_is_refused(graph, wrong):
    with pytest.raises(gm.GraphError, match=f"relation '{wrong.name}' names a .* beyond"):
        gm.PatientGraph(graph.ids, 3, (wrong,), graph.concepts)


def test_edges_and_weights_of_unequal_number_are_refused():
    with pytest.raises(gm.GraphError, match="relation 'alike' has"):
        gm.Relation("alike", np.zeros((2, 3), dtype=np.int64), np.ones(2))


def test_attached_patients_stand_behind_the_source_and_listen_only(encoded):
    train, new = encoded[:45], encoded[45:]
    graph = gm.build_graph(gm.Neighbours(k=4), train, new)
    assert list(graph.ids) == list(encoded.ids)
    (edges,) = (item.edges for item in graph.relations)
    direct = gm.Neighbours(k=4).link(train, new)["neighbours"].edges
    assert np.array_equal(edges[:, edges[1] >= 45], direct + np.array([[0], [45]]))
    assert edges[0].max() < 45


@dataclass(frozen=True)
class Counting:
    """Links nobody, and counts how often it is asked."""

    asked: list = field(default_factory=list, compare=False)

    def link(self, source, target):
        self.asked.append(len(target))
        return gm.Relations.from_mask("nobody", np.zeros((len(source), len(target)), dtype=bool))


def test_the_source_is_linked_once_as_long_as_it_lives(encoded):
    links, source = Counting(), encoded[:45]
    for _ in range(3):
        gm.build_graph(links, source)
        gm.build_graph(links, source, encoded[45:])
    assert links.asked == [45, 15, 15, 15]
    source_links(links, encoded[:45])  # another source, though of the same patients
    assert links.asked == [45, 15, 15, 15, 45]


def test_what_is_remembered_does_not_keep_the_source_alive(encoded):
    source = encoded[:45]
    gm.build_graph(gm.Neighbours(k=3), source)
    alive = ref(source)
    del source
    gc.collect()
    assert alive() is None


def test_a_constructor_of_ones_own_needs_link_alone_and_may_be_unhashable(encoded):
    @dataclass
    class SameSite:
        def link(self, source, target):
            here, there = target.groups["site"].to_numpy(), source.groups["site"].to_numpy()
            other = source.ids.to_numpy()[:, None] != target.ids.to_numpy()[None, :]
            return gm.Relations.from_mask("site", (there[:, None] == here[None, :]) & other)

    graph = gm.build_graph(SameSite(), encoded[:45], encoded[45:])
    site = encoded.groups["site"].to_numpy()
    (edges,) = (item.edges for item in graph.relations)
    assert len(edges[0]) > 45
    assert (site[edges[0]] == site[edges[1]]).all()


def test_a_mask_becomes_edges_from_its_rows_to_its_columns():
    mask = np.array([[False, True, False], [True, False, True]])
    relations = gm.Relations.from_mask("m", mask)
    assert set(map(tuple, relations["m"].edges.T.tolist())) == {(0, 1), (1, 0), (1, 2)}
    assert (relations.edges, len(relations)) == (3, 1)
    with pytest.raises(gm.GraphError, match="no relation 'n'; there are: m"):
        relations["n"]


def test_two_cohorts_are_linked_once_as_long_as_both_live(encoded):
    calls = []

    @dataclass(frozen=True)
    class Counted:
        def link(self, source, target):
            calls.append(len(target))
            return gm.Neighbours(k=3).link(source, target)

    source, target = encoded[:45], encoded[45:]
    first = links_between(Counted(), source, target)
    assert links_between(Counted(), source, target) is first
    gm.build_graph(Counted(), source, target)
    gm.build_graph(gm.Shuffled(Counted()), source, target)
    assert calls == [15, 45]
    gm.build_graph(Counted(), source, encoded[45:])
    assert calls == [15, 45, 15]
    seen = ref(target)
    del target, first
    gc.collect()
    assert seen() is None, "kept alive"
