from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_info

import graphmml as gm
from graphmml.graph.affinity import kernel_of, nearest_of_all
from graphmml.graph.all_pairs import AllPairs
from graphmml.graph.fused import kernels_of, network_of


def clustered(numbers, patients=60, modalities=3, groups=3, gap=0.0, seed=0, spread=1.5):
    """Draw patients of some groups, each modality telling part of the groups; `gap` of the patients lack each."""
    random = np.random.default_rng(seed)
    group = random.integers(0, groups, patients)
    centres = random.normal(size=(modalities, groups, 6)) * spread
    features = {f"m{v}": centres[v][group] + random.normal(size=(patients, 6)) for v in range(modalities)}
    present = random.random((patients, modalities)) >= gap
    ids = [f"id{number:04d}" for number in random.permutation(patients)]
    return numbers(features, present, ids), group


def kernels(cohort, k=5, mu=0.5):
    return [kernel_of(cohort, name, nearest_of_all(cohort, name, k), mu) for name in cohort.modalities]


def diffused_square(cohort, k, mu, iterations):
    """How alike all pairs are once diffused, by rows."""
    return AllPairs(len(cohort)).diffused(kernels(cohort, k, mu), mu=mu, iterations=iterations)


def naive_affinity(rows, k, mu):
    """W and the k nearest of each, by the formulas of Wang et al. written as loops."""
    n = len(rows)
    apart = [[np.sqrt(np.mean((rows[i] - rows[j]) ** 2)) for j in range(n)] for i in range(n)]
    near = [sorted((j for j in range(n) if j != i), key=lambda j: apart[i][j])[:k] for i in range(n)]
    reach = [sum(apart[i][j] for j in near[i]) / k for i in range(n)]
    affinity = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            scale = (reach[i] + reach[j] + apart[i][j]) / 3
            affinity[i, j] = np.exp(-(apart[i][j] ** 2) / (mu * scale))
    return affinity, near


def naive_status(affinity):
    """P: half on the diagonal, the other half shared out over the others."""
    n = len(affinity)
    status = np.zeros((n, n))
    for i in range(n):
        total = sum(affinity[i, j] for j in range(n) if j != i)
        for j in range(n):
            status[i, j] = 0.5 if i == j else affinity[i, j] / (2 * total)
    return status


def naive_local(affinity, near):
    """S: the patient itself and its nearest."""
    local = np.zeros_like(affinity)
    for i, listed in enumerate(near):
        members = [i, *listed]
        for j in members:
            local[i, j] = affinity[i, j] / sum(affinity[i, other] for other in members)
    return local


def naive_product(local, middle):
    """S M S^T, one pair at a time."""
    n, middle = len(middle), middle.tolist()
    kept = [[(a, float(row[a])) for a in np.flatnonzero(row)] for row in local]
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            total = 0.0
            for a, here in kept[i]:
                for b, there in kept[j]:
                    total += here * middle[a][b] * there
            out[i, j] = total
    return out


def naive_fusion(views, k, mu, iterations):
    """Wang et al. 2014, equations 1 to 4 and the general case of m data types."""
    made = [naive_affinity(rows.astype(np.float64), k, mu) for rows in views]
    status = [naive_status(affinity) for affinity, _ in made]
    local = [naive_local(affinity, near) for affinity, near in made]
    for _ in range(iterations):
        status = [
            naive_status(naive_product(local[v], sum(p for u, p in enumerate(status) if u != v) / (len(status) - 1)))
            for v in range(len(status))
        ]
    return sum(status) / len(status)


@pytest.mark.parametrize(("patients", "iterations", "width"), [(60, 4, 64), (70, 0, 64), (70, 3, 64), (60, 4, 16)])
def test_fusion_is_that_of_the_paper_written_as_loops(numbers, monkeypatch, patients, iterations, width):
    monkeypatch.setattr("graphmml.graph.all_pairs.WIDTH", width)
    cohort, _ = clustered(numbers, patients)
    expected = naive_fusion(list(cohort.features.values()), k=7, mu=0.5, iterations=iterations)
    alike = diffused_square(cohort, k=7, mu=0.5, iterations=iterations)
    status = alike / (2 * (patients - 1)) + 0.5 * np.eye(patients)
    assert np.abs(status - expected).max() < 1e-14
    off = ~np.eye(patients, dtype=bool)
    assert np.abs(status / expected - 1)[off].max() < 1e-10


def multiples(status, rows):
    """Return {pair: multiple of the patient's average} of a status matrix of these patients."""
    return {(rows[a], rows[b]): 2 * (len(rows) - 1) * value for (a, b), value in np.ndenumerate(status) if a != b}


def naive_others(alike, name, rows):
    """Return M: half on the diagonal, the mean over the other modalities that both have off it, or else its own."""
    middle = 0.5 * np.eye(len(rows))
    for a, i in enumerate(rows):
        for b, j in enumerate(rows):
            if a != b:
                seen = [known[i, j] for other, known in alike.items() if other != name and (i, j) in known]
                middle[a, b] = np.mean(seen or [alike[name][i, j]]) / (2 * (len(rows) - 1))
    return middle


def naive_partial(cohort, k, mu, iterations):
    """Partial overlap as the docstring says it: multiples of the average, pairs averaged over what both have."""
    having = {name: np.flatnonzero(cohort.has(name)).tolist() for name in cohort.modalities}
    alike, local = {}, {}
    for name, rows in having.items():
        affinity, near = naive_affinity(cohort.features[name][rows].astype(np.float64), k, mu)
        local[name] = naive_local(affinity, near)
        alike[name] = multiples(naive_status(affinity), rows)
    for _ in range(iterations):
        alike = {
            name: multiples(naive_status(naive_product(local[name], naive_others(alike, name, rows))), rows)
            for name, rows in having.items()
        }
    fused = np.zeros((len(cohort), len(cohort)))
    for pair in np.ndindex(fused.shape):
        seen = [known[pair] for known in alike.values() if pair in known]
        fused[pair] = np.mean(seen) if seen else 0.0
    return fused


@pytest.mark.parametrize(("iterations", "width"), [(3, 64), (2, 16), (3, 16)])
def test_partial_overlap_is_its_rule_written_as_loops(numbers, monkeypatch, iterations, width):
    monkeypatch.setattr("graphmml.graph.all_pairs.WIDTH", width)
    cohort, _ = clustered(numbers, 40, gap=0.35, seed=3)
    assert (cohort.present.sum(axis=1) == 1).any()
    assert (cohort.present.sum(axis=1) == 3).any()
    expected = naive_partial(cohort, k=5, mu=0.4, iterations=iterations)
    alike = diffused_square(cohort, k=5, mu=0.4, iterations=iterations)
    assert alike == pytest.approx(expected, abs=1e-10)


def test_modalities_that_as_many_but_other_patients_have_overlap_in_part(numbers):
    cohort, _ = clustered(numbers, 42)
    cohort = replace(cohort, present=np.arange(42)[:, None] % 3 != np.arange(3))
    expected = naive_partial(cohort, k=5, mu=0.4, iterations=3)
    assert diffused_square(cohort, k=5, mu=0.4, iterations=3) == pytest.approx(expected, abs=1e-10)


def test_fusing_leaves_the_number_of_threads_as_it_was(numbers):
    cohort, _ = clustered(numbers, 60)
    before = torch.get_num_threads(), threadpool_info()
    diffused_square(cohort, k=5, mu=0.5, iterations=1)
    assert (torch.get_num_threads(), threadpool_info()) == before


def edges(links, source, target=None):
    target = source if target is None else target
    relation = links.link(source, target)["fused"]
    return {
        (source.ids[a], target.ids[b]): weight
        for (a, b), weight in zip(relation.edges.T, relation.weight.tolist(), strict=True)
    }


def test_links_are_the_most_alike_and_weigh_their_share_of_the_highest(numbers):
    cohort, _ = clustered(numbers, 60)
    fused = naive_fusion(list(cohort.features.values()), k=7, mu=0.5, iterations=4)
    np.fill_diagonal(fused, 0)
    expected = {}
    for i, row in enumerate(fused):
        for j in np.argsort(-row)[:5]:
            expected[cohort.ids[j], cohort.ids[i]] = row[j] / row.max()
    drawn = edges(gm.FusedSimilarity(k=7, degree=5, iterations=4), cohort)
    assert drawn.keys() == expected.keys()
    assert all(weight == pytest.approx(expected[pair], rel=1e-6) for pair, weight in drawn.items())


@pytest.mark.parametrize(("rows", "spread"), [(1024, 32), (30, 7)])
@pytest.mark.parametrize("gap", [0.0, 0.35])
def test_the_sparse_mode_with_everybody_a_candidate_is_the_dense_mode(numbers, monkeypatch, gap, rows, spread):
    monkeypatch.setattr("graphmml.graph.diffusion.ROWS", rows)
    monkeypatch.setattr("graphmml.graph.diffusion.SPREAD", spread)
    cohort, _ = clustered(numbers, 80, gap=gap, seed=5)
    dense = gm.FusedSimilarity(k=6, degree=8, candidates=79)
    sparse = replace(dense, dense_up_to=0)
    # everybody's candidates are all who have the modality, so that ties of the search decide nothing
    cohort = cohort[cohort.present.any(axis=1)]
    one, other = network_of(dense, cohort).similar.toarray(), network_of(sparse, cohort).similar.toarray()
    # P shares one half over all others when dense, over all who share a modality when sparse
    scale = one.sum(axis=1, keepdims=True), other.sum(axis=1, keepdims=True)
    assert one / scale[0] == pytest.approx(other / scale[1], rel=1e-9, abs=1e-14)
    assert edges(dense, cohort) == pytest.approx(edges(sparse, cohort), rel=1e-6)


def agreement(one, other):
    """The share of the pairs of one that are in the other."""
    return len(one.keys() & other.keys()) / len(one)


def test_few_candidates_find_most_of_the_links_of_all_pairs(numbers):
    cohort, _ = clustered(numbers, 400, groups=5, seed=6)
    dense = gm.FusedSimilarity(k=10, degree=8, candidates=40)
    assert agreement(edges(replace(dense, dense_up_to=0), cohort), edges(dense, cohort)) > 0.8


def test_single_precision_draws_the_links_of_double(numbers, monkeypatch):
    cohort, _ = clustered(numbers, 150, seed=8)
    links = gm.FusedSimilarity(k=10, degree=8)
    double = edges(links, cohort)
    monkeypatch.setattr("graphmml.graph.diffusion.SINGLE_FROM", 1)
    for mode in (links, replace(links, dense_up_to=0, candidates=149)):
        again = cohort[np.arange(len(cohort))]
        network = network_of(mode, again)
        assert agreement(edges(mode, again), double) > 0.995
        assert network.similar.nnz > 0


def test_single_precision_of_many_patients_differs_in_the_sixth_digit_at_most(numbers, monkeypatch):
    cohort, _ = clustered(numbers, 1030, gap=0.2, groups=5, seed=12)
    single = diffused_square(cohort, k=10, mu=0.5, iterations=20)
    monkeypatch.setattr("graphmml.graph.diffusion.SINGLE_FROM", 2000)
    double = diffused_square(cohort, k=10, mu=0.5, iterations=20)
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert (np.abs(single - double) <= 5e-6 * double).all()


def test_fusing_tells_groups_better_than_any_one_noisy_modality(numbers):
    cohort, group = clustered(numbers, 300, groups=4, seed=11, spread=0.8)
    pure = {}
    for name in (None, *cohort.modalities):
        for links in (gm.FusedSimilarity(name, k=15), gm.FusedSimilarity(name, k=15, dense_up_to=0)):
            relation = links.link(cohort, cohort)["fused"]
            pure[name, links.dense_up_to] = (group[relation.edges[0]] == group[relation.edges[1]]).mean()
    for mode in (5000, 0):
        assert pure[None, mode] > max(pure[name, mode] for name in cohort.modalities) + 0.03


def test_patients_who_share_no_modality_are_not_linked(numbers):
    cohort, _ = clustered(numbers, 60, modalities=2)
    present = np.repeat([[True, False], [False, True], [True, True]], 20, axis=0)
    split = replace(cohort, present=present)
    for links in (gm.FusedSimilarity(k=5, degree=5), gm.FusedSimilarity(k=5, degree=5, dense_up_to=0)):
        relation = links.link(split, split)["fused"]
        assert (present[relation.edges[0]] & present[relation.edges[1]]).any(axis=1).all()
        assert np.array_equal(np.bincount(relation.edges[1]), np.full(60, 5))


def test_a_rare_modality_in_common_does_not_make_patients_alike(numbers):
    """Pure noise: who has the rare modality listens to others who have it no more often than there are such.

    It does so less often, since an average over two modalities is less often extreme than one of them.
    """
    random = np.random.default_rng(2)
    present = np.ones((400, 2), dtype=bool)
    present[:, 1] = random.random(400) < 0.25
    cohort = numbers({"a": random.normal(size=(400, 8)), "b": random.normal(size=(400, 8))}, present)
    rare = present[:, 1]
    for links in (gm.FusedSimilarity(k=10, degree=10), gm.FusedSimilarity(k=10, degree=10, dense_up_to=0)):
        sources, targets = links.link(cohort, cohort)["fused"].edges
        assert 0.3 < rare[sources][rare[targets]].mean() / rare.mean() < 1.1
        assert 0.8 < rare[sources][~rare[targets]].mean() / rare.mean() < 1.2


def test_a_modality_that_nobody_has_changes_nothing(numbers):
    cohort, _ = clustered(numbers, 60, modalities=3)
    absent = replace(cohort, present=cohort.present & [True, True, False])
    links = gm.FusedSimilarity(k=5, degree=5)
    assert edges(links, absent) == edges(replace(links, modality=("m0", "m1")), cohort)


def test_where_nobody_has_anything_there_are_no_links(numbers):
    cohort, _ = clustered(numbers, 60)
    nobody = replace(cohort, present=np.zeros_like(cohort.present))
    for links in (gm.FusedSimilarity(k=5), gm.FusedSimilarity(k=5, dense_up_to=0)):
        assert len(links.link(nobody[:40], nobody[:40])["fused"]) == 0
        assert len(links.link(nobody[:40], nobody[40:])["fused"]) == 0


def doubled(cohort, rows):
    """The same patients under other ids."""
    twins = cohort[rows]
    return replace(twins, ids=pd.Index([f"twin{at}" for at in range(len(twins))], dtype="str"))


@pytest.mark.parametrize("gap", [0.0, 0.3])
@pytest.mark.parametrize("dense_up_to", [5000, 0])
def test_a_new_patient_is_linked_much_as_if_everybody_were_fused_anew(numbers, gap, dense_up_to):
    cohort, group = clustered(numbers, 160, gap=gap, seed=9)
    links = gm.FusedSimilarity(k=12, degree=10, iterations=10, dense_up_to=dense_up_to)
    train, new = cohort[:150], cohort[150:]
    attached = edges(links, train, new)
    anew = {}
    for at in range(len(new)):
        together = cohort[np.append(np.arange(150), 150 + at)]
        anew |= {pair: weight for pair, weight in edges(links, together).items() if pair[1] == new.ids[at]}
    assert agreement(attached, anew) > 0.6
    of = dict(zip(cohort.ids, group, strict=True))
    alike = [np.mean([of[a] == of[b] for a, b in found]) for found in (attached, anew)]
    assert alike[0] > alike[1] - 0.05


def test_a_twin_of_a_training_patient_listens_to_it_first_of_all(numbers):
    cohort, _ = clustered(numbers, 120, gap=0.3, seed=4)
    some = cohort[cohort.present.any(axis=1)]
    twins = doubled(some, np.arange(30))
    attached = edges(gm.FusedSimilarity(k=8, degree=5), some, twins)
    first = [attached.get((some.ids[at], twins.ids[at]), 0.0) for at in range(30)]
    assert np.mean(np.array(first) == 1.0) > 0.9


def test_training_patients_keep_their_links_when_asked_for_again(numbers):
    cohort, _ = clustered(numbers, 80, gap=0.3)
    links = gm.FusedSimilarity(k=6, degree=5)
    within = edges(links, cohort)
    some = cohort[np.array([40, 3, 17])]
    assert edges(links, cohort, some) == {pair: weight for pair, weight in within.items() if pair[1] in set(some.ids)}
    mixed = replace(cohort, ids=cohort.ids.where(np.arange(80) != 5, "stranger"))[np.array([40, 5, 3])]
    known = {pair: weight for pair, weight in edges(links, cohort, mixed).items() if pair[1] != "stranger"}
    assert known == {pair: weight for pair, weight in within.items() if pair[1] in {cohort.ids[40], cohort.ids[3]}}


@pytest.mark.parametrize("dense_up_to", [5000, 0])
def test_ties_do_not_go_to_the_first_rows(numbers, dense_up_to):
    """Patients with the same few codes are all alike; none may become everybody's neighbour by its place."""
    codes = np.tile([[1.0, 0.0, 0.0]], (200, 1))
    people = numbers({"a": codes, "b": codes})
    relation = gm.FusedSimilarity(k=10, degree=5, dense_up_to=dense_up_to).link(people, people)["fused"]
    assert np.isfinite(relation.weight).all()
    assert len(relation) == 1000
    assert np.bincount(relation.edges[0]).max() < 40
    assert (relation.edges[0] < 10).mean() < 0.15


@pytest.mark.parametrize("dense_up_to", [5000, 0])
def test_patients_far_from_everybody_have_finite_links(numbers, dense_up_to):
    cohort, _ = clustered(numbers, 60)
    far = {name: matrix * np.where(np.arange(60) < 3, 1e4, 1.0)[:, None] for name, matrix in cohort.features.items()}
    stretched = replace(cohort, features=far)
    relation = gm.FusedSimilarity(k=5, degree=4, mu=0.3, dense_up_to=dense_up_to).link(stretched, stretched)["fused"]
    assert np.isfinite(relation.weight).all()
    assert (relation.weight > 0).all()
    assert np.isin(np.arange(60), relation.edges[1]).all()


def test_a_row_of_similarities_is_one_half_at_most_and_never_of_itself(numbers):
    cohort, _ = clustered(numbers, 60)
    for links in (gm.FusedSimilarity(k=5), gm.FusedSimilarity(k=5, dense_up_to=0)):
        similar = network_of(links, cohort).similar
        assert (similar.sum(axis=1) <= 0.5 + 1e-9).all()
        assert not similar.diagonal().any()


def test_memory_is_patients_by_candidates_in_the_sparse_mode(numbers):
    cohort, _ = clustered(numbers, 300)
    links = gm.FusedSimilarity(k=5, degree=5, candidates=10, dense_up_to=0)
    _, pairs = kernels_of(links, cohort, cohort.modalities)
    assert pairs.pairs.nnz <= 300 * 3 * 10
    assert network_of(links, cohort).similar.nnz <= 300 * 3 * 10


def test_the_source_is_fused_once(numbers, monkeypatch):
    cohort, _ = clustered(numbers, 60)
    links = gm.FusedSimilarity(k=5)
    links.link(cohort[:50], cohort[50:])
    train = cohort[:50]
    links.link(train, train)
    monkeypatch.setattr("graphmml.graph.fused.kernels_of", None)
    links.link(train, cohort[50:])
    with pytest.raises(TypeError):
        links.link(cohort[:49], cohort[50:])


def test_a_list_of_modalities_is_the_tuple():
    assert gm.FusedSimilarity(["labs", "codes"]) == gm.FusedSimilarity(("labs", "codes"))
    assert hash(gm.FusedSimilarity(["labs"])) == hash(gm.FusedSimilarity(("labs",)))


def test_what_cannot_be_fused_is_refused_with_the_next_step(encoded):
    train = encoded[:45]
    with pytest.raises(gm.GraphError, match="no modality 'lab'; the cohort has: clinical, codes, labs"):
        gm.FusedSimilarity(("lab", "codes")).link(train, train)
    having = int(train.has("codes").sum())
    with pytest.raises(
        gm.GraphError, match=f"{having} of the 45 source patients have codes; choose both below {having}"
    ):
        gm.FusedSimilarity(k=having, candidates=100).link(train, train)
    assert len(gm.FusedSimilarity(k=having - 1, candidates=100).link(train, train)["fused"]) == 450


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"k": 0}, "k is 0"),
        ({"degree": 0}, "degree is 0"),
        ({"mu": 0.0}, "mu is 0.0"),
        ({"mu": float("nan")}, "mu is nan"),
        ({"iterations": -1}, "iterations is -1"),
        ({"dense_up_to": -1}, "dense_up_to is -1"),
        ({"candidates": 19}, "candidates is 19, fewer than k = 20"),
    ],
)
def test_settings_are_checked_when_given(wrong, said):
    with pytest.raises(gm.GraphError, match=said):
        gm.FusedSimilarity(**wrong)
