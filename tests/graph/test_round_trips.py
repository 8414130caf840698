"""Every format gives back the graph that was written."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphmml as gm
from graphmml.graph import anndata as scverse
from graphmml.graph import edge_list
from graphmml.graph.export import FORMATS, write
from graphmml.graph.facts import facts_of, graph_of
from graphmml.graph.relations import PATIENT, Parts, Relation


def by_file(write, read, name):
    def there_and_back(graph, folder, *, ids):
        write(graph, folder / name, ids=ids)
        return read(folder / name)

    return there_and_back


def csr(graph, folder, *, ids):
    ends = {item.name: (item.source, item.target) for item in graph.relations}
    kept = {"trained": graph.trained, "kinds": ends, "concepts": graph.concepts, "parts": graph.parts}
    names = graph.ids if ids else [f"p{at}" for at in range(graph.patients)]
    return gm.from_csr(gm.to_csr(graph), ids=names, **kept)


def pyg(graph, folder, *, ids):
    return gm.from_pyg(gm.to_pyg(graph), graph.ids if ids else None)


def pyg_file(graph, folder, *, ids):
    write(graph, folder / "g.pt", "pyg")
    return gm.from_pyg(gm.read_pyg(folder / "g.pt"), graph.ids if ids else None)


def h5ad(graph, folder, *, ids):
    write(graph, folder / "g.h5ad", "h5ad", ids=ids)
    return gm.from_anndata(scverse.anndata.read_h5ad(folder / "g.h5ad"))


ROUND_TRIPS = {
    "networkx": lambda graph, folder, *, ids: gm.from_networkx(gm.to_networkx(graph, ids=ids)),
    "graphml": by_file(gm.write_graphml, gm.read_graphml, "g.graphml"),
    "gexf": by_file(gm.write_gexf, gm.read_gexf, "g.gexf"),
    "pyg": pyg,
    "pyg file": pyg_file,
    "csr": csr,
    "npz": by_file(gm.write_csr, gm.read_csr, "g.npz"),
    "csv": by_file(gm.write_edges, gm.read_edges, "g.csv"),
    "parquet": by_file(gm.write_edges, gm.read_edges, "g.parquet"),
    "anndata": lambda graph, folder, *, ids: gm.from_anndata(gm.to_anndata(graph, ids=ids)),
    "h5ad": h5ad,
}
EXTRAS = {
    "parquet": pytest.mark.skipif(edge_list.parquet is None, reason="pyarrow is not installed"),
    "anndata": pytest.mark.skipif(scverse.anndata is None, reason="anndata is not installed"),
    "h5ad": pytest.mark.skipif(scverse.anndata is None, reason="anndata is not installed"),
}


@pytest.fixture(params=[pytest.param(name, marks=EXTRAS.get(name, ())) for name in ROUND_TRIPS])
def there_and_back(request):
    return ROUND_TRIPS[request.param]


def told(relation):
    edges = zip(*relation.edges.tolist(), relation.weight.tolist(), strict=True)
    return relation.kind, sorted(edges)


def same(back, graph, *, ids):
    assert list(back.ids) == (list(graph.ids) if ids else [f"p{at}" for at in range(graph.patients)])
    assert back.trained == graph.trained
    assert back.kinds == graph.kinds
    assert {kind: tuple(names) for kind, names in back.concepts.items()} == dict(graph.concepts)
    for one, other in zip(back.relations, graph.relations, strict=True):
        assert told(one) == told(other)
        assert one.edges.dtype == np.int64
        assert one.weight.dtype == np.float32
        assert (np.diff(one.edges[1]) >= 0).all()
    assert list(back.parts) == list(graph.parts)
    for kind, parts in graph.parts.items():
        assert np.array_equal(back.parts[kind].owner, parts.owner)
        assert back.parts[kind].modality == parts.modality
        if parts.features is not None:
            assert back.parts[kind].features.dtype == np.float32
            assert np.array_equal(back.parts[kind].features, parts.features)


LINKS = [
    gm.Neighbours("labs", k=3, weight="similarity"),
    gm.Neighbours(k=3, each=True),
    gm.Concepts("codes", most=0.9),
    gm.Concepts("clinical", most=0.9),
    gm.NoEdges(),
    gm.ModalityNodes(),
]


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("links", LINKS, ids=repr)
def test_a_graph_that_a_constructor_drew_comes_back(there_and_back, links, ids, encoded, tmp_path):
    for graph in (gm.build_graph(links, encoded[:45], encoded[45:]), gm.build_graph(links, encoded)):
        same(there_and_back(graph, tmp_path, ids=ids), graph, ids=ids)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters=":\ufffe\uffff"),
    min_size=1,
    max_size=6,
)
WEIGHTS = st.floats(0.0, 1e6, width=32)


@st.composite
def relations(draw, name, source, target, sizes):
    """Some edges between two kinds, none of them twice."""
    if not sizes[source] or not sizes[target]:
        return Relation(name, np.zeros((2, 0), np.int64), np.zeros(0, np.float32), source, target)
    cell = st.tuples(st.integers(0, sizes[source] - 1), st.integers(0, sizes[target] - 1))
    cells = draw(st.lists(cell, unique=True, max_size=8))
    weight = draw(st.lists(WEIGHTS, min_size=len(cells), max_size=len(cells)))
    sources, targets = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    return Relation.of(name, sources, targets, np.array(weight, dtype=np.float32)).between(source, target)


@st.composite
def graphs(draw):
    """Small graphs with names of all sorts, relations without edges and patients without any."""
    ids = draw(st.lists(NAMES, unique=True, min_size=1, max_size=6))
    kinds = draw(st.lists(NAMES.filter(lambda name: name != PATIENT), unique=True, max_size=3))
    concepts, parts, sizes = {}, {}, {PATIENT: len(ids)}
    for at, kind in enumerate(kinds):
        if at < 2:
            concepts[kind] = tuple(draw(st.lists(NAMES, unique=True, min_size=1, max_size=3)))
            sizes[kind] = len(concepts[kind])
        else:
            owner = np.sort(draw(st.lists(st.integers(0, len(ids) - 1), max_size=5))).astype(np.int64)
            sizes[kind] = len(owner)
            features = np.float32(draw(st.lists(st.tuples(WEIGHTS, WEIGHTS), min_size=len(owner), max_size=len(owner))))
            parts[kind] = Parts(owner, None, features.reshape(-1, 2))
    every = st.sampled_from([PATIENT, *kinds])
    drawn = [
        draw(relations(name, draw(every), draw(every), sizes))
        for name in draw(st.lists(NAMES, unique_by=lambda name: name.replace("/", "|"), max_size=3))
    ]
    return gm.PatientGraph(pd.Index(ids, dtype="str"), draw(st.integers(0, len(ids))), tuple(drawn), concepts, parts)


@pytest.mark.parametrize("name", [pytest.param(name, marks=EXTRAS.get(name, ())) for name in ROUND_TRIPS])
def test_whatever_the_names_and_weights_a_graph_comes_back(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(graph=graphs(), ids=st.booleans())
    def law(graph, ids):
        same(ROUND_TRIPS[name](graph, folder, ids=ids), graph, ids=ids)

    law()


def test_what_is_said_beside_the_edges_names_nobody_unless_asked_for(encoded):
    graph = gm.build_graph(gm.Concepts("codes", most=0.9), encoded[:45], encoded[45:])
    edges = [(*item.edges, item.weight) for item in graph.relations]
    said = json.dumps(facts_of(graph))
    assert not any(name in said for name in graph.ids)
    assert list(graph_of(json.dumps(facts_of(graph, ids=True)), edges).ids) == list(graph.ids)
    with pytest.raises(gm.GraphError, match="59 ids are given but the graph has 60 patients"):
        graph_of(said, edges, ids=list(graph.ids[:59]))
    for broken in ("", "[]", "{}", said.replace("relations", "relation")):
        with pytest.raises(gm.GraphError, match="says of itself what no graph can be made of"):
            graph_of(broken, edges)


def test_every_format_of_the_command_line_is_held_to_the_law():
    assert {"graphml", "gexf", "csv", "parquet", "h5ad"} <= set(FORMATS) & set(ROUND_TRIPS)
    assert set(FORMATS) - set(ROUND_TRIPS) == {"h5mu"}, "MuData has a test of its own"


@pytest.mark.parametrize("name", ["graphml", "gexf"])
def test_names_that_xml_would_lose_are_refused(name, encoded, tmp_path):
    graph = gm.build_graph(gm.Neighbours(k=3), encoded)
    write, read = (gm.write_graphml, gm.read_graphml) if name == "graphml" else (gm.write_gexf, gm.read_gexf)
    for bad in ("a\nb", "a\x00", "a\rb", "\ufffe"):
        odd = gm.PatientGraph(graph.ids, 60, graph.relations, {"codes": (bad, "fine")})
        with pytest.raises(gm.GraphError, match=r"name\(s\) hold line breaks or control characters"):
            write(odd, tmp_path / "g")
    table = pd.DataFrame({"note": "two\nlines"}, index=graph.ids)
    with pytest.raises(gm.GraphError, match=r"60 name\(s\) hold line breaks"):
        write(graph, tmp_path / "g", table)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "g").write_text("not a graph")
    with pytest.raises(gm.GraphError, match="is no graph that can be read"):
        read(tmp_path / "g")
