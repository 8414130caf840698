"""The two sides of a fold: who may be trained on where others are tested."""

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError


def sharing_block(cohort: Cohort, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which of these patients share a value of a blocking group with one of the others: bool [row]."""
    shared = np.zeros(len(rows), dtype=bool)
    for group in cohort.blocks:
        codes = cohort.groups[group].factorize()[0]
        shared = shared | ((codes[rows] >= 0) & np.isin(codes[rows], codes[others]))
    return shared


def without_kin(cohort: Cohort, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the training patients who share no blocking group with a tested one: int [patient]."""
    return np.asarray(train[~sharing_block(cohort, train, test)])


def refuse_sides(where: str, train: np.ndarray, test: np.ndarray, cohort: Cohort) -> None:
    """Raise CohortError for a fold that would score who was trained on, or who has no outcome."""
    for side, rows in (("train", train), ("test", test)):
        if not isinstance(rows, np.ndarray) or rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
            raise CohortError(f"{where}: {side} is no array of positions; give whole numbers, np.flatnonzero(mask)")
        outside = int(((rows < 0) | (rows >= len(cohort))).sum())
        if outside or not len(rows):
            said = f"{outside} positions in {side} are outside" if outside else f"nobody is in {side}, of"
            raise CohortError(
                f"{where}: {said} the cohort of {len(cohort)} patients; choose some of 0 to {len(cohort) - 1}"
            )
    both, unknown = np.isin(test, train).sum(), (~cohort.labelled[test]).sum()
    if both:
        raise CohortError(f"{where}: {both} of {len(test)} tested patients are trained on as well; keep them apart")
    if unknown:
        raise CohortError(
            f"{where}: {unknown} of {len(test)} tested patients have no known outcome to be scored by; split "
            "np.flatnonzero(cohort.labelled)"
        )
