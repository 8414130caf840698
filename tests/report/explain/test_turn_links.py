"""The fewest links: against all subsets, asked through the public API."""

from itertools import combinations

import numpy as np
import pytest

import graphmml as gm
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.turn_links import TRIES, chunks, turn_links


@pytest.fixture(scope="module")
def small():
    """A model that lives by its links, and patients to ask it about."""
    cohort = gm.make_explained_cohort("relation", 150, seed=3)
    model = gm.GraphClassifier(gm.SharedPhenotype("family", k=6), members=1, width=8, seed=1)
    return model.fit(cohort[:100]), cohort[100:]


def fewest(model, person, links, drop):
    """Try every subset."""
    own = model.predict(person)[0]
    for size in range(1, len(links) + 1):
        for gone in combinations(links, size):
            if drop(model, gone).predict(person)[0] != own:
                return size
    return None


def test_it_is_as_small_as_any_and_it_turns(small, drop):
    model, cohort = small
    p = model.predict_proba(cohort).max(axis=1)
    found = []
    for row in np.argsort(p)[:12:2]:
        person = cohort[[row]]
        subject = Subject.of(model, person)
        search = turn_links(subject)
        size = fewest(model, person, subject.links, drop)
        assert (search.found is None) == (size is None)
        if search.found is not None:
            assert search.found.distance == len(search.found.parts) == size
            assert search.found.smallest
            gone = [subject.links[part.number] for part in search.found.parts]
            assert drop(model, gone).predict(person)[0] == search.found.prediction != model.predict(person)[0]
        found.append(size)
    assert any(size for size in found)


def test_with_few_tries_it_turns_all_the_same_but_does_not_claim_to_be_smallest(small, drop):
    model, cohort = small
    told = []
    for row in range(10):
        subject = Subject.of(model, cohort[[row]])
        found, thorough = turn_links(subject, tries=0).found, turn_links(subject, tries=TRIES).found
        if found is not None and len(found.parts) > 1:
            told.append(found)
            assert not found.smallest
            assert "fewer might do" in found.sentence
            assert len(thorough.parts) <= len(found.parts)
            gone = [subject.links[part.number] for part in found.parts]
            assert drop(model, gone).predict(cohort[[row]])[0] == found.prediction
            for kept in gone:  # no single link can be put back
                fewer = [link for link in gone if link != kept]
                assert drop(model, fewer).predict(cohort[[row]])[0] != found.prediction
    assert told


def test_none_comes_with_words(people, make):
    assert "no link" in turn_links(Subject.of(make(links=gm.NoEdges()), people[[80]])).words
    sure = make(links=gm.Neighbours("labs", k=3))
    rows = np.argsort(-sure.predict_proba(people[80:]).max(axis=1))[:1] + 80
    search = turn_links(Subject.of(sure, people[rows]))
    assert search.found is not None or "does not turn the prediction" in search.words


def test_all_subsets_of_a_size_come_once():
    sets = np.concatenate(list(chunks(7, 3, at_a_time=4)))
    assert len(np.unique(sets, axis=0)) == len(sets) == 35
    assert (sets.sum(axis=1) == 3).all()
