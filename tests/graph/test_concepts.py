import numpy as np
import pandas as pd
import pytest
import torch

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.model.edges import edge_tensors


def encoded_of(table):
    cohort = gm.Cohort.from_frames({"codes": table})
    return gm.CohortEncoder().fit(cohort).transform(cohort)


@pytest.fixture
def eight():
    """Eight patients; `both` in four, `rare` in two, `one` in one, `all` in eight, nothing known of the last."""
    ids = [f"p{at}" for at in range(8)]
    return pd.DataFrame(
        {
            "both": [1, 2, 0, 0, 3, 1, 0, np.nan],
            "rare": [0, 0, 1, 0, 0, 1, 0, np.nan],
            "one": [0, 0, 0, 1, 0, 0, 0, np.nan],
            "stage": ["I", "I", "II", "II", "II", "I", "III", None],
        },
        index=ids,
    )


def members(relations, name, kind):
    """Return {concept: patients} of a relation in either direction."""
    relation = relations[name]
    patients, concepts = relation.edges if relation.source == PATIENT else relation.edges[::-1]
    return {concept: set(patients[concepts == at].tolist()) for at, concept in enumerate(relations.concepts[kind])}


def test_patients_speak_to_the_concepts_they_have_and_listen_to_them(eight):
    people = encoded_of(eight)
    relations = gm.Concepts("codes").link(people, people)
    wanted = {"both": {0, 1, 4, 5}, "rare": {2, 5}, "stage=I": {0, 1, 5}, "stage=II": {2, 3, 4}}
    assert members(relations, "has_codes", "codes") == wanted
    assert members(relations, "of_codes", "codes") == wanted
    assert relations["has_codes"].kind == (PATIENT, "has_codes", "codes")
    assert relations["of_codes"].kind == ("codes", "of_codes", PATIENT)


def test_rarer_concepts_weigh_more_by_inverse_document_frequency(eight):
    people = encoded_of(eight)
    relations = gm.Concepts("codes").link(people, people)
    names = relations.concepts["codes"]
    for relation, row in ((relations["has_codes"], 1), (relations["of_codes"], 0)):
        weights = {names[at]: weight for at, weight in zip(relation.edges[row], relation.weight, strict=True)}
        assert weights == pytest.approx(
            {"both": np.log(2), "rare": np.log(4), "stage=I": np.log(8 / 3), "stage=II": np.log(8 / 3)}
        )
    plain = gm.Concepts("codes", rarity=False).link(people, people)
    assert (plain["has_codes"].weight == 1).all()


def test_support_and_most_bound_the_vocabulary(eight):
    people = encoded_of(eight)

    def vocabulary(**settings):
        return set(gm.Concepts("codes", **settings).link(people, people).concepts["codes"])

    assert vocabulary(support=1) == {"both", "rare", "one", "stage=I", "stage=II", "stage=III"}
    assert vocabulary(support=3) == {"both", "stage=I", "stage=II"}
    assert vocabulary(most=0.4) == {"rare", "stage=I", "stage=II"}


def test_the_vocabulary_is_that_of_the_source(eight):
    people = encoded_of(eight)
    relations = gm.Concepts("codes", support=1).link(people[:3], people[3:])
    assert "one" not in relations.concepts["codes"]
    assert "stage=III" not in relations.concepts["codes"]
    of = members(relations, "of_codes", "codes")
    assert of["rare"] == {2}  # patient 5
    assert of["stage=II"] == {0, 1}


def test_who_shares_nothing_is_reached_by_nothing(eight):
    people = encoded_of(eight)
    graph = gm.build_graph(gm.Concepts("codes"), people)
    reach = graph.between_patients().toarray() > 0
    assert not reach[[6, 7]].any()
    assert not reach[:, [6, 7]].any()
    assert reach[0].nonzero()[0].tolist() == [1, 4, 5]


def test_no_concept_left_is_an_error_that_says_what_to_change(eight):
    people = encoded_of(eight)
    with pytest.raises(gm.GraphError, match="at least 9 and at most 50% of 8 patients; lower support or raise most"):
        gm.Concepts("codes", support=9).link(people, people)
    with pytest.raises(gm.GraphError, match="no modality 'drugs'"):
        gm.Concepts("drugs").link(people, people)


def test_a_modality_called_as_the_graph_calls_patients_is_refused():
    with pytest.raises(gm.GraphError, match="give the modality another name"):
        gm.Concepts("patient")


@pytest.mark.parametrize("wrong", [{"support": 0}, {"most": 0.0}, {"most": 1.1}])
def test_settings_are_checked_when_given(wrong):
    with pytest.raises(gm.GraphError, match="wanted: 1 or more, and a share up to 1"):
        gm.Concepts("codes", **wrong)


def shares(relations, name, kind):
    """Return {(concept, patient): weight} of a relation in either direction."""
    relation = relations[name]
    patients, concepts = relation.edges if relation.source == PATIENT else relation.edges[::-1]
    names = relations.concepts[kind]
    return {
        (names[at], int(patient)): weight
        for at, patient, weight in zip(concepts, patients, relation.weight.tolist(), strict=True)
    }


@pytest.fixture
def hearts():
    """Seven patients' diagnoses in two columns; the code 428.1 is one patient's alone."""
    ids = [f"p{at}" for at in range(7)]
    return pd.DataFrame(
        {
            "diag_1": ["428.0", "428.1", "250.01", "428.0", None, "V27.0", None],
            "diag_2": ["250.01", "250.83", "428.0", "428.0", "E849", "401", None],
        },
        index=ids,
    )


def test_a_code_is_one_concept_in_whatever_column_if_shared(hearts):
    people = encoded_of(hearts)
    relations = gm.Concepts("codes", shared=True, most=0.9).link(people, people)
    wanted = {"428.0": {0, 2, 3}, "250.01": {0, 2}}
    assert members(relations, "has_codes", "codes") == wanted
    assert members(relations, "of_codes", "codes") == wanted
    assert len(relations["has_codes"]) == 5  # a code that a patient has in both columns is one edge
    apart = gm.Concepts("codes", most=0.9).link(people, people)
    assert members(apart, "has_codes", "codes") == {"diag_1=428.0": {0, 3}, "diag_2=428.0": {2, 3}}


def test_whoever_has_a_code_has_its_category_and_chapter(hearts):
    people = encoded_of(hearts)
    relations = gm.Concepts("codes", shared=True, hierarchy="icd9", most=1.0).link(people, people)
    assert members(relations, "has_codes", "codes") == {
        "428.0": {0, 2, 3},
        "428": {0, 1, 2, 3},
        "390-459": {0, 1, 2, 3, 5},
        "250.01": {0, 2},
        "250": {0, 1, 2},
        "240-279": {0, 1, 2},
    }


def test_a_column_keeps_its_own_ancestors_unless_shared(hearts):
    people = encoded_of(hearts)
    relations = gm.Concepts("codes", hierarchy="icd9", most=1.0).link(people, people)
    assert members(relations, "has_codes", "codes") == {
        "diag_1=428.0": {0, 3},
        "diag_1=428": {0, 1, 3},
        "diag_1=390-459": {0, 1, 3},
        "diag_2=428.0": {2, 3},
        "diag_2=428": {2, 3},
        "diag_2=390-459": {2, 3, 5},
        "diag_2=250": {0, 1},
        "diag_2=240-279": {0, 1},
    }


def test_a_concept_speaks_to_its_parent_and_listens_to_it(hearts):
    people = encoded_of(hearts)

    def pairs(name, **settings):
        relations = gm.Concepts("codes", shared=True, hierarchy="icd9", **settings).link(people, people)
        names = relations.concepts["codes"]
        assert relations[name].kind == ("codes", name, "codes")
        return {(names[a], names[b]) for a, b in relations[name].edges.T}

    whole = {("428.0", "428"), ("428", "390-459"), ("250.01", "250"), ("250", "240-279")}
    assert pairs("is_a_codes", most=1.0) == whole
    assert pairs("includes_codes", most=1.0) == {(parent, child) for child, parent in whole}
    # five of seven patients have 390-459 and four 428: both are left out, and 428.0 stands alone
    assert pairs("is_a_codes", most=0.5) == {("250.01", "250"), ("250", "240-279")}


def naive_concepts(table, support, most, lengths):
    """Roll up by prefixes, count, keep and join: patient by patient, name by name."""
    having = []
    for _, row in table.iterrows():
        mine = set()
        for code in row.dropna():
            mine |= {code} | {code[:length] for length in lengths if length < len(code)}
        having.append(mine)
    count = {name: sum(name in mine for mine in having) for name in set().union(*having)}
    kept = {name for name, held in count.items() if held >= support and held / len(table) <= most}
    parents = set()
    for name in kept:
        above = [name[:length] for length in range(len(name) - 1, 0, -1) if length in lengths]
        above = [parent for parent in above if parent in kept]
        if above:
            parents.add((name, above[0]))
    return {name: {at for at, mine in enumerate(having) if name in mine} for name in kept}, parents


@pytest.mark.parametrize("seed", range(5))
def test_roll_up_equals_the_naive_one(seed):
    random = np.random.default_rng(seed)
    codes = ["".join(random.choice(list("ABC"), random.integers(1, 5))) for _ in range(30)]
    cells = random.choice([*codes, None], (40, 3))
    table = pd.DataFrame(cells, index=[f"p{at}" for at in range(40)], columns=["x", "y", "z"])
    people = encoded_of(table)
    relations = gm.Concepts("codes", support=3, most=0.4, shared=True, hierarchy=(1, 3)).link(people, people)
    wanted, parents = naive_concepts(table, 3, 0.4, (1, 3))
    assert members(relations, "has_codes", "codes") == wanted
    assert members(relations, "of_codes", "codes") == wanted
    names = relations.concepts["codes"]
    assert {(names[a], names[b]) for a, b in relations["is_a_codes"].edges.T} == parents
    assert {(names[b], names[a]) for a, b in relations["includes_codes"].edges.T} == parents


def test_a_code_that_the_source_never_saw_still_speaks_through_its_parents(hearts):
    people = encoded_of(hearts)
    source, target = people[np.array([0, 2, 3])], people[np.array([1])]
    plain = gm.Concepts("codes", shared=True, most=1.0).link(source, target)
    assert not len(plain["of_codes"])
    rolled = gm.Concepts("codes", shared=True, most=1.0, hierarchy="icd9").link(source, target)
    reached = {name for name, patients in members(rolled, "of_codes", "codes").items() if patients}
    assert reached == {"428", "390-459", "250", "240-279"}


def test_counts_of_codes_have_ancestors_as_names_have():
    counts = pd.DataFrame({"4280": [1, 0, 2], "4281": [0, 1, 0], "V270": [0, 1, 0]}, index=["a", "b", "c"], dtype=float)
    people = encoded_of(counts)
    relations = gm.Concepts("codes", most=1.0, hierarchy="icd9").link(people, people)
    assert members(relations, "has_codes", "codes") == {"4280": {0, 2}, "428": {0, 1, 2}, "390-459": {0, 1, 2}}


def test_a_hierarchy_in_which_no_code_has_a_parent_is_refused(eight):
    people = encoded_of(eight)
    with pytest.raises(gm.GraphError, match=r"none of 6 codes of 'codes' has a parent in the hierarchy 'icd9' \(for"):
        gm.Concepts("codes", hierarchy="icd9").link(people, people)
    with pytest.raises(gm.GraphError, match=r"none of 0 codes of 'codes' has a parent in the hierarchy 3; choose"):
        gm.Concepts("codes", hierarchy=3, numbers=2).link(encoded_of(eight[["both"]]), encoded_of(eight[["both"]]))


@pytest.fixture
def ages():
    """Eight ages, one of them missing, a column that is mostly zero, and one that never varies."""
    return pd.DataFrame(
        {
            "age": [30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.5, np.nan],
            "dose": [0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 3.0, np.nan],
            "same": [1.0] * 7 + [np.nan],
        },
        index=[f"p{at}" for at in range(8)],
    )


def test_numbers_become_quantile_bins(ages):
    people = encoded_of(ages)
    relations = gm.Concepts("codes", numbers=3, support=1, most=1.0).link(people, people)
    wanted = {
        "age < 40": {0, 1},
        "age in [40, 55)": {2, 3, 4},
        "age >= 55": {5, 6},
        "dose < 2": {0, 1, 2, 3, 4},
        "dose >= 2": {5, 6},
    }
    assert members(relations, "has_codes", "codes") == wanted
    assert members(relations, "of_codes", "codes") == wanted


def test_bins_are_those_of_the_source(ages):
    people = encoded_of(ages)
    source, target = people[:4], people[4:]
    relations = gm.Concepts("codes", numbers=2, most=1.0).link(source, target)
    assert members(relations, "has_codes", "codes") == {"age < 40": {0, 1}, "age >= 40": {2, 3}}
    assert members(relations, "of_codes", "codes") == {"age < 40": set(), "age >= 40": {0, 1, 2}}


def test_a_number_as_a_weight_is_its_rank_in_the_source(ages):
    people = encoded_of(ages)
    relations = gm.Concepts("codes", numbers="weights").link(people[:5], people)
    spoken, heard = shares(relations, "has_codes", "codes"), shares(relations, "of_codes", "codes")
    for at in range(5):
        assert spoken["age", at] == pytest.approx((at + 1) / 6)
        assert spoken["dose", at] == pytest.approx(0.5)
        assert heard["age", at] == pytest.approx((at + 1) / 6)
    assert heard["age", 5] == heard["age", 6] == pytest.approx(5.5 / 6)  # above all of the source, and below one
    assert not any(patient == 7 for _, patient in heard)
    assert min(spoken.values()) > 0


def test_weights_are_no_matter_of_rarity_or_most(ages):
    people = encoded_of(ages.assign(word=["x"] * 4 + [None] * 4))
    weights = shares(gm.Concepts("codes", numbers="weights").link(people, people), "has_codes", "codes")
    assert weights["word=x", 0] == pytest.approx(np.log(2))
    assert weights["age", 6] == pytest.approx(7 / 8)
    with pytest.raises(gm.GraphError, match="no concept of 'codes'"):
        gm.Concepts("codes", numbers="weights", support=8).link(people, people)


@pytest.mark.parametrize("wrong", ["bins", 1, 0, True, 2.5, None])
def test_numbers_are_one_of_three_things(wrong):
    with pytest.raises(gm.GraphError, match="wanted: 'present', 'weights', or a number of bins, two or more"):
        gm.Concepts("codes", numbers=wrong)


@pytest.fixture
def proteins(tmp_path):
    """Two codes that no patient shares, joined by a row of the file."""
    path = tmp_path / "proteins.csv"
    path.write_text("source,target,weight\nIDH1,TP53,2\nTP53,IDH1,3\nTP53,unheard,1\nEGFR,EGFR,1\n")
    table = pd.DataFrame(
        {"EGFR": [1, 0, 0, 0, 1], "IDH1": [1, 1, 0, 0, 0], "TP53": [0, 0, 1, 1, 0]},
        index=[f"p{at}" for at in range(5)],
        dtype=float,
    )
    return gm.Concepts("codes", known=path), encoded_of(table)


def test_edges_between_concepts_come_from_a_file_and_go_both_ways(proteins):
    links, people = proteins
    relation = links.link(people, people)["known_codes"]
    assert relation.kind == ("codes", "known_codes", "codes")
    assert relation.edges.tolist() == [[2, 1], [1, 2]]
    assert relation.weight.tolist() == [3, 3]


def test_edges_between_concepts_weigh_one_without_a_column_of_weights(proteins, tmp_path):
    _, people = proteins
    (tmp_path / "plain.csv").write_text("target,source\nTP53,EGFR\nTP53,CDK4\n")
    relation = gm.Concepts("codes", known=tmp_path / "plain.csv").link(people, people)["known_codes"]
    assert relation.edges.tolist() == [[2, 0], [0, 2]]
    assert relation.weight.tolist() == [1, 1]


def test_a_file_that_names_no_concept_is_refused_with_an_example(proteins, tmp_path):
    _, people = proteins
    (tmp_path / "other.csv").write_text("source,target\nP53,CDK4\n")
    with pytest.raises(gm.GraphError, match=r"none of the 2 names in .* is one of the 3 concepts .*'EGFR', 'IDH1', "):
        gm.Concepts("codes", known=str(tmp_path / "other.csv")).link(people, people)


@pytest.mark.parametrize("conv", [gm.SAGEStack, gm.GATStack])
def test_messages_pass_between_concepts(proteins, conv):
    """What IDH1 says reaches a patient who has TP53 alone in two steps, and in no fewer."""
    links, people = proteins
    graph = gm.build_graph(links, people)
    torch.manual_seed(0)
    patients, codes = torch.randn(5, 8), torch.randn(3, 8)
    changed = codes.clone()
    changed[1] += 3
    edges = edge_tensors(graph, torch.device("cpu"))
    for depth, reached in ((1, [True, True, False, False, False]), (2, [True, True, True, True, False])):
        stack = conv(8, graph.kinds, depth=depth).eval()
        with torch.no_grad():
            one = stack({PATIENT: patients, "codes": codes}, edges)
            other = stack({PATIENT: patients, "codes": changed}, edges)
        assert ((one - other).abs().sum(dim=1) > 1e-6).tolist() == reached


def test_shuffling_keeps_how_many_concepts_each_concept_hears():
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        random.choice([f"{a}{b}{c}" for a in "AB" for b in "123456" for c in "xyz"], (200, 2)),
        index=[f"p{at}" for at in range(200)],
        columns=["one", "two"],
    )
    people = encoded_of(table)
    train, new = people[:150], people[150:]
    links = gm.Concepts("codes", shared=True, hierarchy=(1, 2), most=1.0)
    plain, mixed = gm.build_graph(links, train, new), gm.build_graph(gm.Shuffled(links), train, new)
    for before, after in zip(plain.relations, mixed.relations, strict=True):
        assert before.kind == after.kind
        if PATIENT not in (before.source, before.target):
            assert not np.array_equal(before.edges, after.edges)
            lost = len(before) - len(after)
            assert lost <= 0.1 * len(before)
            for row in (0, 1):
                fewer = np.bincount(before.edges[row], minlength=99) - np.bincount(after.edges[row], minlength=99)
                assert fewer.min() >= 0
                assert fewer.sum() == lost


@pytest.mark.cohorts
def test_real_codes_have_parents(cohorts):
    cohort = gm.read_cohort(cohorts / "mimic3_demo" / "cohort.toml")
    people = gm.CohortEncoder().fit(cohort).transform(cohort)
    plain = gm.Concepts("diagnoses", support=1, most=1.0).link(people, people)
    relations = gm.Concepts("diagnoses", hierarchy="icd9", support=1, most=1.0).link(people, people)
    codes, names = plain.concepts["diagnoses"], relations.concepts["diagnoses"]
    assert set(codes) <= set(names)
    linked = set(relations["is_a_diagnoses"].edges[0].tolist())
    assert {name for at, name in enumerate(names) if at not in linked} == {name for name in names if "-" in name}
    having, having_plain = (
        members(relations, "has_diagnoses", "diagnoses"),
        members(plain, "has_diagnoses", "diagnoses"),
    )
    heart = [code for code in codes if code.startswith("428")]
    assert having["428"] == set().union(*(having_plain[code] for code in heart))
