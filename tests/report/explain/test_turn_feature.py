"""The nearest value of a feature: against a plain loop over all, asked through the public API."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.report.explain.part import Part
from graphmml.report.explain.subject import Subject
from graphmml.report.explain.turn_feature import of_number, turn_feature


def naive(model, people, row, rewrite):
    """Return the distance of the nearest value that turns the prediction, or None."""
    own, best = model.predict(people[[row]])[0], None
    for modality, table in people[:80].tables.items():
        for column in table:
            mine = people.tables[modality][column].iloc[row]
            known = table[column].dropna()
            if mine != mine:
                continue
            if known.dtype == "float64":
                values = {float(np.quantile(known, q, method="inverted_cdf")) for q in np.linspace(0, 1, 21)}
                tried = [(((known > min(v, mine)) & (known < max(v, mine))).mean(), v) for v in values if v != mine]
            else:
                tried = [((known != v).mean(), v) for v in set(known) if v != mine]
            for distance, value in tried:
                if (best is None or distance < best) and (
                    model.predict(rewrite(people, row, modality, column, value))[0] != own
                ):
                    best = distance
    return best


@pytest.fixture(scope="module")
def lean(people):
    cohort = replace(people, tables={name: people.tables[name].iloc[:, :4] for name in ("clinical", "labs")})
    model = gm.GraphClassifier(gm.Neighbours("labs", k=4), members=1, width=8, seed=4).fit(cohort[:80])
    return model, cohort


def test_it_is_the_nearest_and_it_turns_the_public_prediction(lean, rewrite):
    model, people = lean
    turned = 0
    for row in (80, 81, 83):
        subject = Subject.of(model, people[[row]])
        search = turn_feature(subject, subject.features)
        best = naive(model, people, row, rewrite)
        assert (search.found is None) == (best is None)
        if search.found is not None:
            found, part = search.found, search.found.parts[0]
            assert found.distance == pytest.approx(best)
            other = rewrite(people, row, part.through, part.name, found.after)
            assert model.predict(other)[0] == found.prediction != model.predict(people[[row]])[0]
            assert found.probability == pytest.approx(model.predict_proba(other).max(), abs=1e-6)
            turned += 1
    assert turned


def test_where_nothing_turns_it_says_so(people, fitted):
    subject = Subject.of(fitted, people[[80]])
    constant = Part("feature", "always", "labs")
    search = turn_feature(subject, (constant,))
    assert search.found is None
    assert "could be changed" in search.words


def test_distance_is_the_share_of_patients_between():
    known = pd.Series(np.arange(1.0, 101.0))
    found = {change.value: change.distance for change in of_number(Part("feature", "x", "m"), known, 50.0)}
    assert found[100.0] == pytest.approx(0.49)
    assert found[1.0] == pytest.approx(0.48)
    assert 50.0 not in found
