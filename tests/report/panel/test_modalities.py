"""Shared pairs, QAP and lists in common equal what naive loops and drawn exchanges give."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.report.agreement import correlation, overlap_at_k, pairs_of
from graphmml.report.panel.modalities import MODALITIES

CODE = "GM510"


def drawn(size, share, seed):
    """A random undirected graph, some patients without a link."""
    random = np.random.default_rng(seed)
    matrix = np.triu(random.random((size, size)) < share, k=1)
    matrix[:, random.random(size) < 0.2] = False
    return csr_array(matrix.astype(float))


@pytest.mark.parametrize("seed", range(4))
def test_qap_is_the_correlation_over_all_pairs_and_z_that_of_all_exchanges(seed):
    one, other = pairs_of(drawn(7, 0.5, seed)), pairs_of(drawn(7, 0.5, seed + 50))
    dense = [(matrix + matrix.T).toarray() > 0 for matrix in (one, other)]
    both = np.flatnonzero(dense[0].any(axis=1) & dense[1].any(axis=1))
    left, right = (matrix[np.ix_(both, both)] for matrix in dense)
    pairs = list(combinations(range(len(both)), 2))
    rows = [[float(matrix[pair]) for pair in pairs] for matrix in (left, right)]
    shared = [
        sum(left[i, j] and right[order[i], order[j]] for i, j in pairs) for order in permutations(range(len(both)))
    ]
    result = correlation(one, other)
    assert result.r == pytest.approx(np.corrcoef(rows)[0, 1])
    assert result.z == pytest.approx((np.dot(*rows) - np.mean(shared)) / np.std(shared))


def test_graphs_by_chance_have_no_correlation_and_the_same_graph_has_one():
    z = [correlation(pairs_of(drawn(60, 0.1, seed)), pairs_of(drawn(60, 0.1, seed + 99))).z for seed in range(60)]
    assert abs(np.mean(z)) < 0.5
    assert 0.7 < np.std(z) < 1.3
    same = pairs_of(drawn(60, 0.1, 0))
    assert correlation(same, same).r == pytest.approx(1.0)
    assert correlation(same, same).z > 20
    assert np.isnan(correlation(pairs_of(csr_array((60, 60))), same).r)


def test_lists_in_common_beside_lists_drawn_anew():
    random = np.random.default_rng(1)
    one, other = ((random.random((30, 30)) < 0.2) & ~np.eye(30, dtype=bool) for _ in range(2))
    other[:5] = False
    both = [at for at in range(30) if one[at].any() and other[at].any()]
    total = sum(min(one[at].sum(), other[at].sum()) for at in both)
    shared = sum(len(set(np.flatnonzero(one[at])) & set(np.flatnonzero(other[at])) & set(both)) for at in both)
    overlap, chance = overlap_at_k(csr_array(one.astype(float)), csr_array(other.astype(float)))
    assert overlap == pytest.approx(shared / total)
    again = []
    for _ in range(2000):
        at = both[random.integers(len(both))]
        rest = [name for name in both if name != at]
        new = random.permutation(rest)[: sum(other[at, name] for name in rest)]
        again.append(sum(one[at, name] for name in new) * len(both) / total)
    assert chance == pytest.approx(np.mean(again), rel=0.1)


def test_shares_of_pairs_equal_sets(asked):
    cohort = gm.make_cohort(80, seed=2)
    row = asked(MODALITIES, cohort, gm.Neighbours(each=True, k=5))[0]["modalities"]
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    sets = {
        relation.name: {frozenset(edge) for edge in relation.edges.T.tolist()}
        for relation in gm.build_graph(gm.Neighbours(each=True, k=5), encoded).relations
    }
    whole = set().union(*sets.values())
    assert row["pairs"] == len(whole)
    for name, pairs in sets.items():
        others = set().union(*(sets[other] for other in sets if other != name))
        assert row["share"][name] == pytest.approx(len(pairs) / len(whole))
        assert row["only"][name] == pytest.approx(len(pairs - others) / len(whole))
    assert len(row["agreement"]) == 3


def lopsided(patients=120, few=12):
    """One modality that everybody has, one that a few have."""
    random = np.random.default_rng(0)
    ids = pd.Index([f"p{at:03d}" for at in range(patients)])
    wide = pd.DataFrame(random.normal(size=(patients, 5)), index=ids, columns=list("abcde"))
    rare = pd.DataFrame(random.normal(size=(few, 3)), index=ids[:few], columns=list("xyz"))
    return gm.Cohort.from_frames({"labs": wide, "rna": rare}, pd.Series(["a", "b"] * (patients // 2), index=ids))


def test_a_modality_that_draws_nearly_everything_is_named(asked):
    finding = asked(MODALITIES, lopsided(), gm.Neighbours(each=True, k=5))[1][CODE]
    assert finding.status == "warn"
    assert "drawn by labs and by no other of 2 relations" in finding.message
    assert asked(MODALITIES, gm.make_cohort(80), gm.Neighbours(each=True, k=5))[1][CODE].status == "pass"


def test_a_fused_graph_that_follows_one_modality_is_found_through_each_modality_alone(asked):
    cohort = gm.make_cohort(300, seed=1, missing=0.0)
    assert asked(MODALITIES, cohort, gm.Neighbours(k=10))[1][CODE].status == "pass"
    finding = asked(MODALITIES, lopsided(300, few=20), gm.Neighbours(k=10))[1][CODE]
    assert finding.status == "warn"
    assert "by labs and by no other of 2 modalities" in finding.message


def test_what_cannot_be_asked_is_said(asked):
    labs_alone = gm.Cohort.from_frames({"labs": lopsided().tables["labs"]})
    for cohort, links in (
        (gm.make_cohort(80), gm.NoEdges()),
        (gm.make_cohort(80), gm.Neighbours("labs", k=5)),
        (labs_alone, gm.Neighbours(k=5)),
    ):
        assert asked(MODALITIES, cohort, links)[1][CODE].status == "n.a."
