import numpy as np
import pytest

import graphmml as gm


def pairs(relation):
    return set(map(tuple, relation.edges.T.tolist()))


@pytest.fixture
def parts(encoded):
    return encoded[:45], encoded[45:]


def test_each_patient_listens_to_k_who_have_the_modality(parts):
    train, new = parts
    for target in (train, new):
        relation = gm.Neighbours("codes", k=4).link(train, target)["codes"]
        degree = np.bincount(relation.edges[1], minlength=len(target))
        assert np.array_equal(degree, np.where(target.has("codes"), 4, 0))
        assert train.has("codes")[relation.edges[0]].all()


def test_union_also_listens_to_those_who_list_it(parts):
    train, _ = parts
    directed = pairs(gm.Neighbours("labs", k=4).link(train, train)["labs"])
    union = pairs(gm.Neighbours("labs", k=4, edges="union").link(train, train)["labs"])
    assert union == directed | {(b, a) for a, b in directed}
    assert union != directed


def test_mutual_listens_only_to_those_who_list_it(parts):
    train, _ = parts
    directed = pairs(gm.Neighbours("labs", k=4).link(train, train)["labs"])
    mutual = pairs(gm.Neighbours("labs", k=4, edges="mutual").link(train, train)["labs"])
    assert mutual == {(a, b) for a, b in directed if (b, a) in directed}
    assert 0 < len(mutual) < len(directed)


def test_a_new_patient_listens_to_its_own_list_and_for_mutual_to_a_part_of_it(parts):
    train, new = parts
    own = pairs(gm.Neighbours("labs", k=4).link(train, new)["labs"])
    assert pairs(gm.Neighbours("labs", k=4, edges="union").link(train, new)["labs"]) == own
    mutual = pairs(gm.Neighbours("labs", k=4, edges="mutual").link(train, new)["labs"])
    assert mutual < own


def with_one(train, new, at):
    """Return the training patients with one newcomer behind them."""
    return gm.EncodedCohort(
        ids=train.ids.append(new.ids[at : at + 1]),
        features={name: np.vstack([train.features[name], new.features[name][at : at + 1]]) for name in train.features},
        present=np.vstack([train.present, new.present[at : at + 1]]),
        columns=train.columns,
        tables=train.tables,
        groups=train.groups,
    )


def test_mutual_with_a_newcomer_is_who_would_list_it_if_it_were_one_of_them(parts):
    train, new = parts
    mutual = pairs(gm.Neighbours("labs", k=4, edges="mutual").link(train, new)["labs"])
    for at in range(len(new)):
        together = with_one(train, new, at)
        inside = pairs(gm.Neighbours("labs", k=4, edges="mutual").link(together, together)["labs"])
        assert {a for a, b in mutual if b == at} == {a for a, b in inside if b == 45}


def test_cosine_weights_are_the_cosine_above_zero(parts):
    train, new = parts
    relation = gm.Neighbours("labs", k=8, weight="similarity").link(train, new)["labs"]
    a, b = train.features["labs"][relation.edges[0]], new.features["labs"][relation.edges[1]]
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert relation.weight == pytest.approx(np.clip(cosine, 1e-6, None), abs=3e-4)
    assert (relation.weight > 0).all()


def test_euclidean_weights_fall_by_the_gauss_of_distance_with_the_width_of_the_source(parts):
    train, new = parts
    matrix = train.features["labs"].astype(float)
    apart = np.sqrt(((matrix[:, None] - matrix[None]) ** 2).mean(axis=2))
    np.fill_diagonal(apart, np.inf)
    width = np.median(np.sort(apart, axis=1)[:, 3])
    links = gm.Neighbours("labs", k=4, metric="euclidean", weight="similarity")
    for target in (train, new, new[:1]):
        relation = links.link(train, target)["labs"]
        gap = matrix[relation.edges[0]] - target.features["labs"][relation.edges[1]]
        squared = (gap**2).mean(axis=1)
        assert relation.weight == pytest.approx(np.exp(-squared / (2 * width**2)), rel=2e-3)


def test_each_draws_one_relation_a_modality_and_none_one_over_all(parts):
    train, _ = parts
    each = gm.Neighbours(k=3, each=True).link(train, train)
    assert [relation.name for relation in each] == ["clinical", "codes", "labs"]
    for relation in each:
        assert pairs(relation) == pairs(gm.Neighbours(relation.name, k=3).link(train, train)[relation.name])
    assert [relation.name for relation in gm.Neighbours(k=3).link(train, train)] == ["neighbours"]
    assert [r.name for r in gm.Neighbours(("labs", "codes"), k=3).link(train, train)] == ["codes_labs"]


def test_a_list_of_modalities_is_the_tuple():
    assert gm.Neighbours(["labs", "codes"]) == gm.Neighbours(("labs", "codes"))
    assert hash(gm.Neighbours(["labs"])) == hash(gm.Neighbours(("labs",)))


def test_what_cannot_be_linked_is_refused_with_the_next_step(parts):
    train, _ = parts
    with pytest.raises(gm.GraphError, match="no modality 'lab'; the cohort has: clinical, codes, labs"):
        gm.Neighbours("lab").link(train, train)
    having = int(train.has("codes").sum())
    with pytest.raises(gm.GraphError, match=f"k is {having}.* choose k below {having}"):
        gm.Neighbours("codes", k=having).link(train, train)
    assert len(gm.Neighbours("codes", k=having - 1).link(train, train)["codes"]) == having * (having - 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"k": 0}, "k is 0"),
        ({"metric": "manhattan"}, "cosine, euclidean, correlation"),
        ({"edges": "both"}, "directed, union, mutual"),
        ({"weight": "gauss"}, "binary, similarity"),
    ],
)
def test_settings_are_checked_when_given(wrong, said):
    with pytest.raises(gm.GraphError, match=said):
        gm.Neighbours(**wrong)


@pytest.mark.parametrize("edges", ["directed", "union", "mutual", "scaled"])
def test_a_modality_that_few_have_links_them_to_all_others_who_have_it(numbers, edges):
    random, here = np.random.default_rng(0), np.ones((30, 2), dtype=bool)
    here[4:, 1] = False
    people = numbers({"a": random.normal(size=(30, 3)), "b": random.normal(size=(30, 3))}, here)
    relations = gm.Neighbours(k=5, each=True, edges=edges).link(people, people)
    source, target = relations["b"].edges
    assert set(zip(source.tolist(), target.tolist(), strict=True)) == {
        (one, other) for one in range(4) for other in range(4) if one != other
    }
    assert np.bincount(gm.Neighbours(k=5, each=True).link(people, people)["a"].edges[1]).tolist() == [5] * 30


@pytest.mark.parametrize("having", [0, 1])
def test_a_modality_that_nobody_else_has_links_nobody(numbers, having):
    random, here = np.random.default_rng(0), np.ones((30, 2), dtype=bool)
    here[having:, 1] = False
    people = numbers({"a": random.normal(size=(30, 3)), "b": random.normal(size=(30, 3))}, here)
    assert len(gm.Neighbours(k=5, each=True).link(people, people)["b"]) == 0
