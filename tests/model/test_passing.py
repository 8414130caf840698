import torch
from torch import nn

from graphmml.graph.patient_graph import GraphSchema
from graphmml.model.passing import MessagePassing
from graphmml.model.tensors import GraphTensors, PartTensors


class Recorded(nn.Module):
    """A convolution that keeps what it is given and returns the patients as they are."""

    def __init__(self, width, relations):
        super().__init__()
        self.relations = relations

    def forward(self, x, edges):
        self.x, self.edges = x, edges
        return x["patient"]


RELATIONS = (("codes", "of_codes", "patient"), ("labs", "of_labs", "patient"), ("visit", "of_visit", "patient"))


def test_concepts_are_learned_vectors_and_parts_start_from_a_modality_or_their_features():
    schema = GraphSchema(RELATIONS, {"codes": 5}, {"labs": 0, "visit": 3})
    passing = MessagePassing(schema, 4, Recorded)
    patients, labs = torch.randn(3, 4), torch.randn(3, 4)
    visits = torch.randn(4, 3)
    parts = {
        "labs": PartTensors(torch.tensor([0, 2]), "labs", None),
        "visit": PartTensors(torch.tensor([0, 1, 1, 2]), None, visits),
    }
    graph = GraphTensors({}, torch.ones(3, 2, dtype=torch.bool), [], parts)
    assert torch.equal(passing(graph, patients, {"labs": labs}, []), patients)
    given = passing.conv.x
    assert list(given) == ["patient", "codes", "labs", "visit"]
    (vectors,) = passing.concepts.values()
    assert given["codes"] is vectors
    assert vectors.shape == (5, 4)
    assert torch.equal(given["labs"], labs[[0, 2]])
    (start,) = passing.starts.values()
    assert torch.allclose(given["visit"], visits @ start.weight.T + start.bias, atol=1e-6)
    assert passing.conv.relations == RELATIONS
