"""A diagnosis finds what was planted, says n.a. where there is nothing, and depends on no row order."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.errors import GraphError
from graphmml.graph.concepts import Concepts
from graphmml.graph.controls import NoEdges
from graphmml.graph.patient_graph import build_graph
from graphmml.graph.phenotype import SharedPhenotype
from graphmml.report import measures as measured
from graphmml.report.diagnose import diagnose, diagnose_graph
from graphmml.report.diagnosis import Diagnosis

LINKS = gm.Neighbours("labs", k=5)


def made(site_effect=0.0, label_effect=0.0, prevalence=(0.5,) * 4, patients=200, seed=0, groups=True):
    """Patients of four sites; features follow the site, the label or neither."""
    random = np.random.default_rng(seed)
    site = np.arange(patients) % 4
    label = (random.random(patients) < np.array(prevalence)[site]).astype(int)
    labs = random.normal(size=(patients, 6))
    labs[:, :4] += site_effect * np.eye(4)[site]
    labs[:, 4] += label_effect * label
    ids = pd.Index([f"secret{number:04d}" for number in random.permutation(patients)])
    return gm.Cohort.from_frames(
        {"labs": pd.DataFrame(labs, index=ids, columns=list("abcdef"))},
        pd.Series(np.where(label, "case", "control"), index=ids, name="dx"),
        groups=pd.DataFrame({"site": np.array(["n", "s", "w", "e"])[site]}, index=ids) if groups else None,
    )


def status(result: Diagnosis, code: str) -> list[str]:
    return [finding.status for finding in result.findings if finding.code == code]


@pytest.mark.parametrize("seed", range(3))
def test_a_signal_that_is_only_site_fails(seed):
    cohort = made(site_effect=8.0, prevalence=(0.05, 0.3, 0.7, 0.95), seed=seed)
    result = diagnose(cohort, LINKS)
    assert status(result, "GM301") == ["pass"]
    assert status(result, "GM401") == ["fail"]
    assert status(result, "GM403") == ["warn"]


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_signal_passes(seed):
    result = diagnose(made(label_effect=6.0, seed=seed), LINKS)
    assert [status(result, code) for code in ("GM301", "GM303", "GM401", "GM403")] == [["pass"]] * 4
    assert result.measures["homophily"]["outcome:dx"]["p_within"]["site"] < 0.05


def test_labels_by_chance_are_not_called_a_signal_more_often_than_alpha():
    found = [status(diagnose(made(seed=seed), LINKS), "GM301") for seed in range(20)]
    assert found.count(["warn"]) >= 16


def test_a_graph_of_sites_warns_though_the_label_signal_remains():
    assert status(diagnose(made(site_effect=8.0, label_effect=1.5), LINKS), "GM401") == ["warn"]


def test_the_order_of_rows_changes_nothing():
    cohort = made(site_effect=1.0, label_effect=1.0)
    order = np.random.default_rng(3).permutation(len(cohort))
    one, other = diagnose(cohort, LINKS), diagnose(cohort[order], LINKS)
    pd.testing.assert_frame_equal(one.frame(), other.frame())
    assert one.findings == other.findings


def test_without_groups_confounding_is_not_applicable():
    result = diagnose(made(groups=False), LINKS)
    assert [item.status for item in result.findings if item.code.startswith("GM4")] == ["n.a."] * 4


def test_without_an_outcome_what_is_about_it_is_not_applicable():
    result = diagnose(replace(made(), outcome=None), LINKS)
    about = [item for item in result.findings if item.code[:3] in ("GM3", "GM4") and item.code != "GM402"]
    assert {item.status for item in about} == {"n.a."}
    assert list(result.frame().index) == ["site"]


def test_patients_without_a_link_are_counted_and_what_they_lack_is_said():
    cohort = made()
    ids = cohort.ids
    extra = pd.DataFrame({"x": np.arange(150.0)}, index=ids[:150])
    cohort = gm.Cohort.from_frames({"labs": cohort.tables["labs"], "extra": extra}, cohort.outcome.values)
    result = diagnose(cohort, gm.Neighbours("extra", k=5))
    assert result.graph["isolated"] == 50
    finding = next(item for item in result.findings if item.code == "GM202")
    assert finding.status == "warn"
    assert "50 of them lack 'extra'" in finding.message


def test_a_graph_without_edges_is_all_isolated_and_says_nothing_of_the_outcome():
    result = diagnose(made(), NoEdges())
    assert result.graph == {"patients": 200, "edges": 0, "components": 200, "isolated": 200}
    assert status(result, "GM301") == ["n.a."]
    repr(result)
    json.dumps(result.to_json(), allow_nan=False)


def test_unlabelled_patients_take_no_part_in_homophily():
    cohort = made(label_effect=6.0)
    graph = build_graph(LINKS, gm.CohortEncoder().fit(cohort).transform(cohort))
    row = diagnose_graph(cohort.with_outcome_of(np.arange(0, 200, 2)), graph).measures["homophily"]["outcome:dx"]
    known = np.arange(0, 200, 2)
    links = graph.between_patients().toarray()[np.ix_(known, known)]
    label = cohort.outcome.values.to_numpy()[known]
    alike = links[label[:, None] == label[None, :]].sum()
    assert row["patients"] == 100
    assert row["edge"] == pytest.approx(alike / links.sum())


def codes_cohort():
    cohort = made()
    codes = (np.random.default_rng(0).random((200, 30)) < 0.1).astype(float)
    frame = pd.DataFrame(codes, index=cohort.ids).rename(columns=lambda at: f"c{at}")
    return gm.Cohort.from_frames({"codes": frame}, cohort.outcome.values, groups=cohort.groups)


def test_a_graph_of_concepts_is_measured_through_them():
    cohort = codes_cohort()
    result = diagnose(cohort, Concepts("codes"))
    graph = build_graph(Concepts("codes"), gm.CohortEncoder().fit(cohort).transform(cohort))
    assert set(result.measures["relations"]) == {"has_codes", "of_codes"}
    assert result.measures["listens_to"]["max"] == graph.between_patients().sum(axis=1).max()
    assert result.graph["isolated"] == int((graph.between_patients().sum(axis=1) == 0).sum())


def test_too_dense_a_graph_of_concepts_is_skipped_in_words(monkeypatch):
    monkeypatch.setattr("graphmml.report.diagnose.LARGEST_PROJECTION", 100)
    result = diagnose(codes_cohort(), Concepts("codes"))
    assert [status(result, code) for code in ("GM203", "GM204", "GM301", "GM401")] == [["skipped"]] * 4
    assert status(result, "GM403") == ["pass"]
    assert all(item.fix for item in result.findings if item.status == "skipped")
    json.dumps(result.to_json(), allow_nan=False)
    repr(result)


def test_the_bound_on_links_through_concepts_is_never_too_low():
    cohort = codes_cohort()
    graph = build_graph(Concepts("codes"), gm.CohortEncoder().fit(cohort).transform(cohort))
    assert measured.projected_links(graph) >= graph.between_patients().nnz


def test_links_drawn_by_a_group_are_named():
    assert status(diagnose(made(), SharedPhenotype("site", k=5)), "GM402") == ["warn"]


def test_nothing_printed_or_written_names_a_patient_and_the_page_is_small():
    cohort = made(site_effect=8.0, prevalence=(0.05, 0.3, 0.7, 0.95))
    named = cohort.groups.assign(person=cohort.ids.to_numpy())
    cohort = gm.Cohort.from_frames(dict(cohort.tables), cohort.outcome.values, groups=named)
    result = diagnose(cohort, LINKS)
    text = repr(result)
    assert "secret" not in text + json.dumps(result.to_json(), allow_nan=False) + result.frame().to_string()
    assert len(text.splitlines()) <= 30
    assert max(map(len, text.splitlines())) <= 100
    assert "descriptive" in text


def test_the_json_has_the_promised_keys():
    found = diagnose(made(), LINKS).to_json()
    assert found["schema"] == "graphmml.diagnose/1"
    assert set(found) == {"schema", "graph", "measures", "findings"}
    assert set(found["graph"]) == {"patients", "edges", "components", "isolated"}
    assert all(set(item) == {"code", "status", "message", "fix"} for item in found["findings"])


def test_a_graph_of_other_patients_is_refused():
    cohort = made()
    graph = build_graph(LINKS, gm.CohortEncoder().fit(cohort).transform(cohort))
    with pytest.raises(GraphError, match="200 patients and the cohort of 150"):
        diagnose_graph(cohort[:150], graph)


@pytest.mark.cohorts
@pytest.mark.parametrize("name", ["heart_disease", "hancock", "mimic3_demo"])
def test_real_cohorts_are_diagnosed(cohorts, name):
    result = diagnose(gm.read_cohort(cohorts / name / "cohort.toml"), gm.Neighbours())
    assert result.graph["components"] >= 1
    assert max(map(len, repr(result).splitlines())) <= 100
    json.dumps(result.to_json(), allow_nan=False)


def test_the_share_of_a_class_that_few_have_is_told_as_a_bound():
    cohort = gm.make_cohort(157, seed=3)
    values = cohort.outcome.values.copy()
    values.iloc[:7] = "rare"
    rare = replace(cohort, outcome=replace(cohort.outcome, values=values, positive=None))
    told = " ".join(str(gm.diagnose(rare, gm.Neighbours(each=True, k=5)).summary()).split())
    assert "(under 7% of all)" in told
    assert "4% of all" not in told
    assert "4.5%" not in told


@pytest.mark.parametrize("others", [("case", "control"), ("control",)])
def test_in_json_the_patients_of_a_class_that_few_have_are_not_the_whole_less_the_rest(others):
    cohort = gm.make_cohort(157, seed=3)
    values = cohort.outcome.values.copy()
    values[~values.isin(others)] = "control"
    values.iloc[:7] = "rare"
    sites = cohort.groups["site"].copy()
    sites.iloc[:4] = "outpost"
    rare = replace(
        cohort,
        outcome=replace(cohort.outcome, values=values, positive=None),
        groups=cohort.groups.assign(site=sites),
    )
    found = gm.diagnose(rare, gm.Neighbours(each=True, k=5)).to_json()["measures"]["homophily"]
    for row in found.values():
        told = [of["patients"] for of in row["by_value"].values() if of["patients"] is not None]
        assert all(of["share"] is None for of in row["by_value"].values() if of["patients"] is None)
        assert row["patients"] - sum(told) >= 11
        assert min(told, default=11) >= 11
