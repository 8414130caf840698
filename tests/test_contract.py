"""The same laws over every constructor, fusion and conv; a new one joins its list."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import graphmml as gm
from graphmml.data.timeline import Timeline
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors
from graphmml.model.tensors import GraphTensors

GRAPH = Path(__file__).parent / "graph"
CONSTRUCTORS = [
    gm.Neighbours(k=4),
    gm.Neighbours("labs", k=4, metric="euclidean", weight="similarity"),
    gm.Neighbours(("clinical", "labs"), k=4, metric="correlation", edges="mutual"),
    gm.Neighbours("codes", k=4, edges="union"),
    gm.Neighbours(k=3, each=True, weight="similarity"),
    gm.Neighbours(k=4, metric="gower", weight="similarity"),
    gm.Neighbours("codes", k=4, metric="jaccard"),
    gm.Neighbours("clinical", k=4, metric="hamming", edges="mutual"),
    gm.Neighbours("labs", k=4, metric="euclidean", overlap=3, weight="rbf"),
    gm.Neighbours("labs", k=4, metric="correlation", overlap=4),
    gm.Neighbours(("codes", "labs"), k=4, overlap=2, edges="scaled"),
    gm.Neighbours("labs", k=4, edges="scaled", weight="rbf"),
    gm.Neighbours("labs", k=4, recall=0.9),
    gm.Within(0.05, "labs"),
    gm.Within(0.3, "labs", metric="euclidean", weight="similarity"),
    gm.Within(0.1, metric="gower"),
    gm.Densest(4, "labs", weight="similarity"),
    gm.Densest(4, metric="gower"),
    gm.Densest(3, ("clinical", "labs"), metric="euclidean"),
    gm.SharedPhenotype("sex", k=4),
    gm.SharedPhenotype(("site", "age"), tolerance=(0, 10), k=4),
    gm.SharedPhenotype(("age", "a"), tolerance=(10, 1.0), k=4),
    gm.SharedPhenotype(("sex", "site", "grade"), k=4, least=2),
    gm.SharedPhenotype(("sex", "age", "a"), tolerance=(0, 10, 1.0), k=4, weights=(1.0, 2.0, 0.5), least=2.5),
    gm.PhenotypeGate("labs", "site", k=4),
    gm.PhenotypeGate("codes", ("sex", "age"), tolerance=(0, 10), weights=(1.0, 2.0), metric="euclidean", k=4),
    gm.PhenotypeGate("clinical", ("site", "grade"), metric="gower", k=4),
    gm.Restricted(gm.Neighbours("labs", k=4), across="site"),
    gm.Restricted(gm.Neighbours(k=3, each=True, edges="mutual"), across="site"),
    gm.Restricted(gm.Neighbours("labs", k=4, edges="union", weight="similarity"), within="site"),
    gm.Restricted(gm.SharedPhenotype("sex", k=4), across="grade"),
    gm.Restricted(gm.Neighbours("labs", k=2, edges="mutual"), evenly="site"),
    gm.Restricted(gm.Restricted(gm.Neighbours("labs", k=2), across="grade"), within="site"),
    gm.Layers((gm.Neighbours("labs", k=4), gm.Neighbours("labs", k=3, metric="euclidean"), gm.SharedPhenotype("sex"))),
    gm.Layers((gm.Concepts("codes", most=0.9), gm.Neighbours(k=3), gm.Concepts("codes", most=0.9, rarity=False))),
    gm.Layers((gm.Visits(most=0.9), gm.ModalityNodes(k=3, modality="labs"))),
    gm.Union((gm.Neighbours("labs", k=4), gm.SharedPhenotype("sex", k=4))),
    gm.Union((gm.Neighbours(k=3, each=True, weight="similarity"),), weight="max"),
    gm.Intersection((gm.Neighbours("labs", k=20), gm.SharedPhenotype("site", k=40))),
    gm.Intersection((gm.Neighbours(k=8, each=True), gm.RandomEdges(k=4)), least=2, weight="min"),
    gm.Reweighted(gm.Neighbours("labs", k=4), modality="clinical"),
    gm.Reweighted(gm.Union((gm.Neighbours("labs", k=3), gm.SharedPhenotype("sex", k=3))), metric="euclidean", scale=3),
    gm.Reweighted(gm.Neighbours(k=4, each=True), by="similarity", metric="gower"),
    gm.Reweighted(gm.SharedPhenotype("sex", k=4), by="agreement", columns=("site", "age"), tolerance=(0, 10)),
    gm.Reweighted(gm.Concepts("codes", most=0.9), by="binary"),
    gm.Shuffled(gm.Layers((gm.Neighbours("labs", k=4), gm.Concepts("codes", most=0.9)))),
    gm.Layers(
        (
            gm.Union((gm.Restricted(gm.Neighbours("labs", k=3), across="site"), gm.Neighbours("codes", k=2))),
            gm.Reweighted(gm.PhenotypeGate("labs", "sex", k=3), by="binary"),
        )
    ),
    gm.Concepts("codes", most=0.9),
    gm.Concepts("clinical", most=0.9, support=1, rarity=False),
    gm.Concepts("clinical", most=0.9, numbers=3, shared=True),
    gm.Concepts("labs", numbers="weights"),
    gm.Concepts("codes", most=1.0, hierarchy=3, known=GRAPH / "known_codes.csv"),
    gm.KnownEdges(GRAPH / "known_edges.csv"),
    gm.KnownEdges(GRAPH / "known_edges.csv", weight="closeness", name="kin", directed=True),
    gm.Shuffled(gm.Concepts("codes", most=1.0, hierarchy=3)),
    gm.Shuffled(gm.KnownEdges(GRAPH / "known_edges.csv")),
    gm.FusedSimilarity(k=5, degree=4),
    gm.FusedSimilarity(("clinical", "codes"), k=4, degree=3, candidates=6, dense_up_to=0),
    gm.RandomEdges(k=4),
    gm.Shuffled(gm.Neighbours(k=4)),
    gm.Shuffled(gm.Concepts("codes", most=0.9)),
    gm.ModalityNodes(k=3),
    gm.ModalityNodes(k=0),
    gm.ModalityNodes(k=3, metric="euclidean", modality=("codes", "labs")),
    gm.Visits(most=0.9),
    gm.Shuffled(gm.ModalityNodes(k=3)),
    gm.Shuffled(gm.Visits(most=0.9)),
    gm.RandomLike(gm.Neighbours("labs", k=4, edges="mutual")),
    gm.RandomLike(gm.Neighbours(k=3, each=True, weight="similarity")),
    gm.Detached(gm.Layers((gm.Neighbours("labs", k=4), gm.Concepts("codes", most=0.9)))),
    gm.Detached(gm.Visits(most=0.9)),
    gm.NoEdges(),
]
FUSIONS = [gm.MeanFusion, gm.ConcatFusion, gm.GatedFusion, gm.AttentionFusion]
CONVS = [gm.SAGEStack, gm.GCNStack, gm.GATStack]
STRUCTURES = [
    partial(gm.PhenotypeEdges, modality="clinical"),
    partial(gm.PhenotypeEdges, modality=("codes", "labs")),
    gm.NeighbourEdges,
    partial(gm.NeighbourEdges, k=2),
]


def nodes_of(kind, relations, people):
    """Name the nodes of a kind; a part by its owner's id and its number there."""
    if kind == PATIENT:
        return list(people.ids)
    if kind in relations.parts:
        parts = relations.parts[kind]
        return [f"{people.ids[owner]}#{at}" for owner, at in zip(parts.owner, parts.number, strict=True)]
    return relations.concepts[kind]


def by_id(links, source, target):
    """Return edges as {relation: {(source name, target name): weight}}, whatever the numbering."""
    relations, within = links.link(source, target), links.link(source, source)
    named = {}
    for relation in relations:
        speakers = (relations, target) if relation.own else (within, source)
        names = [nodes_of(relation.source, *speakers), nodes_of(relation.target, relations, target)]
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
        same(by_id(links, train, train), by_id(links, mixed, mixed))
        same(by_id(links, train, new), by_id(links, mixed, mixed_new))


def test_nobody_listens_to_itself(links, parts):
    train, _ = parts
    for target in (train, train[3:4], train[10:20]):
        for relation in links.link(train, target):
            if relation.source == relation.target == PATIENT:
                assert (train.ids[relation.edges[0]] != target.ids[relation.edges[1]]).all()


def test_newcomers_change_no_edge_of_each_other(links, parts):
    train, new = parts
    together = by_id(links, train, new)
    for at in range(len(new)):
        alone = by_id(links, train, new[at : at + 1])
        for name, edges in alone.items():
            mine = {pair: weight for pair, weight in together[name].items() if pair[1].split("#")[0] == new.ids[at]}
            listened = {pair: weight for pair, weight in edges.items() if pair[1].split("#")[0] == new.ids[at]}
            same({name: mine}, {name: listened})


def test_the_training_graph_is_the_same_with_newcomers_attached(links, parts):
    train, new = parts
    alone, attached = gm.build_graph(links, train), gm.build_graph(links, train, new)
    for before, after in zip(alone.relations, attached.relations, strict=True):
        within = after.edges[1] < alone.count(after.target)
        assert np.array_equal(before.edges, after.edges[:, within])
        assert np.array_equal(before.weight, after.weight[within])
        speaker, listener = attached.owners(after.source, after.edges[0]), attached.owners(after.target, after.edges[1])
        strange = after.edges[0] >= alone.count(after.source)
        assert (speaker[strange] == listener[strange]).all(), "somebody else listens to a newcomer"
        assert after.own or not strange.any()
    for kind, parts in alone.parts.items():
        assert np.array_equal(parts.owner, attached.parts[kind].owner[: len(parts)])
        assert parts.features is None or np.array_equal(parts.features, attached.parts[kind].features[: len(parts)])


def test_parts_of_newcomers_do_not_depend_on_each_other(links, parts):
    train, new = parts
    together = links.link(train, new).parts
    for at in range(len(new)):
        for kind, own in links.link(train, new[at : at + 1]).parts.items():
            mine = together[kind].owner == at
            assert len(own) == mine.sum()
            assert own.features is None or np.array_equal(own.features, together[kind].features[mine])


def test_own_edges_stay_within_a_patient(links, parts):
    """Nothing of one patient is another's: among the source, and where newcomers are attached."""
    train, new = parts
    for graph in (gm.build_graph(links, train), gm.build_graph(links, train, new)):
        for relation in graph.relations:
            ends = graph.owners(relation.source, relation.edges[0]), graph.owners(relation.target, relation.edges[1])
            if relation.own:
                assert np.array_equal(*ends)
            elif {relation.source, relation.target} <= {PATIENT, *graph.parts}:
                assert (ends[0] != ends[1]).all(), "somebody listens to itself"


def test_a_patient_without_anything_agrees_with_nobody(links, parts):
    """Missing never equals missing: two patients of whom nothing is known are not alike."""
    if isinstance(links, (gm.RandomEdges, gm.RandomLike, gm.NoEdges, gm.Shuffled, gm.KnownEdges)):
        pytest.skip("a control links whom it links, and so does a file")
    train, _ = parts
    blank = np.isin(np.arange(len(train)), [0, 7, 9])
    emptied = replace(
        train,
        present=train.present & ~blank[:, None],
        features={name: np.where(blank[:, None], 0, matrix) for name, matrix in train.features.items()},
        tables={name: emptied_rows(table, blank) for name, table in train.tables.items()},
        groups=emptied_rows(train.groups, blank),
        timeline=train.timeline.of(train.ids[~blank]),
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
    same(by_id(links, train, train), by_id(links, other, other))


def test_a_constructor_is_frozen_and_equal_to_its_likes(links):
    assert hash(links) == hash(links)
    assert links == eval(repr(links), vars(gm) | {name: getattr(gm, name) for name in gm.__all__})
    with pytest.raises(AttributeError):
        links.anything = 1


def test_edges_stay_proportional_to_patients(links, encoded, visits):
    many = encoded[np.repeat(np.arange(60), 5)]
    ids = pd.Index([f"n{at}" for at in range(300)], dtype="str")
    many = replace(many, ids=ids, timeline=Timeline.from_frames(*visits(ids)))
    if isinstance(links, (gm.Shuffled, gm.KnownEdges)):
        pytest.skip("as many as the links inside, or the rows of the file")
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


@pytest.fixture(params=STRUCTURES, ids=repr)
def structure(request):
    return request.param


def seen_by(structure, source, target=None):
    """Return a network with an untrained structure, and what it reads: ten candidates each in three relations."""
    graph = gm.build_graph(gm.Neighbours(k=10, each=True, weight="similarity"), source, target)
    torch.manual_seed(0)
    network = gm.GraphNetwork(
        {name: len(names) for name, names in source.columns.items()},
        graph.schema,
        outputs=2,
        width=8,
        encoder=gm.LinearEncoder,
        fusion=gm.GatedFusion,
        conv=gm.SAGEStack,
        structure=structure,
    )
    return network.eval(), GraphTensors.of(graph, source, target, device=torch.device("cpu"))


def heard(network, tensors):
    """Return the edges that are heard as {(relation, source, target): weight}."""
    return {
        (item.kind[1], *pair): weight
        for item in network.edges(tensors, network.front(tensors).fused)
        for pair, weight in zip(map(tuple, item.index.T.tolist()), item.weight.tolist(), strict=True)
    }


def test_a_structure_weighs_candidates_invents_none_and_draws_nothing_at_prediction(structure, encoded):
    network, tensors = seen_by(structure, encoded)
    proposed, weights = heard(seen_by(None, encoded)[0], tensors), heard(network, tensors)
    assert weights.keys() <= proposed.keys()
    assert all(0 <= weight <= proposed[edge] + 1e-6 for edge, weight in weights.items())
    assert len({round(weight / proposed[edge], 4) for edge, weight in weights.items()}) > 10
    assert weights == heard(network, tensors)


@pytest.mark.parametrize("noise", [1e3, float("nan"), float("inf")])
def test_noise_in_an_absent_modality_changes_no_learned_edge_and_no_gradient(structure, encoded, noise):
    network, tensors = seen_by(structure, encoded)
    assert not tensors.present.all()
    noisy = {
        name: matrix.masked_fill(~tensors.present[:, at, None], noise)
        for at, (name, matrix) in enumerate(tensors.features.items())
    }
    other = replace(tensors, features=noisy)
    assert heard(network, tensors) == heard(network, other)
    network(other).square().sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in network.parameters())


def test_a_newcomer_is_linked_alone_as_among_others_and_changes_no_learned_edge(structure, encoded):
    train, new = encoded[:45], encoded[45:]
    network, tensors = seen_by(structure, train)
    within, together = heard(network, tensors), heard(network, seen_by(structure, train, new)[1])
    for edge, weight in within.items():
        assert together[edge] == pytest.approx(weight, rel=1e-4)
    assert sum(target < len(train) for _, _, target in together) == len(within) < len(together)
    for at in range(len(new)):
        alone = heard(network, seen_by(structure, train, new[at : at + 1])[1])
        mine = {edge: weight for edge, weight in together.items() if edge[2] == len(train) + at}
        assert len(alone) - len(within) == len(mine)
        for (name, source, _), weight in mine.items():
            assert alone[name, source, len(train)] == pytest.approx(weight, rel=1e-4)


def test_renumbering_patients_renumbers_learned_edges(structure, encoded):
    order = np.random.default_rng(1).permutation(len(encoded))
    network, tensors = seen_by(structure, encoded)
    before, after = heard(network, tensors), heard(network, seen_by(structure, encoded[order])[1])
    assert len(before) == len(after)
    for (name, source, target), weight in after.items():
        assert before[name, order[source], order[target]] == pytest.approx(weight, rel=1e-4)


@pytest.mark.parametrize("stack", [gm.SAGEStack, gm.GCNStack], ids=lambda conv: conv.__name__)
def test_every_part_of_a_structure_learns_through_every_conv_that_listens_to_weights(structure, stack, encoded):
    network, tensors = seen_by(structure, encoded)
    network.conv = stack(8, [item.kind for item in tensors.edges])
    network(tensors).square().sum().backward()
    for weight in network.structure.parameters():
        assert float(weight.grad.abs().sum()) > 0
