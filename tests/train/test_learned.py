from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import graphmml as gm
from graphmml.cli import commands
from graphmml.cli.choices import ModelChoice, structures_of
from graphmml.model.tensors import GraphTensors
from graphmml.train.planned import plan
from graphmml.train.scores import rank_area

TINY = gm.Training(epochs=4, patience=4)
PHENOTYPE = partial(gm.PhenotypeEdges, modality="clinical")
STRUCTURES = [PHENOTYPE, gm.NeighbourEdges, partial(gm.NeighbourEdges, k=2)]


def planted(patients=300, seed=0):
    """A hidden class that one phenotype of eleven tells of, and a table that tells the outcome, its own, a little."""
    random = np.random.default_rng(seed)
    ids = pd.Index([f"p{at:03d}" for at in range(patients)])
    y = random.integers(0, 2, patients)
    clinical = pd.DataFrame(random.normal(size=(patients, 10)), index=ids).rename(columns="noise{}".format)
    clinical["kind"] = np.where(random.random(patients) < 0.9, y, 1 - y) * 2.0
    labs = pd.DataFrame(random.normal(size=(patients, 4)) + 0.4 * y[:, None], index=ids).rename(columns="lab{}".format)
    outcome = pd.Series(np.where(y, "case", "control"), index=ids)
    return gm.Cohort.from_frames({"clinical": clinical, "labs": labs}, outcome, positive="case")


def same_class(graph, cohort, relation):
    classes = cohort.outcome.values.loc[graph.ids].to_numpy()
    return np.asarray(classes[relation.edges[0]] == classes[relation.edges[1]], dtype=bool)


@pytest.mark.parametrize("structure", [PHENOTYPE, gm.NeighbourEdges], ids=["phenotype", "neighbours"])
def test_edges_of_new_patients_within_a_hidden_class_are_learned_to_weigh_more(structure):
    cohort = planted()
    found = []
    for epochs in (1, 100):
        how = gm.Training(epochs=epochs, learning_rate=0.01 if epochs > 1 else 1e-9)
        links = gm.RandomEdges(k=10)
        model = gm.GraphClassifier(links, structure=structure, members=2, training=how, device="cpu").fit(cohort[:200])
        graph = gm.learned_graph(model, cohort[200:])
        (relation,) = graph.relations
        new = relation.edges[1] >= graph.trained
        same = same_class(graph, cohort, relation)[new]
        assert 0.4 < same.mean() < 0.6
        found.append(rank_area(same, relation.weight[new]))
    untrained, trained = found
    assert trained > 0.7
    assert trained > untrained + 0.1


@pytest.fixture(params=STRUCTURES, ids=repr)
def fitted(request, cohort):
    links = gm.Neighbours(k=5, each=True)
    return gm.GraphClassifier(
        links, structure=request.param, members=2, width=8, training=TINY, device="cpu"
    ).fit(cohort[:45])  # fmt: skip


def test_a_prediction_does_not_depend_on_who_else_is_asked_about(fitted, cohort):
    together = fitted.predict_proba(cohort[45:])
    for at in range(15):
        assert np.allclose(fitted.predict_proba(cohort[45 + at : 46 + at])[0], together[at], atol=1e-6)


def test_the_same_seed_gives_the_same_answer_and_leaves_global_chance_alone(fitted, cohort):
    before = torch.random.get_rng_state()
    again = clone(fitted).fit(cohort[:45])
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.array_equal(again.predict_proba(cohort[45:]), fitted.predict_proba(cohort[45:]))
    assert not np.allclose(
        clone(fitted).set_params(structure=None).fit(cohort[:45]).predict_proba(cohort[45:]),
        fitted.predict_proba(cohort[45:]),
    )


def test_save_load_predict_is_bit_equal(fitted, cohort, tmp_path):
    gm.save(fitted, tmp_path / "model")
    loaded = gm.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(cohort[45:]), fitted.predict_proba(cohort[45:]))
    assert repr(loaded.structure) == repr(fitted.structure)


def test_the_learned_graph_is_each_candidate_s_mean_weight_over_the_members(fitted, cohort):
    graph = gm.learned_graph(fitted, cohort[45:])
    new = fitted.encoder_.transform(cohort[45:])
    candidates = gm.build_graph(fitted.links, fitted.source_, new)
    assert graph.ids.equals(candidates.ids)
    assert graph.trained == 45
    tensors = GraphTensors.of(candidates, fitted.source_, new, device=torch.device("cpu"))
    for at, relation in enumerate(graph.relations):
        total = {}
        for member in fitted.members_:
            network = member.network
            item = network.edges(tensors, network.front(tensors).fused)[at]
            for (a, b), weight in zip(item.index.T.tolist(), item.weight.tolist(), strict=True):
                total[a, b] = total.get((a, b), 0) + weight / 2
        assert list(map(tuple, relation.edges.T.tolist())) == [
            pair for pair in map(tuple, candidates.relations[at].edges.T.tolist()) if pair in total
        ]
        assert relation.weight.tolist() == pytest.approx([total[a, b] for a, b in relation.edges.T], rel=1e-5)


def test_without_a_structure_the_learned_graph_is_the_links(cohort):
    links = gm.Neighbours(k=5, weight="similarity")
    model = gm.GraphClassifier(links, members=3, width=8, training=TINY, device="cpu").fit(cohort[:45])
    learned, drawn = gm.learned_graph(model), gm.build_graph(links, model.source_)
    for one, other in zip(learned.relations, drawn.relations, strict=True):
        assert np.array_equal(one.edges, other.edges)
        assert np.allclose(one.weight, other.weight)
    with pytest.raises(gm.NotFittedError):
        gm.learned_graph(gm.GraphClassifier())


def test_without_edges_a_structure_is_no_structure(cohort):
    settings = {"members": 2, "width": 8, "training": TINY, "device": "cpu"}
    bare, learning = (
        gm.GraphClassifier(gm.NoEdges(), structure=structure, **settings).fit(cohort[:45]).predict_proba(cohort[45:])
        for structure in (None, gm.NeighbourEdges)
    )
    assert np.array_equal(bare, learning)


def test_fixed_and_learned_graphs_share_one_twin_without_edges_and_each_its_shuffled_self():
    models = ModelChoice(
        "random:k=3", "sage", "gated", members=2, seed=0, structure="none,phenotype:modality=clinical,neighbours:k=2"
    ).models()
    rows = plan(models, "inductive")
    assert [row.name for row in rows if row.kind == "graph"] == [
        "sage on random:k=3",
        "sage on random:k=3, edges learned by phenotype:modality=clinical",
        "sage on random:k=3, edges learned by neighbours:k=2",
    ]
    for some in (models, dict(list(models.items())[1:])):
        assert [row.model.structure for row in plan(some, "inductive") if row.kind == "no-graph"] == [None]
    shuffled = [row.model for row in rows if row.kind == "shuffled"]
    assert [repr(model.structure) for model in shuffled] == [repr(model.structure) for model in models.values()]
    assert all(isinstance(model.links, gm.Shuffled) for model in shuffled)


def test_words_become_structures():
    made = structures_of("none,phenotype:modality=clinical+labs,dropout=0.1,neighbours,graphmml:NeighbourEdges,k=3")
    assert made["none"] is None
    phenotype = made["phenotype:modality=clinical+labs,dropout=0.1"]
    assert phenotype.func is gm.PhenotypeEdges
    assert phenotype.keywords == {"modality": ("clinical", "labs"), "dropout": 0.1}
    assert made["neighbours"] is gm.NeighbourEdges
    assert made["graphmml:NeighbourEdges,k=3"].keywords == {"k": 3}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("attention", "no structure 'attention'; choose phenotype, neighbours, or module:Class"),
        ("phenotype", "'phenotype' wants modality; write for instance phenotype:modality="),
        ("neighbours:width=3", "has no option 'width=3'; it has: k"),
        ("none:k=3", "no structure 'none'; choose phenotype"),
    ],
)
def test_words_that_are_no_structure_are_refused_with_what_there_is(words, said):
    with pytest.raises(gm.GraphError, match=said):
        structures_of(words)


def test_a_saved_model_s_learned_graph_is_exported_as_any_graph_is(fitted, tmp_path):
    gm.save(fitted, tmp_path / "model")
    commands.export(tmp_path / "model", output=tmp_path / "edges.csv", to="csv", cohort=None, ids=False, json=False)
    written, graph = pd.read_csv(tmp_path / "edges.csv"), gm.learned_graph(fitted)
    assert written["weight"].tolist() == pytest.approx(np.concatenate([item.weight for item in graph.relations]))
    assert written["source"].tolist() == np.concatenate([item.edges[0] for item in graph.relations]).tolist()
