"""The same laws over every constructor, fusion and conv; a new one joins its list."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors

CONSTRUCTORS = [
    gm.Neighbours(k=4),
    gm.Neighbours("labs", k=4, metric="euclidean", weight="similarity"),
    gm.Neighbours(("clinical", "labs"), k=4, metric="correlation", edges="mutual"),
    gm.Neighbours("codes", k=4, edges="union"),
    gm.Neighbours(k=3, each=True, weight="similarity"),
    gm.SharedPhenotype("sex", k=4),
    gm.SharedPhenotype(("site", "age"), tolerance=(0, 10), k=4),
    gm.SharedPhenotype(("age", "a"), tolerance=(10, 1.0), k=4),
    gm.Concepts("codes", most=0.9),
    gm.Concepts("clinical", most=0.9, support=1, rarity=False),
    gm.RandomEdges(k=4),
    gm.Shuffled(gm.Neighbours(k=4)),
    gm.Shuffled(gm.Concepts("codes", most=0.9)),
    gm.NoEdges(),
]
FUSIONS = [gm.MeanFusion, gm.ConcatFusion, gm.GatedFusion, gm.AttentionFusion]
CONVS = [gm.SAGEStack, gm.GCNStack, gm.GATStack]


def by_id(relations, source, target):
    """Return edges as {relation: {(source name, target name): weight}}, whatever the numbering."""
    named = {}
    for relation in relations:
        names = {
            0: list(source.ids) if relation.source == PATIENT else relations.concepts[relation.source],
            1: list(target.ids) if relation.target == PATIENT else relations.concepts[relation.target],
        }
        pairs = [(names[0][a], names[1][b]) for a, b in relation.edges.T]
        assert len(set(pairs)) == len(pairs), "an edge stands twice"
        named[relation.name] = dict(zip(pairs, relation.weight.tolist(), strict=True))
    return named


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].keys() == other[name].keys()
        for pair, weight in one[name].items():
            assert weight == pytest.approx(other[name][pair], rel=1e-5)


def emptied_rows(table, blank):
    return table.mask(np.repeat(blank[:, None], table.shape[1], axis=1))


@pytest.fixture(params=CONSTRUCTORS, ids=repr)
def links(request):
    return request.param


@pytest.fixture
def parts(encoded):
    return encoded[:45], encoded[45:]


def test_renumbering_patients_renumbers_edges(links, parts):
    train, new = parts
    random = np.random.default_rng(1)
    mixed, mixed_new = train[random.permutation(len(train))], new[random.permutation(len(new))]
    if not isinstance(links, gm.Shuffled):  # which edges are exchanged is drawn in the order of rows
        same(by_id(links.link(train, train), train, train), by_id(links.link(mixed, mixed), mixed, mixed))
        same(by_id(links.link(train, new), train, new), by_id(links.link(mixed, mixed_new), mixed, mixed_new))


def test_nobody_listens_to_itself(links, parts):
    train, _ = parts
    for target in (train, train[3:4], train[10:20]):
        for relation in links.link(train, target):
            if relation.source == relation.target == PATIENT:
                assert (train.ids[relation.edges[0]] != target.ids[relation.edges[1]]).all()


def test_newcomers_change_no_edge_of_each_other(links, parts):
    train, new = parts
    together = by_id(links.link(train, new), train, new)
    for at in range(len(new)):
        alone = by_id(links.link(train, new[at : at + 1]), train, new[at : at + 1])
        for name, edges in alone.items():
            mine = {pair: weight for pair, weight in together[name].items() if pair[1] == new.ids[at]}
            listened = {pair: weight for pair, weight in edges.items() if pair[1] == new.ids[at]}
            same({name: mine}, {name: listened})


def test_the_training_graph_is_the_same_with_newcomers_attached(links, parts):
    train, new = parts
    alone, attached = gm.build_graph(links, train), gm.build_graph(links, train, new)
    for before, after in zip(alone.relations, attached.relations, strict=True):
        within = after.edges[1] < len(train) if after.target == PATIENT else np.ones(len(after), dtype=bool)
        assert np.array_equal(before.edges, after.edges[:, within])
        assert np.array_equal(before.weight, after.weight[within])
        if after.source == PATIENT:
            assert (after.edges[0] < len(train)).all(), "somebody listens to a newcomer"


def test_a_patient_without_anything_agrees_with_nobody(links, parts):
    """Missing never equals missing: two patients of whom nothing is known are not alike."""
    if isinstance(links, (gm.RandomEdges, gm.NoEdges, gm.Shuffled)):
        pytest.skip("a control links whom it links")
    train, _ = parts
    blank = np.isin(np.arange(len(train)), [0, 7, 9])
    emptied = replace(
        train,
        present=train.present & ~blank[:, None],
        features={name: np.where(blank[:, None], 0, matrix) for name, matrix in train.features.items()},
        tables={name: emptied_rows(table, blank) for name, table in train.tables.items()},
        groups=emptied_rows(train.groups, blank),
    )
    for relation in links.link(emptied, emptied):
        for row, kind in enumerate((relation.source, relation.target)):
            if kind == PATIENT:
                assert not np.isin(relation.edges[row], np.flatnonzero(blank)).any()


def test_noise_in_an_absent_modality_changes_no_edge(links, parts):
    train, _ = parts
    noisy = {
        name: np.where(train.has(name)[:, None], matrix, 99.0).astype(np.float32)
        for name, matrix in train.features.items()
    }
    other = replace(train, features=noisy)
    same(by_id(links.link(train, train), train, train), by_id(links.link(other, other), other, other))


def test_a_constructor_is_frozen_and_equal_to_its_likes(links):
    assert hash(links) == hash(links)
    assert links == eval(repr(links), vars(gm) | {name: getattr(gm, name) for name in gm.__all__})
    with pytest.raises(AttributeError):
        links.anything = 1


def test_edges_stay_proportional_to_patients(links, encoded):
    many = encoded[np.repeat(np.arange(60), 5)]
    many = replace(many, ids=pd.Index([f"n{at}" for at in range(300)], dtype="str"))
    if isinstance(links, gm.Shuffled):
        pytest.skip("as many as the links inside")
    relations = links.link(many, many)
    bound = 300 * 20 * max(len(relations), 1)
    assert relations.edges <= bound


@pytest.fixture(params=FUSIONS, ids=lambda fusion: fusion.__name__)
def fusion(request):
    torch.manual_seed(0)
    return request.param


def test_noise_in_an_absent_modality_changes_no_fused_vector(fusion):
    mix = fusion(6, 3)
    x, present = torch.randn(8, 3, 6), torch.rand(8, 3) > 0.4
    for noise in (1e6, float("nan"), float("inf")):
        noisy = torch.where(present.unsqueeze(-1), x, torch.full_like(x, noise))
        assert torch.equal(mix(x, present), mix(noisy, present))


def test_one_modality_passes_through(fusion):
    x = torch.randn(8, 1, 6)
    assert torch.allclose(fusion(6, 1)(x, torch.ones(8, 1, dtype=torch.bool)), x[:, 0], atol=1e-6)


def test_one_present_modality_of_several_passes_through_unless_it_is_mapped(fusion):
    if fusion is gm.ConcatFusion:
        pytest.skip("several modalities side by side are mapped to one width")
    x, present = torch.randn(8, 3, 6), torch.zeros(8, 3, dtype=torch.bool)
    present[:, 1] = True
    assert torch.allclose(fusion(6, 3)(x, present), x[:, 1], atol=1e-6)


def test_a_patient_with_nothing_becomes_zeros_with_finite_gradients(fusion):
    mix = fusion(6, 3)
    x = torch.randn(4, 3, 6, requires_grad=True)
    present = torch.ones(4, 3, dtype=torch.bool)
    present[2] = False
    out = mix(x, present)
    assert torch.equal(out[2], torch.zeros(6))
    out.sum().backward()
    assert torch.isfinite(x.grad).all()
    assert all(torch.isfinite(weight.grad).all() for weight in mix.parameters() if weight.grad is not None)


@pytest.fixture(params=CONVS, ids=lambda conv: conv.__name__)
def conv(request):
    torch.manual_seed(0)
    return request.param


def path_of(nodes, relation=(PATIENT, "next", PATIENT)):
    """Node n listens to node n - 1."""
    index = torch.stack([torch.arange(nodes - 1), torch.arange(1, nodes)])
    return EdgeTensors(relation, index, torch.ones(nodes - 1), (nodes, nodes))


def test_without_edges_patients_do_not_influence_each_other(conv):
    stack = conv(8, [], depth=2).eval()
    x = torch.randn(5, 8)
    changed = x.clone()
    changed[1:] += 1
    assert torch.equal(stack({PATIENT: x}, [])[0], stack({PATIENT: changed}, [])[0])


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_far_edge_is_felt_within_depth_steps_and_no_further(conv, depth):
    stack = conv(8, [(PATIENT, "next", PATIENT)], depth=depth).eval()
    x = torch.randn(8, 8)
    changed = x.clone()
    changed[0] += 1
    moved = (stack({PATIENT: x}, [path_of(8)]) - stack({PATIENT: changed}, [path_of(8)])).abs().sum(dim=1) > 1e-6
    assert moved.tolist() == [at <= depth for at in range(8)]


def test_renumbering_patients_renumbers_their_states(conv):
    stack = conv(8, [(PATIENT, "next", PATIENT)], depth=2).eval()
    x, order = torch.randn(6, 8), torch.tensor([3, 1, 5, 0, 2, 4])
    path = path_of(6)
    place = torch.empty(6, dtype=torch.long).scatter_(0, order, torch.arange(6))
    moved = EdgeTensors(path.kind, place[path.index], path.weight, path.shape)
    assert torch.allclose(stack({PATIENT: x}, [path])[order], stack({PATIENT: x[order]}, [moved]), atol=1e-6)


def test_every_part_gets_a_gradient(conv):
    stack = conv(8, [(PATIENT, "next", PATIENT)], depth=2)
    stack({PATIENT: torch.randn(6, 8)}, [path_of(6)]).square().sum().backward()
    assert all(weight.grad is not None and torch.isfinite(weight.grad).all() for weight in stack.parameters())
