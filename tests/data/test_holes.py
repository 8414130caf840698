import numpy as np
import pytest

import graphmml as gm
from graphmml import hide_modalities
from graphmml.errors import CohortError


def held(cohort):
    return cohort.present.to_numpy() if hasattr(cohort.present, "to_numpy") else np.asarray(cohort.present)


def test_holes_grow_with_the_share_and_touch_nothing_else(cohort):
    before, sizes = held(cohort), []
    for share in (0.0, 0.3, 0.6, 1.0):
        after = held(hide_modalities(cohort, share))
        assert (after <= before).all()
        before = after
        sizes.append(after.sum())
    assert sizes[0] == held(cohort).sum()
    assert sizes[-1] == 0
    assert sizes[0] > sizes[1] > sizes[2] > 0
    kept = hide_modalities(cohort, 0.5)
    for name, table in kept.tables.items():
        here = table.notna().any(axis=1)
        assert table[here].equals(cohort.tables[name][here])
    assert kept.outcome is cohort.outcome


def test_the_share_is_about_what_is_taken():
    cohort = gm.make_cohort(2000, missing=0.0)
    assert 1 - held(hide_modalities(cohort, 0.3)).mean() == pytest.approx(0.3, abs=0.02)


def test_a_patients_holes_depend_on_nobody_else(cohort):
    whole, some = hide_modalities(cohort, 0.5, seed=3), hide_modalities(cohort[10:20], 0.5, seed=3)
    assert np.array_equal(held(whole)[10:20], held(some))
    assert not np.array_equal(held(whole), held(hide_modalities(cohort, 0.5, seed=4)))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_beyond_everything_is_refused(cohort, share):
    with pytest.raises(CohortError, match="from 0"):
        hide_modalities(cohort, share)
