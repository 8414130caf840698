from dataclasses import dataclass

import numpy as np
import pytest

import graphmml as gm


def weights(relation):
    """Return {(source, target): weight}."""
    return {(int(a), int(b)): float(w) for (a, b), w in zip(relation.edges.T, relation.weight, strict=True)}


@dataclass(frozen=True)
class Given:
    """The edges written down, between patients by position."""

    edges: tuple[tuple[int, int, float], ...]
    name: str = "given"

    def link(self, source, target):
        rows = [(a, b, w) for a, b, w in self.edges if a < len(source) and b < len(target)]
        a, b, w = (np.array(column) for column in zip(*rows, strict=True))
        return gm.Relations((gm.Relation.of(self.name, a, b, w),))


ONE = Given(((0, 1, 1.0), (2, 1, 3.0), (4, 5, 0.5)))
OTHER = Given(((0, 1, 2.0), (1, 0, 1.0), (4, 5, 0.25)), "other")
THIRD = Given(((0, 1, 6.0), (2, 1, 1.0)), "third")


@pytest.fixture
def parts(encoded):
    return encoded[:45], encoded[45:]


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("sum", {(0, 1): 3.0, (2, 1): 3.0, (4, 5): 0.75, (1, 0): 1.0}),
        ("max", {(0, 1): 2.0, (2, 1): 3.0, (4, 5): 0.5, (1, 0): 1.0}),
        ("mean", {(0, 1): 1.5, (2, 1): 3.0, (4, 5): 0.375, (1, 0): 1.0}),
        ("min", {(0, 1): 1.0, (2, 1): 3.0, (4, 5): 0.25, (1, 0): 1.0}),
    ],
)
def test_a_union_has_every_edge_once(encoded, how, wanted):
    (relation,) = gm.Union((ONE, OTHER), weight=how).link(encoded, encoded)
    assert relation.name == "union"
    assert weights(relation) == wanted


def test_an_intersection_has_the_edges_of_all_or_of_at_least_so_many(encoded):
    links = (ONE, OTHER, THIRD)
    (every,) = gm.Intersection(links).link(encoded, encoded)
    assert weights(every) == {(0, 1): 3.0}
    (two,) = gm.Intersection(links, least=2, weight="max").link(encoded, encoded)
    assert weights(two) == {(0, 1): 6.0, (2, 1): 3.0, (4, 5): 0.5}
    (one,) = gm.Intersection(links, least=1, weight="sum").link(encoded, encoded)
    assert weights(one) == weights(gm.Union(links).link(encoded, encoded)["union"])


def test_each_relation_of_one_constructor_speaks(parts):
    train, new = parts
    links = gm.Neighbours(k=8, each=True)
    drawn = [set(weights(relation)) for relation in links.link(train, new)]
    (both,) = gm.Intersection((links,), least=2).link(train, new)
    wanted = {pair for pair in set.union(*drawn) if sum(pair in one for one in drawn) >= 2}
    assert set(weights(both)) == wanted
    assert 0 < len(wanted) < len(set.union(*drawn))
    assert set(weights(gm.Union((links,)).link(train, new)["union"])) == set.union(*drawn)


def test_no_edges_add_nothing_and_agree_on_nothing(encoded):
    (union,) = gm.Union((ONE, gm.NoEdges())).link(encoded, encoded)
    assert weights(union) == weights(ONE.link(encoded, encoded)["given"])
    for links in (gm.Union((gm.NoEdges(),)), gm.Intersection((gm.NoEdges(),))):
        (relation,) = links.link(encoded, encoded)
        assert relation.edges.shape == (2, 0)


def test_edges_to_concepts_cannot_be_merged(encoded):
    for kind in (gm.Union, gm.Intersection):
        with pytest.raises(gm.GraphError, match=r"'has_codes' leads to nodes that are no patients.*Layers"):
            kind((gm.Neighbours(k=3), gm.Concepts("codes", most=0.9))).link(encoded, encoded)


def test_more_voices_than_there_are_are_refused(encoded):
    with pytest.raises(gm.GraphError, match="least is 3 but only 2 relations"):
        gm.Intersection((ONE, OTHER), least=3).link(encoded, encoded)


def test_layers_keep_every_relation_as_it_is(parts):
    train, new = parts
    inner = (gm.Neighbours("labs", k=4), gm.SharedPhenotype("sex", k=3), gm.Concepts("codes", most=0.9))
    for target in (train, new):
        drawn = gm.Layers(inner).link(train, target)
        alone = [relation for links in inner for relation in links.link(train, target)]
        assert [relation.kind for relation in drawn] == [relation.kind for relation in alone]
        for one, other in zip(drawn, alone, strict=True):
            assert np.array_equal(one.edges, other.edges)
            assert np.array_equal(one.weight, other.weight)
        assert drawn.concepts == inner[2].link(train, target).concepts


def test_equal_names_are_told_apart(parts):
    train, new = parts
    labs = [gm.Neighbours("labs", k=k) for k in (2, 3, 4)]
    drawn = gm.Layers((labs[0], gm.Layers((labs[1], labs[2])))).link(train, new)
    assert [relation.name for relation in drawn] == ["labs", "labs 2", "labs 2 2"]
    assert [len(relation) // len(new) for relation in drawn] == [2, 3, 4]


@dataclass(frozen=True)
class Fickle:
    """Draws one relation in training and none for newcomers."""

    def link(self, source, target):
        return gm.Neighbours("labs", k=2).link(source, target) if source is target else gm.Relations(())


def test_a_relation_that_newcomers_lack_does_not_rename_the_next(parts):
    train, new = parts
    (relation,) = gm.Layers((Fickle(), gm.Neighbours("labs", k=3))).link(train, new)
    assert relation.name == "labs 2"
    graph = gm.build_graph(gm.Layers((Fickle(), gm.Neighbours("labs", k=3))), train, new)
    assert [len(relation) for relation in graph.relations] == [2 * 45, 3 * 60]


def test_concepts_of_one_kind_are_shared_if_they_are_the_same(parts):
    train, _ = parts
    one, plain = gm.Concepts("codes", most=0.9), gm.Concepts("codes", most=0.9, rarity=False)
    drawn = gm.Layers((one, plain)).link(train, train)
    assert [relation.name for relation in drawn] == ["has_codes", "of_codes", "has_codes 2", "of_codes 2"]
    assert list(drawn.concepts) == ["codes"]
    with pytest.raises(gm.GraphError, match="different nodes of kind 'codes'"):
        gm.Layers((one, gm.Concepts("codes", most=0.5))).link(train, train)


def test_parts_of_one_kind_are_shared_and_are_no_concepts(parts):
    train, _ = parts
    drawn = gm.Layers((gm.ModalityNodes(k=2), gm.ModalityNodes(k=3))).link(train, train)
    assert sorted(drawn.parts) == ["clinical", "codes", "labs"]
    assert len(drawn) == 2 * len(gm.ModalityNodes(k=2).link(train, train))
    with pytest.raises(gm.GraphError, match="concepts of 'codes' and another parts"):
        gm.Layers((gm.ModalityNodes(k=2), gm.Concepts("codes", most=0.9))).link(train, train)


@pytest.mark.parametrize("kind", [gm.Layers, gm.Union, gm.Intersection])
def test_one_or_a_list_will_do_but_not_nothing(kind):
    assert kind(gm.Neighbours()) == kind([gm.Neighbours()]) == kind((gm.Neighbours(),))
    for wrong in ((), "neighbours", ("neighbours",), None):
        with pytest.raises(gm.GraphError, match="one or more constructors"):
            kind(wrong)


def test_settings_are_checked_when_given():
    with pytest.raises(gm.GraphError, match="'median' is not one of sum, max, mean, min"):
        gm.Union((ONE,), weight="median")
    with pytest.raises(gm.GraphError, match="'median' is not one of"):
        gm.Intersection((ONE,), weight="median")
    with pytest.raises(gm.GraphError, match="least is 0"):
        gm.Intersection((ONE,), least=0)
