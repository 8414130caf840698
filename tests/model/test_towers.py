from dataclasses import replace
from functools import partial

import pytest
import torch

import graphmml as gm
from graphmml.graph.patient_graph import GraphSchema
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import LateNetwork, OwnGraphNetwork, is_own, network_for, own_graph, own_schema
from graphmml.train.loop import Part, train_network
from graphmml.train.tasks import ClassTask

CPU = torch.device("cpu")
NAMES = ("clinical", "codes", "labs")
STILL = {"encoder": partial(gm.LinearEncoder, dropout=0.0), "conv": partial(gm.SAGEStack, dropout=0.0)}


def owned(links, encoded):
    """Return the names of the relations that each modality hears."""
    schema = gm.build_graph(links, encoded).schema
    return {
        name: [kind[1] for kind in own_schema(schema, name, tuple(encoded.columns)).relations]
        for name in encoded.columns
    }


HEARD = [
    (gm.Neighbours(k=4, each=True), {name: [name] for name in NAMES}),
    (gm.Neighbours("labs", k=4), {"clinical": [], "codes": [], "labs": ["labs"]}),
    (gm.SharedPhenotype("sex", k=4), {name: ["same_sex"] for name in NAMES}),
    (gm.Neighbours(k=4), {name: ["neighbours"] for name in NAMES}),
    (gm.Concepts("codes", most=0.9), {"clinical": [], "codes": ["has_codes", "of_codes"], "labs": []}),
    (gm.NoEdges(), {name: [] for name in NAMES}),
    (gm.ModalityNodes(k=3), {name: [f"of_{name}", f"has_{name}", f"near_{name}"] for name in NAMES}),
    (
        gm.Layers((gm.Neighbours("labs", k=4), gm.SharedPhenotype("sex", k=4), gm.Neighbours("labs", k=2))),
        {"clinical": ["same_sex"], "codes": ["same_sex"], "labs": ["labs", "same_sex", "labs 2"]},
    ),
]


@pytest.mark.parametrize(("links", "heard"), HEARD, ids=lambda part: repr(part) if hasattr(part, "link") else "")
def test_a_modality_hears_its_own_relations_and_those_of_nobody(links, heard, encoded):
    assert owned(links, encoded) == heard


@pytest.mark.parametrize(("links", "heard"), HEARD, ids=lambda part: repr(part) if hasattr(part, "link") else "")
def test_a_graph_of_its_own_has_the_relations_nodes_and_parts_of_its_own_schema(links, heard, encoded):
    graph = gm.build_graph(links, encoded)
    tensors = GraphTensors.of(graph, encoded, device=CPU)
    for name in NAMES:
        schema, own = own_schema(graph.schema, name, NAMES), own_graph(tensors, name, NAMES)
        assert [item.kind for item in own.edges] == list(schema.relations)
        assert list(own.parts) == list(schema.parts)
        ends = {end for source, _, target in schema.relations for end in (source, target)}
        assert ends - {"patient"} == {*schema.concepts, *schema.parts}
        for item in own.edges:
            assert item in tensors.edges


@pytest.mark.parametrize(
    ("kind", "modalities", "owner"),
    [
        (("patient", "rna", "patient"), ("rna", "rna seq"), "rna"),
        (("patient", "rna seq", "patient"), ("rna", "rna seq"), "rna seq"),
        (("patient", "rna seq 2", "patient"), ("rna", "rna seq"), "rna seq"),
        (("patient", "rna 2", "patient"), ("rna", "rna seq"), "rna"),
        (("rna seq", "near", "rna seq"), ("rna", "rna seq"), "rna seq"),
        (("patient", "rnas", "patient"), ("rna", "rna seq"), None),
        (("patient", "labs", "patient"), ("labs", "patient"), "labs"),
        (("patient", "same_sex", "patient"), ("labs", "patient"), None),
    ],
)
def test_a_relation_belongs_to_the_modality_it_is_named_after_and_to_no_other(kind, modalities, owner):
    for name in modalities:
        assert is_own(kind, name, modalities) == (owner in (None, name))


def network_on(graph, encoded, fusion, **settings):
    torch.manual_seed(0)
    columns = {name: len(names) for name, names in encoded.columns.items()}
    settings = {"encoder": gm.LinearEncoder, "conv": gm.SAGEStack} | settings
    return network_for(columns, graph.schema, outputs=2, width=8, fusion=fusion, **settings)


def moved(tensors, name):
    """Other columns in one modality, of everybody."""
    return replace(tensors, features=dict(tensors.features) | {name: tensors.features[name] + 1.0})


@pytest.mark.parametrize("links", [gm.Neighbours(k=4, each=True), gm.ModalityNodes(k=3)], ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_the_models_of_late_fusion_know_nothing_of_each_others_columns(links, name, encoded):
    graph = gm.build_graph(links, encoded)
    network = network_on(graph, encoded, gm.Late(), conv=partial(gm.SAGEStack, depth=2)).eval()
    tensors = GraphTensors.of(graph, encoded, device=CPU)
    before, after = network.answer(tensors).alone, network.answer(moved(tensors, name)).alone
    for other in NAMES:
        assert torch.equal(before[other], after[other]) == (other != name)


def test_late_fusion_passes_messages_along_each_modalitys_own_edges(encoded):
    """Without them another patient's columns are not felt; with them they are, by who listens to it."""
    graph = gm.build_graph(gm.Neighbours("labs", k=4), encoded)
    network = network_on(graph, encoded, gm.Late()).eval()
    tensors = GraphTensors.of(graph, encoded, device=CPU)
    speaker = int(tensors.edges[0].index[0, 0])
    listeners = set(tensors.edges[0].index[1][tensors.edges[0].index[0] == speaker].tolist())
    for name, felt in (("labs", {speaker, *listeners}), ("clinical", {speaker})):
        changed = dict(tensors.features) | {name: tensors.features[name].clone()}
        changed[name][speaker] += 1
        difference = (
            network.answer(tensors).alone[name] - network.answer(replace(tensors, features=changed)).alone[name]
        )
        assert set(torch.nonzero(difference.abs().sum(dim=1) > 1e-6).flatten().tolist()) == felt


def test_late_fusion_predicts_the_mean_probability_of_the_present(encoded):
    graph = gm.build_graph(gm.Neighbours(k=4, each=True), encoded)
    network, tensors = network_on(graph, encoded, gm.Late()).eval(), GraphTensors.of(graph, encoded, device=CPU)
    alone = network.answer(tensors).alone
    for row, here in enumerate(tensors.present):
        expected = torch.stack([alone[name][row].softmax(dim=0) for name, has in zip(NAMES, here, strict=True) if has])
        assert torch.allclose(network(tensors)[row].exp(), expected.mean(dim=0), atol=1e-6)


@pytest.fixture
def people(cohort):
    """The training patients, those to stop by, and everybody's class by number."""
    encoded = gm.CohortEncoder().fit(cohort[:45]).transform(cohort)
    task = ClassTask.of(cohort[:45])
    return encoded[:45], encoded[45:], task, torch.from_numpy(task.codes(cohort))


def parts_of(people, links):
    """Return the graph, and what is learned from and stopped by."""
    train, held_out, _, codes = people
    graph, attached = gm.build_graph(links, train), gm.build_graph(links, train, held_out)
    stop = codes.clone()
    stop[:45] = -1
    learn = Part(GraphTensors.of(graph, train, device=CPU), codes[:45])
    return graph, learn, Part(GraphTensors.of(attached, train, held_out, device=CPU), stop)


def of_one(encoded, name):
    """The same patients, of whom nothing else is known."""
    at = list(encoded.columns).index(name)
    return replace(
        encoded,
        features={name: encoded.features[name]},
        columns={name: encoded.columns[name]},
        tables={name: encoded.tables[name]},
        present=encoded.present[:, [at]],
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_late_fusion_is_the_one_that_would_be_trained_alone(name, people):
    """From equal weights, on the modality's own graph, over the patients who have it: the same loss and weights."""
    how = gm.Training(epochs=40, patience=3, learning_rate=0.05)
    train, held_out, task, codes = people
    graph, learn, stop = parts_of(people, gm.Neighbours(k=3, each=True))
    late = network_on(graph, train, gm.Late(), **STILL)
    tower = late.towers()[name]
    one = of_one(train, name), of_one(held_out, name), task, codes
    own, learn_alone, stop_alone = parts_of(one, gm.Neighbours(name, k=3))
    alone = network_on(own, one[0], gm.MeanFusion, **STILL)
    alone.load_state_dict(tower.state_dict())
    has = torch.cat([torch.from_numpy(part.present[:, 0]) for part in one[:2]])
    learn_alone = replace(learn_alone, codes=learn_alone.codes.masked_fill(~has[:45], -1))
    stop_alone = replace(stop_alone, codes=stop_alone.codes.masked_fill(~has, -1))
    seen = []
    lowest = train_network(alone, task, learn_alone, stop_alone, how, seen.append)
    train_network(late, task, learn, stop, how)
    assert len(seen) < 40, "never stopped: train longer"
    held_out_loss = late.held_out(late.answer(stop.graph), stop.graph.present, cost_on(task, stop))[name]
    assert float(held_out_loss.detach()) == pytest.approx(lowest.loss, rel=1e-5)
    for key, weight in alone.state_dict().items():
        assert torch.allclose(weight, tower.state_dict()[key], atol=1e-5), key


def cost_on(task, part):
    """A second way to count some patients: leave the others out."""

    def cost(logits, who):
        counted = (part.codes >= 0) & who
        return task.loss(logits[counted], part.codes[counted])

    return cost


def test_own_graphs_pass_messages_first_and_fuse_after(encoded):
    """With depth 1 a patient feels in each modality who it listens to there, and nobody through another modality."""
    graph = gm.build_graph(gm.Neighbours(k=4, each=True), encoded)
    network = network_on(graph, encoded, gm.Intermediate(gm.MeanFusion, own_graphs=True)).eval()
    tensors = GraphTensors.of(graph, encoded, device=CPU)
    out = network(tensors)
    for at, name in enumerate(NAMES):
        changed = dict(tensors.features) | {name: tensors.features[name].clone()}
        changed[name][0] += 1
        difference = (network(replace(tensors, features=changed)) - out).abs().sum(dim=1) > 1e-6
        item = next(item for item in tensors.edges if item.kind[1] == name)
        listeners = set(item.index[1][item.index[0] == 0].tolist())
        assert set(torch.nonzero(difference).flatten().tolist()) == (
            {0, *listeners} if tensors.present[0, at] else set()
        )


@pytest.mark.parametrize("links", [gm.Neighbours(k=4, each=True), gm.SharedPhenotype("sex", k=4)], ids=repr)
def test_own_graphs_fuse_the_states_of_each_modality(links, encoded):
    """Whoever lacks a modality starts at zeros there, and tells those who listen to it nothing."""
    graph = gm.build_graph(links, encoded)
    network = network_on(graph, encoded, gm.Intermediate(gm.MeanFusion, own_graphs=True)).eval()
    tensors = GraphTensors.of(graph, encoded, device=CPU)
    states = []
    for at, (name, passing) in enumerate(zip(NAMES, network.passing.values(), strict=True)):
        vectors = network.front.encoded(tensors)[name].masked_fill(~tensors.present[:, at, None], 0.0)
        states.append(
            passing.conv({"patient": vectors}, [item for item in tensors.edges if item.kind[1] in (name, "same_sex")])
        )
    for row, here in enumerate(tensors.present):
        mean = sum(state[row] for state, has in zip(states, here, strict=True) if has) / here.sum()
        assert torch.allclose(network(tensors)[row], network.head(mean), atol=1e-5)


def test_each_strategy_has_its_network_and_a_structure_wants_one_graph():
    schema = GraphSchema((("patient", "labs", "patient"),), {}, {})
    settings = {"outputs": 2, "width": 8, "encoder": gm.LinearEncoder, "conv": gm.SAGEStack}
    kinds = {
        gm.GatedFusion: gm.GraphNetwork,
        gm.Early(): gm.GraphNetwork,
        gm.Intermediate(): gm.GraphNetwork,
        gm.Hybrid(): gm.GraphNetwork,
        gm.Intermediate(own_graphs=True): OwnGraphNetwork,
        gm.Late(): LateNetwork,
    }
    for fusion, kind in kinds.items():
        network = network_for({"labs": 3, "codes": 2}, schema, fusion=fusion, **settings)
        assert type(network) is kind
        assert list(network.towers()) == (["labs", "codes"] if kind is LateNetwork else [""])
        build = partial(network_for, {"labs": 3}, schema, fusion=fusion, structure=gm.NeighbourEdges, **settings)
        if kind is gm.GraphNetwork:
            assert build().structure is not None
        else:
            with pytest.raises(gm.GraphError, match="a structure is learned for one network on one graph"):
                build()
