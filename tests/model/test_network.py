from dataclasses import replace

import pytest
import torch

import graphmml as gm
from graphmml.model.tensors import GraphTensors

CPU = torch.device("cpu")


def network_of(graph, encoded, **settings):
    parts = {"width": 8, "encoder": gm.LinearEncoder, "fusion": gm.GatedFusion, "conv": gm.SAGEStack} | settings
    torch.manual_seed(0)
    return gm.GraphNetwork(
        {modality: len(columns) for modality, columns in encoded.columns.items()},
        graph.schema,
        outputs=3,
        **parts,
    ).eval()


LINKS = [
    gm.Neighbours(k=4),
    gm.Concepts("codes", most=0.9),
    gm.ModalityNodes(k=3),
    gm.ModalityNodes(k=3, modality="labs"),
    gm.Visits(most=0.9),
    gm.NoEdges(),
]


@pytest.fixture(params=LINKS, ids=repr)
def links(request):
    return request.param


def test_every_patient_gets_every_output(links, encoded):
    graph = gm.build_graph(links, encoded[:45], encoded[45:])
    tensors = GraphTensors.of(graph, encoded[:45], encoded[45:], device=CPU)
    assert network_of(graph, encoded)(tensors).shape == (60, 3)


@pytest.mark.parametrize("noise", [1e3, float("nan"), float("inf")])
def test_what_stands_in_an_absent_modality_changes_no_output(links, encoded, noise):
    graph = gm.build_graph(links, encoded)
    network = network_of(graph, encoded)
    clean = GraphTensors.of(graph, encoded, device=CPU)
    noisy = {
        name: features.masked_fill(~clean.present[:, at, None], noise)
        for at, (name, features) in enumerate(clean.features.items())
    }
    assert not clean.present.all()
    assert torch.equal(network(clean), network(replace(clean, features=noisy)))


def test_what_stands_in_an_absent_modality_reaches_no_gradient(encoded):
    graph = gm.build_graph(gm.Neighbours(k=4), encoded)
    clean = GraphTensors.of(graph, encoded, device=CPU)
    gradients = []
    for noise in (0.0, float("nan")):
        features = {
            name: matrix.masked_fill(~clean.present[:, at, None], noise)
            for at, (name, matrix) in enumerate(clean.features.items())
        }
        network = network_of(graph, encoded)
        network(replace(clean, features=features)).square().sum().backward()
        gradients.append([weight.grad for weight in network.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_what_stands_in_a_present_modality_does_change_the_output(links, encoded):
    graph = gm.build_graph(links, encoded)
    network = network_of(graph, encoded)
    clean = GraphTensors.of(graph, encoded, device=CPU)
    other = {name: features + clean.present[:, at, None] for at, (name, features) in enumerate(clean.features.items())}
    assert not torch.allclose(network(clean), network(replace(clean, features=other)))


def test_attached_patients_change_no_output_of_the_source(links, encoded):
    train = encoded[:45]
    alone, attached = gm.build_graph(links, train), gm.build_graph(links, train, encoded[45:])
    network = network_of(alone, encoded)
    before = network(GraphTensors.of(alone, train, device=CPU))
    after = network(GraphTensors.of(attached, train, encoded[45:], device=CPU))
    assert torch.allclose(before, after[:45], atol=1e-6)


def test_a_concept_has_a_vector_that_learns(encoded):
    graph = gm.build_graph(gm.Concepts("codes", most=0.9), encoded)
    network = network_of(graph, encoded)
    network(GraphTensors.of(graph, encoded, device=CPU)).square().sum().backward()
    (vectors,) = network.passing.concepts.values()
    assert vectors.shape == (len(graph.concepts["codes"]), 8)
    assert float(vectors.grad.abs().sum()) > 0


def test_without_concepts_every_weight_gets_a_finite_gradient(encoded):
    graph = gm.build_graph(gm.Neighbours(k=4, each=True), encoded)
    network = network_of(graph, encoded)
    network(GraphTensors.of(graph, encoded, device=CPU)).square().sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in network.parameters())


@pytest.mark.parametrize("name", ["labs.v2", "items", "values", "train", "rna seq", "type"])
def test_a_modality_may_have_any_name(encoded, name):
    """Names are the user's; none may collide with what torch calls its own."""
    renamed = replace(
        encoded,
        features={name if key == "codes" else key: matrix for key, matrix in encoded.features.items()},
        columns={name if key == "codes" else key: columns for key, columns in encoded.columns.items()},
        tables={name if key == "codes" else key: table for key, table in encoded.tables.items()},
    )
    for links in (gm.Neighbours(name, k=4), gm.Concepts(name, most=0.9)):
        graph = gm.build_graph(links, renamed)
        out = network_of(graph, renamed)(GraphTensors.of(graph, renamed, device=CPU))
        assert torch.isfinite(out).all()
