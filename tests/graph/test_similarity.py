import numpy as np
import pytest

from graphmml.graph.similarity import TIE, nearest

METRICS = ["cosine", "euclidean", "correlation"]


def written_out(a, b, metric):
    """The similarity of two rows by its formula."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    if metric == "euclidean":
        return -0.5 * ((a - b) ** 2).mean()
    if metric == "correlation":
        return np.corrcoef(a, b)[0, 1]
    return a @ b / np.sqrt((a @ a) * (b @ b))


def every_pair(source, target, modalities, metric):
    """Return the mean over shared modalities, -inf where there is none or both are one patient: [target, source]."""
    table = np.full((len(target), len(source)), -np.inf)
    for t in range(len(target)):
        for s in range(len(source)):
            shared = [name for name in modalities if target.has(name)[t] and source.has(name)[s]]
            if shared and source.ids[s] != target.ids[t]:
                pairs = [(source.features[name][s], target.features[name][t]) for name in shared]
                table[t, s] = np.mean([written_out(a, b, metric) for a, b in pairs])
    return table


@pytest.fixture
def people(numbers):
    random = np.random.default_rng(4)
    features = {"a": random.normal(size=(70, 5)), "b": random.normal(size=(70, 12)), "c": random.normal(size=(70, 3))}
    return numbers(features, present=random.random((70, 3)) > 0.35)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("modalities", [("a",), ("a", "b"), ("a", "b", "c")], ids="+".join)
@pytest.mark.parametrize("within", [True, False], ids=["within", "attached"])
def test_the_nearest_are_those_of_brute_force(people, metric, modalities, within):
    source = people[:50]
    target = source if within else people[50:]
    found, score = nearest(source, target, modalities, k=6, metric=metric)
    pairs = every_pair(source, target, modalities, metric)
    best = -np.sort(-pairs, axis=1)[:, :6]
    assert np.array_equal(found >= 0, np.isfinite(best))
    assert np.array_equal(np.isfinite(score), np.isfinite(best))
    somebody = found >= 0
    true = np.take_along_axis(pairs, np.maximum(found, 0), axis=1)
    # ties are broken within TIE, so that the k-th place may go to somebody so much less alike
    assert true[somebody] == pytest.approx(best[somebody], abs=3 * TIE)
    assert score[somebody] == pytest.approx(true[somebody], abs=2 * TIE)
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in found)


@pytest.mark.parametrize("metric", METRICS)
def test_one_patient_at_a_time_has_the_neighbours_it_has_among_others(people, metric):
    source, target = people[:50], people[50:]
    found, score = nearest(source, target, ("a", "b", "c"), k=6, metric=metric)
    for at in range(len(target)):
        alone, its = nearest(source, target[at : at + 1], ("a", "b", "c"), k=6, metric=metric)
        assert np.array_equal(found[at], alone[0])
        assert np.array_equal(score[at], its[0])


def test_patients_who_share_no_modality_are_not_neighbours(numbers):
    random = np.random.default_rng(0)
    present = np.repeat([[True, False], [False, True], [False, False]], 10, axis=0)
    people = numbers({"a": random.normal(size=(30, 3)), "b": random.normal(size=(30, 3))}, present)
    found, _ = nearest(people, people, ("a", "b"), k=15, metric="cosine")
    for rows in (range(10), range(10, 20)):
        for row in rows:
            assert set(found[row][found[row] >= 0]) == set(rows) - {row}
    assert (found[20:] == -1).all()


def test_a_modality_weighs_the_same_however_wide(numbers):
    random = np.random.default_rng(0)
    narrow, wide = random.normal(size=(40, 4)), random.normal(size=(40, 4))
    for metric in METRICS:
        plain = nearest(*[numbers({"a": narrow, "b": wide})] * 2, ("a", "b"), k=5, metric=metric)
        repeated = nearest(*[numbers({"a": narrow, "b": np.tile(wide, 50)})] * 2, ("a", "b"), k=5, metric=metric)
        assert plain[1] == pytest.approx(repeated[1], abs=1e-5)
        assert np.array_equal(plain[0], repeated[0])


@pytest.mark.parametrize("metric", METRICS)
def test_ties_do_not_go_to_the_first_rows(numbers, metric):
    """Patients with the same few codes are all alike; no row may become everybody's neighbour by its place."""
    codes = np.tile([[1.0, 0.0, 0.0]], (300, 1))
    people = numbers({"codes": codes})
    found, _ = nearest(people, people, ("codes",), k=5, metric=metric)
    assert (found < 10).mean() < 0.1
    assert len(np.unique(found)) > 250
    assert np.bincount(found.ravel()).max() < 30
    turned = people[np.arange(300)[::-1]]
    other, _ = nearest(turned, turned, ("codes",), k=5, metric=metric)
    assert [set(people.ids[row]) for row in found] == [set(turned.ids[row]) for row in other[::-1]]


def test_a_row_of_zeros_has_neighbours_and_finite_similarities(numbers):
    matrix = np.vstack([np.zeros((2, 3)), np.eye(3), -np.eye(3)])
    for metric in METRICS:
        found, score = nearest(*[numbers({"a": matrix})] * 2, ("a",), k=3, metric=metric)
        assert (found >= 0).all()
        assert np.isfinite(score).all()
