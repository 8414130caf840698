"""RandomLike: the mean degree of another graph, and nothing else of it."""

import numpy as np
import pytest

import graphmml as gm


def people(numbers, count=400, seed=0):
    random = np.random.default_rng(seed)
    return numbers({"labs": random.normal(size=(count, 5)), "rna": random.normal(size=(count, 3))})


def test_every_relation_has_its_name_its_mean_degree_and_its_mean_weight(numbers):
    encoded = people(numbers)
    links = gm.Layers((gm.Neighbours("labs", k=7), gm.Neighbours("rna", k=6, edges="mutual", weight="similarity")))
    like, drawn = links.link(encoded, encoded), gm.RandomLike(links).link(encoded, encoded)
    assert [item.name for item in drawn] == [item.name for item in like]
    assert len(drawn.items[0]) == len(like.items[0])  # 7 each
    mean = len(like.items[1]) / len(encoded)
    assert not mean.is_integer()
    assert len(drawn.items[1]) / len(encoded) == pytest.approx(mean, abs=0.25)
    for before, after in zip(like, drawn, strict=True):
        assert after.weight.mean() == pytest.approx(before.weight.mean(), rel=1e-5)
        assert len(np.unique(after.edges, axis=1).T) == len(after)
        assert (after.edges[0] != after.edges[1]).all()


def test_who_is_heard_has_nothing_to_do_with_the_links(numbers):
    encoded = people(numbers)
    links = gm.Neighbours("labs", k=8)
    real = {tuple(pair) for pair in links.link(encoded, encoded).items[0].edges.T}
    drawn = {tuple(pair) for pair in gm.RandomLike(links).link(encoded, encoded).items[0].edges.T}
    by_chance = 8 / 399
    assert len(real & drawn) / len(drawn) == pytest.approx(by_chance, abs=4 * np.sqrt(by_chance / len(drawn)))


def test_two_relations_and_two_seeds_are_drawn_apart(numbers):
    encoded = people(numbers, 60)
    one, other = gm.RandomLike(gm.Neighbours(k=4, each=True)).link(encoded, encoded)
    again = gm.RandomLike(gm.Neighbours(k=4, each=True), seed=1).link(encoded, encoded).items[0]
    assert not np.array_equal(one.edges, other.edges)
    assert not np.array_equal(one.edges, again.edges)


def test_a_graph_without_edges_stays_without(numbers):
    encoded = people(numbers, 30)
    far = gm.Within(1e-9, "labs", metric="euclidean")
    assert gm.RandomLike(far).link(encoded[:20], encoded[:20]).edges == 0
    assert gm.RandomLike(far).link(encoded[:20], encoded[20:]).edges == 0
    assert len(gm.RandomLike(gm.NoEdges()).link(encoded[:20], encoded[20:])) == 0


def test_everybody_linked_to_everybody_can_be_drawn(numbers):
    encoded = people(numbers, 12)
    everybody = gm.Within(1e9, "labs", metric="euclidean")
    assert gm.RandomLike(everybody).link(encoded, encoded).edges == 12 * 11


def test_links_through_concepts_are_refused(encoded):
    with pytest.raises(gm.GraphError, match="Shuffled"):
        gm.RandomLike(gm.Concepts("codes", most=0.9)).link(encoded, encoded)
