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
from graphmml.model.towers import network_for
from graphmml.report.explain.altered import without
from graphmml.report.explain.subject import Subject
from graphmml.train.batches import Part
from graphmml.train.loop import cost_of
from graphmml.train.tasks import ClassTask

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
FUSIONS = [
    gm.MeanFusion,
    gm.SumFusion,
    gm.ProductFusion,
    partial(gm.ProductFusion, shift=0.0),
    gm.MaxFusion,
    gm.ChannelFusion,
    gm.ConcatFusion,
    gm.GMUFusion,
    gm.FilmFusion,
    gm.TensorFusion,
    gm.LowRankFusion,
    gm.GatedFusion,
    gm.AttentionFusion,
    gm.HierarchicalFusion,
    partial(gm.CrossAttentionFusion, heads=2),
]
MAPPED = ["ConcatFusion", "GMUFusion", "TensorFusion", "LowRankFusion", "HierarchicalFusion", "CrossAttentionFusion"]
"""Fusions that map a modality even where it is the only present one of several."""
ORDERED = ["ConcatFusion", "GMUFusion", "TensorFusion", "LowRankFusion", "CrossAttentionFusion"]
"""Fusions with weights of each modality's own, to which it matters which modality is which."""
COMPLETIONS = [gm.LearnedTokens, gm.NeighbourCompletion, gm.ExpertCompletion]
AUXILIARIES = [gm.Contrast, gm.DeepCCA, gm.Reconstruction]
COMBINERS = [gm.MeanProbability(), gm.MajorityVote(), gm.WeightedProbability(), gm.Stacked(), gm.VCDN()]
STRATEGIES = [
    gm.Early(),
    gm.Intermediate(),
    gm.Intermediate(own_graphs=True),
    *(gm.Intermediate(drop=0.3, complete=complete) for complete in COMPLETIONS),
    *(gm.Intermediate(auxiliary=auxiliary) for auxiliary in AUXILIARIES),
    *(gm.Hybrid(balance=balance) for balance in ("equal", "losses", "gradients")),
    gm.Hybrid(gm.ConcatFusion, drop=0.3, complete=gm.ExpertCompletion, auxiliary=gm.Contrast),
    gm.Late(),
]
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


def name_of(part):
    """Name a class, or what a partial makes."""
    return part.func.__name__ if isinstance(part, partial) else part.__name__


@pytest.fixture(params=FUSIONS, ids=lambda fusion: name_of(fusion) + ("," if isinstance(fusion, partial) else ""))
def fusion(request):
    torch.manual_seed(0)
    return request.param


def some():
    """Vectors of eight patients in three modalities, and who has what; the first has everything, the second nothing."""
    x, present = torch.randn(8, 3, 6), torch.rand(8, 3) > 0.4
    present[0], present[1] = True, False
    return x, present


def test_noise_in_an_absent_modality_changes_no_fused_vector_and_no_gradient(fusion):
    mix = fusion(6, 3)
    x, present = some()

    def answered(x):
        mix.zero_grad()
        out = mix(x, present)
        if out.requires_grad:
            out.square().sum().backward()
        return [out, *(weight.grad for weight in mix.parameters())]

    before = answered(x)
    for noise in (1e6, float("nan"), float("inf")):
        noisy = answered(torch.where(present.unsqueeze(-1), x, torch.full_like(x, noise)))
        assert all(torch.equal(one, other) for one, other in zip(before, noisy, strict=True))


def test_one_modality_passes_through(fusion):
    x = torch.randn(8, 1, 6)
    assert torch.allclose(fusion(6, 1)(x, torch.ones(8, 1, dtype=torch.bool)), x[:, 0], atol=1e-6)


def test_one_present_modality_of_several_passes_through_unless_it_is_mapped(fusion):
    x, present = torch.randn(8, 3, 6), torch.zeros(8, 3, dtype=torch.bool)
    present[:, 1] = True
    assert torch.allclose(fusion(6, 3)(x, present), x[:, 1], atol=1e-6) == (name_of(fusion) not in MAPPED)


def test_a_patient_with_nothing_becomes_zeros_with_finite_gradients(fusion):
    mix = fusion(6, 3)
    x = torch.randn(4, 3, 6, requires_grad=True)
    present = torch.ones(4, 3, dtype=torch.bool)
    present[2] = False
    out = mix(x, present)
    assert torch.equal(out[2], torch.zeros(6))
    out.sum().backward()
    assert torch.isfinite(x.grad).all()
    assert torch.equal(x.grad[2], torch.zeros(3, 6))
    assert all(torch.isfinite(weight.grad).all() for weight in mix.parameters() if weight.grad is not None)


def test_every_present_modality_and_every_weight_is_felt(fusion):
    mix = fusion(6, 3)
    x, present = some()
    x.requires_grad_()
    mix(x, present).square().sum().backward()
    felt = x.grad.abs().sum(dim=2) > 0
    assert torch.equal(felt, present) or (name_of(fusion) == "MaxFusion" and not (felt & ~present).any())
    for name, weight in mix.named_parameters():  # a softmax does not feel what is added to all its scores
        assert name.endswith("bias") or float(weight.grad.abs().sum()) > 1e-6, name


def test_one_patient_alone_is_fused_as_among_others(fusion):
    mix = fusion(6, 3)
    x, present = some()
    for at, together in enumerate(mix(x, present)):
        assert torch.allclose(mix(x[at : at + 1], present[at : at + 1])[0], together, atol=1e-6)


def test_the_order_of_modalities_matters_only_to_fusions_with_weights_of_each(fusion):
    mix = fusion(6, 3)
    x, present = some()
    order = torch.tensor([2, 0, 1])
    same = torch.allclose(mix(x, present), mix(x[:, order], present[:, order]), atol=1e-5)
    assert same == (name_of(fusion) not in ORDERED)


@pytest.mark.parametrize("scale", [1.0, 1e4, -1e12])
def test_weights_sum_to_one_over_the_present_however_large_the_scores(fusion, scale):
    mix = fusion(6, 3).double()
    if not hasattr(mix, "weights"):
        pytest.skip("no weight a modality to read")
    with torch.no_grad():
        for weight in mix.parameters():
            weight.mul_(scale)
    x, present = some()
    weights = mix.weights(x.double(), present)
    assert (weights >= 0).all()
    assert torch.equal(weights * ~present, torch.zeros_like(weights))
    assert torch.allclose(weights.sum(dim=1), present.any(dim=1).double())
    assert torch.isfinite(mix(x.double(), present)).all()


@pytest.fixture(params=STRATEGIES, ids=repr)
def strategy(request):
    return request.param


MEETINGS = [gm.Neighbours(k=4, each=True), gm.Layers((gm.SharedPhenotype("sex", k=4), gm.Concepts("codes", most=0.9)))]


@pytest.fixture(params=MEETINGS, ids=["a graph each", "one graph for all"])
def meeting(request):
    return request.param


def network_on(graph, strategy, people):
    """Return an untrained network of a strategy."""
    torch.manual_seed(0)
    columns = {name: len(names) for name, names in people.columns.items()}
    parts = {"encoder": gm.LinearEncoder, "conv": gm.SAGEStack}
    return network_for(columns, graph.schema, outputs=2, width=8, fusion=strategy, **parts)


def first_left_blank(tensors):
    """The same patients, of whom the first has nothing."""
    present = tensors.present.clone()
    present[0] = False
    return replace(tensors, present=present)


def learned_from(network, tensors):
    """Return losses, gradients and, once it has learned from these patients, predictions."""
    part = Part(tensors, torch.arange(len(tensors.present)) % 2)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network.train().zero_grad()
        answer = network.answer(tensors)
        losses = network.losses(answer, tensors.present, cost_of(ClassTask(("no", "yes")), part.codes, None))
        torch.stack(list(losses.values())).sum().backward()
        network.rebalance(answer, tensors.present, part.codes)
    gradients = {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    with torch.no_grad():
        return {**losses, **gradients, "predicted": network.eval()(tensors)}


@pytest.mark.parametrize("noise", [1e3, float("nan"), float("inf")])
def test_noise_in_an_absent_modality_changes_no_prediction_and_no_gradient_of_any_strategy(
    strategy, meeting, encoded, noise
):
    graph = gm.build_graph(meeting, encoded)
    clean = first_left_blank(GraphTensors.of(graph, encoded, device=torch.device("cpu")))
    noisy = {
        name: matrix.masked_fill(~clean.present[:, at, None], noise)
        for at, (name, matrix) in enumerate(clean.features.items())
    }
    assert not clean.present[1:].all()
    before = learned_from(network_on(graph, strategy, encoded), clean)
    after = learned_from(network_on(graph, strategy, encoded), replace(clean, features=noisy))
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.isfinite(value).all(), name
        assert torch.equal(value, after[name]), name


def test_every_weight_of_every_strategy_gets_a_gradient(strategy, encoded):
    """But for what is added to all the scores of a softmax."""
    graph = gm.build_graph(MEETINGS[0], encoded)
    network = network_on(graph, strategy, encoded)
    learned = learned_from(network, GraphTensors.of(graph, encoded, device=torch.device("cpu")))
    for name, _ in network.named_parameters():
        assert name.endswith("fusion.score.bias") or float(learned[name].abs().sum()) > 0, name


def test_newcomers_change_nobodys_prediction_under_any_strategy(strategy, meeting, encoded):
    """Neither that of the source nor that of each other."""
    train, new = encoded[:45], encoded[45:]
    cpu = torch.device("cpu")
    alone = gm.build_graph(meeting, train)
    network = network_on(alone, strategy, encoded)
    learned_from(network, GraphTensors.of(alone, train, device=cpu))

    def predicted(target):
        return network.eval()(GraphTensors.of(gm.build_graph(meeting, train, target), train, target, device=cpu))

    together = predicted(new)
    assert torch.allclose(together[:45], network(GraphTensors.of(alone, train, device=cpu)), atol=1e-5)
    for at in range(len(new)):
        assert torch.allclose(predicted(new[at : at + 1])[45], together[45 + at], atol=1e-5)


@pytest.fixture(params=COMPLETIONS, ids=lambda part: part.__name__)
def completion(request):
    """A completion of three modalities that has met some patients, and whose weights are not nought."""
    torch.manual_seed(0)
    made = request.param(6, 3)
    made.train()(*some(), [])
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return made


def circle(nodes):
    """Node n listens to the two nodes before it, half as much to the second."""
    here = torch.arange(nodes)
    index = torch.stack([torch.cat([(here - 1) % nodes, (here - 2) % nodes]), torch.cat([here, here])])
    weight = torch.cat([torch.ones(nodes), torch.full((nodes,), 0.5)])
    return EdgeTensors((PATIENT, "next", PATIENT), index, weight, (nodes, nodes))


@pytest.mark.parametrize("training", [True, False])
def test_a_completion_touches_nothing_present_and_gives_nothing_to_who_has_nothing(completion, training):
    x, present = some()
    x = x.masked_fill(~present.unsqueeze(-1), 0.0)
    done = completion.train(training)(x, present, [circle(8)])
    assert torch.equal(done.x[present], x[present])
    assert (done.usable | ~present).all(), "what is present may be used"
    assert (done.usable & ~present).any(), "nothing was completed"
    assert not done.usable[1].any()
    assert torch.equal(done.x[~done.usable], torch.zeros_like(done.x[~done.usable]))
    assert (done.x[done.usable & ~present] != 0).all()
    assert done.penalty.shape == ()
    assert torch.isfinite(done.penalty)


def test_a_completion_draws_nothing_at_prediction_and_has_no_loss(completion):
    x, present = some()
    x = x.masked_fill(~present.unsqueeze(-1), 0.0)
    state = torch.get_rng_state()
    one, other = (completion.eval()(x, present, [circle(8)]) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.x, other.x)
    assert torch.equal(one.penalty, torch.zeros(()))


@pytest.fixture(params=AUXILIARIES, ids=lambda part: part.__name__)
def auxiliary(request):
    torch.manual_seed(0)
    return request.param(6, 3)


def test_an_auxiliary_loss_is_a_number_with_finite_gradients(auxiliary):
    x, present = some()
    x.requires_grad_()
    fused = x.mean(dim=1)
    loss = auxiliary(x, present, fused)
    assert loss.shape == ()
    loss.backward()
    assert torch.isfinite(x.grad).all()
    assert float(x.grad.abs().sum()) > 0
    assert all(torch.isfinite(weight.grad).all() for weight in auxiliary.parameters())


def test_an_auxiliary_loss_is_proportional_to_its_weight(auxiliary):
    x, present = some()
    other = type(auxiliary)(6, 3, weight=0.3)
    other.load_state_dict(auxiliary.state_dict())
    with torch.no_grad():
        loss = auxiliary(x, present, x.mean(dim=1))
        assert float(loss) != 0
        assert torch.allclose(other(x, present, x.mean(dim=1)), 3 * loss)
    with pytest.raises(gm.GraphError, match="choose a number above zero"):
        type(auxiliary)(6, 3, weight=0.0)


@pytest.mark.parametrize("noise", [1e3, float("nan"), float("inf")])
def test_noise_in_an_absent_modality_changes_no_auxiliary_loss_and_no_gradient(auxiliary, noise):
    x, present = some()
    mix = gm.MeanFusion(6, 3)
    seen = []
    for value in (x, torch.where(present.unsqueeze(-1), x, torch.full_like(x, noise))):
        value = value.clone().requires_grad_()
        loss = auxiliary(value, present, mix(value, present))
        loss.backward()
        seen.append((loss, value.grad))
    assert torch.equal(seen[0][0], seen[1][0])
    assert torch.equal(seen[0][1], seen[1][1])


def test_where_nothing_can_be_compared_an_auxiliary_loss_is_zero(auxiliary):
    """One patient a modality; for contrast and correlation, any number of patients of one modality each."""
    x, fused = torch.randn(9, 3, 6), torch.randn(9, 6)
    lonely = torch.zeros(9, 3, dtype=torch.bool)
    lonely[torch.arange(3), torch.arange(3)] = True
    assert torch.equal(auxiliary(x, lonely, fused), torch.zeros(()))
    apart = torch.eye(3, dtype=torch.bool).repeat(3, 1)
    assert torch.equal(auxiliary(x, apart, fused), torch.zeros(())) == (type(auxiliary) is not gm.Reconstruction)


def test_patients_who_are_all_alike_have_a_finite_auxiliary_loss_and_gradient(auxiliary):
    x = torch.ones(8, 3, 6, requires_grad=True)
    loss = auxiliary(x, torch.ones(8, 3, dtype=torch.bool), x.mean(dim=1))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(x.grad).all()


@pytest.fixture(params=COMBINERS, ids=repr)
def combiner(request):
    return request.param


def said(classes=3, patients=90, seed=0):
    """What three models say of patients, who has what (the first all, the second nothing), and classes by number."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.arange(patients) % classes)
    score = (
        random.normal(size=(patients, 3, classes)) + np.eye(classes)[codes][:, None] * np.array([2.0, 1, 0])[:, None]
    )
    p = np.exp(score) / np.exp(score).sum(axis=2, keepdims=True)
    present = random.random((patients, 3)) > 0.4
    present[0], present[1] = True, False
    return p, present, codes


@pytest.mark.parametrize("classes", [2, 3])
def test_combined_probabilities_sum_to_one(combiner, classes):
    p, present, codes = said(classes)
    joined = combiner.join(p, present, combiner.learn(p, present, codes))
    assert joined.shape == (90, classes)
    assert (joined >= 0).all()
    assert joined.sum(axis=1) == pytest.approx(1)
    assert (joined.argmax(axis=1) == codes).mean() > 1 / classes + 0.1


def test_a_combiner_hears_no_absent_modality(combiner):
    """Who has nothing is the exception: there, all that can be said is what the models say of nobody."""
    p, present, codes = said()
    present[~present.any(axis=1), 0] = True
    other = np.where(present[:, :, None], p, np.random.default_rng(5).dirichlet(np.ones(3), size=(90, 3)))
    learned, learned_from_other = combiner.learn(p, present, codes), combiner.learn(other, present, codes)
    assert learned.keys() == learned_from_other.keys()
    assert all(np.array_equal(array, learned_from_other[name]) for name, array in learned.items())
    assert np.array_equal(combiner.join(p, present, learned), combiner.join(other, present, learned))


def test_renumbering_patients_renumbers_what_is_combined(combiner):
    p, present, codes = said()
    learned = combiner.learn(p, present, codes)
    joined = combiner.join(p, present, learned)
    order = np.random.default_rng(1).permutation(90)
    assert np.allclose(combiner.join(p[order], present[order], learned), joined[order])
    for at in (0, 1, 7):
        assert np.allclose(combiner.join(p[at : at + 1], present[at : at + 1], learned)[0], joined[at])
    if not isinstance(combiner, gm.VCDN):  # a network starts from weights in the order of rows
        again = combiner.learn(p[order], present[order], codes[order])
        assert all(np.allclose(array, again[name], atol=1e-3) for name, array in learned.items())


def test_what_is_learned_is_arrays_that_join_needs_and_nothing_else(combiner):
    p, present, codes = said()
    learned = combiner.learn(p, present, codes)
    assert all(isinstance(array, np.ndarray) and array.dtype != object for array in learned.values())
    assert (not learned) == isinstance(combiner, (gm.MeanProbability, gm.MajorityVote))


def test_one_present_modality_is_believed_where_nothing_else_is_learned():
    p, present, codes = said()
    present[:] = np.eye(3, dtype=bool)[np.arange(90) % 3]
    for combiner in (gm.MeanProbability(), gm.WeightedProbability()):
        joined = combiner.join(p, present, combiner.learn(p, present, codes))
        assert np.allclose(joined, p[np.arange(90), np.arange(90) % 3])


@pytest.mark.parametrize("combiner", [gm.Stacked(), gm.VCDN(), gm.WeightedProbability()], ids=repr)
def test_a_class_of_which_no_held_out_patient_is_can_still_be_joined(combiner):
    p, present, codes = said()
    few = codes != 1
    joined = combiner.join(p, present, combiner.learn(p[few], present[few], codes[few]))
    assert joined.sum(axis=1) == pytest.approx(1)
    assert (joined[:, 1] == 0).all() == (not isinstance(combiner, gm.WeightedProbability))


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


@pytest.mark.parametrize("links", CONSTRUCTORS, ids=repr)
def test_altered_copies_of_a_patient_are_answered_together_as_each_alone(cohort, links):
    model = gm.GraphClassifier(links, members=1, width=8, training=gm.Training(epochs=2)).fit(cohort[:45])
    subject = Subject.of(model, cohort[[50]])
    copies = without(subject, np.eye(len(subject.features), dtype=bool)[:4], "missing")
    together = subject.redrawn(copies)
    for at in range(len(copies)):
        np.testing.assert_allclose(together[:, at], model.predict_encoded(copies[[at]])[:, 0], atol=1e-6)
    held = subject.held(subject.copies(3))
    np.testing.assert_allclose(held, np.repeat(model.predict_members(cohort[[50]]), 3, axis=1), atol=1e-6)
