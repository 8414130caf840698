"""An outcome knows its kind, its classes, and who has one."""

import numpy as np
import pandas as pd
import pytest

from graphmml.data.outcome import Outcome, class_outcome
from graphmml.errors import CohortError


def survival():
    time, event = pd.Series([1.0, 2.0, 3.0, np.nan]), pd.Series([1.0, 0.0, np.nan, 1.0])
    return Outcome("survival", time, event=event, name="months")


@pytest.mark.parametrize(
    ("values", "classes"),
    [([1, 0, 1], ("0", "1")), ([1.0, 0.0, np.nan], ("0", "1")), ([True, False, None], ("False", "True")),
     (["NA", "b", None], ("NA", "b")), ([0.5, 1.0, 1.0], ("0.5", "1"))],
)  # fmt: skip
def test_classes_are_named_by_text(values, classes):
    outcome = class_outcome(pd.Series(values))
    assert outcome.classes == classes
    assert outcome.known.tolist() == pd.Series(values).notna().tolist()


def test_a_blank_is_no_class():
    outcome = class_outcome(pd.Series(["a", "", " ", "nan", None]))
    assert outcome.classes == ("a", "nan")
    assert outcome.known.tolist() == [True, False, False, True, False]


def test_the_positive_class_stands_last():
    assert class_outcome(pd.Series(["a", "b", "c"]), positive="a").classes == ("b", "c", "a")


def test_an_unknown_positive_class_is_refused():
    with pytest.raises(CohortError, match=r"outcome 'dx' has no class '1' \(it has: a, b\)"):
        class_outcome(pd.Series(["a", "b"]), positive="1", name="dx")


def test_survival_is_known_where_time_and_event_are():
    assert survival().known.tolist() == [True, True, False, False]
    assert survival().classes == ()


def test_rows_are_chosen_and_hidden_in_time_and_event_alike():
    chosen = survival()[np.array([1, 0])]
    assert chosen.values.tolist() == [2.0, 1.0]
    assert chosen.event.tolist() == [0.0, 1.0]
    hidden = survival().hide(np.array([True, False, False, False]))
    assert hidden.known.tolist() == [False, True, False, False]
    classes = class_outcome(pd.Series(["a", "b"]))
    assert classes[np.array([1])].values.tolist() == ["b"]
    assert classes.hide(np.array([True, False])).known.tolist() == [False, True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"kind": "colour", "values": pd.Series([1.0])}, "choose class, number or survival"),
     ({"kind": "survival", "values": pd.Series([1.0])}, "event column"),
     ({"kind": "number", "values": pd.Series([1.0]), "event": pd.Series([1.0])}, "no other, has an event"),
     ({"kind": "survival", "values": pd.Series([-1.0]), "event": pd.Series([1.0])}, r"1 negative time\(s\)")],
)  # fmt: skip
def test_what_is_no_outcome_is_refused(arguments, words):
    with pytest.raises(CohortError, match=words):
        Outcome(**arguments)


def test_the_repr_counts_and_names_nobody():
    named = class_outcome(pd.Series(["a", "b", "b", None], index=["pat1", "pat2", "pat3", "pat4"]), name="dx")
    assert repr(named) == "dx: a 1, b 2, unknown 1"
    assert repr(survival()) == "months: survival, 1 events in 2 patients, unknown 2"
    assert repr(Outcome("number", pd.Series([1.0, 3.0]), name="score")) == "score: number, median 2"
