import numpy as np
import pandas as pd
import pytest

import graphmml as gm


def cohort_of(count=90, seed=0, lacking=0.1):
    """Three phenotypes with gaps, one modality that some lack; ids are not in the order of rows."""
    random = np.random.default_rng(seed)
    ids = pd.Index([f"p{at}" for at in random.permutation(count)], dtype="str")
    clinical = pd.DataFrame(
        {
            "sex": np.where(random.random(count) < lacking, None, random.choice(["f", "m"], count)),
            "ward": random.choice(list("abcd"), count),
            "age": np.where(random.random(count) < lacking, np.nan, random.integers(20, 90, count)),
        },
        index=ids,
    )
    rna = pd.DataFrame(random.normal(size=(count, 6)), index=ids, columns=list("uvwxyz"))
    cohort = gm.Cohort.from_frames({"clinical": clinical, "rna": rna[random.random(count) > lacking]})
    return gm.CohortEncoder().fit(cohort).transform(cohort)


def apart(a, b, metric):
    if metric == "euclidean":
        return np.sqrt(((a - b) ** 2).mean())
    if metric == "correlation":
        a, b = a - a.mean(), b - b.mean()
    return 1 - (a @ b) / np.linalg.norm(a) / np.linalg.norm(b)


def parisot(source, target, phenotypes, weights, metric):
    """Return every weight, pair by pair, from the formula of the paper: float64 [source, target]."""
    there, here = (side.features["rna"].astype(np.float64) for side in (source, target))
    having = np.flatnonzero(source.has("rna"))
    s = np.mean([apart(there[a], there[b], metric) for a in having for b in having if a < b])
    out = np.zeros((len(source), len(target)))
    for i in having:
        for j in np.flatnonzero(target.has("rna")):
            if source.ids[i] == target.ids[j]:
                continue
            count = 0.0
            for (column, tolerance), weight in zip(phenotypes.items(), weights, strict=True):
                one, other = source.column(column).iloc[i], target.column(column).iloc[j]
                if pd.isna(one) or pd.isna(other):
                    continue
                count += weight * (abs(one - other) <= tolerance if isinstance(one, float) else one == other)
            out[i, j] = count * np.exp(-(apart(there[i], here[j], metric) ** 2) / (2 * s**2))
    return out


CASES = [
    ({"sex": 0.0}, (1.0,), "correlation"),
    ({"sex": 0.0, "ward": 0.0}, (1.0, 1.0), "correlation"),
    ({"sex": 0.0, "age": 2.0}, (1.0, 2.5), "cosine"),
    ({"sex": 0.0, "ward": 0.0, "age": 10.0}, (1.0, 0.5, 2.0), "euclidean"),
]


@pytest.mark.parametrize(("phenotypes", "weights", "metric"), CASES)
@pytest.mark.parametrize("within", [True, False], ids=["within", "attached"])
@pytest.mark.parametrize("k", [3, 200])
def test_the_k_strongest_by_the_formula_of_the_paper(phenotypes, weights, metric, within, k):
    encoded = cohort_of()
    source = encoded[:70]
    target = source if within else encoded[70:]
    links = gm.PhenotypeGate(
        "rna", tuple(phenotypes), tolerance=tuple(phenotypes.values()), weights=weights, metric=metric, k=k
    )
    (relation,) = links.link(source, target)
    wanted = parisot(source, target, phenotypes, weights, metric)
    assert relation.weight == pytest.approx(wanted[relation.edges[0], relation.edges[1]], rel=2e-3)
    for at in range(len(target)):
        drawn = np.sort(relation.weight[relation.edges[1] == at])[::-1]
        best = np.sort(wanted[:, at][wanted[:, at] > 0])[::-1][:k]
        assert len(drawn) == len(best)
        assert drawn == pytest.approx(best, rel=2e-3)


def test_the_width_is_learned_from_the_source_alone():
    encoded = cohort_of()
    source, new = encoded[:70], encoded[70:]
    far = gm.EncodedCohort(
        ids=new.ids,
        features={**new.features, "rna": new.features["rna"] * 50},
        present=new.present,
        columns=new.columns,
        tables=new.tables,
        groups=new.groups,
    )
    links = gm.PhenotypeGate("rna", "ward", metric="cosine")
    one, other = links.link(source, new), links.link(source, far)
    (name,) = [relation.name for relation in one]
    assert np.array_equal(one[name].edges, other[name].edges)
    assert one[name].weight == pytest.approx(other[name].weight, rel=1e-4)


def test_without_agreement_or_without_the_modality_there_is_no_edge():
    encoded = cohort_of()
    (relation,) = gm.PhenotypeGate("rna", ("ward", "age"), k=500).link(encoded, encoded)
    ward, age = encoded.column("ward").to_numpy(), encoded.column("age").to_numpy()
    a, b = relation.edges
    assert ((ward[a] == ward[b]) | (age[a] == age[b])).all()
    lacking = np.flatnonzero(~encoded.has("rna"))
    assert len(lacking) > 3
    assert not np.isin(relation.edges, lacking).any()
    assert relation.name == "gate_rna_ward_age"


def test_patients_who_are_all_the_same_are_no_star(numbers):
    count = 400
    encoded = numbers({"a": np.tile([1.0, 0.0, 2.0], (count, 1)), "b": np.ones((count, 1))})
    (relation,) = gm.PhenotypeGate("a", "b.c0", k=5).link(encoded, encoded)
    assert (np.bincount(relation.edges[1], minlength=count) == 5).all()
    heard = np.bincount(relation.edges[0], minlength=count)
    assert heard.max() < 40
    assert relation.weight == pytest.approx(1.0, rel=1e-3)


def test_one_newcomer_hears_the_same_alone_and_among_two_thousand(numbers):
    random = np.random.default_rng(3)
    matrix = random.integers(0, 2, (3000, 7)).astype(float)  # many ties
    sex = random.integers(0, 3, (3000, 1)).astype(float)
    encoded = numbers({"a": matrix, "b": sex})
    source, new = encoded[:1000], encoded[1000:]
    links = gm.PhenotypeGate("a", "b.c0", k=5)
    (together,) = links.link(source, new)
    for at in (0, 17, 1999):
        (alone,) = links.link(source, new[at : at + 1])
        mine = together.edges[1] == at
        assert np.array_equal(alone.edges[0], together.edges[0][mine])
        assert np.array_equal(alone.weight, together.weight[mine])


def test_a_modality_that_nobody_has_is_refused():
    encoded = cohort_of()
    with pytest.raises(gm.GraphError, match=r"0 of \d+ source patients have 'rna'.*choose another"):
        gm.PhenotypeGate("rna", "sex").link(encoded[~encoded.has("rna")], encoded)
    with pytest.raises(gm.GraphError, match="no modality 'mri'"):
        gm.PhenotypeGate("mri", "sex").link(encoded, encoded)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"columns": ()}, "give at least one phenotype"),
        ({"columns": ("sex", "sex")}, "each once"),
        ({"columns": "sex", "k": 0}, "k is 0"),
        ({"columns": "sex", "weights": 0.0}, "above zero"),
        ({"columns": "sex", "tolerance": -1.0}, "zero or more"),
        ({"columns": ("sex", "age"), "weights": (1.0,)}, "2 phenotypes and 1 weights"),
        ({"columns": "sex", "metric": "manhattan"}, "'manhattan' is not one of"),
    ],
)
def test_settings_are_checked_when_given(wrong, said):
    with pytest.raises(gm.GraphError, match=said):
        gm.PhenotypeGate("rna", **wrong)


@pytest.mark.slow
@pytest.mark.cohorts
def test_seventy_thousand_patients_are_gated_within_bounds(cohorts):
    cohort = gm.read_cohort(cohorts / "diabetes130")
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    (relation,) = gm.PhenotypeGate("medications", ("gender", "age"), k=10).link(encoded, encoded)
    assert (np.bincount(relation.edges[1], minlength=len(cohort)) >= 10).mean() > 0.99
    assert len(relation) <= 10 * len(cohort)
