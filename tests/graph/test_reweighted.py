import numpy as np
import pandas as pd
import pytest

import graphmml as gm


@pytest.fixture
def parts(encoded):
    return encoded[:45], encoded[45:]


INNER = gm.Union((gm.Neighbours("clinical", k=4), gm.RandomEdges(k=3)))


def apart(a, b, metric):
    if metric == "euclidean":
        return np.sqrt(((a - b) ** 2).mean())
    return np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("scale", [1, 7, 44])
def test_rbf_is_self_tuned_as_in_zelnik_manor_and_perona(parts, metric, attached, scale):
    """exp(-d_ij^2 / (s_i s_j)), s the distance to the scale-th nearest in the source, pair by pair."""
    train, new = parts
    target = new if attached else train
    links = gm.Reweighted(INNER, modality="labs", metric=metric, scale=scale)
    (relation,) = links.link(train, target)
    there, here = (side.features["labs"].astype(float) for side in (train, target))

    def reach(row, identity):
        others = [apart(there[at], row, metric) for at in range(45) if train.ids[at] != identity]
        return sorted(others)[min(scale, len(others)) - 1]

    for (a, b), weight in zip(relation.edges.T, relation.weight, strict=True):
        tuned = reach(there[a], train.ids[a]) * reach(here[b], target.ids[b])
        fallen = min(apart(there[a], here[b], metric) ** 2 / tuned, -np.log(1e-6))
        assert -np.log(weight) == pytest.approx(fallen, rel=2e-2, abs=2e-3)  # the search breaks ties by about 1e-4


@pytest.mark.parametrize("by", ["rbf", "binary"])
def test_the_edges_stay_where_everybody_can_be_compared(parts, by):
    train, new = parts
    before, after = (
        INNER.link(train, new)["union"],
        gm.Reweighted(INNER, by=by, modality="labs").link(train, new)["union"],
    )
    assert np.array_equal(before.edges, after.edges)
    assert not np.array_equal(before.weight, after.weight)
    assert (after.weight > 0).all()


def test_similarity_is_the_cosine_above_zero(parts):
    train, new = parts
    (relation,) = gm.Reweighted(INNER, by="similarity", modality="labs").link(train, new)
    a, b = (side.features["labs"][at].astype(float) for side, at in zip((train, new), relation.edges, strict=True))
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert relation.weight == pytest.approx(np.maximum(cosine, 1e-6), abs=3e-4)
    assert (cosine < -0.1).any()


def test_agreement_counts_phenotypes_and_drops_who_agree_on_nothing(parts):
    train, new = parts
    columns, tolerance = ("sex", "age", "site"), (0.0, 5.0, 0.0)
    (relation,) = gm.Reweighted(INNER, by="agreement", columns=columns, tolerance=tolerance).link(train, new)
    drawn = {tuple(pair): weight for pair, weight in zip(relation.edges.T.tolist(), relation.weight, strict=True)}
    before = INNER.link(train, new)["union"]
    for a, b in before.edges.T.tolist():
        count = 0
        for column, spread in zip(columns, tolerance, strict=True):
            one, other = train.column(column).iloc[a], new.column(column).iloc[b]
            if not pd.isna(one) and not pd.isna(other):
                count += abs(one - other) <= spread if column == "age" else one == other
        assert drawn.get((a, b), 0) == count
    assert 0 < len(drawn) < len(before)


def test_pairs_that_share_no_modality_are_left_out(parts):
    train, _ = parts
    links = gm.Reweighted(gm.RandomEdges(k=8), modality="codes")
    (relation,) = links.link(train, train)
    (before,) = gm.RandomEdges(k=8).link(train, train)
    comparable = train.has("codes")[before.edges].all(axis=0)
    assert np.array_equal(relation.edges, before.edges[:, comparable])
    assert 0 < len(relation) < len(before)


def test_concepts_can_be_made_binary_and_nothing_else(parts):
    train, _ = parts
    links = gm.Concepts("codes", most=0.9)
    plain = gm.Reweighted(links, by="binary").link(train, train)
    assert plain.concepts == links.link(train, train).concepts
    assert all((relation.weight == 1).all() for relation in plain)
    with pytest.raises(gm.GraphError, match=r"'has_codes' leads to nodes that are no patients.*Layers"):
        gm.Reweighted(links, modality="labs").link(train, train)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"by": "rank"}, "'rank' is not one of rbf, similarity, agreement, binary"),
        ({"metric": "manhattan"}, "'manhattan' is not one of"),
        ({"by": "similarity", "metric": "euclidean"}, "below zero"),
        ({"scale": 0}, "scale is 0"),
        ({"columns": "sex"}, "columns are compared by"),
        ({"by": "agreement"}, "give at least one phenotype"),
    ],
)
def test_settings_are_checked_when_given(wrong, said):
    with pytest.raises(gm.GraphError, match=said):
        gm.Reweighted(gm.Neighbours(), **wrong)
    with pytest.raises(gm.GraphError, match="takes one constructor"):
        gm.Reweighted((gm.Neighbours(),))


def test_an_unknown_modality_is_refused(parts):
    with pytest.raises(gm.GraphError, match="no modality 'brain'"):
        gm.Reweighted(gm.RandomEdges(k=2), modality="brain").link(*parts)


def test_no_modality_named_is_all_of_them(parts):
    train, new = parts
    (every,) = gm.Reweighted(INNER).link(train, new)
    (named,) = gm.Reweighted(INNER, modality=("labs", "codes", "clinical")).link(train, new)
    assert np.array_equal(every.weight, named.weight)


def test_a_list_of_modalities_is_the_tuple():
    assert gm.Reweighted(gm.Neighbours(), modality=["a", "b"]) == gm.Reweighted(gm.Neighbours(), modality=("a", "b"))
