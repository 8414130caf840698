"""An effect is the difference of two predictions that anybody can make."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.errors import GraphmmlError
from graphmml.report.explain.subject import Subject

ROWS = (80, 88, 101)


def effects(told, kind):
    return {(item.part.through, item.part.name): item.effect for item in told.of_kind(kind)}


def asked(model, people, row, method):
    subject = Subject.of(model, people[[row]])
    return subject, method.attribute(subject), model.predict_proba(people[[row]])[0, subject.target]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("instead", ["missing", "typical"])
def test_a_feature_taken_away_is_a_cohort_with_another_cell(people, fitted, rewrite, row, instead):
    subject, told, p = asked(fitted, people, row, gm.Occlusion(instead))
    found = effects(told, "feature")
    known = {(name, c) for name, t in people[[row]].tables.items() for c in t.columns[t.notna().to_numpy()[0]]}
    assert set(found) == known
    for (modality, column), effect in [*found.items()][::7]:
        training = people[:80].tables[modality][column]
        number = isinstance(training.iloc[0], float)
        value = np.nan if instead == "missing" else training.median() if number else training.mode().min()
        other = rewrite(people, row, modality, column, float(value) if number else value)
        assert effect == pytest.approx(p - fitted.predict_proba(other)[0, subject.target], abs=1e-6)


@pytest.mark.parametrize("row", ROWS)
def test_a_modality_taken_away_is_a_table_without_the_patient(people, fitted, row):
    subject, told, p = asked(fitted, people, row, gm.Occlusion())
    for (_, name), effect in effects(told, "modality").items():
        person = people[[row]]
        empty = person.tables[name].mask(np.ones(person.tables[name].shape, dtype=bool))
        other = replace(person, tables={**person.tables, name: empty})
        assert effect == pytest.approx(p - fitted.predict_proba(other)[0, subject.target], abs=1e-6)
    assert set(subject.modalities) == {name for _, name in effects(told, "modality")}


@pytest.mark.parametrize("row", ROWS)
def test_a_link_or_a_relation_taken_away_is_a_constructor_without_it(people, fitted, drop, row):
    subject, told, p = asked(fitted, people, row, gm.Occlusion())
    for item in told.of_kind("link")[::4]:
        other = drop(fitted, [subject.links[item.part.number]]).predict_proba(people[[row]])[0, subject.target]
        assert item.effect == pytest.approx(p - other, abs=1e-6)
    for item in told.of_kind("relation"):
        mine = [link for link in subject.links if link.relation == item.part.name]
        other = drop(fitted, mine).predict_proba(people[[row]])[0, subject.target]
        assert item.effect == pytest.approx(p - other, abs=1e-6)


def test_who_hears_nobody_has_no_neighbours(people, make):
    _, told, _ = asked(make(links=gm.NoEdges()), people, 80, gm.Occlusion())
    assert {item.part.kind for item in told.attributions} == {"modality", "feature"}


@pytest.mark.parametrize("method", [gm.Occlusion(), gm.Occlusion("missing", relink=False), gm.IntegratedGradients(8)])
def test_what_the_network_cannot_see_moves_nothing(people, fitted, method):
    _, told, _ = asked(fitted, people, 80, method)
    assert abs(effects(told, "feature")["labs", "always"]) < 1e-7
    assert any(abs(effect) > 1e-3 for effect in effects(told, "feature").values())


def test_second_hand_is_heard_from_depth_2_alone(people, fitted, make):
    assert asked(fitted, people, 80, gm.Occlusion())[1].of_kind("second hand") == ()
    deep = make(conv=partial(gm.SAGEStack, depth=2))
    found = asked(deep, people, 80, gm.Occlusion())[1].of_kind("second hand")
    assert {item.part.name for item in found} == {"clinical", "labs", "rna"}


def test_held_links_tell_what_came_through_the_network_alone(people, fitted):
    subject, told, _ = asked(fitted, people, 80, gm.Occlusion(relink=False))
    column = told.of_kind("feature")[0].part
    assert told.of_kind("feature")[0].effect != pytest.approx(
        effects(gm.Occlusion().attribute(subject), "feature")[column.through, column.name], abs=1e-9
    )


def test_a_copied_column_hides_its_twin(people):
    tables = {"labs": people.tables["labs"][["crp"]].fillna(50.0)}
    alone = replace(people, tables=tables)
    twin = replace(people, tables={"labs": tables["labs"].assign(twin=tables["labs"]["crp"])})
    best = []
    for cohort in (alone, twin):
        model = gm.GraphClassifier(gm.NoEdges(), members=1, width=8).fit(cohort[:80])
        told = asked(model, cohort, 84, gm.Occlusion(relink=False))[1]
        best.append(abs(told.of_kind("feature")[0].effect))
    assert best[1] < best[0]


def test_a_patient_with_nothing_measured_is_explained_by_nothing(people, fitted):
    nobody = people[[80]]
    tables = {name: pd.DataFrame(table).mask(np.ones(table.shape, dtype=bool)) for name, table in nobody.tables.items()}
    _, told, _ = asked(fitted, replace(nobody, tables=tables), 0, gm.Occlusion())
    assert told.attributions == ()


def test_an_unknown_stand_in_is_refused():
    for make in (gm.Occlusion, lambda instead: gm.IntegratedGradients(instead=instead)):
        with pytest.raises(GraphmmlError, match="choose missing or typical"):
            make("zero")
