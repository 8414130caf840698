from dataclasses import dataclass, replace

import numpy as np
import pytest

import graphmml as gm


def pairs(relation):
    return set(map(tuple, relation.edges.T.tolist()))


@pytest.fixture
def parts(encoded):
    return encoded[:45], encoded[45:]


def sites(encoded):
    return encoded.groups["site"].to_numpy()


def regrouped(encoded, values):
    return replace(encoded, groups=encoded.groups.assign(site=values))


@pytest.mark.parametrize("attached", [False, True])
def test_across_each_hears_the_k_nearest_of_all_who_are_elsewhere(parts, attached):
    """From the definition: rank everybody of another site by cosine."""
    train, new = parts
    target = new if attached else train
    (relation,) = gm.Restricted(gm.Neighbours("labs", k=4), across="site").link(train, target)
    a, b = (side.features["labs"].astype(float) for side in (train, target))
    cosine = (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)[None, :]
    for at in range(len(target)):
        elsewhere = np.flatnonzero(sites(train) != sites(target)[at])
        nearest = elsewhere[np.argsort(-cosine[elsewhere, at])[:4]]
        assert {source for source, mine in pairs(relation) if mine == at} == set(nearest.tolist())


def test_within_is_each_site_linked_by_itself(parts):
    train, _ = parts
    links = gm.Neighbours("labs", k=4, edges="union", weight="similarity")
    (relation,) = gm.Restricted(links, within="site").link(train, train)
    assert relation.name == "labs"
    wanted = {}
    for site in set(sites(train)):
        rows = np.flatnonzero(sites(train) == site)
        (one,) = links.link(train[rows], train[rows])
        wanted |= {(rows[a], rows[b]): w for (a, b), w in zip(one.edges.T, one.weight, strict=True)}
    drawn = {(a, b): w for (a, b), w in zip(relation.edges.T, relation.weight, strict=True)}
    assert drawn.keys() == wanted.keys()
    assert all(drawn[pair] == pytest.approx(wanted[pair], rel=1e-5) for pair in drawn)


def test_evenly_each_hears_k_of_every_site(parts):
    train, new = parts
    for target in (train, new):
        (relation,) = gm.Restricted(gm.Neighbours("labs", k=3), evenly="site").link(train, target)
        a, b = relation.edges
        for site in set(sites(train)):
            rows = np.flatnonzero(sites(train) == site)
            (one,) = gm.Neighbours("labs", k=3).link(train[rows], target)
            mine = sites(train)[a] == site
            assert set(zip(a[mine], b[mine], strict=True)) == {(rows[c], d) for c, d in one.edges.T}
            assert (np.bincount(b[mine], minlength=len(target)) == 3).all()


@pytest.mark.parametrize("group", ["site", "sex", "clinical.grade"])
def test_a_group_a_feature_or_a_feature_of_a_table_can_be_the_group(parts, group):
    train, new = parts
    values = train.column(group).to_numpy(), new.column(group).to_numpy()
    for links, same in (
        (gm.Restricted(gm.SharedPhenotype("age", tolerance=20, k=5), across=group), False),
        (gm.Restricted(gm.SharedPhenotype("age", tolerance=20, k=5), within=group), True),
    ):
        (relation,) = links.link(train, new)
        assert len(relation) > 20
        assert ((values[0][relation.edges[0]] == values[1][relation.edges[1]]) == same).all()


def test_a_patient_of_an_unknown_group_gets_no_edge_and_gives_none(parts):
    train, new = parts
    values = sites(train).astype(object)
    values[[3, 11, 20]] = None
    train = regrouped(train, values)
    for how in ("across", "within", "evenly"):
        links = gm.Restricted(gm.Neighbours(k=3), **{how: "site"})
        (relation,) = links.link(train, train)
        assert not np.isin(relation.edges, [3, 11, 20]).any()
        heard = np.bincount(relation.edges[1], minlength=45)
        assert set(np.delete(heard, [3, 11, 20])) == {9 if how == "evenly" else 3}
        (relation,) = links.link(train, regrouped(new, [None] * len(new)))
        assert (relation.name, len(relation)) == ("neighbours", 0)


def test_a_newcomer_of_a_new_site_hears_all_others_across_and_nobody_within(parts):
    train, new = parts
    stranger = regrouped(new[:1], ["east"])
    (relation,) = gm.Restricted(gm.Neighbours("labs", k=4), across="site").link(train, stranger)
    assert pairs(relation) == pairs(gm.Neighbours("labs", k=4).link(train, stranger)["labs"])
    (relation,) = gm.Restricted(gm.Neighbours("labs", k=4), within="site").link(train, stranger)
    assert len(relation) == 0


def test_every_relation_of_the_inner_constructor_is_restricted(parts):
    train, _ = parts
    drawn = gm.Restricted(gm.Neighbours(k=3, each=True), across="site").link(train, train)
    assert [relation.name for relation in drawn] == ["clinical", "codes", "labs"]
    for relation in drawn:
        assert (sites(train)[relation.edges[0]] != sites(train)[relation.edges[1]]).all()


def test_nested_both_hold(parts):
    train, _ = parts
    inner = gm.Restricted(gm.Neighbours("labs", k=2), across="grade")
    (relation,) = gm.Restricted(inner, within="site").link(train, train)
    grade = train.column("grade").to_numpy()
    a, b = relation.edges
    assert len(relation) == 2 * len(train)
    assert ((sites(train)[a] == sites(train)[b]) & (grade[a] != grade[b])).all()


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("how", ["across", "within", "evenly"])
def test_shuffled_it_keeps_its_restriction_and_who_listens_to_how_many_of_which_site(parts, how, attached):
    train, new = parts
    target = new if attached else train
    links = gm.Restricted(gm.Neighbours("labs", k=4), **{how: "site"})
    (before,), (after,) = links.link(train, target), gm.Shuffled(links).link(train, target)
    same = sites(train)[after.edges[0]] == sites(target)[after.edges[1]]
    assert {"across": not same.any(), "within": same.all(), "evenly": True}[how]
    assert len(pairs(after)) == len(after) > 0.7 * len(before)
    assert len(pairs(before) & pairs(after)) < 0.5 * len(before)
    for value in set(sites(train)):
        held = [
            np.bincount(part.edges[1][sites(train)[part.edges[0]] == value], minlength=len(target))
            for part in (before, after)
        ]
        assert (held[1] <= held[0]).all()
    if not attached:
        lost = np.bincount(before.edges[0], minlength=45) - np.bincount(after.edges[0], minlength=45)
        assert (lost >= 0).all()


def test_a_shuffled_newcomer_of_a_restricted_graph_is_linked_alone_as_among_others(parts):
    train, new = parts
    links = gm.Shuffled(gm.Restricted(gm.Neighbours("labs", k=4), across="site"))
    together = pairs(links.link(train, new)["labs"])
    for at in range(len(new)):
        alone = links.link(train, new[[at]])["labs"]
        assert {(source, at) for source, _ in pairs(alone)} == {pair for pair in together if pair[1] == at}


def test_shuffling_keeps_both_of_two_restrictions(parts):
    train, _ = parts
    links = gm.Restricted(gm.Restricted(gm.Neighbours("labs", k=2), across="grade"), within="site")
    (relation,) = gm.Shuffled(links).link(train, train)
    grade = train.column("grade").to_numpy()
    a, b = relation.edges
    assert len(relation) > len(train)
    assert ((sites(train)[a] == sites(train)[b]) & (grade[a] != grade[b])).all()


@pytest.mark.parametrize("links", [gm.Concepts("codes", most=0.9), gm.ModalityNodes(k=2)], ids=["concepts", "parts"])
def test_paths_through_other_nodes_would_join_a_site_and_are_refused(parts, links):
    train, _ = parts
    for restricted in (gm.Restricted(links, across="site"), gm.Restricted(links, within="site")):
        with pytest.raises(gm.GraphError, match="join what 'site' is to keep apart"):
            restricted.link(train, train)


def test_too_few_of_a_value_is_said_without_the_value(parts):
    train, _ = parts
    values = sites(train).astype(object)
    values[:3] = "tiny hospital"
    tiny = regrouped(train, values)
    with pytest.raises(gm.GraphError, match=r"one value of 'site'.*k is 4.*merge small values") as refused:
        gm.Restricted(gm.Neighbours("labs", k=4), within="site").link(tiny, tiny)
    assert "tiny" not in str(refused.value)


def test_a_group_of_one_value_has_nobody_across_and_everybody_within(parts):
    train, _ = parts
    alone = regrouped(train, ["north"] * len(train))
    with pytest.raises(gm.GraphError, match=r"'site' has 1 value.*across"):
        gm.Restricted(gm.Neighbours(k=3), across="site").link(alone, alone)
    (relation,) = gm.Restricted(gm.Neighbours(k=3), within="site").link(alone, alone)
    assert pairs(relation) == pairs(gm.Neighbours(k=3).link(train, train)["neighbours"])
    unknown = regrouped(train, [None] * len(train))
    with pytest.raises(gm.GraphError, match=r"'site' has 0 value"):
        gm.Restricted(gm.Neighbours(k=3), within="site").link(unknown, unknown)


def test_settings_are_checked_when_given():
    for wrong in ({}, {"across": "site", "within": "site"}):
        with pytest.raises(gm.GraphError, match="give one group"):
            gm.Restricted(gm.Neighbours(), **wrong)
    with pytest.raises(gm.GraphError, match="takes one constructor"):
        gm.Restricted((gm.Neighbours(), gm.Neighbours()), across="site")


def test_an_unknown_group_is_refused(parts):
    with pytest.raises(gm.GraphError, match="no column or group 'ward'"):
        gm.Restricted(gm.Neighbours(), across="ward").link(*parts)


@dataclass(frozen=True)
class Site:
    """Link whoever is of one site: a graph that is about nothing else."""

    k: int = 3

    def link(self, source, target):
        return gm.SharedPhenotype("site", k=self.k).link(source, target)


def test_no_constructor_can_link_a_site_across_sites(parts):
    train, new = parts
    for target in (train, new):
        (relation,) = gm.Restricted(Site(), across="site").link(train, target)
        assert len(relation) == 0


@pytest.mark.cohorts
def test_a_graph_of_four_hospitals_that_cannot_say_which(cohorts):
    cohort = gm.read_cohort(cohorts / "heart_disease")
    encoded = gm.CohortEncoder().fit(cohort).transform(cohort)
    site = cohort.groups["site"].to_numpy()
    (plain,) = gm.Neighbours(k=10).link(encoded, encoded)
    (across,) = gm.Restricted(gm.Neighbours(k=10), across="site").link(encoded, encoded)
    assert (site[plain.edges[0]] == site[plain.edges[1]]).mean() > 0.4
    assert (site[across.edges[0]] != site[across.edges[1]]).all()
    assert (np.bincount(across.edges[1], minlength=len(cohort)) == 10).all()
