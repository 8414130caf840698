"""What a report draws holds no small number, draws every patient once, and is the same for every seed's rerun."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import graphmml as gm
from graphmml.report.measures import Target, targets_of
from graphmml.report.picture import MOST_DRAWN, drawn, named, part_of, picture_of, prevalence, share_of, wilson


def target(labels, values=("no", "yes"), kind="outcome", block=False):
    return Target("x", "x", kind, tuple(values), np.asarray(labels), block)


def ring(size):
    at = np.arange(size)
    return csr_array((np.ones(size), (at, (at + 1) % size)), shape=(size, size))


@pytest.mark.parametrize(("share", "size"), [(0.0, 20), (0.1, 30), (0.5, 200), (1.0, 15)])
def test_wilson_is_where_the_score_test_stops_rejecting(share, size):
    def score(p):
        return (share - p) ** 2 - 1.959964**2 * p * (1 - p) / size

    low, high = wilson(share, size)
    assert abs(score(low)) < 1e-9
    assert abs(score(high)) < 1e-9
    assert low + 1e-9 >= 0.0
    assert low <= share + 1e-9
    assert share <= high + 1e-9
    assert high - low > 0.01


@pytest.mark.parametrize(
    ("have", "size", "said"), [(5, 8, "n <11"), (3, 40, "few"), (37, 40, "nearly all"), (20, 40, "50 %")]
)
def test_a_share_of_few_patients_is_said_in_words(have, size, said):
    found = share_of("x", np.arange(size) < have)
    assert found.said == said
    if said != "50 %":
        assert str(have) not in found.said.replace("<11", "")
        assert np.isnan(found.share) or found.share == round(found.share, 1)


def test_prevalence_from_few_cases_is_a_bound():
    labels = np.r_[np.arange(100) < 3, np.arange(100) < 95, np.arange(100) < 40, [1] * 6].astype(int)
    group = target(np.r_[[0] * 100, [1] * 100, [2] * 100, [3] * 6], ("a", "b", "c", "d"), "group")
    found = {row.value: row for row in prevalence(target(labels), group)}
    assert set(found) == {"a", "b", "c"}
    assert [found[name].said for name in "abc"] == ["under 11% of 100", "over 89% of 100", "40% of 100"]
    assert np.isnan([found["a"].share, found["b"].share]).all()  # no point is drawn where the share is not told
    assert [(found[name].low, found[name].high) for name in "ab"] == [(0.0, 0.11), (0.89, 1.0)]


def test_every_patient_of_a_small_graph_is_drawn_once_within_the_frame():
    found = drawn(ring(60), seed=0)
    assert sorted(found.rows) == list(range(60))
    assert list(found.rows) != list(range(60))  # no order of file or id is left
    assert found.places.min() >= 0
    assert found.places.max() <= 1
    ends = {frozenset(found.rows[pair]) for pair in found.edges.T}
    assert ends == {frozenset((at, (at + 1) % 60)) for at in range(60)}


def test_of_a_large_graph_a_connected_part_is_drawn():
    size = 4 * MOST_DRAWN
    pairs = ring(size)
    rows = part_of(csr_array(pairs + pairs.T), np.random.default_rng(0))
    assert len(rows) == MOST_DRAWN
    assert len(np.unique(rows)) == MOST_DRAWN
    assert (np.diff(rows) == 1).mean() > 0.95


def test_patients_without_links_are_drawn_as_well():
    empty = csr_array((3 * MOST_DRAWN, 3 * MOST_DRAWN))
    assert len(part_of(empty, np.random.default_rng(0))) == MOST_DRAWN
    assert np.isfinite(drawn(csr_array((5, 5)), seed=1).places).all()


def test_small_values_share_a_colour_and_unknown_has_none():
    labels, names = named(target([0] * 20 + [1] * 15 + [2] * 3 + [-1] * 4, "abc", "group"))
    assert names == ("a", "b", "others")
    assert [(labels == at).sum() for at in (-1, 0, 1, 2)] == [4, 20, 15, 3]


def test_a_group_of_persons_is_not_shown_value_by_value():
    cohort = gm.make_cohort(100)
    persons = cohort.groups.assign(person=[f"p{at // 2}" for at in range(100)])
    cohort = gm.Cohort.from_frames(dict(cohort.tables), cohort.outcome.values, groups=persons)
    adjacency = csr_array((100, 100))
    picture = picture_of(cohort, adjacency, tuple(targets_of(cohort)), seed=0)
    assert set(picture.labels) == {"dx", "site"}
    assert not any("person" in share.name for shares in picture.presence.values() for share in shares)


def test_presence_and_fullness_are_counts_of_the_tables():
    cohort = gm.make_cohort(300, missing=0.4)
    picture = picture_of(cohort, csr_array((300, 300)), tuple(targets_of(cohort)), seed=0)
    rna = cohort.tables["rna"]
    here = rna.notna().any(axis=1)
    assert picture.presence["rna"][0].share == pytest.approx(here.mean())
    cases = (cohort.outcome.values == "case").to_numpy()
    by_name = {share.name: share for share in picture.filled["labs"]}
    assert by_name["dx: case"].share == pytest.approx(cohort.tables["labs"][cases].notna().to_numpy().mean())


def test_patterns_add_up_to_all_patients():
    cohort = gm.make_cohort(300, missing=0.4)
    found = picture_of(cohort, csr_array((300, 300)), tuple(targets_of(cohort)), seed=0).patterns
    assert sum(int(said) for _, said, _ in found) == 300
    assert {names for names, _, _ in found} == {("clinical", "labs", "rna"), ("clinical", "labs")}
