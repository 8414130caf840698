import json

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.graph import anndata as scverse
from graphmml.graph.export import write

pytestmark = pytest.mark.skipif(scverse.anndata is None, reason="anndata is not installed")


@pytest.fixture
def graph(encoded):
    return gm.build_graph(gm.Neighbours(k=3, each=True), encoded[:45], encoded[45:])


def read_h5mu(path):
    with scverse.mudata.set_options(pull_on_update=False):  # it warns of what its next version does
        return scverse.mudata.read(path)


def test_every_number_is_where_scanpy_looks_for_it(graph, encoded):
    described = gm.to_anndata(graph, encoded)
    assert described.shape == (60, sum(matrix.shape[1] for matrix in encoded.features.values()))
    assert list(described.obs_names) == [f"p{at}" for at in range(60)]
    assert described.obs["trained"].tolist() == [True] * 45 + [False] * 15
    assert described.obs["site"].astype(str).tolist() == encoded.groups["site"].tolist()
    for name in encoded.modalities:
        mine = np.asarray(described.X)[:, (described.var["modality"] == name).to_numpy()]
        assert np.isnan(mine[~encoded.has(name)]).all()
        assert np.array_equal(mine[encoded.has(name)], encoded.features[name][encoded.has(name)])
        assert [column for column in described.var_names if column.startswith(f"{name}.")]
    for item in graph.relations:
        dense = described.obsp[item.name].toarray()
        again = np.zeros((60, 60), dtype=np.float32)
        for source, target, weight in zip(*item.edges, item.weight, strict=True):
            again[target, source] = weight
        assert np.array_equal(dense, again)


def test_of_a_cohort_numbers_go_to_x_and_names_to_obs(graph, cohort):
    described = gm.to_anndata(graph, cohort)
    table = pd.DataFrame(np.asarray(described.X), columns=list(described.var_names))
    assert np.array_equal(table["labs.a"], cohort.tables["labs"]["a"].to_numpy(np.float32), equal_nan=True)
    assert "clinical.sex" not in table
    sex = cohort.tables["clinical"]["sex"]
    assert described.obs["clinical.sex"].isna().tolist() == sex.isna().tolist()
    assert described.obs["clinical.sex"].dropna().tolist() == sex.dropna().tolist()


@pytest.mark.parametrize("of", ["cohort", "encoded"])
def test_a_mudata_has_a_modality_of_those_who_have_it(graph, tmp_path, of, request):
    features = request.getfixturevalue(of)
    write(graph, tmp_path / "g.h5mu", "h5mu", features=features)
    for described in (gm.to_mudata(graph, features), read_h5mu(tmp_path / "g.h5mu")):
        assert set(described.mod) == {"patients", "labs", "clinical", "codes"}
        assert list(described.obs_names) == [f"p{at}" for at in range(60)]
        for at, name in enumerate(features.modalities):
            here = np.flatnonzero(features.present[:, at])
            assert list(described.mod[name].obs_names) == [f"p{at}" for at in here]
        assert (
            np.asarray(described.mod["labs"].X).shape[0] == features.present[:, features.modalities.index("labs")].sum()
        )
        back = gm.from_anndata(described)
        assert (back.trained, back.kinds) == (45, graph.kinds)
        for one, other in zip(back.relations, graph.relations, strict=True):
            assert np.array_equal(one.edges, other.edges)
            assert np.array_equal(one.weight, other.weight)


def test_a_patient_with_nothing_measured_stays_in_a_mudata(encoded, tmp_path):
    links = gm.Concepts("codes", most=0.9)
    nobody = gm.EncodedCohort(
        encoded.ids,
        encoded.features,
        encoded.present & (np.arange(60) != 7)[:, None],
        encoded.columns,
        encoded.tables,
        encoded.groups,
    )
    graph = gm.build_graph(links, nobody)
    write(graph, tmp_path / "g.h5mu", "h5mu", features=nobody, ids=True)
    described = read_h5mu(tmp_path / "g.h5mu")
    assert list(described.obs_names) == list(encoded.ids)
    back = gm.from_anndata(described)
    assert dict(back.concepts) == dict(graph.concepts)
    assert back.edges == graph.edges


def test_no_patient_id_is_in_a_file_unless_asked_for(graph, cohort, tmp_path):
    for to in ("h5ad", "h5mu"):
        write(graph, tmp_path / to, to, features=cohort)
        assert not any(name.encode() in (tmp_path / to).read_bytes() for name in graph.ids)
        write(graph, tmp_path / to, to, features=cohort, ids=True)
        assert all(name.encode() in (tmp_path / to).read_bytes() for name in graph.ids)


def test_what_does_not_go_together_is_refused(graph, encoded, tmp_path, monkeypatch):
    with pytest.raises(gm.GraphError, match="other patients than the graph, or in another order"):
        gm.to_anndata(graph, encoded[::-1])
    with pytest.raises(gm.GraphError, match="give the patients' features, or write h5ad"):
        write(graph, tmp_path / "g.h5mu", "h5mu")
    named = gm.Relation("labs", np.zeros((2, 0), dtype=np.int64), np.zeros(0), "codes")
    named = gm.PatientGraph(graph.ids, 45, (named,), {"codes": ("icd0",)})
    with pytest.raises(gm.GraphError, match="or a relation and a modality, are called 'labs'"):
        gm.to_mudata(named, encoded)
    bare = gm.to_anndata(graph)
    del bare.obsp[graph.relations[0].name]
    with pytest.raises(gm.GraphError, match="a relation of the graph is gone"):
        gm.from_anndata(bare)
    del bare.uns["graphmml"]
    with pytest.raises(gm.GraphError, match="holds no graph of ours"):
        gm.from_anndata(bare)
    monkeypatch.setattr(scverse, "anndata", None)
    with pytest.raises(gm.GraphError, match=r"pip install 'graphmml\[anndata\]'"):
        gm.to_anndata(graph)


def test_what_the_relations_do_not_say_is_json_in_uns(graph):
    assert json.loads(gm.to_anndata(graph).uns["graphmml"])["trained"] == 45
