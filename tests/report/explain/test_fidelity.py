"""Fidelity is two predictions, beside as many parts by chance."""

import numpy as np
import pytest

import graphmml as gm
from graphmml.report.explain.fidelity import drawn, fidelity
from graphmml.report.explain.part import Part
from graphmml.report.explain.subject import Subject


def test_it_is_what_the_model_says_without_the_first_parts_and_with_them_alone(people, fitted, drop, rewrite):
    subject = Subject.of(fitted, people[[80]])
    told = gm.Occlusion(relink=False).attribute(subject)
    found = fidelity(subject, told, parts=1, draws=20, seed=0, instead="typical")
    atoms = sorted((item for item in told.attributions if item.part.atom), key=lambda item: -item.effect)
    assert found.plus == pytest.approx(atoms[0].effect, abs=1e-6)  # of one part, fidelity+ is its occlusion
    assert found.parts == 1
    assert found.features == (atoms[0].part.kind == "feature")
    again = fidelity(subject, told, parts=1, draws=20, seed=0, instead="typical")
    assert found == again


def test_the_control_draws_as_many_of_each_kind():
    random = drawn(7, 9, 2, 3, 50, seed=1)
    assert (random[:, :7].sum(axis=1) == 2).all()
    assert (random[:, 7:].sum(axis=1) == 3).all()
    assert len(np.unique(random, axis=0)) > 40
    assert random[:, :7].mean(axis=0).min() > 0.1


def test_an_explanation_turned_upside_down_is_less_faithful(people, fitted):
    subject = Subject.of(fitted, people[[80]])
    told = gm.Occlusion(relink=False).attribute(subject)
    worst = type(told)(tuple(type(item)(item.part, -item.effect) for item in told.attributions), told.unit)
    good, bad = (fidelity(subject, each, parts=4, draws=40, seed=0, instead="typical") for each in (told, worst))
    assert good.plus > good.plus_random > bad.plus
    assert good.minus < bad.minus
    assert good.reached <= 0.1
    assert bad.reached == 1.0


def test_of_fewer_than_two_parts_nothing_is_measured(people, make):
    model = make(links=gm.NoEdges())
    subject = Subject.of(model, people[[80]])
    bare = type(subject)(model, subject.person, (), subject.drawn, subject.numbers)
    vars(bare)["features"] = (Part("feature", "age", "clinical"),)
    told = gm.Occlusion().attribute(bare)
    assert fidelity(bare, told, parts=5, draws=5, seed=0, instead="typical") is None
