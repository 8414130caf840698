from functools import partial

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors
from graphmml.model.sampled import Batches, hops_of
from graphmml.model.tensors import GraphTensors
from graphmml.model.towers import network_for

CPU = torch.device("cpu")
LINKS = [
    gm.Neighbours(k=4),
    gm.Neighbours(k=4, each=True, weight="similarity"),
    gm.Neighbours("labs", k=3, edges="union"),
    gm.Layers((gm.Concepts("codes", most=0.9), gm.Neighbours(k=3))),
    gm.Concepts("clinical", most=0.9, support=1, rarity=False),
    gm.ModalityNodes(k=3),
    gm.Visits(most=0.9),
    gm.NoEdges(),
]
CONVS = [partial(gm.SAGEStack, depth=2), gm.GCNStack, partial(gm.GCNStack, depth=2), gm.GATStack]


@pytest.fixture
def made(encoded):
    """Make the tensors of 45 patients with 15 attached and a network on them, in evaluation."""

    def make(links, conv=gm.SAGEStack, fusion=gm.GatedFusion):
        source, target = encoded[:45], encoded[45:]
        graph = gm.build_graph(links, source, target)
        columns = {name: len(columns) for name, columns in encoded.columns.items()}
        torch.manual_seed(0)
        network = network_for(
            columns, graph.schema, outputs=2, width=8, encoder=gm.LinearEncoder, fusion=fusion, conv=conv
        )
        return network.eval(), GraphTensors.of(graph, source, target, device=CPU)

    return make


PATIENTS_ALONE = (gm.Neighbours, gm.NoEdges)
"""GCN takes no others."""
PAIRS = [
    (links, conv) for links in LINKS for conv in CONVS if isinstance(links, PATIENTS_ALONE) or "GCN" not in repr(conv)
]


@pytest.mark.parametrize(("links", "conv"), PAIRS, ids=repr)
def test_with_all_neighbours_every_answer_is_that_on_the_whole_graph(links, conv, made):
    network, graph = made(links, conv)
    expected = network(graph)
    rows = torch.arange(59, 2, -3)
    seen = []
    for who, part in Batches(graph, rows, 7, hops=hops_of(network)):
        assert len(part.present) <= 60
        assert torch.allclose(network(part)[: len(who)], expected[who], atol=1e-5)
        seen.append(who)
    assert torch.equal(torch.cat(seen), rows)


@pytest.mark.parametrize("fusion", [gm.Late(), gm.Intermediate(own_graphs=True), gm.Hybrid()], ids=repr)
def test_so_it_is_wherever_modalities_meet(fusion, made):
    network, graph = made(gm.Neighbours(k=3, each=True), gm.GCNStack, fusion)
    expected = network(graph)
    for who, part in Batches(graph, torch.arange(60), 11, hops=hops_of(network)):
        assert torch.allclose(network(part)[: len(who)], expected[who], atol=1e-5)


def test_completion_listens_a_step_further(made):
    fusion = gm.Intermediate(complete=gm.NeighbourCompletion)
    network, graph = made(gm.Neighbours(k=3), fusion=fusion)
    assert hops_of(network) == 2
    expected = network(graph)
    for who, part in Batches(graph, torch.arange(60), 9, hops=2):
        assert torch.allclose(network(part)[: len(who)], expected[who], atol=1e-5)


@pytest.mark.parametrize("conv", [gm.SAGEStack, partial(gm.GCNStack, depth=2)], ids=repr)
def test_one_batch_of_everybody_has_the_gradient_of_the_whole_graph(conv, made):
    network, graph = made(gm.Neighbours(k=4, each=True), conv)
    codes = torch.arange(60) % 2

    def gradients(graph, codes):
        network.zero_grad()
        torch.nn.functional.cross_entropy(network(graph), codes).backward()
        return [weight.grad.clone() for weight in network.parameters() if weight.grad is not None]

    expected = gradients(graph, codes)
    ((who, part),) = Batches(graph, torch.arange(60), 60, hops=hops_of(network), neighbours=15, shuffle=True, seed=3)
    assert not torch.equal(who, torch.arange(60)), "not shuffled"
    for one, other in zip(gradients(part, codes[who]), expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_a_sample_holds_true_edges_alone_and_no_more_than_asked_for(made):
    _, graph = made(gm.Neighbours(k=6, each=True))
    marked = GraphTensors({"number": torch.arange(60.0)[:, None]}, torch.ones(60, 1, dtype=torch.bool), graph.edges)
    for _, part in Batches(marked, torch.arange(60), 8, hops=2, neighbours=2, seed=1):
        number = part.measured["number"].flatten().long()
        for item, whole in zip(part.edges, graph.edges, strict=True):
            pairs = {tuple(pair) for pair in number[item.index].T.tolist()}
            assert pairs <= {tuple(pair) for pair in whole.index.T.tolist()}
            assert len(pairs) == item.index.shape[1], "an edge was drawn twice"
            assert int(item.count.max()) <= 2


def test_attached_patients_speak_in_no_batch(made):
    _, graph = made(gm.Neighbours(k=6))
    marked = GraphTensors({"number": torch.arange(60.0)[:, None]}, torch.ones(60, 1, dtype=torch.bool), graph.edges)
    for who, part in Batches(marked, torch.arange(45), 8, hops=2, neighbours=2):
        assert (part.measured["number"] < 45).all()
        assert (who < 45).all()


@pytest.mark.parametrize("how", ["averaged", "normalised"])
def test_over_many_draws_what_is_heard_is_what_the_whole_graph_says(how):
    random = torch.Generator().manual_seed(0)
    mask = torch.rand(30, 30, generator=random) < 0.4
    index = mask.fill_diagonal_(False).nonzero().T
    weight = torch.ones(index.shape[1]) if how == "averaged" else torch.rand(index.shape[1], generator=random) + 0.2
    item = EdgeTensors((PATIENT, "alike", PATIENT), index, weight, (30, 30))
    x = torch.randn(30, 1, generator=random)
    graph = GraphTensors({"x": x}, torch.ones(30, 1, dtype=torch.bool), [item])
    expected = getattr(item, how)(x)
    batches = Batches(graph, torch.arange(30), 30, hops=1, neighbours=3, seed=0)
    drawn = [getattr(part.edges[0], how)(part.measured["x"]) for _ in range(600) for _, part in batches]
    error = torch.stack(drawn).std(dim=0) / 600**0.5
    assert ((torch.stack(drawn).mean(dim=0) - expected).abs() < 4.5 * error + 1e-6).all()
    assert (error > 0).any()


def test_the_same_seed_draws_the_same_and_every_round_draws_anew(made):
    _, graph = made(gm.Neighbours(k=6))

    def rounds(seed):
        batches = Batches(graph, torch.arange(60), 20, hops=1, neighbours=2, shuffle=True, seed=seed)
        return [[(who.tolist(), part.edges[0].index.tolist()) for who, part in batches] for _ in range(2)]

    assert rounds(1) == rounds(1)
    assert rounds(1)[0] != rounds(1)[1]
    assert rounds(1) != rounds(2)


def test_a_structure_and_a_conv_that_says_nothing_of_its_reach_are_refused(made):
    network, _ = made(gm.Neighbours(k=3))
    network.structure = torch.nn.Identity()
    with pytest.raises(gm.GraphError, match="a structure is learned on the whole graph"):
        hops_of(network)
    network.structure, network.passing.conv = None, torch.nn.Identity()
    with pytest.raises(gm.GraphError, match="does not say how far it listens"):
        hops_of(network)


def test_a_model_trained_in_batches_answers_alone_as_in_company(cohort):
    training = gm.Training(epochs=3, batch=16, neighbours=2)
    model = gm.GraphClassifier(gm.Neighbours(k=4), width=8, members=2, training=training).fit(cohort[:45])
    again = gm.GraphClassifier(gm.Neighbours(k=4), width=8, members=2, training=training).fit(cohort[:45])
    p = model.predict_proba(cohort[45:])
    assert np.array_equal(p, again.predict_proba(cohort[45:]))
    assert model.predict_proba(cohort[50:51]) == pytest.approx(p[5:6], abs=1e-6)
    for member in model.members_:
        object.__setattr__(member, "batch", None)
    assert model.predict_proba(cohort[45:]) == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"neighbours": 0}, {"batch": -1}])
def test_batches_of_nobody_are_refused(wrong):
    with pytest.raises(gm.GraphmmlError, match="batch and neighbours must be 1 or more"):
        gm.Training(**wrong)
