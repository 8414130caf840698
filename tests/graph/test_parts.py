"""Nodes that belong to a patient go wherever the graph goes."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.graph.relations import PATIENT, Parts, Relation
from graphmml.graph.store import load_graph, save_graph
from graphmml.report.measures import component_of, projected_links, relation_measures

LINKS = [gm.ModalityNodes(k=3), gm.Visits(most=0.9)]


@pytest.fixture(params=LINKS, ids=repr)
def graph(request, encoded):
    return gm.build_graph(request.param, encoded[:45], encoded[45:])


def test_parts_are_numbered_within_their_owner():
    parts = Parts(np.array([0, 0, 2, 2, 2, 5]), "labs")
    assert parts.number.tolist() == [0, 1, 0, 1, 2, 0]
    assert (parts + parts.shifted(6)).owner.tolist() == [0, 0, 2, 2, 2, 5, 6, 6, 8, 8, 8, 11]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "give one of them"),
        ({"modality": "labs", "features": np.zeros((2, 1))}, "give one of them"),
        ({"features": np.zeros((3, 1))}, "there are 2 parts and features of 3"),
    ],
)
def test_parts_that_do_not_hold_together_are_refused(wrong, said):
    with pytest.raises(gm.GraphError, match=said):
        Parts(np.array([0, 1]), **wrong)


def test_a_graph_refuses_strange_parts():
    ids = pd.Index(["a", "b"])
    with pytest.raises(gm.GraphError, match="a labs belongs to a patient beyond the 2"):
        gm.PatientGraph(ids, 2, (), parts={"labs": Parts(np.array([0, 2]), "labs")})
    with pytest.raises(gm.GraphError, match="two kinds of node are called 'labs'"):
        gm.PatientGraph(ids, 2, (), {"labs": ("crp",)}, {"labs": Parts(np.array([0]), "labs")})
    with pytest.raises(gm.GraphError, match="two kinds of node are called 'patient'"):
        gm.PatientGraph(ids, 2, (), parts={PATIENT: Parts(np.array([0]), "labs")})
    beyond = Relation("x", np.array([[1], [0]]), np.ones(1, dtype=np.float32), "labs", PATIENT)
    with pytest.raises(gm.GraphError, match="names a labs beyond the 1 there are"):
        gm.PatientGraph(ids, 2, (beyond,), parts={"labs": Parts(np.array([0]), "labs")})


def test_a_stored_graph_comes_back_with_its_parts(graph, tmp_path):
    save_graph(graph, tmp_path / "g")
    back, _ = load_graph(tmp_path / "g")
    assert back.schema == graph.schema
    assert [relation.own for relation in back.relations] == [relation.own for relation in graph.relations]
    assert back.parts.keys() == graph.parts.keys()
    for kind, parts in graph.parts.items():
        assert np.array_equal(back.parts[kind].owner, parts.owner)
        assert back.parts[kind].modality == parts.modality
        assert (back.parts[kind].features is None) == (parts.features is None)
        assert parts.features is None or np.array_equal(back.parts[kind].features, parts.features)


def test_pyg_and_networkx_know_whose_a_part_is(graph):
    data = gm.to_pyg(graph)
    drawn = gm.to_networkx(graph)
    for kind, parts in graph.parts.items():
        assert data[kind].num_nodes == len(parts)
        assert np.array_equal(data[kind].owner.numpy(), parts.owner)
        found = [name for name, facts in drawn.nodes(data=True) if facts["kind"] == kind]
        assert found == [f"{kind}:p{owner}#{at}" for owner, at in zip(parts.owner, parts.number, strict=True)]
    assert drawn.number_of_edges() == graph.edges
    assert not any("id0" in str(name) for name in drawn.nodes)
    data.validate()


def reached(graph):
    """Walk the multigraph: from a patient over own parts, at most one foreign edge or one concept, to a patient."""
    whose = {}
    for kind in (PATIENT, *graph.parts):
        for at in range(graph.count(kind)):
            whose[kind, at] = at if kind == PATIENT else int(graph.parts[kind].owner[at])
    direct, inward, outward = set(), [], []
    for relation in graph.relations:
        for a, b in relation.edges.T.tolist():
            one, other = (relation.source, a), (relation.target, b)
            if one in whose and other in whose:
                direct.add((whose[other], whose[one]))
            elif one in whose:
                inward.append((whose[one], other))
            else:
                outward.append((one, whose[other]))
    direct |= {(target, source) for source, mid in inward for concept, target in outward if mid == concept}
    return {(target, source) for target, source in direct if target != source}


def test_between_patients_a_part_speaks_for_its_owner(graph):
    found = graph.between_patients().tocoo()
    assert set(zip(found.row.tolist(), found.col.tolist(), strict=True)) == reached(graph)
    assert projected_links(graph) >= found.nnz


def test_components_and_reach_count_patients(graph):
    joined = nx.Graph(gm.to_networkx(graph).to_undirected())
    component = component_of(graph)
    for nodes in nx.connected_components(joined):
        patients = [int(name[1:]) for name in nodes if joined.nodes[name]["kind"] == PATIENT]
        assert len({component[at] for at in patients}) <= 1
    assert len(set(component.tolist())) == nx.number_connected_components(joined)
    for name, facts in relation_measures(graph).items():
        relation = next(item for item in graph.relations if item.name == name)
        ends = [
            graph.owners(kind, row)
            for kind, row in zip(relation.kind[::2], relation.edges, strict=True)
            if kind not in graph.concepts
        ]
        assert facts["patients_linked"] == len(np.unique(np.concatenate(ends))) / graph.patients


def test_the_repr_counts_parts(graph):
    for kind, parts in graph.parts.items():
        assert f"{kind}: {len(parts)} parts of patients" in repr(graph)
