"""Blocking groups where a split is given: whoever would sit on the other side of a family, a ward, a person."""

import numpy as np

from graphmml.data.cohort import Cohort


def sharing_block(cohort: Cohort, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which of these patients share a value of a blocking group with one of the others: bool [row]."""
    shared = np.zeros(len(rows), dtype=bool)
    for group in cohort.blocks:
        codes = cohort.groups[group].factorize()[0]
        shared = shared | ((codes[rows] >= 0) & np.isin(codes[rows], codes[others]))
    return np.asarray(shared)


def without_kin(cohort: Cohort, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the training patients who share no blocking group with a tested one: int [patient]."""
    return train[~sharing_block(cohort, train, test)]
