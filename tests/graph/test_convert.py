from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data, HeteroData

import graphmml as gm
from graphmml.graph.convert import edge_frame, write
from graphmml.graph.store import load_graph, save_graph

LINKS = [gm.Neighbours("labs", k=3, weight="similarity"), gm.Neighbours(k=3, each=True), gm.Concepts("codes", most=0.9)]


@pytest.fixture(params=LINKS, ids=repr)
def graph(request, encoded):
    return gm.build_graph(request.param, encoded[:45], encoded[45:])


def told(graph, patients):
    """Return every edge as (from, to, relation, weight) in the names of the drawing."""
    names = {"patient": patients} | {
        kind: [f"{kind}:{name}" for name in concepts] for kind, concepts in graph.concepts.items()
    }
    return sorted(
        (names[item.source][a], names[item.target][b], item.name, round(float(w), 5))
        for item in graph.relations
        for a, b, w in zip(*item.edges, item.weight, strict=True)
    )


@pytest.mark.parametrize(
    ("draw", "read"), [(gm.write_graphml, nx.read_graphml), (gm.write_gexf, nx.read_gexf)], ids=["graphml", "gexf"]
)
def test_a_graph_file_reads_back_as_the_same_graph(graph, encoded, tmp_path, draw, read):
    draw(graph, tmp_path / "graph", encoded.tables["clinical"])
    back = read(tmp_path / "graph")
    edges = sorted((a, b, d["relation"], round(float(d["weight"]), 5)) for a, b, d in back.edges(data=True))
    assert back.is_directed()
    assert edges == told(graph, [f"p{at}" for at in range(60)])
    assert sum(node["kind"] == "patient" for _, node in back.nodes(data=True)) == 60
    clinical = encoded.tables["clinical"]
    for at in range(60):
        node = back.nodes[f"p{at}"]
        assert float(node["age"]) == clinical["age"].iloc[at]
        known = pd.notna(clinical["sex"].iloc[at])
        assert ("sex" in node) == known
        assert not known or node["sex"] == clinical["sex"].iloc[at]
    assert clinical["sex"].isna().any()


def test_no_patient_id_is_in_a_file_unless_asked_for(graph, tmp_path):
    for to in ("graphml", "gexf", "csv", "pyg"):
        write(graph, tmp_path / to, to)
        assert not any(name.encode() in (tmp_path / to).read_bytes() for name in graph.ids)
    write(graph, tmp_path / "named", "graphml", ids=True)
    assert set(graph.ids) <= set(nx.read_graphml(tmp_path / "named").nodes)


def test_one_relation_between_patients_is_data_and_anything_else_hetero_data(graph, encoded):
    data = gm.to_pyg(graph, encoded)
    assert data.validate(raise_on_error=True)
    plain = len(graph.relations) == 1 and not graph.concepts
    assert type(data) is (Data if plain else HeteroData)
    node = data if plain else data["patient"]
    assert node.num_nodes == 60
    assert node.train_mask.tolist() == [True] * 45 + [False] * 15
    assert torch.equal(node.present, torch.from_numpy(encoded.present))
    assert np.array_equal(node.x.numpy(), np.hstack([encoded.features[name] for name in encoded.modalities]))
    for item in graph.relations:
        store = data if plain else data[item.kind]
        assert np.array_equal(store.edge_index.numpy(), item.edges)
        assert np.array_equal(store.edge_weight.numpy(), item.weight)
    for kind, names in graph.concepts.items():
        assert data[kind].num_nodes == len(names)


def test_features_of_other_patients_are_refused(graph, encoded):
    with pytest.raises(gm.GraphError, match="other patients than the graph, or in another order"):
        gm.to_pyg(graph, encoded[::-1])


def test_a_pyg_file_is_read_without_unpickling(graph, tmp_path):
    write(graph, tmp_path / "graph.pt", "pyg")
    stored = torch.load(tmp_path / "graph.pt", weights_only=True)
    data = Data.from_dict(stored) if "edge_index" in stored else HeteroData.from_dict(stored)
    assert data.validate(raise_on_error=True)
    assert data.num_edges == graph.edges


def test_an_edge_list_has_every_edge_once(graph, tmp_path):
    write(graph, tmp_path / "edges.csv", "csv")
    table = pd.read_csv(tmp_path / "edges.csv")
    pd.testing.assert_frame_equal(
        table, edge_frame(graph), check_dtype=False, check_exact=False, check_index_type=False
    )
    assert len(table) == graph.edges
    for item in graph.relations:
        mine = table[table["relation"] == item.name]
        assert np.array_equal(mine[["source", "target"]].to_numpy().T, item.edges)
        assert set(zip(mine["source_kind"], mine["target_kind"], strict=True)) == {(item.source, item.target)}


def test_a_graph_without_edges_can_be_written(encoded, tmp_path):
    bare = gm.build_graph(gm.NoEdges(), encoded)
    assert gm.to_networkx(bare).number_of_nodes() == 60
    assert gm.to_pyg(bare, encoded).num_nodes == 60
    for to in ("graphml", "gexf", "csv", "pyg"):
        write(bare, tmp_path / to, to)
        assert (tmp_path / to).stat().st_size > 0


def test_what_cannot_be_written_leaves_nothing_behind(graph, tmp_path):
    with pytest.raises(gm.GraphError, match="no format 'dot'; choose graphml, gexf, pyg or csv"):
        write(graph, tmp_path / "graph.dot", "dot")
    with pytest.raises(gm.GraphError, match="could not be written"):
        write(graph, tmp_path / "nowhere" / "graph.csv", "csv")
    assert list(tmp_path.iterdir()) == []


def test_a_saved_graph_comes_back_equal(graph, tmp_path):
    save_graph(graph, tmp_path / "graph", {"links": "mine"})
    back, facts = load_graph(tmp_path / "graph")
    assert facts["links"] == "mine"
    assert list(back.ids) == list(graph.ids)
    assert (back.trained, back.kinds, dict(back.concepts)) == (graph.trained, graph.kinds, dict(graph.concepts))
    for one, other in zip(back.relations, graph.relations, strict=True):
        assert np.array_equal(one.edges, other.edges)
        assert np.array_equal(one.weight, other.weight)


def test_attributes_without_a_row_for_a_patient_are_left_out(graph, encoded):
    few = encoded.tables["labs"].iloc[:3]
    drawn = gm.to_networkx(replace(graph), few)
    assert sum("a" in node or "b" in node for _, node in drawn.nodes(data=True)) == 3
