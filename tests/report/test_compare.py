"""A comparison finds what was planted in one graph and not in another, and depends on no row order."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.errors import GraphError
from graphmml.report.agreement import agreement, pairs_of
from graphmml.report.compare import compare, default_links
from graphmml.report.cost import costed
from graphmml.report.describe_links import label_of, looks_at
from graphmml.report.permutation import exchanges
from graphmml.report.within import homophily_within

LABS = gm.Neighbours("labs", k=5)
ROW = {
    "name", "links", "looks_at", "status", "note", "relations", "edges", "pairs", "degree", "isolated", "components",
    "giant_share", "skew", "outcome", "groups", "seconds", "memory_mb",
}  # fmt: skip


def made(patients=200, seed=0, known=None, prevalence=(0.05, 0.3, 0.7, 0.95)):
    """Patients of four sites that differ in prevalence; `map` tells the site alone, `labs` the label alone."""
    random = np.random.default_rng(seed)
    site = np.arange(patients) % 4
    label = (random.random(patients) < np.array(prevalence)[site]).astype(int)
    ids = pd.Index([f"secret{number:04d}" for number in random.permutation(patients)])
    whereabouts = random.normal(size=(patients, 4)) + 8 * np.eye(4)[site]
    labs = random.normal(size=(patients, 4)) + 3 * label[:, None] * np.array([1, -1, 1, -1])
    groups = pd.DataFrame({"site": np.array(["n", "s", "w", "e"])[site]}, index=ids)
    if known is not None:
        groups["ward"] = np.where(np.arange(patients) < known, site.astype(str), None)
    return gm.Cohort.from_frames(
        {"labs": pd.DataFrame(labs, index=ids), "map": pd.DataFrame(whereabouts, index=ids)},
        pd.Series(np.where(label, "case", "control"), index=ids, name="dx"),
        groups=groups,
    )


@dataclass(frozen=True)
class Refusing:
    """A constructor that cannot link anybody."""

    def link(self, source, target):
        raise GraphError("nobody here can be linked;\n give others")


def timeless(result):
    found = result.to_json()
    for row in found["rows"]:
        del row["seconds"], row["memory_mb"]
    del found["encoding_seconds"]
    return found


def row_of(result, name):
    return next(row for row in result.rows if row.name == name)


@pytest.fixture(scope="module")
def result():
    return compare(made(), {"labs": LABS, "map": gm.Neighbours("map", k=5), "random": gm.RandomEdges(5)})


def test_the_order_of_rows_changes_nothing():
    cohort = made()
    links = {"labs": LABS, "both": gm.Neighbours(each=True), "shuffled": gm.Shuffled(LABS), "random": gm.RandomEdges()}
    order = np.random.default_rng(3).permutation(len(cohort))
    assert timeless(compare(cohort, links)) == timeless(compare(cohort[order], links))


def test_the_outcome_decides_no_link():
    cohort = made()
    silent = compare(replace(cohort, outcome=None))
    for one, other in zip(compare(cohort).rows, silent.rows, strict=True):
        assert (one.relations, one.pairs, one.degree) == (other.relations, other.pairs, other.degree)
        assert other.outcome is None
    assert "no outcome of classes" in silent.verdict[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_graph_that_follows_site_alone_is_told_from_one_that_follows_the_outcome(seed):
    result = compare(made(seed=seed), {"labs": LABS, "map": gm.Neighbours("map", k=5)})
    told, labs = row_of(result, "map"), row_of(result, "labs")
    assert told.groups["site"]["adjusted"] > 0.9
    assert told.groups["site"]["p"] <= 0.001
    assert told.outcome["p"] <= 0.001
    assert told.outcome["within"]["site"]["p"] > 0.05
    assert abs(told.outcome["within"]["site"]["adjusted"]) < 0.1
    assert labs.outcome["within"]["site"]["p"] <= 0.001
    assert labs.outcome["within"]["site"]["adjusted"] > 0.2
    assert result.verdict[0].startswith("Within site, 'labs' follows dx most")
    assert "Map of site rather than dx: 'map'" in result.verdict[1]
    assert "Within site, 'map' follows dx no more than chance" in result.verdict[1]


def test_a_graph_that_is_drawn_by_a_group_is_said_to_be_its_map_and_the_group_spoken_of_is_shown():
    cohort = made()
    batch = np.random.default_rng(1).permutation(np.repeat(["a", "b"], 100))
    by_batch = {"random": gm.RandomEdges(5), "phen": gm.SharedPhenotype("batch", k=5)}
    alone = compare(replace(cohort, groups=pd.DataFrame({"batch": batch}, index=cohort.ids)), by_batch)
    assert alone.verdict[1].startswith("'phen' is drawn by batch, hence +1.00. No other graph is a map of batch:")
    both = replace(cohort, groups=pd.DataFrame({"batch": batch, "site": cohort.groups["site"]}, index=cohort.ids))
    result = compare(both, {"map": gm.Neighbours("map", k=5), **by_batch})
    assert result.verdict[1].startswith("Map of site rather than dx: 'map'")
    assert "site adjusted" in repr(result)
    assert "batch adjusted" not in repr(result)


def test_without_a_signal_no_graph_is_said_to_follow_the_outcome():
    said = []
    for seed in range(10):
        cohort = made(seed=seed, prevalence=(0.5,) * 4)
        label = np.random.default_rng(seed + 50).permutation(cohort.outcome.values.to_numpy())
        values = pd.Series(label, index=cohort.ids, name="dx")
        noise = gm.Cohort.from_frames(dict(cohort.tables), values, groups=cohort.groups)
        said.append(compare(noise, {"labs": LABS, "map": gm.Neighbours("map", k=5)}).verdict[0])
    assert sum(words.startswith("No graph follows dx") for words in said) >= 8


def test_the_same_graph_twice_agrees_wholly_and_a_part_lies_within_the_whole():
    links = {"once": LABS, "again": gm.Neighbours(("labs",), k=5), "both": gm.Neighbours(k=5, each=True)}
    table = compare(made(), links).agreement.set_index(["one", "other"])
    assert table.loc[("once", "again"), "jaccard"] == 1.0
    assert table.loc[("once", "both"), "overlap"] == 1.0
    assert table.loc[("once", "both"), "jaccard"] < 0.9


def test_random_graphs_agree_as_much_as_chance_says():
    links = {str(seed): gm.RandomEdges(10, seed=seed) for seed in range(12)}
    table = compare(made(), links).agreement
    assert len(table) == 66
    assert table["jaccard"].mean() == pytest.approx(table["chance"].mean(), rel=0.05)
    assert table["overlap"].mean() == pytest.approx(table["overlap_chance"].mean(), rel=0.05)


def symmetric(random, patients, share, linked):
    upper = np.triu(random.random((patients, patients)) < share, 1)
    return (upper | upper.T) & linked[:, None] & linked[None, :]


@pytest.mark.parametrize("seed", range(3))
def test_agreement_is_that_of_sets_of_pairs_and_its_chance_that_of_patients_exchanged(seed):
    random = np.random.default_rng(seed)
    here, there = np.arange(40) < 30, np.arange(40) >= 10
    one, other = symmetric(random, 40, 0.3, here), symmetric(random, 40, 0.2, there)
    sets = [{(a, b) for a, b in zip(*np.nonzero(links), strict=True) if a < b} for links in (one, other)]
    found = agreement(("a", "b"), *(pairs_of(csr_array(links.astype(float))) for links in (one, other)))
    assert found.shared == len(sets[0] & sets[1])
    assert found.jaccard == pytest.approx(found.shared / len(sets[0] | sets[1]))
    assert found.overlap == pytest.approx(found.shared / min(map(len, sets)))
    both = np.flatnonzero(one.any(axis=1) & other.any(axis=1))
    shared = []
    for _ in range(2000):
        order = np.arange(40)
        order[both] = random.permutation(both)
        shared.append((one & other[np.ix_(order, order)]).sum() / 2)
    mean = np.mean(shared)
    assert found.chance == pytest.approx(mean / (sum(map(len, sets)) - mean), rel=0.03)
    assert found.overlap_chance == pytest.approx(mean / min(map(len, sets)), rel=0.03)


def test_where_both_draw_a_share_rho_of_all_pairs_chance_is_rho_over_two_minus_rho():
    ring = np.roll(np.eye(20), 1, axis=1)
    found = agreement(("a", "b"), pairs_of(csr_array(ring)), pairs_of(csr_array(np.roll(ring, 1, axis=1))))
    rho = 20 / 190
    assert found.chance == pytest.approx(rho / (2 - rho))
    assert found.overlap_chance == pytest.approx(rho)


def test_direction_and_weight_make_no_other_pair():
    links = np.triu(np.random.default_rng(0).random((30, 30)) < 0.2, 1) * 0.7
    one, other = pairs_of(csr_array(links)), pairs_of(csr_array(links + links.T))
    assert (one != other).nnz == 0
    assert one.nnz == np.count_nonzero(links)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_left_within_strata_is_measured_from_the_mean_of_all_exchanges(seed):
    random = np.random.default_rng(seed)
    patients = 60
    links = csr_array(random.random((patients, patients)) * (random.random((patients, patients)) < 0.1))
    labels, strata = random.integers(-1, 3, patients), random.integers(-1, 4, patients)
    weight = (links + links.T).toarray()
    np.fill_diagonal(weight, 0)
    known = np.flatnonzero(labels >= 0)
    weight, own, member = weight[np.ix_(known, known)], labels[known], strata[known]

    def same(values):
        return weight[values[:, None] == values[None, :]].sum() / weight.sum()

    chance = np.mean([same(exchanges(own, member, 1, random)[0]) for _ in range(4000)])
    expected = (same(own) - chance) / (1 - chance)
    assert homophily_within(links, labels, strata) == pytest.approx(expected, abs=0.01)


def test_strata_that_tell_the_label_leave_nothing_and_none_leave_nan():
    labels = np.repeat([0, 1], 20)
    links = csr_array(np.random.default_rng(0).random((40, 40)) < 0.2).astype(float)
    assert homophily_within(links, labels, labels) == pytest.approx(0.0)
    assert np.isnan(homophily_within(csr_array((40, 40)), labels, labels))
    assert np.isnan(homophily_within(links, np.zeros(40, dtype=int), labels))


def test_degrees_and_pairs_are_those_of_the_graph():
    cohort = made()
    row = row_of(compare(cohort, {"labs": LABS}), "labs")
    graph = gm.build_graph(LABS, gm.CohortEncoder().fit(cohort).transform(cohort))
    links = graph.between_patients().toarray() > 0
    degree = (links | links.T).sum(axis=1)
    assert row.pairs == degree.sum() / 2
    assert row.degree == {"min": degree.min(), "median": np.median(degree), "max": degree.max()}
    assert (row.edges, row.relations, row.components) == (
        1000,
        {"labs": 1000},
        gm.diagnose(cohort, LABS).graph["components"],
    )


def test_what_diagnose_measures_is_measured_the_same(result):
    found = gm.diagnose(made(), LABS).measures["homophily"]
    row = row_of(result, "labs")
    assert row.outcome["adjusted"] == found["outcome:dx"]["adjusted"]
    assert row.outcome["p"] == found["outcome:dx"]["p"]
    assert row.outcome["within"]["site"]["p"] == found["outcome:dx"]["p_within"]["site"]
    assert row.groups["site"]["adjusted"] == found["group:site"]["adjusted"]


def test_a_constructor_that_cannot_link_the_cohort_is_a_row_that_says_why():
    result = compare(made(), {"too many": gm.Neighbours("labs", k=500), "other": Refusing(), "labs": LABS})
    assert [row.status for row in result.rows] == ["failed", "failed", "measured"]
    assert "k is 500" in result.rows[0].note
    assert result.rows[1].note == "nobody here can be linked; give others"
    assert result.frame().shape[0] == 3
    json.dumps(result.to_json(), allow_nan=False)
    assert "nobody here can be linked" in repr(result)


def test_every_constructor_failing_is_still_a_table():
    result = compare(made(), {"other": Refusing()})
    assert result.agreement.empty
    json.dumps(result.to_json(), allow_nan=False)
    repr(result)


def test_a_bug_of_a_constructor_is_not_hidden():
    class Broken:
        def link(self, source, target):
            raise KeyError("column")

    with pytest.raises(KeyError):
        compare(made(), {"broken": Broken()})


def test_too_dense_a_graph_of_concepts_keeps_its_size_and_says_so(monkeypatch):
    monkeypatch.setattr("graphmml.report.compare.LARGEST_PROJECTION", 100)
    codes = pd.DataFrame((np.random.default_rng(0).random((200, 30)) < 0.1).astype(float), index=made().ids)
    cohort = gm.Cohort.from_frames({"codes": codes}, made().outcome.values)
    row = row_of(compare(cohort), "concepts of codes")
    assert row.status == "dense"
    assert row.edges > 0
    assert row.components >= 1
    assert np.isnan(row.pairs)
    assert "too many to lay out" in row.note


def test_no_edges_are_a_row_without_homophily():
    row = row_of(compare(made(), {"none": gm.NoEdges(), "labs": LABS}), "none")
    assert (row.edges, row.pairs, row.isolated, row.components) == (0, 0, 200, 200)
    assert np.isnan(row.outcome["adjusted"])


def test_the_usual_graphs_are_those_that_make_sense():
    cohort = made()
    assert list(default_links(cohort)) == [
        "neighbours in labs", "neighbours in map", "neighbours over all", "neighbours, a layer each", "same site",
        "neighbours across site", "random",
    ]  # fmt: skip
    ids = cohort.ids
    counts = pd.DataFrame({"a": [0.0, 2.0] * 100, "b": [1.0, 0.0] * 100, "sex": ["f", "m"] * 100}, index=ids)
    grades = counts.assign(a=counts["a"] + 1)
    assert "concepts of codes" in default_links(gm.Cohort.from_frames({"codes": counts}))
    assert "concepts of codes" not in default_links(gm.Cohort.from_frames({"codes": grades}))


def test_a_group_known_of_few_patients_is_masked():
    result = compare(made(known=10))
    assert not any("ward" in row.name for row in result.rows)
    assert all(np.isnan(row.groups["ward"]["adjusted"]) for row in result.rows)
    assert all(np.isnan(row.outcome["within"]["ward"]["adjusted"]) for row in result.rows)
    assert "ward" not in " ".join(result.verdict)
    assert any("ward" in row.name for row in compare(made(known=11)).rows)


def test_nothing_printed_or_written_names_a_patient():
    cohort = made()
    person = pd.Series(cohort.ids.to_numpy(), index=cohort.ids)
    cohort = replace(cohort, groups=cohort.groups.assign(person=person))
    hidden = replace(LABS, modality=("labs", "map"))

    @dataclass(frozen=True)
    class Listed:
        pairs: tuple = ((cohort.ids[0], cohort.ids[1]),)
        alone: str = cohort.ids[2]
        table: tuple = tuple(cohort.ids)

        def link(self, source, target):
            return hidden.link(source, target)

    given = Listed(pairs=((cohort.ids[3], cohort.ids[4]),), alone=cohort.ids[5], table=tuple(cohort.ids[:50]))
    result = compare(cohort, [LABS, hidden, given, gm.Shuffled(given), gm.SharedPhenotype("person")])
    text = repr(result) + json.dumps(result.to_json()) + result.frame().to_string() + result.agreement.to_string()
    assert "secret" not in text
    assert "Listed(pairs=((..., ...),), alone=..., table=...)" in text


def test_a_list_names_constructors_by_their_settings(result):
    found = compare(made(), [LABS, gm.Shuffled(gm.Neighbours("map")), gm.Neighbours("labs", k=5)])
    labels = ["Neighbours(modality='labs', k=5)", "Shuffled(links=Neighbours(modality='map'))"]
    assert [row.name for row in found.rows] == [*labels, f"{labels[0]} #2"]
    assert [row.links for row in result.rows] == [labels[0], "Neighbours(modality='map', k=5)", "RandomEdges(k=5)"]
    assert [row.looks_at for row in result.rows] == [("labs",), ("map",), ()]


def test_what_a_constructor_looks_at_is_found_inside_others():
    modalities = ("labs", "map", "rna")
    assert looks_at(gm.Shuffled(gm.Neighbours(("rna", "labs"))), modalities) == ("labs", "rna")
    assert looks_at(gm.Neighbours(), modalities) == modalities
    assert looks_at(Refusing(), modalities) == ()


def test_a_constructor_is_written_with_what_differs_from_its_defaults():
    nobody = pd.Index([])
    assert label_of(Refusing(), nobody) == "Refusing()"
    assert label_of(gm.Neighbours(("labs",), metric="euclidean"), nobody) == (
        "Neighbours(modality=('labs',), metric='euclidean')"
    )
    assert label_of(gm.KnownEdges("somewhere/of/mine/kin.csv", directed=True), nobody) == (
        "KnownEdges(path='kin.csv', directed=True)"
    )


@pytest.mark.parametrize("given", [[], {}, gm.Neighbours("labs")])
def test_nothing_to_compare_is_refused(given):
    with pytest.raises(GraphError, match="name"):
        compare(made(), given)


def test_watch_is_told_each_name_before_it_is_drawn():
    heard = []
    compare(made(), {"a": LABS, "b": Refusing()}, watch=heard.append)
    assert heard == ["a", "b"]


def test_the_json_has_the_promised_keys(result):
    found = result.to_json()
    assert set(found) == {"schema", "cohort", "seed", "encoding_seconds", "rows", "agreement", "verdict"}
    assert found["schema"] == "graphmml.compare/1"
    assert set(found["cohort"]) == {"name", "patients", "modalities", "outcome", "outcome_kind", "groups"}
    for row in found["rows"]:
        assert set(row) == ROW
        assert set(row["degree"]) == {"min", "median", "max"}
        assert set(row["outcome"]) == {"name", "edge", "chance", "adjusted", "p", "within"}
        assert set(row["outcome"]["within"]["site"]) == {"adjusted", "p"}
        assert set(row["groups"]["site"]) == {"edge", "chance", "adjusted", "p"}
    wanted = {"one", "other", "shared", "jaccard", "chance", "overlap", "overlap_chance"}
    assert all(set(item) == wanted for item in found["agreement"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_page_is_narrow_and_ends_in_words(result):
    lines = repr(result).splitlines()
    assert max(map(len, lines)) <= 100
    assert 1 <= len(result.verdict) <= 3
    assert any(line.startswith("descriptive") for line in lines)


def test_an_outcome_of_numbers_has_no_homophily():
    cohort = made()
    values = pd.Series(np.random.default_rng(0).normal(size=200), index=cohort.ids, name="score")
    found = compare(gm.Cohort.from_frames(dict(cohort.tables), values, kind="number"), {"labs": LABS})
    assert found.rows[0].outcome is None
    assert "no outcome of classes" in found.verdict[0]
    assert "score" in found.title()


def test_cost_sees_time_and_memory_and_passes_on_what_is_raised(monkeypatch):
    array, cost = costed(lambda: np.ones(20_000_000).sum())
    assert array == 20_000_000
    assert cost.seconds > 0
    assert np.isnan(cost.megabytes) or cost.megabytes > 100
    with pytest.raises(ZeroDivisionError):
        costed(lambda: 1 / 0)
    monkeypatch.setattr("graphmml.report.cost.STATM", type("Absent", (), {"read_text": lambda self, encoding: ""})())
    assert np.isnan(costed(lambda: 1)[1].megabytes)


@pytest.mark.cohorts
@pytest.mark.parametrize("name", ["heart_disease", "mimic3_demo"])
def test_real_cohorts_are_compared(cohorts, name):
    result = compare(gm.read_cohort(cohorts / name / "cohort.toml"), [gm.Neighbours(), gm.RandomEdges()])
    json.dumps(result.to_json(), allow_nan=False)
    assert max(map(len, repr(result).splitlines())) <= 100
