"""Importances: planted ones come first in every fold, and numbers are those of plain loops."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import graphmml as gm
from graphmml.errors import CohortError
from graphmml.report.explain.exchanged import Exchanged, Without
from graphmml.report.explain.importance_result import jaccard_by_chance
from graphmml.report.explain.importances import Asked, relinked
from graphmml.train.loop import Training


@pytest.fixture(scope="module")
def planted():
    links = gm.Layers((gm.SharedPhenotype("family", k=15), gm.SharedPhenotype("ward", k=15)))
    model = gm.GraphClassifier(links, members=1, width=8, training=Training(epochs=60))
    cohort = gm.make_explained_cohort("relation", 300, seed=2)
    return gm.importances(model, cohort, gm.Folds(3), jobs=1, shuffles=1)


def test_the_relation_that_carries_the_signal_comes_first_and_noise_is_about_nothing(planted):
    frame = planted.frame().set_index("name")
    relations = frame[frame["kind"] == "relation"]
    assert relations.index[0] == "same_family"
    assert relations.loc["same_family", "on_top"] == 1
    assert relations.loc["same_family", "drop"] > 0.2
    assert abs(relations.loc["same_ward", "drop"]) < 0.1
    assert relations.loc["same_family", "rank"] == 1
    assert {row.part.kind for row in planted.rows} == {"modality", "feature", "relation"}


def test_stability_stands_beside_chance(planted):
    stable = {each.kind: each for each in planted.stability}
    assert stable["relation"].kendall == 1
    assert stable["feature"].jaccard_chance == pytest.approx(jaccard_by_chance(18, 5))
    assert "by chance" in repr(planted)
    record = planted.to_json()
    assert len(record["parts"]) == len(planted.rows)


def test_the_share_in_common_by_chance_is_the_mean_over_all_draws():
    sets = [set(some) for some in combinations(range(6), 2)]
    shares = [len(one & other) / len(one | other) for one in sets for other in sets]
    assert jaccard_by_chance(6, 2) == pytest.approx(np.mean(shares))


@pytest.fixture(scope="module")
def asked(people, fitted):
    return Asked.of(fitted, people[80:], "typical", 2, 0)


def test_change_is_the_mean_absolute_difference_of_public_predictions(people, fitted, asked):
    cohort, p = people[80:], fitted.predict_proba(people[80:])
    best = p.argmax(axis=1)
    rows = np.arange(len(p))
    for name, column in (("rna", None), ("labs", "crp"), ("rna", "gene_03")):
        table = cohort.tables[name].copy()
        has = who = table.notna().any(axis=1).to_numpy()
        if column is None:
            change, _ = asked.modality(name, has)
            table = table.mask(np.ones(table.shape, dtype=bool))
        else:
            who = table[column].notna().to_numpy()
            change, _ = asked.feature(name, column, has, who)
            table[column] = table[column].where(~who, people[:80].tables[name][column].median())
        other = fitted.predict_proba(replace(cohort, tables={**cohort.tables, name: table}))
        assert change == pytest.approx(np.abs(p - other)[rows, best][who].mean(), abs=1e-6)


def test_drop_is_the_fall_of_auroc_when_patients_exchange_a_table(people, fitted, asked):
    cohort = people[80:]
    truth = (cohort.outcome.values == "case").to_numpy()
    at = list(fitted.classes_).index("case")
    whole = roc_auc_score(truth, fitted.predict_proba(cohort)[:, at])
    falls = []
    for order in asked.orders(np.arange(len(cohort))):
        table = cohort.tables["labs"].iloc[order].set_axis(cohort.ids, axis=0)
        moved = replace(cohort, tables={**cohort.tables, "labs": table})
        falls.append(whole - roc_auc_score(truth, fitted.predict_proba(moved)[:, at]))
    _, drop = asked.modality("labs", cohort.present[:, cohort.modalities.index("labs")])
    assert drop == pytest.approx(np.mean(falls), abs=1e-9)


def test_exchanged_links_are_those_of_the_other_and_none_are_none(people, fitted):
    cohort = people[80:]
    target = fitted.encoder_.transform(cohort)
    source = fitted.members_[0].source
    order = np.random.default_rng(0).permutation(len(target))
    before = fitted.constructor.link(source, target)["labs"]
    after = Exchanged(fitted.constructor, "labs", order).link(source, target)["labs"]
    for at in range(len(target)):
        mine = after.edges[0][after.edges[1] == at]
        np.testing.assert_array_equal(mine, before.edges[0][before.edges[1] == order[at]])
    gone = Without(fitted.constructor, "labs").link(source, target)
    assert len(gone["labs"]) == 0
    assert len(gone["rna"]) == len(fitted.constructor.link(source, target)["rna"])
    p = fitted.predict_proba(cohort)
    relinked(fitted, Without(fitted.constructor, "labs"))
    np.testing.assert_array_equal(fitted.predict_proba(cohort), p)


def test_settings_that_say_nothing_are_refused(people, fitted):
    with pytest.raises(CohortError, match="1 or more"):
        gm.importances(fitted, people, shuffles=0)
