"""A group is found by name wherever it stands, crossed with another, and refused where it is none."""

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.data.grouping import MOST_VALUES, grouping, groupings


def cohort_of(**columns):
    ids = [f"p{at}" for at in range(len(next(iter(columns.values()))))]
    frame = pd.DataFrame(columns, index=ids)
    return gm.Cohort.from_frames({"clinical": frame}, groups=pd.DataFrame({"site": ["n", "s"] * (len(ids) // 2)}, ids))


def test_a_group_and_a_column_are_found_and_numbers_of_few_values_are_names():
    cohort = cohort_of(sex=["m", "f", None, "m"], stage=[1, 2, 2, 1])
    assert grouping(cohort, "site").values == ("n", "s")
    sex = grouping(cohort, "clinical.sex")
    assert sex.values == ("f", "m")
    assert sex.labels.tolist() == [1, 0, -1, 1]
    assert grouping(cohort, "stage").values == ("1", "2")


def test_closing_counts_the_unknown_and_crossing_takes_every_pair():
    cohort = cohort_of(sex=["m", "f", None, "m"])
    *_, both = groupings(cohort, ["sex", "site"])
    assert both.name == "sex x site"
    assert both.labels.tolist() == [2, 1, -1, 3]
    closed = both.closed()
    assert closed.values == ("f, n", "f, s", "m, n", "m, s", "unknown, n", "unknown, s")
    assert closed.labels.tolist() == [2, 1, 4, 3]
    assert closed.known.tolist() == [True] * 4 + [False] * 2
    assert closed[np.array([3, 0])].labels.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("names", "match"),
    [
        ("ward", "no column or group 'ward'; there are, for instance: site, age"),
        ("age", f"has 40 values; a group has at most {MOST_VALUES}"),
        ("same", "has 1 value"),
        (["site", "site"], "two different ones"),
        (["site", "age", "same"], "3 groups"),
    ],
)
def test_what_is_no_group_is_refused_in_words(names, match):
    cohort = cohort_of(age=np.arange(40) + 0.5, same=["x"] * 40, stage=[1, 2] * 20)
    with pytest.raises(gm.CohortError, match=match):
        groupings(cohort, names)
