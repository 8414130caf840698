from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

import graphmml as gm
from graphmml.graph.patient_graph import GraphSchema
from graphmml.model.front import FusedFront, JoinedFront, front_for, thinned
from graphmml.model.tensors import GraphTensors, PartTensors

COLUMNS = {"labs": 2, "codes": 5, "age": 1}


class Columns(nn.Module):
    """An encoder that returns the mean of its columns, in each of the width."""

    def __init__(self, columns, width):
        super().__init__()
        self.width = width

    def forward(self, x):
        return x.mean(dim=1, keepdim=True).expand(-1, self.width)


class Recorded(nn.Module):
    """An auxiliary loss that keeps what it is given."""

    def __init__(self, width, modalities):
        super().__init__()

    def forward(self, x, present, fused):
        self.x, self.present, self.fused = x.detach(), present, fused.detach()
        return x.sum() * 0 + 2


@pytest.fixture
def graph():
    """Twelve patients in three modalities; the first has everything, the second nothing."""
    torch.manual_seed(0)
    present = torch.rand(12, 3) > 0.4
    present[0], present[1] = True, False
    return GraphTensors({name: torch.randn(12, count) for name, count in COLUMNS.items()}, present, [])


def made(**settings):
    torch.manual_seed(0)
    return FusedFront(gm.Intermediate(**settings), COLUMNS, 4, gm.LinearEncoder)


def test_early_fusion_divides_columns_by_their_number_and_adds_one_for_presence(graph):
    front = JoinedFront(COLUMNS, 4, gm.LinearEncoder).eval()
    start = front(graph)
    weight, bias = front.encoder.linear.weight, front.encoder.linear.bias
    assert weight.shape == (4, 2 + 5 + 1 + 3)
    for row, here in enumerate(graph.present):
        columns = [graph.features[name][row] / count * here[at] for at, (name, count) in enumerate(COLUMNS.items())]
        expected = weight @ torch.cat([*columns, here.float()]) + bias if here.any() else torch.zeros(4)
        assert torch.allclose(start.fused[row], expected, atol=1e-6)
    assert not start.completed.any()
    assert start.encoded == {}


@pytest.mark.parametrize("drop", [0.0, 0.2, 0.7])
def test_modalities_are_hidden_with_a_probability_and_never_a_patients_last(drop):
    torch.manual_seed(0)
    present = torch.rand(4000, 3) > 0.4
    kept = thinned(present, drop)
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(dim=1), present.any(dim=1))
    for count in (2, 3):  # where all would have gone, all are kept
        rows = present.sum(dim=1) == count
        share = kept[rows].sum() / (count * rows.sum())
        assert float(share) == pytest.approx((1 - drop) + drop**count, abs=0.03)


def test_modalities_are_hidden_in_training_alone(graph):
    front = made(drop=0.6)
    encoded = {name: torch.randn(12, 4) for name in COLUMNS}
    hidden = front.train().usable(encoded, graph)[1]
    assert 0 < hidden.sum() < graph.present.sum()
    assert torch.equal(front.eval().usable(encoded, graph)[1], graph.present)
    assert not torch.equal(front.train().usable(encoded, graph)[1], hidden)


def test_what_is_completed_is_fused_and_marked(graph):
    front = made(fusion=gm.MeanFusion, complete=gm.LearnedTokens).eval()
    with torch.no_grad():
        front.complete.token.copy_(torch.arange(12).view(3, 4))
        start = front(graph)
    assert torch.equal(start.completed, ~graph.present & graph.present.any(dim=1, keepdim=True))
    for row, here in enumerate(graph.present):
        vectors = [
            start.encoded[name][row] if here[at] else front.complete.token[at] for at, name in enumerate(COLUMNS)
        ]
        assert torch.allclose(start.fused[row], sum(vectors) / 3 if here.any() else torch.zeros(4), atol=1e-6)


@pytest.mark.parametrize("complete", [None, gm.LearnedTokens, gm.ExpertCompletion])
def test_an_auxiliary_loss_is_of_what_was_encoded_whatever_is_hidden_or_stood_in_for(graph, complete):
    front = made(drop=0.6, complete=complete, auxiliary=Recorded).train()
    start = front(graph)
    assert torch.equal(front.auxiliary.present, graph.present)
    assert torch.equal(front.auxiliary.x, torch.stack(list(start.encoded.values()), dim=1))
    assert torch.equal(front.auxiliary.fused, start.fused)
    assert float(start.penalty.detach()) >= 2


def test_an_auxiliary_loss_counts_in_training_alone(graph):
    front = made(auxiliary=Recorded)
    assert front.train()(graph).penalty == 2
    assert front.eval()(graph).penalty == 0


def test_a_modality_that_is_a_node_is_not_fused_even_where_it_could_be_completed(graph):
    apart = replace(graph, parts={"codes": PartTensors(torch.arange(12), "codes", None)})
    present = graph.present.clone()
    present[:, 1] = False
    for complete in (None, gm.LearnedTokens):
        front = made(complete=complete).eval()
        start = front(apart)
        usable = front.usable(start.encoded, apart)[1]
        assert not usable[:, 1].any()
        assert not start.completed[:, 1].any()
        assert torch.equal(
            start.fused, front.fusion(*front.usable(start.encoded, replace(graph, present=present))[:1], usable)
        )


def weights_of(front, graph):
    return front.weights(front.encoded(graph), graph)[0]


def test_weights_are_read_after_completion_and_refused_where_there_are_none(graph):
    weights = weights_of(made(complete=gm.LearnedTokens).eval(), graph)
    somebody = graph.present.any(dim=1)
    assert (weights[somebody] > 0).all()
    assert torch.allclose(weights.sum(dim=1), somebody.float())
    assert torch.equal(weights_of(made().eval(), graph) > 0, graph.present)
    with pytest.raises(gm.GraphError, match="ConcatFusion has no weight a modality to read"):
        weights_of(made(fusion=gm.ConcatFusion), graph)


def test_an_encoder_of_ones_own_is_given_the_columns_of_its_modality(graph):
    encoded = FusedFront(gm.Intermediate(), COLUMNS, 4, Columns).encoded(graph)
    for at, name in enumerate(COLUMNS):
        assert torch.allclose(encoded[name][:, 0], graph.features[name].mean(dim=1) * graph.present[:, at])


def test_a_front_is_chosen_by_the_strategy_and_nothing_that_it_says_is_ignored():
    schema = GraphSchema((), {}, {})
    build = partial(front_for, columns=COLUMNS, schema=schema, width=4, encoder=gm.LinearEncoder)
    assert isinstance(build(gm.Early()), JoinedFront)
    assert isinstance(build(gm.Intermediate()), FusedFront)
    assert isinstance(build(gm.Hybrid()), FusedFront)
    for strategy in (gm.Late(), gm.Intermediate(own_graphs=True)):
        with pytest.raises(gm.GraphError, match="has a graph for each modality"):
            build(strategy)
    with pytest.raises(gm.GraphError, match="Early has no vector of a single modality"):
        front_for(gm.Early(), COLUMNS, GraphSchema((), {}, {"labs": 0}), 4, gm.LinearEncoder)
    visits = GraphSchema((), {}, {"visit": 3})
    assert isinstance(front_for(gm.Early(), COLUMNS, visits, 4, gm.LinearEncoder), JoinedFront)
