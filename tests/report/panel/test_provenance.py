"""A graph built with test patients, one that listens to them, and one drawn by the outcome are found by their codes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.cli import commands
from graphmml.data.synthetic import write_demo
from graphmml.errors import CohortError
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import Relation
from graphmml.graph.store import load_graph
from graphmml.report import homophily
from graphmml.report.panel.metapaths import METAPATHS
from graphmml.report.panel.provenance import PROVENANCE, purity

LINKS = gm.Neighbours(each=True, k=5)


def with_split(seed, patients=120):
    """A clean cohort with an official split by chance."""
    cohort = gm.make_cohort(patients, seed=seed)
    test = np.random.default_rng(seed).random(patients) < 0.3
    return replace(cohort, split=pd.Series(np.where(test, "test", "train"), index=cohort.ids))


def sides(cohort):
    """Return training and test patients."""
    test = (cohort.split == "test").to_numpy()
    return cohort[~test], cohort[test]


def statuses(findings):
    return [findings[code].status for code in ("GM612", "GM613", "GM614")]


@pytest.mark.parametrize("seed", range(20))
def test_a_graph_built_with_test_patients_is_found_and_its_cure_passes(asked, seed):
    cohort = with_split(seed)
    train, test = sides(cohort)
    whole = gm.CohortEncoder().fit(cohort).transform(cohort)
    assert statuses(asked(PROVENANCE, cohort, graph=gm.build_graph(LINKS, whole))[1]) == ["fail", "n.a.", "pass"]
    encoder = gm.CohortEncoder().fit(train)
    cured = gm.build_graph(LINKS, encoder.transform(train), encoder.transform(test))
    assert statuses(asked(PROVENANCE, cohort, graph=cured)[1]) == ["pass", "pass", "pass"]
    alone = gm.build_graph(LINKS, encoder.transform(train))
    assert statuses(asked(PROVENANCE, train, graph=alone)[1]) == ["pass", "pass", "pass"]
    assert statuses(asked(PROVENANCE, cohort, LINKS)[1]) == ["n.a.", "n.a.", "pass"]


def with_edges(graph, extra):
    """The graph with edges more in its first relation."""
    first, *others = graph.relations
    edges = np.concatenate([first.edges, np.array(extra).T], axis=1)
    changed = replace(first, edges=edges, weight=np.ones(edges.shape[1], dtype=np.float32))
    return replace(graph, relations=(changed, *others))


@pytest.mark.parametrize("seed", range(20))
def test_an_imported_graph_in_which_somebody_listens_to_a_test_patient_is_found(asked, seed):
    cohort = with_split(seed)
    train, test = sides(cohort)
    encoder = gm.CohortEncoder().fit(train)
    graph = gm.build_graph(LINKS, encoder.transform(train), encoder.transform(test))
    first, last = len(train), len(cohort) - 1
    for extra in ([(first, 0)], [(first, last)]):  # test to train; test to test
        finding = asked((PROVENANCE,), cohort, graph=with_edges(graph, extra))[1]["GM613"]
        assert finding.status == "fail"
        assert finding.message.startswith("1 link from official test patients")
    attached = asked(PROVENANCE, replace(cohort, split=None), graph=with_edges(graph, [(first, 0)] * 2))[1]["GM613"]
    assert attached.status == "fail"
    assert attached.message.startswith("2 links from attached patients")


def test_concepts_of_test_patients_alone_are_counted(asked):
    cohort = with_split(1, patients=40)
    test = np.flatnonzero((cohort.split == "test").to_numpy())
    train = np.flatnonzero((cohort.split == "train").to_numpy())
    order = np.concatenate([train, test])
    speakers = np.array([len(train), len(train) + 1, 0, 1])
    has = Relation("has", np.stack([speakers, [0, 0, 1, 1]]), np.ones(4)).between("patient", "codes")
    graph = PatientGraph(cohort.ids[order], len(train), (has,), {"codes": ("a", "b")})
    measures, findings = asked((METAPATHS, PROVENANCE), cohort, graph=graph)
    assert measures["metapaths"]["codes"]["only_through_test"] == 1
    assert findings["GM613"].status == "fail"
    assert "1 concept there through test patients alone" in findings["GM613"].message


def test_rows_that_were_learned_from_are_told_by_their_fingerprint(asked):
    cohort = with_split(3)
    train, test = sides(cohort)
    encoder = gm.CohortEncoder().fit(train)
    graph = gm.build_graph(LINKS, encoder.transform(train), encoder.transform(test))
    for patients, wanted in ((cohort, "fail"), (train, "pass")):
        facts = {"learned_from": {"patients": len(patients), "fingerprint": patients.fingerprint}}
        assert asked(PROVENANCE, cohort, graph=graph, facts=facts)[1]["GM612"].status == wanted
    labs = cohort.tables["labs"] + 1.0
    changed = replace(cohort, tables={**cohort.tables, "labs": labs})
    assert asked(PROVENANCE, changed, graph=graph, facts=facts)[1]["GM612"].status == "warn"


def test_purity_is_the_adjusted_homophily_of_the_relation():
    random = np.random.default_rng(0)
    sources, targets = random.integers(30, size=(2, 200))
    relation = Relation.of("r", sources, targets, random.random(200))
    labels = random.integers(-1, 3, size=30)
    graph = PatientGraph(pd.Index([str(at) for at in range(30)]), 30, (relation,))
    wanted = homophily.homophily(graph.matrix(relation), labels).adjusted
    assert purity(relation, labels) == pytest.approx(wanted)


def by_outcome(cohort, strays):
    """A graph that links patients of one outcome, and some of two."""
    random = np.random.default_rng(0)
    label = (cohort.outcome.values == "case").to_numpy()
    edges = []
    for at in range(len(cohort)):
        others = np.flatnonzero((label == label[at]) & (np.arange(len(cohort)) != at))
        edges += [(other, at) for other in random.choice(others, 5, replace=False)]
    edges += [tuple(random.choice(len(cohort), 2, replace=False)) for _ in range(strays)]
    relation = Relation.of("similar", *np.array(edges).T)
    return PatientGraph(cohort.ids, len(cohort), (relation,))


@pytest.mark.parametrize("seed", range(5))
def test_a_graph_drawn_by_the_outcome_is_found(asked, seed):
    cohort = gm.make_cohort(120, seed=seed)
    for strays, status in ((0, "fail"), (15, "warn"), (400, "pass")):
        finding = asked(PROVENANCE, cohort, graph=by_outcome(cohort, strays))[1]["GM614"]
        assert finding.status == status, finding
    assert "'similar'" in finding.message


def test_features_that_carry_the_outcome_explain_pure_links(asked):
    cohort = gm.make_cohort(120, seed=1)
    case = (cohort.outcome.values == "case").to_numpy()
    labs = cohort.tables["labs"].fillna(50.0) + 1000.0 * case[:, None]
    cohort = replace(cohort, tables={"labs": labs})
    measures, findings = asked(PROVENANCE, cohort, graph=by_outcome(cohort, 0))
    assert measures["provenance"]["features"] > 0.95
    assert findings["GM614"].status == "warn"
    assert asked(PROVENANCE, cohort, gm.Neighbours("labs", k=5))[1]["GM614"].status == "warn"


def test_a_few_pure_links_are_chance(asked):
    cohort = gm.make_cohort(60, seed=1)
    case = np.flatnonzero((cohort.outcome.values == "case").to_numpy())
    graph = PatientGraph(cohort.ids, 60, (Relation.of("few", case[:9], case[1:10]),))
    assert asked(PROVENANCE, cohort, graph=graph)[1]["GM614"].status == "n.a."


@pytest.fixture
def folder(tmp_path):
    """A cohort on disk, with an official split."""
    write_demo(tmp_path, patients=120, seed=0)
    ids = pd.read_csv(tmp_path / "labels.csv", dtype=str)["patient_id"]
    sides = np.where(np.arange(120) % 4, "train", "test")
    pd.DataFrame({"patient_id": ids, "side": sides}).to_csv(tmp_path / "split.csv", index=False)
    return tmp_path


def add_split(folder):
    toml = folder / "cohort.toml"
    line = 'split = { path = "split.csv", column = "side", train = "train", test = "test" }\n'
    toml.write_text(toml.read_text().replace("[cohort]\n", f"[cohort]\n{line}"))
    return toml


def test_build_with_split_passes_what_build_without_it_fails(folder, asked):
    toml = add_split(folder)
    cohort = gm.read_cohort(toml)
    for split, status in ((False, "fail"), (True, "pass")):
        commands.build(toml, output=folder / "graph", links="neighbours:k=5", onto=None, split=split, json=True)
        graph, manifest = load_graph(folder / "graph")
        assert manifest["learned_from"]["patients"] == graph.trained == (90 if split else 120)
        measures, findings = asked(PROVENANCE, cohort, graph=graph, facts=manifest)
        assert measures["provenance"]["learned_from"] == "same"
        assert findings["GM612"].status == status
        assert not any(name in findings["GM612"].message for name in cohort.ids)


def test_build_with_split_wants_one(folder):
    with pytest.raises(CohortError, match="--split wants an official split"):
        commands.build(
            folder / "cohort.toml", output=folder / "graph", links="neighbours", onto=None, split=True, json=True
        )
