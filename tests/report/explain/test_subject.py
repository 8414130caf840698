"""Altered copies side by side are answered as each would be alone, by the public way."""

import numpy as np
import pytest

import graphmml as gm
from graphmml.errors import CohortError
from graphmml.report.explain.subject import Subject

ROWS = (80, 85, 90, 109)


@pytest.mark.parametrize("row", ROWS)
def test_a_copy_that_keeps_everything_is_the_patient(people, fitted, row):
    subject = Subject.of(fitted, people[[row]])
    p = fitted.predict_proba(people[[row]])[0]
    for answers in (subject.held(subject.copies(5)), subject.redrawn(subject.copies(5))):
        np.testing.assert_allclose(answers.mean(axis=0), np.tile(p, (5, 1)), atol=1e-6)
    assert subject.target == p.argmax()


@pytest.mark.parametrize("row", ROWS)
def test_links_dropped_side_by_side_are_links_dropped_in_the_constructor(people, fitted, drop, row):
    subject = Subject.of(fitted, people[[row]])
    kept = np.random.default_rng(row).random((6, len(subject.links))) < 0.5
    p = subject.held(subject.copies(6), kept).mean(axis=0)
    for at, mine in enumerate(kept):
        model = drop(fitted, [link for link, stays in zip(subject.links, mine, strict=True) if not stays])
        np.testing.assert_allclose(p[at], model.predict_proba(people[[row]])[0], atol=1e-6)


def test_links_are_numbered_once_over_members_and_neighbours_over_relations(people, fitted):
    subject = Subject.of(fitted, people[[80]])
    assert len({link.key for link in subject.links}) == len(subject.links)
    assert max(link.members for link in subject.links) <= len(fitted.members_)
    by_name = {}
    for link, name in zip(subject.links, subject.names, strict=True):
        assert by_name.setdefault(name, link.source) == link.source
    assert sorted(by_name) == sorted(f"neighbour {at + 1}" for at in range(len(by_name)))


def test_concepts_are_called_by_name_and_can_be_dropped(people, make, drop):
    model = make(links=gm.Concepts("clinical", most=0.9))
    subject = Subject.of(model, people[[81]])
    names = set(subject.names)
    assert any("=" in name for name in names)
    p = subject.held(subject.person, np.arange(len(subject.links))[None] > 0).mean(axis=0)[0]
    np.testing.assert_allclose(p, drop(model, subject.links[:1]).predict_proba(people[[81]])[0], atol=1e-6)


def test_a_training_patient_is_not_its_own_neighbour(people, fitted):
    subject = Subject.of(fitted, people[[3]])
    own = fitted.source_.ids.get_loc(people.ids[3])
    assert own not in [link.source for link in subject.links]
    np.testing.assert_allclose(
        subject.redrawn(subject.copies(3)).mean(axis=0)[0], fitted.predict_proba(people[[3]])[0], atol=1e-6
    )


def test_one_patient_at_a_time(people, fitted):
    with pytest.raises(CohortError, match="one is explained at a time"):
        Subject.of(fitted, people[:2])
