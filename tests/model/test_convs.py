import pytest
import torch
from torch import nn

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.model.convs import key
from graphmml.model.edges import EdgeTensors, edge_tensors, slot

ALIKE = (PATIENT, "alike", PATIENT)
HAS, OF = (PATIENT, "has", "code"), ("code", "of", PATIENT)
CONVS = [gm.SAGEStack, gm.GCNStack, gm.GATStack]
NODES, WIDTH = 9, 8


def edges_of(kind, shape, seed=0, share=0.3):
    """Draw weighted edges without loops, float64; the last target hears nobody."""
    random = torch.Generator().manual_seed(seed)
    mask = torch.rand(shape, generator=random) < share
    mask[:, -1] = False
    if kind[0] == kind[2]:
        mask.fill_diagonal_(False)
    index = mask.nonzero().T
    weight = torch.rand(index.shape[1], generator=random, dtype=torch.float64) + 0.2
    return EdgeTensors(kind, index, weight, shape)


def dense(item):
    """Return weights as [target, source]."""
    matrix = torch.zeros(item.shape[1], item.shape[0], dtype=torch.float64)
    matrix[item.index[1], item.index[0]] = item.weight
    return matrix


def without_target(item, target):
    """Drop the edges of one target."""
    kept = item.index[1] != target
    return EdgeTensors(item.kind, item.index[:, kept], item.weight[kept], item.shape)


def mean_message(conv, source, target, item):
    matrix = dense(item)
    return matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1e-12) @ source @ conv.lin_l.weight.T


def symmetric_message(conv, source, target, item):
    matrix = dense(item) + torch.eye(NODES, dtype=torch.float64)
    root = torch.diag(matrix.sum(dim=1) ** -0.5)
    return root @ matrix @ root @ source @ conv.lin.weight.T


def attention_message(conv, source, target, item):
    heads, part = conv.att_src.shape[1:]
    told = (source @ conv.lin_src.weight.T).view(-1, heads, part)
    heard = (target @ conv.lin_dst.weight.T).view(-1, heads, part)
    score = (heard * conv.att_dst).sum(-1)[:, None] + (told * conv.att_src).sum(-1)[None, :]  # [target, source, head]
    linked = (dense(item) > 0)[:, :, None]
    raised = nn.functional.leaky_relu(score, 0.2).exp() * linked
    share = raised / raised.sum(dim=1, keepdim=True).clamp(min=1e-300)
    return torch.einsum("tsh,shp->thp", share, told).reshape(len(target), -1)


FORMULAS = [(gm.SAGEStack, mean_message), (gm.GCNStack, symmetric_message), (gm.GATStack, attention_message)]


@pytest.fixture
def x():
    return torch.randn(NODES, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(("conv", "message"), FORMULAS, ids=lambda part: part.__name__)
def test_a_step_is_what_one_is_plus_what_one_hears_by_the_dense_formula(conv, message, x):
    item = edges_of(ALIKE, (NODES, NODES))
    stack = conv(WIDTH, [ALIKE], depth=1).double().eval()
    (layer,) = stack.layers
    (inner,) = layer.convs.values()
    own = layer.own[slot(PATIENT)]
    heard = message(inner, x, x, item)
    assert float(heard.detach().abs().max()) > 0.1
    expected = x + (x @ own.weight.T + own.bias + heard).relu()
    assert torch.allclose(stack({PATIENT: x}, [item]), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("conv", "message"), FORMULAS, ids=lambda part: part.__name__)
def test_two_steps_are_one_after_the_other_and_relations_are_averaged(conv, message, x):
    other = (PATIENT, "near", PATIENT)
    items = [edges_of(ALIKE, (NODES, NODES)), edges_of(other, (NODES, NODES), seed=1)]
    stack = conv(WIDTH, [ALIKE, other], depth=2, residual=False).double().eval()
    both = int((dense(items[0]).any(dim=1) & dense(items[1]).any(dim=1)).nonzero()[0])
    items[0] = without_target(items[0], both)  # who had edges in both relations has them in the second alone
    has = torch.stack([dense(item).sum(dim=1) > 0 for item in items]).double()
    share = torch.where(has.sum(dim=0) > 0, has / has.sum(dim=0).clamp(min=1), 0.5)
    assert share[:, both].tolist() == [0, 1]
    assert not has[:, -1].any()
    state = x
    for layer in stack.layers:
        told = [message(inner, state, state, item) for inner, item in zip(layer.convs.values(), items, strict=True)]
        heard = share[0][:, None] * told[0] + share[1][:, None] * told[1]
        own = layer.own[slot(PATIENT)]
        state = (state @ own.weight.T + own.bias + heard).relu()
    assert torch.allclose(stack({PATIENT: x}, items), state, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("conv", [gm.SAGEStack, gm.GCNStack])
def test_a_heavier_edge_is_heard_more(conv, x):
    index = torch.tensor([[1, 2], [0, 0]])

    def weighed(first):
        item = EdgeTensors(ALIKE, index, torch.tensor([first, 1.0], dtype=torch.float64), (NODES, NODES))
        return item.mean if conv is gm.SAGEStack else item.symmetric

    light, heavy = weighed(1.0).to_dense(), weighed(5.0).to_dense()
    assert heavy[0, 1] > light[0, 1]
    assert heavy[0, 2] < light[0, 2]


def test_a_mean_sums_to_one_for_those_who_hear_anybody():
    item = edges_of(ALIKE, (NODES, NODES))
    rows = item.mean.to_dense().sum(dim=1)
    heard = torch.zeros(NODES, dtype=torch.bool).index_fill_(0, item.index[1], True)
    assert torch.allclose(rows[heard], torch.ones(int(heard.sum()), dtype=torch.float64))
    assert not heard.all()
    assert (rows[~heard] == 0).all()


@pytest.mark.parametrize(
    ("conv", "message"),
    [(gm.SAGEStack, mean_message), (gm.GATStack, attention_message)],
    ids=lambda part: part.__name__,
)
def test_through_concepts_a_step_is_the_dense_formula_for_both_kinds_of_node(conv, message, x):
    codes = torch.randn(4, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    has, of = edges_of(HAS, (NODES, 4)), edges_of(OF, (4, NODES), seed=1)
    stack = conv(WIDTH, [HAS, OF], depth=2).double().eval()
    one, two = stack.layers

    def after(layer, patients, concepts):
        speaks, listens = layer.convs[key(HAS)], layer.convs[key(OF)]
        own = [layer.own[slot(kind)] for kind in (PATIENT, "code")]
        return (
            patients + (own[0](patients) + message(listens, concepts, patients, of)).relu(),
            concepts + (own[1](concepts) + message(speaks, patients, concepts, has)).relu(),
        )

    expected, _ = after(two, *after(one, x, codes))
    assert torch.allclose(stack({PATIENT: x, "code": codes}, [has, of]), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("conv", [gm.SAGEStack, gm.GATStack])
def test_who_shares_a_concept_is_felt_in_two_steps_and_not_in_one(conv):
    has = EdgeTensors(HAS, torch.tensor([[0, 1], [0, 0]]), torch.ones(2), (3, 2))
    of = EdgeTensors(OF, torch.tensor([[0, 0], [0, 1]]), torch.ones(2), (2, 3))
    x, codes = torch.randn(3, WIDTH), torch.randn(2, WIDTH)
    changed = x.clone()
    changed[0] += 1
    for depth, felt in ((1, [True, False, False]), (2, [True, True, False])):
        torch.manual_seed(0)
        stack = conv(WIDTH, [HAS, OF], depth=depth).eval()
        before, after = (stack({PATIENT: state, "code": codes}, [has, of]) for state in (x, changed))
        assert ((before - after).abs().sum(dim=1) > 1e-6).tolist() == felt


def test_gcn_refuses_concepts_and_names_who_takes_them():
    with pytest.raises(gm.GraphError, match=r"through concepts \(has, of\); use SAGEStack or GATStack"):
        gm.GCNStack(WIDTH, [HAS, OF, ALIKE])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dropout": 2}, "dropout is 2; choose a share from 0 to below 1"),
        ({"dropout": -0.1}, "dropout is -0.1"),
        ({"depth": 0}, "depth is 0; choose a whole number, one or more"),
        ({"depth": 1.5}, "depth is 1.5"),
    ],
)
@pytest.mark.parametrize("conv", CONVS)
def test_options_that_no_stack_can_be_made_of_are_refused(conv, options, said):
    with pytest.raises(gm.GraphError, match=said):
        conv(WIDTH, [ALIKE], **options)


def test_gat_refuses_no_heads():
    with pytest.raises(gm.GraphError, match="heads is 0; choose a whole number"):
        gm.GATStack(WIDTH, [ALIKE], heads=0)


def test_gat_refuses_heads_that_do_not_divide_the_width():
    with pytest.raises(gm.GraphError, match="width is 8 and heads 3"):
        gm.GATStack(8, [ALIKE], heads=3)


@pytest.mark.parametrize("conv", CONVS)
def test_attached_patients_do_not_move_those_they_listen_to(conv, x):
    """Edges run to the newcomers alone, so states of the others stay."""
    item = edges_of(ALIKE, (NODES - 3, NODES - 3))
    more = torch.cat([item.index, torch.tensor([[0, 1, 2], [6, 7, 8]])], dim=1)
    attached = EdgeTensors(ALIKE, more, torch.cat([item.weight, torch.ones(3, dtype=torch.float64)]), (NODES, NODES))
    stack = conv(WIDTH, [ALIKE], depth=2).double().eval()
    alone = stack({PATIENT: x[:6]}, [item])
    assert torch.allclose(alone, stack({PATIENT: x}, [attached])[:6], rtol=1e-10)


@pytest.mark.parametrize("conv", CONVS)
def test_a_norm_of_ones_own_is_applied_to_the_patients(conv, x):
    stack = conv(WIDTH, [ALIKE], residual=False, norm=nn.LayerNorm).double().eval()
    assert [type(norm) for norm in stack.layers[0].norms.values()] == [nn.LayerNorm]
    bare = conv(WIDTH, [ALIKE], residual=False).double().eval()
    bare.load_state_dict(stack.state_dict(), strict=False)
    item = edges_of(ALIKE, (NODES, NODES))
    assert not torch.allclose(stack({PATIENT: x}, [item]), bare({PATIENT: x}, [item]))


def test_a_graphs_relations_become_tensors_of_its_sizes(encoded):
    graph = gm.build_graph(gm.Concepts("codes", most=0.9), encoded[:45], encoded[45:])
    items = edge_tensors(graph, torch.device("cpu"))
    count = len(graph.concepts["codes"])
    assert [item.shape for item in items] == [(60, count), (count, 60)]
    for item, relation in zip(items, graph.relations, strict=True):
        assert item.index.tolist() == relation.edges.tolist()
        assert item.weight.tolist() == pytest.approx(relation.weight.tolist())
