from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from torch_geometric.data import Data, HeteroData

import graphmml as gm
from graphmml.graph import edge_list
from graphmml.graph.edge_list import edge_frame
from graphmml.graph.export import write
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
    for to in ("graphml", "gexf", "csv", "pyg", "csr"):
        write(graph, tmp_path / to, to)
    assert "csv.json" in {path.name for path in tmp_path.iterdir()}
    for path in tmp_path.iterdir():
        assert not any(name.encode() in path.read_bytes() for name in graph.ids)
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
    for to in ("graphml", "gexf", "csv", "pyg", "csr"):
        write(bare, tmp_path / to, to)
        assert (tmp_path / to).stat().st_size > 0


def test_what_cannot_be_written_leaves_nothing_behind(graph, tmp_path):
    with pytest.raises(gm.GraphError, match="no format 'dot'; choose pyg, graphml, gexf, csv, parquet, csr"):
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


def test_pyg_data_from_elsewhere_is_read_for_what_it_says():
    edges = torch.tensor([[0, 1, 2], [1, 2, 0]])
    back = gm.from_pyg(Data(edge_index=edges, num_nodes=4))
    assert (list(back.ids), back.trained, back.kinds) == (
        ["p0", "p1", "p2", "p3"],
        4,
        (("patient", "linked", "patient"),),
    )
    assert sorted(zip(*back.relations[0].edges.tolist(), strict=True)) == [(0, 1), (1, 2), (2, 0)]
    assert back.relations[0].weight.tolist() == [1, 1, 1]
    other = HeteroData()
    other["patient"].num_nodes = 2
    other["gene"].num_nodes = 3
    other["gene", "of", "patient"].edge_index = torch.tensor([[2], [1]])
    assert gm.from_pyg(other, ["a", "b"]).concepts == {"gene": ("0", "1", "2")}
    with pytest.raises(gm.GraphError, match="3 ids are given but the graph has 2 patients"):
        gm.from_pyg(other, ["a", "b", "c"])
    mask = torch.tensor([False, True, True, True])
    with pytest.raises(gm.GraphError, match="put those in training first"):
        gm.from_pyg(Data(edge_index=edges, num_nodes=4, train_mask=mask))


def test_a_networkx_graph_from_elsewhere_is_of_patients_linked_both_ways():
    back = gm.from_networkx(nx.Graph([("ann", "bob"), ("bob", "cy", {"weight": 0.5})]))
    assert list(back.ids) == ["ann", "bob", "cy"]
    assert back.trained == 3
    edges = zip(*back.relations[0].edges.tolist(), back.relations[0].weight.tolist(), strict=True)
    assert sorted(edges) == [(0, 1, 1.0), (1, 0, 1.0), (1, 2, 0.5), (2, 1, 0.5)]
    later = nx.DiGraph([("new", "old")])
    later.nodes["new"]["trained"] = False
    assert list(gm.from_networkx(later).ids) == ["old", "new"]
    orphan = nx.DiGraph()
    orphan.add_node("v", kind="visit", owner="nobody", features="[1]")
    with pytest.raises(gm.GraphError, match="this is no graph of patients"):
        gm.from_networkx(orphan)


def test_names_that_would_fall_together_are_refused(encoded):
    graph = gm.build_graph(gm.Concepts("codes", most=0.9), encoded)
    ids = pd.Index(["codes:icd0", *graph.ids[1:]], dtype="str")
    with pytest.raises(gm.GraphError, match=r"1 node\(s\) would bear the name of another"):
        gm.to_networkx(replace(graph, ids=ids), ids=True)
    assert gm.to_networkx(replace(graph, ids=ids)).number_of_nodes() == 67
    for taken in ("kind", "trained", "id", "start"):
        with pytest.raises(gm.GraphError, match=f"'{taken}' means something else in a graph file"):
            gm.to_networkx(graph, pd.DataFrame({taken: 1.0}, index=graph.ids))


def test_edges_from_elsewhere_need_a_source_and_a_target_alone(tmp_path):
    file = tmp_path / "edges.csv"
    file.write_text("source,target\n0,2\n2,1\n")
    back = gm.read_edges(file)
    assert (back.patients, back.edges, back.kinds) == (3, 2, (("patient", "linked", "patient"),))
    assert list(gm.read_edges(file, ["a", "b", "c", "d"]).ids) == ["a", "b", "c", "d"]
    for text, said in (
        ("from,to\n0,1\n", "no list of edges"),
        ("source,target\na,b\n", "whole numbers, are wanted"),
        ("source,target,source_kind\n0,1,gene\n", "nodes of kind 'gene', and nothing says which"),
        ("source,target\n0,5\n", "beyond the 2 there are"),
    ):
        file.write_text(text)
        with pytest.raises(gm.GraphError, match=said):
            gm.read_edges(file, ["a", "b"])
    with pytest.raises(gm.GraphError, match="cannot be read"):
        gm.read_edges(tmp_path / "nothing.csv")


def test_without_pyarrow_parquet_says_what_to_install(graph, tmp_path, monkeypatch):
    monkeypatch.setattr(edge_list, "parquet", None)
    with pytest.raises(gm.GraphError, match=r"pip install 'graphmml\[parquet\]', or use csv"):
        gm.write_edges(graph, tmp_path / "g.parquet")
    (tmp_path / "g.parquet").write_bytes(b"PAR1")
    with pytest.raises(gm.GraphError, match=r"pip install 'graphmml\[parquet\]'"):
        gm.read_edges(tmp_path / "g.parquet")


def test_a_row_of_a_matrix_says_whom_a_patient_listens_to(encoded):
    graph = gm.build_graph(gm.Neighbours("labs", k=3, weight="similarity"), encoded)
    (matrix,) = gm.to_csr(graph).values()
    assert np.array_equal(np.diff(matrix.indptr), np.full(60, 3))
    for source, target, weight in zip(*graph.relations[0].edges, graph.relations[0].weight, strict=True):
        assert matrix[target, source] == weight
    again = gm.from_csr({"mine": matrix}, trained=50)
    assert (again.patients, again.trained, again.edges) == (60, 50, 180)


def test_matrices_that_are_no_graph_are_refused(encoded, tmp_path):
    one, two = csr_array(np.eye(3)), csr_array(np.eye(4))
    with pytest.raises(gm.GraphError, match="the matrices are of 3, 4 patients; 4 are wanted"):
        gm.from_csr({"a": one, "b": two})
    with pytest.raises(gm.GraphError, match="the matrices are of 3 patients; 2 are wanted"):
        gm.from_csr({"a": one}, ids=["x", "y"])
    twice = gm.Relation.of("a", np.array([0, 0]), np.array([1, 1]))
    graph = gm.PatientGraph(pd.Index(["x", "y"], dtype="str"), 2, (twice,))
    with pytest.raises(gm.GraphError, match=r"1 edge\(s\) twice"):
        gm.to_csr(graph)
    with pytest.raises(gm.GraphError, match="two relations of the graph have the same name"):
        gm.to_csr(replace(graph, relations=(twice, twice)))
    (tmp_path / "g.npz").write_bytes(b"no")
    for path in (tmp_path / "g.npz", tmp_path / "nothing"):
        with pytest.raises(gm.GraphError, match=r"is no graph as \.npz"):
            gm.read_csr(path)
    for path in (tmp_path / "g.npz", tmp_path / "nothing"):
        with pytest.raises(gm.GraphError, match="holds no PyG data"):
            gm.read_pyg(path)


PAIRS = torch.tensor([[0, 1], [1, 2]])


@pytest.mark.parametrize(
    "named", [{"edge_weight": [0.5, 2.0]}, {"edge_attr": [0.5, 2.0]}, {"edge_attr": [[0.5], [2.0]]}]
)
def test_one_number_an_edge_is_its_weight_in_pyg(named):
    weights = {name: torch.tensor(values) for name, values in named.items()}
    (relation,) = gm.from_pyg(Data(edge_index=PAIRS, num_nodes=3, **weights)).relations
    assert relation.weight.tolist() == [0.5, 2.0]


def test_several_numbers_an_edge_are_no_weight():
    with pytest.raises(gm.GraphError, match=r"2 edges and weights of shape \(2, 3\); put one number an edge"):
        gm.from_pyg(Data(edge_index=PAIRS, num_nodes=3, edge_attr=torch.ones(2, 3)))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_says_no_strength_is_refused_wherever_a_graph_comes_from(tmp_path, weight):
    drawn = nx.DiGraph([("a", "b", {"weight": weight}), ("b", "c")])
    (tmp_path / "edges.csv").write_text(f"source,target,weight\n0,1,{weight}\n1,2,1\n")
    for make in (
        lambda: gm.from_networkx(drawn),
        lambda: gm.from_pyg(Data(edge_index=PAIRS, num_nodes=3, edge_weight=torch.tensor([weight, 1.0]))),
        lambda: gm.read_edges(tmp_path / "edges.csv"),
    ):
        with pytest.raises(gm.GraphError, match="'linked': 1 of 2 edges have a weight that is no number or below zero"):
            make()


def test_what_is_no_pyg_data_is_refused_in_words(encoded, cohort, tmp_path):
    (tmp_path / "edges.csv").write_text("source,target\n0,1\n")
    (tmp_path / "empty.pt").write_text("")
    torch.save([1, 2], tmp_path / "list.pt")
    for name in ("edges.csv", "empty.pt", "list.pt", "absent.pt"):
        with pytest.raises(gm.GraphError, match="holds no PyG data"):
            gm.read_pyg(tmp_path / name)
    with pytest.raises(gm.GraphmmlError, match=r"a DataFrame is given where a Data .*gm\.read_pyg"):
        gm.from_pyg(cohort.tables["labs"])
    others = HeteroData({"case": {"num_nodes": 3}, ("case", "linked", "case"): {"edge_index": PAIRS}})
    with pytest.raises(gm.GraphError, match="no nodes are of kind 'patient'; there are: case"):
        gm.from_pyg(others)
    graph = gm.build_graph(gm.NoEdges(), encoded)
    with pytest.raises(gm.GraphmmlError, match=r"a Cohort is given where an EncodedCohort .*gm\.CohortEncoder"):
        gm.to_pyg(graph, cohort)
