from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import EdgeTensors, spread
from graphmml.model.structure import heaviest
from graphmml.model.tensors import GraphTensors

ALIKE = (PATIENT, "alike", PATIENT)
NODES, WIDTH = 9, 6
COLUMNS = {"clinical": 3, "labs": 4}


def candidates_of(seed=0, kind=ALIKE, share=0.4):
    """Draw weighted edges without loops, float64; the last patient hears nobody."""
    random = torch.Generator().manual_seed(seed)
    mask = torch.rand(NODES, NODES, generator=random) < share
    mask[:, -1] = False
    index = mask.fill_diagonal_(False).nonzero().T
    weight = torch.rand(index.shape[1], generator=random, dtype=torch.float64) + 0.2
    return EdgeTensors(kind, index, weight, (NODES, NODES))


@pytest.fixture
def seen():
    """Features, presence (the first two lack clinical, the second and third labs) and fused vectors."""
    random = torch.Generator().manual_seed(3)
    features = {
        name: torch.randn(NODES, count, generator=random, dtype=torch.float64) for name, count in COLUMNS.items()
    }
    present = torch.ones(NODES, 2, dtype=torch.bool)
    present[:2, 0] = present[1:3, 1] = False
    return features, present, torch.randn(NODES, WIDTH, generator=random, dtype=torch.float64)


def built(structure, relations=(ALIKE,)):
    torch.manual_seed(0)
    return structure(COLUMNS, WIDTH, relations).double().eval()


@pytest.mark.parametrize("modality", ["clinical", ("clinical", "labs")])
def test_phenotype_weights_are_the_paper_s_formula_pair_by_pair(seen, modality):
    features, present, _ = seen
    item = candidates_of()
    layer = built(partial(gm.PhenotypeEdges, modality=modality))
    (learned,) = layer(*seen, [item])
    names = [modality] if isinstance(modality, str) else modality
    first = dict(zip(names, layer.inward.values(), strict=True))

    def direction(patient):
        had = [name for name in names if present[patient, list(COLUMNS).index(name)]]
        if not had:
            return torch.zeros(WIDTH, dtype=torch.float64)
        mean = sum(first[name].weight @ features[name][patient] + first[name].bias for name in had) / len(had)
        mapped = layer.onward[2].weight @ mean.relu() + layer.onward[2].bias
        return mapped / mapped.norm()

    expected = [
        w * (direction(a) @ direction(b) + 1) / 2 for (a, b), w in zip(item.index.T.tolist(), item.weight, strict=True)
    ]
    assert torch.allclose(learned.weight, torch.stack(expected), rtol=1e-10)
    assert torch.equal(learned.index, item.index)


def test_where_an_end_has_no_phenotype_the_weight_is_half_the_candidate_s(seen):
    item = candidates_of()
    (learned,) = built(partial(gm.PhenotypeEdges, modality="clinical"))(*seen, [item])
    lacking = (item.index < 2).any(dim=0)
    assert 0 < int(lacking.sum()) < len(lacking)
    assert torch.allclose(learned.weight[lacking], item.weight[lacking] / 2)
    assert not torch.isclose(learned.weight[~lacking], item.weight[~lacking] / 2).any()


@pytest.mark.parametrize("k", [None, 1, 2])
def test_neighbour_weights_are_the_formula_pair_by_pair_and_the_k_heaviest_stay(seen, k):
    _, _, fused = seen
    item = candidates_of()
    layer = built(partial(gm.NeighbourEdges, k=k))
    with torch.no_grad():
        layer.centre.fill_(0.8)
        layer.steepness.fill_(0.5)
    (learned,) = layer(*seen, [item])
    mapped = fused @ layer.map.weight.detach().T
    expected = {}
    for target in range(NODES):
        sources = [a for a, b in item.index.T.tolist() if b == target]
        distance = {a: float(((mapped[a] - mapped[target]) ** 2).sum()) for a in sources}
        mean = sum(distance.values()) / max(len(sources), 1)
        given = {a: float(w) for (a, b), w in zip(item.index.T.tolist(), item.weight, strict=True) if b == target}
        weight = {
            a: given[a] / (1 + torch.tensor(-(2.718281828459045**0.5) * (0.8 - distance[a] / mean)).exp().item())
            for a in sources
        }
        for a in sorted(sources, key=weight.get, reverse=True)[: k or NODES]:
            expected[a, target] = weight[a]
    pairs = list(map(tuple, learned.index.T.tolist()))
    assert set(pairs) == set(expected)
    assert learned.weight.tolist() == pytest.approx([expected[pair] for pair in pairs], rel=1e-6)


def test_the_heaviest_of_each_target_are_found_and_equal_ones_taken_in_order():
    random = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 12, (200,), generator=random)
    score = torch.randint(0, 9, (200,), generator=random).double()
    for k in (1, 3, 100):
        expected = []
        for target in range(12):
            mine = [at for at in range(200) if targets[at] == target]
            expected += sorted(mine, key=lambda at: (-float(score[at]), at))[:k]
        assert heaviest(score, targets, k).tolist() == sorted(expected)


def test_in_training_neighbours_are_drawn_in_proportion_to_their_weight(seen):
    """With k = 1 the Gumbel top-k draws an edge as often as its share of its target's weights."""
    item = EdgeTensors(ALIKE, torch.tensor([[1, 2, 3], [0, 0, 0]]), torch.ones(3, dtype=torch.float64), (NODES, NODES))
    (whole,) = built(gm.NeighbourEdges)(*seen, [item])
    layer = built(partial(gm.NeighbourEdges, k=1)).train()
    torch.manual_seed(1)
    drawn = torch.zeros(NODES)
    for _ in range(3000):
        (one,) = layer(*seen, [item])
        drawn[one.index[0]] += 1 / 3000
    assert torch.allclose(drawn[1:4], whole.shares.detach().float(), atol=0.03)
    assert {int(layer.eval()(*seen, [item])[0].index[0, 0]) for _ in range(20)} == {1 + int(whole.weight.argmax())}


def test_edges_are_dropped_in_training_alone(seen):
    item = candidates_of()
    layer = built(partial(gm.PhenotypeEdges, modality="clinical", dropout=0.5))
    assert (layer(*seen, [item])[0].weight > 0).all()
    zeros = [int((layer.train()(*seen, [item])[0].weight == 0).sum()) for _ in range(20)]
    assert len(set(zeros)) > 1
    assert 0.3 < sum(zeros) / 20 / item.index.shape[1] < 0.7


def dense(weight, item):
    return torch.zeros(NODES, NODES, dtype=torch.float64).index_put((item.index[1], item.index[0]), weight)


def dense_mean(weight, item, x, conv):
    matrix = dense(weight, item)
    return matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1e-12) @ x @ conv.lin_l.weight.T


def dense_symmetric(weight, item, x, conv):
    matrix = dense(weight, item) + torch.eye(NODES, dtype=torch.float64)
    root = torch.diag(matrix.sum(dim=1) ** -0.5)
    return root @ matrix @ root @ x @ conv.lin.weight.T


STACKS = [(gm.SAGEStack, dense_mean), (gm.GCNStack, dense_symmetric)]


@pytest.mark.parametrize(("conv", "formula"), STACKS, ids=lambda part: part.__name__)
def test_the_gradient_of_a_weight_is_the_dense_formula_s(conv, formula, seen):
    x = seen[2].requires_grad_()
    item = candidates_of()
    stack = conv(WIDTH, [ALIKE], residual=False).double().eval()
    (layer,) = stack.layers
    (inner,), (own,) = layer.convs.values(), layer.own.values()
    weight = item.weight.clone().requires_grad_()
    out = stack({PATIENT: x}, [replace(item, weight=weight)])
    expected = (own(x) + formula(weight, item, x, inner)).relu()
    assert torch.allclose(out, expected, rtol=1e-10)
    got = torch.autograd.grad(out.square().sum(), [weight, x, *stack.parameters()])
    wanted = torch.autograd.grad(expected.square().sum(), [weight, x, *stack.parameters()])
    assert float(got[0].abs().max()) > 0
    for one, other in zip(got, wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("conv", [gm.SAGEStack, gm.GCNStack])
def test_a_weight_that_learns_says_the_same_as_one_that_does_not(conv, seen):
    item = candidates_of()
    stack = conv(WIDTH, [ALIKE], depth=2).double().eval()
    learned = replace(item, weight=item.weight.clone().requires_grad_())
    assert learned.learned
    assert not item.learned
    assert torch.allclose(stack({PATIENT: seen[2]}, [item]), stack({PATIENT: seen[2]}, [learned]), rtol=1e-12)


def test_spread_has_the_gradient_of_finite_differences(seen):
    item = candidates_of()
    x, value = seen[2].requires_grad_(), item.weight.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, value: spread(x, item.index, value, NODES), (x, value))


@pytest.mark.parametrize("structure", [partial(gm.PhenotypeEdges, modality="clinical"), gm.NeighbourEdges])
def test_the_gradient_of_a_structure_is_that_of_finite_differences(structure, seen):
    features, present, fused = seen
    item = candidates_of()
    layer = built(structure)

    def weights(clinical, fused):
        return layer({**features, "clinical": clinical}, present, fused, [item])[0].weight

    assert torch.autograd.gradcheck(weights, (features["clinical"].requires_grad_(), fused.requires_grad_()))


class Largest(TorchDispatchMode):
    """Remember how many numbers the largest tensor holds that is made inside."""

    count = 0

    def __torch_dispatch__(self, called, types, args=(), kwargs=None):
        out = called(*args, **(kwargs or {}))
        made = out if isinstance(out, (tuple, list)) else [out]
        self.count = max([self.count, *(part.numel() for part in made if isinstance(part, torch.Tensor))])
        return out


@pytest.mark.parametrize("conv", [gm.SAGEStack, gm.GCNStack])
@pytest.mark.parametrize("structure", [partial(gm.PhenotypeEdges, modality="clinical"), gm.NeighbourEdges])
def test_nothing_as_large_as_all_pairs_is_made_forth_or_back(conv, structure):
    nodes = 500
    random = torch.Generator().manual_seed(0)
    index = torch.stack([torch.randint(0, nodes, (2 * nodes,), generator=random), torch.arange(2 * nodes) // 2])
    item = EdgeTensors(ALIKE, index, torch.ones(2 * nodes), (nodes, nodes))
    features = {name: torch.randn(nodes, count, generator=random) for name, count in COLUMNS.items()}
    present, fused = torch.ones(nodes, 2, dtype=torch.bool), torch.randn(nodes, WIDTH, generator=random)
    layer, stack = structure(COLUMNS, WIDTH, [ALIKE]), conv(WIDTH, [ALIKE])
    with Largest() as largest:
        out = stack({PATIENT: fused}, layer(features, present, fused, [item]))
        out.square().sum().backward()
    assert all(float(weight.grad.abs().sum()) > 0 for weight in layer.parameters())
    assert nodes * WIDTH <= largest.count <= 3 * nodes * WIDTH


def network_of(graph, encoded, **settings):
    parts = {"width": 8, "encoder": gm.LinearEncoder, "fusion": gm.GatedFusion, "conv": gm.SAGEStack} | settings
    torch.manual_seed(0)
    columns = {modality: len(names) for modality, names in encoded.columns.items()}
    return gm.GraphNetwork(columns, graph.schema, outputs=2, **parts).eval()


def test_without_edges_a_structure_changes_nothing(encoded):
    graph = gm.build_graph(gm.NoEdges(), encoded)
    tensors = GraphTensors.of(graph, encoded, device=torch.device("cpu"))
    bare, learning = network_of(graph, encoded), network_of(graph, encoded, structure=gm.NeighbourEdges)
    assert bare.state_dict().keys() == learning.state_dict().keys()
    assert torch.equal(bare(tensors), learning(tensors))


def test_with_a_structure_the_other_parts_start_as_they_do_without(encoded):
    graph = gm.build_graph(gm.Neighbours(k=4), encoded)
    learning = network_of(graph, encoded, structure=gm.NeighbourEdges).state_dict()
    for name, tensor in network_of(graph, encoded).state_dict().items():
        assert torch.equal(tensor, learning[name])


def test_concepts_may_stand_beside_what_is_learned(encoded):
    """The structure weighs the patients' relation and leaves those with concepts as they are."""
    graph = gm.build_graph(gm.Concepts("codes", most=0.9), encoded)
    alike = gm.build_graph(gm.Neighbours(k=4), encoded)
    both = replace(graph, relations=(*graph.relations, *alike.relations))
    network = network_of(both, encoded, structure=gm.NeighbourEdges)
    tensors = GraphTensors.of(both, encoded, device=torch.device("cpu"))
    has, of, learned = network.edges(tensors, network.front(tensors).fused)
    assert has is tensors.edges[0]
    assert of is tensors.edges[1]
    assert learned.learned
    assert torch.isfinite(network(tensors)).all()


def test_what_cannot_learn_a_structure_refuses_and_names_what_can(encoded):
    near, coded = gm.build_graph(gm.Neighbours(k=4), encoded), gm.build_graph(gm.Concepts("codes", most=0.9), encoded)
    with pytest.raises(gm.GraphError, match=r"GATStack does not listen to weights.*use SAGEStack or GCNStack"):
        network_of(near, encoded, conv=gm.GATStack, structure=gm.NeighbourEdges)
    with pytest.raises(gm.GraphError, match="use Neighbours, SharedPhenotype or RandomEdges, or no structure"):
        network_of(coded, encoded, structure=gm.NeighbourEdges)
    with pytest.raises(gm.GraphError, match="no modality 'rna' to weigh edges by; there are: clinical, labs"):
        gm.PhenotypeEdges(COLUMNS, WIDTH, [ALIKE], modality=("labs", "rna"))
    with pytest.raises(gm.GraphError, match="k is 0"):
        gm.NeighbourEdges(COLUMNS, WIDTH, [ALIKE], k=0)
