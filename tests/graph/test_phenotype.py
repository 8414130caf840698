import numpy as np
import pandas as pd
import pytest

import graphmml as gm


def people(count=200, seed=0, **columns):
    """A cohort whose one table holds these phenotypes, encoded."""
    ids = pd.Index([f"p{at}" for at in np.random.default_rng(seed).permutation(count)], dtype="str")
    table = pd.DataFrame({name: np.asarray(values, dtype=object) for name, values in columns.items()}, index=ids)
    table = table.infer_objects()
    table["filler"] = 1.0
    cohort = gm.Cohort.from_frames({"clinical": table})
    return gm.CohortEncoder().fit(cohort).transform(cohort)


@pytest.fixture
def various():
    random = np.random.default_rng(1)
    return people(
        sex=np.where(random.random(200) < 0.1, None, random.choice(["f", "m"], 200)),
        ward=random.choice(list("abcdefghij"), 200),
        age=np.where(random.random(200) < 0.1, np.nan, random.integers(20, 90, 200)).astype(float),
        bmi=random.normal(27, 4, 200),
    )


def agree(source, target, phenotypes):
    """Return who agrees with whom, from the definition: bool [source, target]."""
    together = np.asarray(source.ids)[:, None] != np.asarray(target.ids)[None, :]
    for column, tolerance in phenotypes.items():
        there, here = source.column(column).to_numpy()[:, None], target.column(column).to_numpy()[None, :]
        known = pd.notna(there) & pd.notna(here)
        if there.dtype.kind == "f":
            together &= known & (np.abs(there - here) <= tolerance)
        else:
            together &= known & (there == here)
    return together


CASES = [
    {"sex": 0.0},
    {"sex": 0.0, "ward": 0.0},
    {"age": 0.0},
    {"age": 3.0},
    {"ward": 0.0, "age": 5.0},
    {"age": 10.0, "bmi": 1.0},
    {"sex": 0.0, "age": 10.0, "bmi": 1.0},
]


@pytest.mark.parametrize("phenotypes", CASES, ids=str)
@pytest.mark.parametrize("k", [1, 5, 500])
@pytest.mark.parametrize("within", [True, False], ids=["within", "attached"])
def test_each_listens_to_k_of_those_who_agree_or_to_all_where_fewer_do(various, phenotypes, k, within):
    source = various[:150]
    target = source if within else various[150:]
    links = gm.SharedPhenotype(tuple(phenotypes), tolerance=tuple(phenotypes.values()), k=k)
    (relation,) = links.link(source, target)
    allowed = agree(source, target, phenotypes)
    assert allowed[relation.edges[0], relation.edges[1]].all()
    degree = np.bincount(relation.edges[1], minlength=len(target))
    assert np.array_equal(degree, np.minimum(allowed.sum(axis=0), k))


def test_a_patient_without_the_phenotype_gets_no_link(various):
    missing = np.flatnonzero(various.column("age").isna())
    assert len(missing) > 5
    for tolerance in (0.0, 5.0):
        (relation,) = gm.SharedPhenotype("age", tolerance=tolerance).link(various, various)
        assert not np.isin(relation.edges, missing).any()


def test_everybody_alike_is_no_clique_and_no_star():
    site = people(sex=["f"] * 200)
    (relation,) = gm.SharedPhenotype("sex", k=5).link(site, site)
    assert len(relation) == 200 * 5
    heard = np.bincount(relation.edges[0], minlength=200)
    assert (heard > 0).sum() > 150
    assert heard.max() < 25
    lists = relation.edges[0].reshape(200, 5)
    assert len({tuple(row) for row in lists}) > 190


def test_another_seed_draws_others():
    site = people(sex=["f"] * 200)
    one, other = (
        set(map(tuple, gm.SharedPhenotype("sex", seed=seed).link(site, site)["same_sex"].edges.T.tolist()))
        for seed in (0, 1)
    )
    assert len(one & other) < 0.2 * len(one)


def test_a_group_is_a_phenotype_and_a_column_is_named_with_its_table_where_two_have_it(encoded):
    (relation,) = gm.SharedPhenotype("site", k=3).link(encoded, encoded)
    site = encoded.groups["site"].to_numpy()
    assert (site[relation.edges[0]] == site[relation.edges[1]]).all()
    assert len(gm.SharedPhenotype("clinical.sex", k=3).link(encoded, encoded)["same_clinical.sex"]) > 0


def agreements(source, target, phenotypes, weights):
    """Return the weight of what each pair agrees on, column by column: float [source, target]."""
    return sum(
        weight * agree(source, target, {column: tolerance})
        for (column, tolerance), weight in zip(phenotypes.items(), weights, strict=True)
    )


PARTIAL = [
    ({"sex": 0.0, "ward": 0.0}, (1.0, 1.0), 1),
    ({"sex": 0.0, "ward": 0.0, "age": 3.0}, (1.0, 1.0, 1.0), 2),
    ({"sex": 0.0, "ward": 0.0, "age": 3.0}, (1.0, 3.0, 2.0), 3.0),
    ({"age": 4.0, "bmi": 1.0, "ward": 0.0}, (1.0, 1.0, 0.5), 1.5),
    ({"age": 4.0, "bmi": 1.0}, (0.3, 0.7), 0.3),
    ({"sex": 0.0, "ward": 0.0, "age": 3.0, "bmi": 2.0}, (0.1, 0.2, 0.3, 0.4), 0.3),
]


@pytest.mark.parametrize(("phenotypes", "weights", "least"), PARTIAL, ids=str)
@pytest.mark.parametrize("k", [1, 6, 40, 500])
@pytest.mark.parametrize("within", [True, False], ids=["within", "attached"])
def test_those_who_agree_on_most_come_first_and_everybody_agrees_on_enough(
    various, phenotypes, weights, least, k, within
):
    source = various[:150]
    target = source if within else various[150:]
    links = gm.SharedPhenotype(
        tuple(phenotypes), tolerance=tuple(phenotypes.values()), weights=weights, least=least, k=k
    )
    (relation,) = links.link(source, target)
    weighed = agreements(source, target, phenotypes, weights)
    assert relation.weight == pytest.approx(weighed[relation.edges[0], relation.edges[1]], rel=1e-6)
    assert len({tuple(pair) for pair in relation.edges.T}) == len(relation)
    for at in range(len(target)):
        enough = np.sort(weighed[:, at][weighed[:, at] >= least - 1e-9])[::-1][:k]
        drawn = np.sort(relation.weight[relation.edges[1] == at])[::-1]
        assert drawn == pytest.approx(enough, rel=1e-6)


def test_without_weights_a_phenotype_counts_one_and_an_edge_weighs_one(various):
    plain = gm.SharedPhenotype(("sex", "ward"), least=1).link(various, various)["same_sex_ward"]
    weighed = gm.SharedPhenotype(("sex", "ward"), least=1, weights=1.0).link(various, various)["same_sex_ward"]
    assert np.array_equal(plain.edges, weighed.edges)
    assert (plain.weight == 1).all()
    assert set(weighed.weight) == {1.0, 2.0}


def test_all_that_can_agree_is_what_agreeing_on_everything_was(various):
    whole = gm.SharedPhenotype(("sex", "ward")).link(various, various)["same_sex_ward"]
    three = gm.SharedPhenotype(("sex", "ward"), weights=(1, 2), least=3).link(various, various)["same_sex_ward"]
    assert np.array_equal(whole.edges, three.edges)
    assert (three.weight == 3).all()


def test_those_who_agree_on_as_much_are_drawn_evenly_whichever_phenotype_it_is():
    """Of 200 who share the ward and 800 who share the sex, a fifth of those drawn share the ward."""
    ward = ["a"] * 201 + ["b"] * 800
    sex = ["f"] + ["m"] * 200 + ["f"] * 800
    everybody = people(1001, ward=ward, sex=sex)
    wards = 0
    for seed in range(40):
        links = gm.SharedPhenotype(("ward", "sex"), k=10, least=1, seed=seed)
        (relation,) = links.link(everybody, everybody[:1])
        assert len(relation) == 10
        wards += (relation.edges[0] <= 200).sum()
    assert 80 - 4 * 8 < wards < 80 + 4 * 8  # of 400; one standard deviation is 8


def test_ten_thousand_wards_of_two_are_linked_at_once():
    """A loop over the groups would take minutes here."""
    count = 20_000
    everybody = people(count, ward=[f"w{at // 2}" for at in range(count)])
    (relation,) = gm.SharedPhenotype("ward").link(everybody, everybody)
    assert len(relation) == count
    assert (relation.edges[0] // 2 == relation.edges[1] // 2).all()


def test_nobody_agrees_is_no_edge_and_no_error(various):
    (relation,) = gm.SharedPhenotype(("bmi", "age")).link(various, various)
    assert len(relation) == 0
    assert relation.edges.shape == (2, 0)


@pytest.mark.parametrize("links", [gm.SharedPhenotype("sex"), gm.SharedPhenotype(("age", "bmi"), tolerance=5, least=1)])
def test_nobody_to_link_is_no_edge(various, links):
    (relation,) = links.link(various, various[:0])
    assert relation.edges.shape == (2, 0)


def test_an_unknown_phenotype_is_refused_with_names_that_there_are(encoded):
    with pytest.raises(gm.GraphError, match=r"no column or group 'gender'.*site"):
        gm.SharedPhenotype("gender").link(encoded, encoded)


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": ()},
        {"columns": "a", "k": 0},
        {"columns": "a", "tolerance": -1},
        {"columns": ("a", "b"), "tolerance": (1.0,)},
    ],
)
def test_settings_are_checked_when_given(wrong):
    with pytest.raises(gm.GraphError, match="give at least one phenotype"):
        gm.SharedPhenotype(**wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"columns": ("a", "b"), "least": 3}, "least is 3 of 2 that can agree"),
        ({"columns": ("a", "b"), "least": 0}, "more than 0"),
        ({"columns": ("a", "b"), "weights": (1, 2), "least": 3.5}, "least is 3.5 of 3"),
        ({"columns": ("a", "b"), "weights": (1, 0)}, "a number above zero"),
        ({"columns": ("a", "b"), "weights": (1,)}, "2 phenotypes and 1 weights"),
        ({"columns": ("a", "a")}, "each once"),
        ({"columns": tuple("abcdefghi"), "least": 2}, "name 8 or fewer"),
        ({"columns": "a", "tolerance": float("nan")}, "zero or more"),
    ],
)
def test_weights_and_least_are_checked_when_given(wrong, said):
    with pytest.raises(gm.GraphError, match=said):
        gm.SharedPhenotype(**wrong)


def test_any_number_of_phenotypes_can_all_agree(various):
    names = ("sex", "ward", "age", "bmi", "filler")
    assert len(gm.SharedPhenotype(names, tolerance=(0, 0, 60, 30, 0)).link(various, various).items[0]) > 0
