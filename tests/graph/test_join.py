from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.graph.relations import Parts, Relation

LABS, CODES = gm.Neighbours("labs", k=3, weight="similarity"), gm.Neighbours("codes", k=3, weight="similarity")


def told(graph):
    """Return every edge by names, whatever the numbering."""
    nodes = {"patient": list(graph.ids)} | {kind: list(names) for kind, names in graph.concepts.items()}
    for kind, parts in graph.parts.items():
        nodes[kind] = [
            (graph.ids[owner], None if parts.features is None else parts.features[at].tolist())
            for at, owner in enumerate(parts.owner)
        ]
    return {
        item.kind: sorted(
            (str(nodes[item.source][a]), str(nodes[item.target][b]), float(w))
            for a, b, w in zip(*item.edges, item.weight, strict=True)
        )
        for item in graph.relations
    }


def test_a_modality_that_comes_later_is_linked_without_touching_the_graphs_before(frames):
    tables, outcome, _ = frames
    late = tables["codes"].copy()
    cohort = gm.Cohort.from_frames({"clinical": tables["clinical"], "labs": tables["labs"]}, outcome)
    before = gm.build_graph(LABS, gm.CohortEncoder().fit(cohort).transform(cohort))
    grown = cohort.with_modality("codes", late)
    encoded = gm.CohortEncoder().fit(grown).transform(grown)
    graph = gm.join_graphs(before, gm.build_graph(CODES, encoded))
    both = gm.build_graph(LABS, encoded), gm.build_graph(CODES, encoded)
    assert graph.relations[0] is before.relations[0]
    assert told(graph) == told(both[0]) | told(both[1])
    assert graph.trained == graph.patients == 60


def test_what_is_encoded_of_a_modality_does_not_depend_on_the_others(frames):
    tables, outcome, _ = frames
    cohort = gm.Cohort.from_frames({"clinical": tables["clinical"], "labs": tables["labs"]}, outcome)
    few = gm.CohortEncoder().fit(cohort).transform(cohort)
    grown = cohort.with_modality("codes", tables["codes"])
    more = gm.CohortEncoder().fit(grown).transform(grown)
    for name in few.modalities:
        assert np.array_equal(few.features[name], more.features[name])
    assert more.has("codes").sum() == len(tables["codes"])


def test_joined_whatever_the_order_of_patients(encoded):
    random = np.random.default_rng(0)
    mixed = encoded[np.concatenate([random.permutation(45), 45 + random.permutation(15)])]
    concepts = gm.Concepts("clinical", most=0.9)
    straight = gm.join_graphs(
        gm.build_graph(LABS, encoded[:45], encoded[45:]), gm.build_graph(concepts, encoded[:45], encoded[45:])
    )
    turned = gm.join_graphs(
        gm.build_graph(LABS, encoded[:45], encoded[45:]), gm.build_graph(concepts, mixed[:45], mixed[45:])
    )
    assert list(turned.ids) == list(encoded.ids)
    assert told(turned) == told(straight)


def parted(encoded, name="seen"):
    """Two parts of every third patient, the first heard by its owner."""
    owner = np.repeat(np.arange(0, len(encoded), 3), 2)
    features = np.stack([encoded.keys[owner] % 7, np.arange(len(owner)) % 2], axis=1).astype(np.float32)
    firsts = np.arange(0, len(owner), 2)
    relation = Relation.of(name, firsts, owner[firsts]).between("visit", "patient")
    return gm.PatientGraph(encoded.ids, len(encoded), (relation,), {}, {"visit": Parts(owner, None, features)})


def test_parts_move_with_their_patients(encoded):
    graph = parted(encoded)
    order = np.random.default_rng(2).permutation(60)
    place = np.argsort(order)
    owner = place[graph.parts["visit"].owner]
    sorting = np.argsort(owner, kind="stable")
    edges = np.stack([np.argsort(sorting)[graph.relations[0].edges[0]], place[graph.relations[0].edges[1]]])
    moved = gm.PatientGraph(
        encoded.ids[order],
        60,
        (replace(graph.relations[0], edges=edges),),
        {},
        {"visit": Parts(owner[sorting], None, graph.parts["visit"].features[sorting])},
    )
    assert told(moved) == told(graph)
    joined = gm.join_graphs(gm.build_graph(LABS, encoded), moved)
    assert told(joined) == told(graph) | told(gm.build_graph(LABS, encoded))
    assert (np.diff(joined.parts["visit"].owner) >= 0).all()
    shared = gm.join_graphs(graph, parted(encoded, "again"))
    assert len(shared.parts["visit"]) == len(graph.parts["visit"])
    other = replace(graph, parts={"visit": Parts(graph.parts["visit"].owner, "labs")})
    with pytest.raises(gm.GraphError, match="nodes of kind 'visit', and they are not the same"):
        gm.join_graphs(replace(other, relations=()), parted(encoded))


def test_concepts_are_shared_where_they_are_the_same(encoded):
    one = gm.build_graph(gm.Concepts("codes", most=0.9), encoded)
    renamed = tuple(replace(item, name=item.name + "_again") for item in one.relations)
    both = gm.join_graphs(one, replace(one, relations=renamed))
    assert dict(both.concepts) == dict(one.concepts)
    fewer = replace(one, relations=renamed[:0], concepts={"codes": one.concepts["codes"][:-1]})
    with pytest.raises(gm.GraphError, match=r"nodes of kind 'codes', and they are not the same \(7 and 6\)"):
        gm.join_graphs(one, fewer)


def test_other_patients_are_refused_with_counts_and_without_ids(encoded):
    graph = gm.build_graph(LABS, encoded)
    with pytest.raises(gm.GraphError, match="both graphs have a relation") as error:
        gm.join_graphs(graph, graph)
    for other, said in (
        (gm.build_graph(CODES, encoded[:50]), "0 of the 50 patients of the second graph are not among the 60"),
        (gm.build_graph(CODES, encoded[:45], encoded[45:]), "has 60 patients in training and the second 45"),
    ):
        with pytest.raises(gm.GraphError, match=said) as error:
            gm.join_graphs(graph, other)
        assert not any(name in str(error.value) for name in encoded.ids)
    stranger = replace(encoded, ids=pd.Index([f"x{at}" for at in range(60)], dtype="str"))
    with pytest.raises(gm.GraphError, match="60 of the 60 patients of the second graph are not among"):
        gm.join_graphs(graph, gm.build_graph(CODES, stranger))
    swapped = gm.build_graph(CODES, encoded[15:], encoded[:15])
    with pytest.raises(gm.GraphError, match="or others; build both of the same training patients"):
        gm.join_graphs(gm.build_graph(LABS, encoded[:45], encoded[45:]), swapped)
