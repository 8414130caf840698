from functools import partial

import numpy as np
import pytest
import torch

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.model.tensors import GraphTensors

CPU = torch.device("cpu")


@pytest.fixture
def people(numbers):
    """Six patients; labs of the first five, a scan of the last four."""
    random = np.random.default_rng(0)
    present = np.array([[True, False], [True, False], [True, True], [True, True], [True, True], [False, True]])
    return numbers({"labs": random.normal(size=(6, 3)), "scan": random.normal(size=(6, 2))}, present)


def pairs(relation):
    return set(map(tuple, relation.edges.T.tolist()))


def test_a_missing_modality_is_a_missing_node(people):
    relations = gm.ModalityNodes(k=0).link(people, people)
    assert {kind: parts.owner.tolist() for kind, parts in relations.parts.items()} == {
        "labs": [0, 1, 2, 3, 4],
        "scan": [2, 3, 4, 5],
    }
    assert [relation.kind for relation in relations] == [
        ("labs", "of_labs", PATIENT),
        (PATIENT, "has_labs", "labs"),
        ("scan", "of_scan", PATIENT),
        (PATIENT, "has_scan", "scan"),
    ]
    assert pairs(relations["of_scan"]) == {(0, 2), (1, 3), (2, 4), (3, 5)}
    assert pairs(relations["has_scan"]) == {(2, 0), (3, 1), (4, 2), (5, 3)}


def alike(source, target, modality, k):
    """Double loop: the k source nodes of greatest cosine, never the patient's own."""
    found = set()
    speakers, listeners = np.flatnonzero(source.has(modality)), np.flatnonzero(target.has(modality))
    for at, here in enumerate(listeners):
        mine = target.features[modality][here].astype(float)
        ranked = []
        for number, there in enumerate(speakers):
            if source.ids[there] != target.ids[here]:
                other = source.features[modality][there].astype(float)
                ranked.append((mine @ other / np.linalg.norm(mine) / np.linalg.norm(other), number))
        found |= {(number, at) for _, number in sorted(ranked, reverse=True)[:k]}
    return found


@pytest.mark.parametrize("split", [6, 4])
def test_a_node_listens_to_the_most_alike_source_nodes_of_its_kind(people, split):
    source, target = (people, people) if split == 6 else (people[:4], people[4:])
    relations = gm.ModalityNodes(k=1).link(source, target)
    for modality in ("labs", "scan"):
        near = relations[f"near_{modality}"]
        assert near.kind == (modality, f"near_{modality}", modality)
        assert pairs(near) == alike(source, target, modality, 1)
        assert len(near) == target.has(modality).sum()


def test_newcomers_bring_their_own_nodes_behind_those_of_the_source(people):
    graph = gm.build_graph(gm.ModalityNodes(k=1), people[:4], people[4:])
    assert graph.parts["scan"].owner.tolist() == [2, 3, 4, 5]
    of = next(relation for relation in graph.relations if relation.name == "of_scan")
    assert pairs(of) == {(0, 2), (1, 3), (2, 4), (3, 5)}
    near = next(relation for relation in graph.relations if relation.name == "near_scan")
    assert pairs(near) == {(at, number) for at, number in alike(people[:4], people[:4], "scan", 1)} | {
        (at, number + 2) for at, number in alike(people[:4], people[4:], "scan", 1)
    }


def outputs(links, encoded, conv, changed=None):
    """Outputs of one untrained network; `changed` adds to a modality of one patient before encoding."""
    graph = gm.build_graph(links, encoded)
    tensors = GraphTensors.of(graph, encoded, device=CPU)
    if changed is not None:
        modality, patient = changed
        tensors.features[modality][patient] += 1
    torch.manual_seed(0)
    columns = {modality: len(names) for modality, names in encoded.columns.items()}
    parts = {"encoder": gm.LinearEncoder, "fusion": gm.GatedFusion, "conv": conv}
    return gm.GraphNetwork(columns, graph.schema, outputs=2, width=8, **parts).eval()(tensors).detach()


def felt(links, encoded, depth, modality, patient):
    conv = partial(gm.SAGEStack, depth=depth)
    before = outputs(links, encoded, conv)
    after = outputs(links, encoded, conv, (modality, patient))
    return set(np.flatnonzero((before - after).abs().sum(dim=1).numpy() > 1e-6).tolist())


def test_depth_one_is_fusion_depth_two_feels_neighbours_depth_four_their_other_modalities(numbers):
    """Patients 0 and 1 have both; 2 and 3 labs alone. Labs: 0 listens to 1 and 1 to 2; scans: 0 and 1 to each other."""
    labs = np.array([[0.0, 1.0], [0.3, 1.0], [0.5, 1.0], [9.0, 1.0]])
    scan = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    people = numbers({"labs": labs, "scan": scan}, np.array([[1, 1], [1, 1], [1, 0], [1, 0]], dtype=bool))
    links = gm.ModalityNodes(k=1, metric="euclidean", modality=("labs", "scan"))
    assert pairs(links.link(people, people)["near_labs"]) == {(1, 0), (2, 1), (1, 2), (2, 3)}
    assert felt(links, people, 1, "labs", 2) == {2}
    assert felt(links, people, 2, "labs", 2) == {1, 2, 3}
    assert felt(links, people, 1, "scan", 1) == {1}
    assert felt(links, people, 2, "scan", 1) == felt(links, people, 3, "scan", 1) == {0, 1}
    assert felt(links, people, 4, "scan", 1) == {0, 1, 2}


def test_what_stands_beside_the_patient_is_left_out_of_its_start(encoded):
    """All modalities as nodes: a patient whose nodes nobody may hear is everybody. One as a node: the rest is fused."""
    columns = {modality: len(names) for modality, names in encoded.columns.items()}

    def starts(links):
        graph = gm.build_graph(links, encoded)
        torch.manual_seed(0)
        parts = {"encoder": gm.LinearEncoder, "fusion": gm.GatedFusion, "conv": gm.SAGEStack}
        network = gm.GraphNetwork(columns, graph.schema, outputs=2, width=8, **parts).eval()
        tensors = GraphTensors.of(graph, encoded, device=CPU)
        return network, tensors, network.front(tensors).fused

    _, _, all_apart = starts(gm.ModalityNodes(k=3))
    assert torch.equal(all_apart, torch.zeros(60, 8))
    network, tensors, one_apart = starts(gm.ModalityNodes(k=3, modality="labs"))
    present = tensors.present.clone()
    present[:, list(columns).index("labs")] = False
    wanted = network.front.fusion(torch.stack(list(network.front.encoded(tensors).values()), dim=1), present)
    assert torch.equal(one_apart, wanted)
    assert not torch.equal(one_apart, torch.zeros(60, 8))
    _, _, none_apart = starts(gm.NoEdges())
    assert torch.equal(
        none_apart,
        network.front.fusion(torch.stack(list(network.front.encoded(tensors).values()), dim=1), tensors.present),
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": -1}, "k is -1"),
        ({"metric": "gower2"}, "'gower2' is not one of"),
        ({"modality": "notes"}, "no modality 'notes'"),
        ({"k": 4}, "k is 4 but 4 of the 6 source patients have scan; choose k below 4"),
    ],
)
def test_what_cannot_be_linked_is_refused_in_words(people, settings, said):
    with pytest.raises(gm.GraphError, match=said):
        gm.ModalityNodes(**settings).link(people, people)


def test_a_modality_called_as_the_graph_calls_patients_is_refused(numbers):
    people = numbers({"patient": np.eye(4)})
    with pytest.raises(gm.GraphError, match="give the modality another name"):
        gm.ModalityNodes(k=1).link(people, people)
