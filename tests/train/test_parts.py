"""A classifier on a graph whose patients have nodes of their own."""

from functools import partial

import numpy as np
import pytest

import graphmml as gm

LINKS = [gm.ModalityNodes(k=3), gm.Visits(most=0.9)]
CONVS = [partial(gm.SAGEStack, depth=3), partial(gm.GATStack, depth=3, heads=2)]


def model_of(links, conv):
    training = gm.Training(epochs=4, patience=4)
    return gm.GraphClassifier(links, conv, width=8, members=2, training=training, device="cpu")


@pytest.fixture(params=[(links, conv) for links in LINKS for conv in CONVS], ids=repr)
def fitted(request, cohort):
    return model_of(*request.param).fit(cohort[:45])


def test_a_prediction_does_not_depend_on_who_else_is_predicted(fitted, cohort):
    together = fitted.predict_proba(cohort[45:])
    for at in (45, 50, 59):
        assert np.allclose(fitted.predict_proba(cohort[at : at + 1])[0], together[at - 45], atol=1e-6)


def test_a_newcomer_is_heard_by_itself_alone(fitted, cohort):
    """Other visits of one newcomer change its own prediction and nobody else's; likewise its tables."""
    new = cohort[45:]
    table = new.tables["labs"].copy()
    table.loc[new.ids[0]] = 3.0
    visits = new.timeline.visits.assign(time=lambda frame: frame["time"].where(frame["id"] != new.ids[0], 900.0))
    other = gm.Cohort.from_frames(dict(new.tables) | {"labs": table}).with_visits(visits, new.timeline.events)
    other = other[other.rows_of(list(new.ids))]
    before, after = fitted.predict_proba(new), fitted.predict_proba(other)
    assert np.allclose(before[1:], after[1:], atol=1e-6)
    assert not np.allclose(before[0], after[0], atol=1e-6)


def test_a_saved_model_predicts_the_same_bits(fitted, cohort, tmp_path):
    gm.save(fitted, tmp_path / "model")
    back = gm.load(tmp_path / "model")
    assert np.array_equal(back.predict_proba(cohort[45:]), fitted.predict_proba(cohort[45:]))
    assert [member.schema for member in back.members_] == [member.schema for member in fitted.members_]


def test_the_controls_run_beside_it(cohort):
    result = gm.cross_validate(model_of(LINKS[1], CONVS[0]), cohort, gm.Folds(2), jobs=1)
    assert [row.kind for row in result.rows][:3] == ["graph", "shuffled", "no-graph"]
