"""Paths through concepts, never laid out, mix labels as the projected graph does; concepts that stand out are named."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import fisher_exact
from sklearn.metrics import roc_auc_score

import graphmml as gm
from graphmml.graph.patient_graph import PatientGraph
from graphmml.graph.relations import Relation
from graphmml.report import homophily
from graphmml.report.measures import outcome_target
from graphmml.report.panel.metapaths import METAPATHS, alike, telling
from graphmml.report.paths import Paths, mixing_of_paths, path_homophily_p, paths_of


def some_paths(seed, patients=40, concepts=25):
    """Paths whose two directions weigh differently."""
    random = np.random.default_rng(seed)
    listen = random.random((patients, concepts)) * (random.random((patients, concepts)) < 0.2)
    speak = random.random((concepts, patients)) * (random.random((concepts, patients)) < 0.2)
    names = tuple(f"c{at}" for at in range(concepts))
    return Paths("codes", names, csr_array(listen), csr_array(speak))


def projected(paths):
    """The graph that is never laid out."""
    dense = (paths.listen @ paths.speak).toarray()
    np.fill_diagonal(dense, 0.0)
    return csr_array(dense)


@pytest.mark.parametrize("seed", range(5))
def test_mixing_through_concepts_is_that_of_the_projected_graph(seed):
    paths = some_paths(seed)
    labels = np.random.default_rng(seed).integers(-1, 3, size=40)
    wanted = homophily.mixing(projected(paths), labels).toarray()
    np.testing.assert_allclose(mixing_of_paths(paths, labels).toarray(), wanted, atol=1e-12)


def test_mixing_equals_a_loop_over_all_paths():
    paths = some_paths(9, patients=12, concepts=6)
    labels = np.random.default_rng(9).integers(-1, 2, size=12)
    listen, speak = paths.listen.toarray(), paths.speak.toarray()
    counted = np.zeros((2, 2))
    for one in range(12):
        for other in range(12):
            if one != other and min(labels[one], labels[other]) >= 0:
                weight = sum(listen[one, concept] * speak[concept, other] for concept in range(6))
                counted[labels[one], labels[other]] += weight
                counted[labels[other], labels[one]] += weight
    np.testing.assert_allclose(mixing_of_paths(paths, labels).toarray(), counted / counted.sum())


def test_p_is_small_for_a_signal_and_even_without_one():
    labels = np.arange(60) % 2
    random = np.random.default_rng(0)
    held = (random.random((60, 30)) < np.where(labels[:, None] == np.arange(30) % 2, 0.3, 0.1)).astype(float)
    signal = Paths("codes", tuple(map(str, range(30))), csr_array(held), csr_array(held.T))
    assert path_homophily_p(signal, labels, rounds=99) == pytest.approx(0.01)
    drawn = []
    for seed in range(60):
        held = (np.random.default_rng(seed).random((60, 30)) < 0.2).astype(float)
        paths = Paths("codes", tuple(map(str, range(30))), csr_array(held), csr_array(held.T))
        drawn.append(path_homophily_p(paths, labels, rounds=49, seed=seed))
    assert 0.35 < np.mean(drawn) < 0.65
    assert np.isnan(path_homophily_p(signal, np.zeros(60, dtype=int), rounds=9))


def coded(patients=200, seed=0, **more):
    """Patients with codes by chance, and columns of a test's own."""
    random = np.random.default_rng(seed)
    ids = pd.Index([f"secret{at:04d}" for at in range(patients)])
    frame = pd.DataFrame((random.random((patients, 30)) < 0.1).astype(float), index=ids)
    frame.columns = [f"c{at}" for at in range(30)]
    label = random.random(patients) < 0.4
    for name, values in more.items():
        frame[name] = values(label, random).astype(float)
    outcome = pd.Series(np.where(label, "case", "control"), index=ids, name="dx")
    return gm.Cohort.from_frames({"codes": frame}, outcome, positive="case")


def test_codes_by_chance_pass(asked):
    for seed in range(10):
        measures, findings = asked(METAPATHS, coded(seed=seed), gm.Concepts("codes"))
        assert {item.status for item in findings.values()} == {"pass"}
        assert abs(measures["metapaths"]["codes"]["mixing"]["outcome:dx"]["adjusted"]) < 0.05


def test_the_order_of_the_graph_changes_nothing(asked):
    cohort = coded()
    order = np.random.default_rng(3).permutation(len(cohort))
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    one, other = (gm.build_graph(gm.Concepts("codes"), encoded[rows]) for rows in (np.arange(200), order))
    rows = [asked(METAPATHS, cohort, graph=graph)[0]["metapaths"]["codes"] for graph in (one, other)]
    for key in ("edge", "adjusted", "informativeness"):
        assert rows[0]["mixing"]["outcome:dx"][key] == pytest.approx(rows[1]["mixing"]["outcome:dx"][key])
    assert rows[0]["telling"][0] == rows[1]["telling"][0]


@pytest.mark.parametrize(("slips", "status"), [(0.0, "fail"), (0.02, "warn")])
def test_a_concept_that_is_the_outcome_is_named(asked, slips, status):
    cohort = coded(600, billing=lambda label, random: label ^ (random.random(len(label)) < slips))
    finding = asked(METAPATHS, cohort, gm.Concepts("codes"))[1]["GM615"]
    assert finding.status == status
    assert "'billing'" in finding.message
    assert "secret" not in finding.message


def test_auroc_of_presence_and_its_chance_equal_other_programs():
    cohort = coded(billing=lambda label, random: label & (random.random(len(label)) < 0.7))
    held = cohort.tables["codes"].to_numpy()
    label = (cohort.outcome.values == "case").to_numpy()
    rows = telling(csr_array(held), tuple(cohort.tables["codes"]), outcome_target(cohort.outcome))
    aurocs = [max(roc_auc_score(label, column), 1 - roc_auc_score(label, column)) for column in held.T]
    assert rows[0]["concept"] == "billing"
    assert rows[0]["auroc"] == pytest.approx(max(aurocs))
    has = held[:, -1] > 0
    table = [[(has & label).sum(), (has & ~label).sum()], [(~has & label).sum(), (~has & ~label).sum()]]
    assert rows[0]["p"] == pytest.approx(2 * fisher_exact(table, "greater").pvalue * held.shape[1])


def test_a_few_cases_make_no_concept_the_outcome(asked):
    cohort = coded(60)
    rare = pd.Series(np.where(np.arange(60) < 2, "case", "control"), index=cohort.ids, name="dx")
    cohort = gm.Cohort.from_frames(dict(cohort.tables), rare)
    assert asked(METAPATHS, cohort, gm.Concepts("codes"))[1]["GM615"].status == "pass"


def test_a_concept_that_everybody_has_is_named(asked):
    cohort = coded(routine=lambda label, random: random.random(len(label)) < 0.9)
    assert asked(METAPATHS, cohort, gm.Concepts("codes"))[1]["GM512"].status == "pass"
    measures, findings = asked(METAPATHS, cohort, gm.Concepts("codes", most=1.0))
    assert findings["GM512"].status == "warn"
    assert "routine" in findings["GM512"].message
    assert measures["metapaths"]["codes"]["hubs"] == ["routine"]
    graph = gm.build_graph(gm.Concepts("codes", most=1.0), gm.CohortEncoder().fit(cohort).transform(cohort))
    (paths,) = paths_of(graph)
    at = paths.names.index("routine")
    alone = projected(Paths("codes", ("x",), paths.listen[:, [at]], paths.speak[[at]])).sum()
    assert measures["metapaths"]["codes"]["hub_share"] == pytest.approx(alone / projected(paths).sum(), rel=1e-5)


def test_numbers_that_everybody_has_by_weight_are_no_hubs(asked):
    findings = asked(METAPATHS, gm.make_cohort(80), gm.Concepts("labs", numbers="weights"))[1]
    assert findings["GM512"].status == "pass"


def test_concepts_that_nobody_hears_are_said(asked):
    cohort = coded(20)
    edges = np.array([[0, 1, 2], [0, 0, 1]])
    graph = PatientGraph(
        cohort.ids, 20, (Relation("has", edges, np.ones(3)).between("patient", "codes"),), {"codes": ("a", "b")}
    )
    finding = asked(METAPATHS, cohort, graph=graph)[1]["GM513"]
    assert finding.status == "warn"
    assert "no patient listens" in finding.message


def test_rows_with_the_same_entries_are_counted():
    rows = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [0, 1, 0, 0], [0, 1, 0, 0], [1, 1, 1, 0], [2, 0, 3, 1]])
    assert alike(csr_array(rows), least=1) == 5
    assert alike(csr_array(rows), least=2) == 3


def test_without_concepts_nothing_is_asked(asked):
    findings = asked(METAPATHS, gm.make_cohort(60), gm.Neighbours(k=4))[1]
    assert {item.status for item in findings.values()} == {"n.a."}
