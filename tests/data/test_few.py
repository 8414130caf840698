"""What is said of a cohort does not depend on how many stand in a small cell."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graphmml.data.cohort import Cohort, overview
from graphmml.data.few import parts_told
from graphmml.data.outcome import Outcome, class_outcome
from graphmml.report.diagnose import title_of
from graphmml.report.render import cohort_text

WHOLE = 100


def outcome_with(kind: str, few: int) -> Outcome:
    """Return an outcome of a hundred patients of whom `few` lack it."""
    ids = [f"secret{at}" for at in range(WHOLE)]
    place = np.arange(WHOLE)
    if kind == "class":
        words = pd.Series(np.where(place < 40, "case", "control"), index=ids, dtype="object")
        return class_outcome(words.mask(place >= WHOLE - few), name="dx")
    times = pd.Series(1.0, index=ids).mask(place >= WHOLE - few)
    return Outcome("survival", times, event=pd.Series((place < 40) * 1.0, index=ids), name="dx")


def cohort_with(kind: str, few: int) -> Cohort:
    """Return a cohort in which `few` lack the outcome, the second table, and the training side of a split."""
    outcome = outcome_with(kind, few)
    ids = outcome.values.index
    tables = {"labs": pd.DataFrame({"crp": range(WHOLE)}, index=ids), "rna": pd.DataFrame({"g": range(few, WHOLE)})}
    tables["rna"].index = ids[few:]
    split = pd.Series(np.where(np.arange(WHOLE) < few, "train", "test"), index=ids)
    return replace(Cohort.from_frames(tables, split=split), outcome=outcome)


@pytest.mark.parametrize("kind", ["class", "survival"])
def test_the_heads_of_check_and_diagnose_are_the_same_for_any_few_patients(kind):
    cohorts = [cohort_with(kind, few) for few in (1, 5, 10)]
    assert len({cohort_text(cohort, min_cell=11) for cohort in cohorts}) == 1
    assert len({title_of(cohort, 0) for cohort in cohorts}) == 1
    assert "unknown <11" in title_of(cohorts[0], 0)
    assert "unknown 20" in title_of(cohort_with(kind, 20), 0)


@pytest.mark.parametrize("kind", ["class", "survival"])
def test_a_cell_of_one_masks_nothing_and_is_the_repr(kind):
    cohort = cohort_with(kind, 3)
    assert "\n".join(overview(cohort, min_cell=1)) == repr(cohort)
    assert "unknown 3" in repr(cohort)


@pytest.mark.parametrize("others", [(), (30,), (12, 30), (12, 12, 12)])
def test_what_is_masked_is_not_the_whole_less_the_rest(others):
    """The largest part is a bound that every masked size allows."""

    def told(few: int) -> str:
        parts = [("largest", WHOLE - few - sum(others)), *((f"part{at}", size) for at, size in enumerate(others))]
        return parts_told([*parts, ("few", few)], min_cell=11)

    assert len({told(few) for few in range(1, 11)}) == 1
    least = int(told(1).split()[1])
    assert least == WHOLE - 10 - sum(others)


def test_without_a_small_part_every_size_is_told():
    assert parts_told([("a", 11), ("b", 40), ("c", 0)], min_cell=11) == "a 11, b 40, c 0"
    assert parts_told([("a", 3), ("b", 4)], min_cell=11) == "a <11, b <11"
    assert parts_told([("a", 12), ("b", 4)], min_cell=11) == "a 11 or more, b <11"
    assert parts_told([], min_cell=11) == ""


def test_a_median_of_few_patients_is_not_told():
    score = Outcome("number", pd.Series([1.0, 3.0]), name="score")
    assert score.told(min_cell=11) == "score: number, known of <11"
    assert repr(score) == "score: number, median 2"
