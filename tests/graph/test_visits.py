from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.graph.visits import successive
from graphmml.model.tensors import GraphTensors

ROWS = [  # id, visit, time, codes
    ("b", "b1", 0.0, ["flu", "gout"]),
    ("a", "a2", 40.0, ["flu"]),
    ("a", "a1", 10.0, ["gout", "rare"]),
    ("a", "a3", 40.0, []),
    ("a", "a4", 50.0, ["flu"]),
    ("c", "c1", np.nan, ["flu"]),
    ("c", "c2", 5.0, ["asthma"]),
]


def cohort_of(rows, ids="abcd"):
    visits = pd.DataFrame([row[:3] for row in rows], columns=["id", "visit", "time"])
    codes = pd.DataFrame([(*row[:2], code) for row in rows for code in row[3]], columns=["id", "visit", "code"])
    table = pd.DataFrame({"age": np.arange(len(ids)) * 10.0 + 20}, index=list(ids))
    return gm.Cohort.from_frames({"clinical": table}).with_visits(visits, {"dx": codes})


@pytest.fixture
def people():
    cohort = cohort_of(ROWS)
    return gm.CohortEncoder().fit(cohort).transform(cohort)


def named(relations, people, name):
    """Return a relation's edges with visits and codes by name."""
    order = [("a", "a1"), ("a", "a2"), ("a", "a3"), ("a", "a4"), ("b", "b1"), ("c", "c2"), ("c", "c1")]
    labels = {PATIENT: list(people.ids), "visit": [visit for _, visit in order], "dx": relations.concepts["dx"]}
    relation = relations[name]
    return {(labels[relation.source][a], labels[relation.target][b]) for a, b in relation.edges.T}


def test_patients_visits_and_codes_are_joined(people):
    relations = gm.Visits(most=0.9).link(people, people)
    assert relations.concepts == {"dx": ("flu", "gout")}
    assert relations.parts["visit"].owner.tolist() == [0, 0, 0, 0, 1, 2, 2]
    assert named(relations, people, "of_visit") == {(row[1], row[0]) for row in ROWS}
    assert named(relations, people, "has_visit") == {(row[0], row[1]) for row in ROWS}
    coded = {("flu", "b1"), ("gout", "b1"), ("flu", "a2"), ("gout", "a1"), ("flu", "a4"), ("flu", "c1")}
    assert named(relations, people, "of_dx") == coded
    assert named(relations, people, "has_dx") == {(visit, code) for code, visit in coded}
    weight = {
        relations.concepts["dx"][at]: w
        for at, w in zip(relations["of_dx"].edges[0], relations["of_dx"].weight, strict=True)
    }
    assert weight == pytest.approx({"flu": np.log(4 / 3), "gout": np.log(2)})


def test_visits_listen_to_those_before_and_time_unknown_has_no_order(people):
    relations = gm.Visits(most=0.9).link(people, people)
    assert named(relations, people, "next_visit") == {("a1", "a2"), ("a1", "a3"), ("a2", "a4"), ("a3", "a4")}


def test_successive_visits_agree_with_a_double_loop():
    random = np.random.default_rng(0)
    for _ in range(30):
        owner = np.sort(random.integers(0, 4, 12))
        time = random.integers(0, 4, 12).astype(float)
        time[random.random(12) < 0.2] = np.nan
        order = np.lexsort((time, owner))
        owner, time = owner[order], time[order]
        wanted = set()
        for late in range(12):
            before = [time[at] for at in range(12) if owner[at] == owner[late] and time[at] < time[late]]
            wanted |= {
                (at, late) for at in range(12) if before and owner[at] == owner[late] and time[at] == max(before)
            }
        earlier, later = successive(owner, time)
        assert set(zip(earlier.tolist(), later.tolist(), strict=True)) == wanted
        assert len(earlier) == len(wanted)


def test_without_any_time_nothing_is_successive():
    for count in (0, 3):
        earlier, later = successive(np.zeros(count, dtype=np.int64), np.full(count, np.nan))
        assert len(earlier) == len(later) == 0


def test_a_visit_starts_from_its_time_and_its_codes_in_deviations_of_the_source(people):
    raw = np.log1p(
        [
            [0, 40, 2],  # a1
            [30, 10, 1],  # a2
            [30, 10, 0],  # a3
            [40, 0, 1],  # a4
            [0, 0, 2],  # b1
            [0, 0, 1],  # c2
            [np.nan, np.nan, 1],  # c1
        ]
    )
    wanted = (raw - np.nanmean(raw, axis=0)) / np.nanstd(raw, axis=0)
    found = gm.Visits(most=0.9).link(people, people).parts["visit"].features
    assert found.dtype == np.float32
    assert np.allclose(found[:6, :3], wanted[:6], atol=1e-6)
    assert found[6].tolist() == pytest.approx([0, 0, wanted[6, 2], 1], abs=1e-6)
    new = gm.Visits(most=0.9, support=1).link(people[:2], people[2:]).parts["visit"].features
    known = raw[:5]
    assert np.allclose(new[:1, :3], (raw[5] - known.mean(axis=0)) / known.std(axis=0), atol=1e-6)


def test_newcomers_bring_their_visits_and_only_codes_of_the_source(people):
    graph = gm.build_graph(gm.Visits(support=1, most=1.0), people[:2], people[2:])
    assert graph.concepts["dx"] == ("flu", "gout", "rare")
    assert graph.parts["visit"].owner.tolist() == [0, 0, 0, 0, 1, 2, 2]
    edges = {relation.name: set(map(tuple, relation.edges.T.tolist())) for relation in graph.relations}
    assert {(5, 2), (6, 2)} <= edges["of_visit"]
    assert {(2, 5), (2, 6)} <= edges["has_visit"]
    assert (0, 6) in edges["of_dx"]
    assert not any(visit >= 5 for visit, _ in edges["has_dx"]), "a code listens to a newcomer"
    assert not any(visit == 5 for _, visit in edges["of_dx"]), "asthma is no code of the source"


def test_support_and_most_count_patients_and_not_visits(people):
    def codes(**settings):
        return gm.Visits(**settings).link(people, people).concepts["dx"]

    assert codes(support=1, most=1.0) == ("asthma", "flu", "gout", "rare")
    assert codes(support=3, most=1.0) == ("flu",)
    assert codes(support=1, most=0.25) == ("asthma", "rare")
    plain = gm.Visits(most=1.0, rarity=False).link(people, people)
    assert (plain["of_dx"].weight == 1).all()


def felt(people, depth, change):
    """Return whose output changes where a network's inputs are changed."""
    graph = gm.build_graph(gm.Visits(most=0.9), people)
    outputs = []
    for changed in (False, True):
        tensors = GraphTensors.of(graph, people, device=torch.device("cpu"))
        if changed:
            change(tensors)
        torch.manual_seed(1)
        parts = {"encoder": gm.LinearEncoder, "fusion": gm.GatedFusion, "conv": partial(gm.SAGEStack, depth=depth)}
        columns = {modality: len(names) for modality, names in people.columns.items()}
        outputs.append(gm.GraphNetwork(columns, graph.schema, outputs=2, width=16, **parts).eval()(tensors).detach())
    moved = (outputs[0] - outputs[1]).abs().sum(dim=1) > 1e-7
    return {people.ids[at] for at in np.flatnonzero(moved.numpy())}


def test_depth_says_how_far_a_visit_and_a_patient_are_felt(people):
    def visit_of_b(tensors):
        tensors.parts["visit"].features[4] += 3

    def table_of_b(tensors):
        tensors.features["clinical"][1] += 3

    assert felt(people, 1, visit_of_b) == felt(people, 2, visit_of_b) == {"b"}
    assert felt(people, 3, visit_of_b) == {"a", "b", "c"}
    assert felt(people, 3, table_of_b) == {"b"}
    assert felt(people, 4, table_of_b) == {"a", "b", "c"}


def test_shuffling_exchanges_codes_and_leaves_every_patient_its_visits(people):
    links = gm.Visits(most=0.9)
    before, after = links.link(people, people), gm.Shuffled(links).link(people, people)
    for name in ("of_visit", "has_visit", "next_visit"):
        assert np.array_equal(before[name].edges, after[name].edges)
    assert np.array_equal(np.sort(before["of_dx"].edges[0]), np.sort(after["of_dx"].edges[0]))
    assert np.array_equal(after.parts["visit"].features, before.parts["visit"].features)


def test_a_row_that_is_one_visit_has_one_visit_node():
    rows = [(name, name, float(at), ["flu", "gout"][: 1 + at % 2]) for at, name in enumerate("abcd")]
    cohort = cohort_of(rows)
    people = gm.CohortEncoder().fit(cohort).transform(cohort)
    relations = gm.Visits(most=1.0).link(people, people)
    assert relations.parts["visit"].owner.tolist() == [0, 1, 2, 3]
    assert len(relations["next_visit"]) == 0


def test_without_visits_the_error_says_what_to_write(people, numbers):
    bare = numbers({"labs": np.eye(4)})
    with pytest.raises(
        gm.GraphError, match=r"cohort.toml \[visits\] path =, visit =, time = .*long = { code =, visit = }"
    ):
        gm.Visits().link(bare, bare)
    with pytest.raises(gm.GraphError, match="no codes of 'rx' are known by visit; there are: dx"):
        gm.Visits("rx").link(people, people)
    with pytest.raises(gm.GraphError, match="at least 9 and at most 50% of 4 patients; lower support or raise most"):
        gm.Visits(support=9).link(people, people)


def test_newcomers_without_any_visit_table_are_attached(people, numbers):
    cohort = cohort_of(ROWS)
    encoder = gm.CohortEncoder().fit(cohort)
    bare = gm.Cohort.from_frames({"clinical": pd.DataFrame({"age": [50.0]}, index=["z"])})
    graph = gm.build_graph(gm.Visits(most=0.9), people, encoder.transform(bare))
    assert graph.patients == 5
    assert 4 not in graph.parts["visit"].owner


@pytest.mark.parametrize("wrong", [{"support": 0}, {"most": 0.0}, {"most": 1.1}])
def test_settings_are_checked_when_given(wrong):
    with pytest.raises(gm.GraphError, match="wanted: 1 or more, and a share up to 1"):
        gm.Visits(**wrong)


@pytest.mark.parametrize("name", ["visit", "patient"])
def test_a_modality_called_as_the_graph_calls_its_own_is_refused(people, name):
    cohort = cohort_of(ROWS)
    renamed = cohort.with_visits(cohort.timeline.visits, {name: cohort.timeline.events["dx"]})
    encoded = gm.CohortEncoder().fit(renamed).transform(renamed)
    with pytest.raises(gm.GraphError, match="give the modality another name"):
        gm.Visits().link(encoded, encoded)
