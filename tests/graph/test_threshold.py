import numpy as np
import pytest

import graphmml as gm


@pytest.fixture
def people(numbers):
    random = np.random.default_rng(2)
    return numbers({"a": random.normal(size=(90, 6)), "b": random.normal(size=(90, 3))})


def distance(people, other, metric):
    x, y = people.features["a"].astype(float), other.features["a"].astype(float)
    if metric == "euclidean":
        return np.sqrt(((x[:, None] - y[None]) ** 2).mean(axis=2))
    if metric == "correlation":
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    return 1 - x @ y.T / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(y, axis=1)[None]


@pytest.mark.parametrize(("metric", "radius"), [("cosine", 0.4), ("euclidean", 0.9), ("correlation", 0.3)])
def test_within_links_everybody_inside_the_radius_and_nobody_outside(people, metric, radius):
    source, target = people[:60], people[60:]
    for other in (source, target):
        drawn = gm.Within(radius, "a", metric).link(source, other)["a"]
        linked = np.zeros((60, len(other)), dtype=bool)
        linked[tuple(drawn.edges)] = True
        apart = distance(source, other, metric)
        if other is source:
            np.fill_diagonal(apart, np.inf)
        assert linked[apart < radius - 1e-3].all()
        assert not linked[apart > radius + 1e-3].any()
        assert 0 < linked.sum() < linked.size


def test_patients_who_are_the_same_are_within_radius_zero(numbers):
    same = numbers({"a": np.repeat(np.eye(3), 4, axis=0)})
    drawn = gm.Within(0.0, "a").link(same, same)["a"]
    assert np.array_equal(np.bincount(drawn.edges[1]), np.full(12, 3))


def test_a_radius_of_everybody_is_refused_with_the_way_out(people):
    with pytest.raises(gm.GraphError, match=r"radius 2 gives patients more than 20 neighbours .* Densest"):
        gm.Within(2.0, "a", most=20).link(people, people)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "gower"])
@pytest.mark.parametrize("degree", [0.5, 2, 10, 40])
def test_densest_gives_the_degree_that_it_was_asked_for(people, metric, degree):
    drawn = gm.Densest(degree, "a", metric).link(people, people)["a"]
    assert len(drawn) == 2 * round(90 * degree / 2)
    assert {(a, b) for a, b in drawn.edges.T.tolist()} == {(b, a) for a, b in drawn.edges.T.tolist()}


def test_densest_takes_the_most_similar_pairs_of_all(people):
    drawn = gm.Densest(4, "a", "euclidean").link(people, people)["a"]
    apart = distance(people, people, "euclidean")
    upper = apart[np.triu_indices(90, 1)]
    bar = np.sort(upper)[180 - 1]
    assert apart[tuple(drawn.edges)].max() == pytest.approx(bar, abs=1e-3)


def test_a_newcomer_listens_to_whom_it_is_similar_to_beyond_the_threshold_of_training(people):
    source, target = people[:60], people[60:]
    within = gm.Densest(6, "a", "euclidean").link(source, source)["a"]
    bar = distance(source, source, "euclidean")[tuple(within.edges)].max()
    drawn = gm.Densest(6, "a", "euclidean").link(source, target)["a"]
    linked = np.zeros((60, 30), dtype=bool)
    linked[tuple(drawn.edges)] = True
    apart = distance(source, target, "euclidean")
    assert linked[apart < bar - 1e-3].all()
    assert not linked[apart > bar + 1e-3].any()


def test_a_density_beyond_all_pairs_is_refused(people):
    with pytest.raises(gm.GraphError, match="degree is 90 but 90 patients can be compared"):
        gm.Densest(90, "a").link(people, people)
    everybody = gm.Densest(89, "a").link(people, people)["a"]
    assert len(everybody) == 90 * 89


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: gm.Densest(0), "degree is 0"),
        (lambda: gm.Densest(metric="l1"), "'l1' is not one of cosine"),
        (lambda: gm.Within(-1.0), "radius is -1"),
        (lambda: gm.Within(0.1, weight="rbf"), "'rbf' is not one of binary, similarity"),
    ],
)
def test_settings_are_checked_when_given(make, said):
    with pytest.raises(gm.GraphError, match=said):
        make()
