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


def test_nobody_agrees_is_no_edge_and_no_error(various):
    (relation,) = gm.SharedPhenotype(("bmi", "age")).link(various, various)
    assert len(relation) == 0
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
