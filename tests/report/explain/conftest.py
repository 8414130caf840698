"""Small fitted models, made once; and a second way to drop links: through the public API, by ids."""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
import pytest

import graphmml as gm
from graphmml.graph.relations import PATIENT
from graphmml.train.loop import Training

SHORT = Training(epochs=12)


@dataclass
class Dropped:
    """Links without those of newcomers to the source nodes named: (relation, id or concept)."""

    links: object
    gone: frozenset

    def link(self, source, target):
        drawn = self.links.link(source, target)
        if target is source:
            return drawn
        return drawn.map({item.name: self.thinned(item, drawn, source) for item in drawn})

    def thinned(self, item, drawn, source):
        def name(at):
            return source.ids[at] if item.source == PATIENT else drawn.concepts[item.source][at]

        kept = np.array([(item.name, name(at)) not in self.gone for at in item.edges[0]], dtype=bool)
        return replace(item, edges=item.edges[:, kept], weight=item.weight[kept])


def without_links(model, links):
    """Return the model without these links (of a Subject), to be asked by predict_proba."""
    ids = model.source_.ids
    gone = frozenset((link.relation, ids[link.source] if link.kind == PATIENT else link.source) for link in links)
    made = copy(model)
    made.links = Dropped(model.constructor, gone)
    return made


def with_cell(cohort, row, modality, column, value):
    """Return one patient of the cohort with another value in one cell."""
    person = cohort[[row]]
    table = person.tables[modality].copy()
    table[column] = np.array([value], dtype="float64" if isinstance(value, float) else object)
    if not isinstance(value, float):
        table[column] = table[column].astype("str")
    return replace(person, tables={**person.tables, modality: table})


@pytest.fixture(scope="session")
def people():
    cohort = gm.make_cohort(110, missing=0.3, seed=2)
    odd = {name: table.copy() for name, table in cohort.tables.items()}
    odd["labs"]["always"] = 7.0
    return replace(cohort, tables=odd)


def made(people, **settings):
    settings = {"links": gm.Neighbours(each=True, k=4), "members": 2, "width": 8, "training": SHORT, **settings}
    return gm.GraphClassifier(**settings).fit(people[:80])


@pytest.fixture(scope="session")
def fitted(people):
    return made(people)


@pytest.fixture(scope="session")
def make(people):
    return lambda **settings: made(people, **settings)


@pytest.fixture(scope="session")
def drop():
    return without_links


@pytest.fixture(scope="session")
def rewrite():
    return with_cell
