"""Who lacks which modality, by class of the outcome and by value of a group: counts from which no small one follows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.few import with_complements

WITHHELD = "withheld"
"""Written for a count that is not small itself, but would give a small one away."""


def absence_table(cohort: Cohort, group: str | None = None, *, min_cell: int = 11) -> pd.DataFrame:
    """Count who lacks which modality, by class of the outcome and by value of a group.

    One row a class (and value of the group), columns `patients` and one a modality. A count of 1 to min_cell - 1 is
    "<min_cell". Others are withheld where such a count could be worked out from them: as few have the modality, or
    all but one count of a class or of a value of the group are shown, and their sum is told elsewhere.
    """
    by = keys_of(cohort, group)
    cells = pd.MultiIndex.from_product([by[name].unique() for name in by], names=list(by.columns)).sort_values()
    place = cells.get_indexer(pd.MultiIndex.from_frame(by))
    sizes = np.bincount(place, minlength=len(cells))
    lines = [line[sizes[line] > 0] for line in lines_of(cells)]
    small = with_complements((sizes > 0) & (sizes < min_cell), sizes, lines, min_cell)
    shown = pd.DataFrame({"patients": written(sizes, small, min_cell)}, index=cells)
    for at, name in enumerate(cohort.modalities):
        lack = np.bincount(place[~cohort.present[:, at]], minlength=len(cells))
        shown[name] = written(lack, unsaid(lack, sizes - lack, small, lines, min_cell), min_cell)
    shown = shown[sizes > 0]
    return shown if len(by.columns) > 1 else shown.set_axis(shown.index.get_level_values(0))


def keys_of(cohort: Cohort, group: str | None) -> pd.DataFrame:
    """Return each patient's class and value of the group, "unknown" where it is: one column of each that there is."""
    keys: Mapping[str, pd.Series] = {}
    if cohort.outcome is not None and cohort.outcome.kind == "class":
        keys = {cohort.outcome.name: cohort.outcome.values.fillna("unknown")}
    if group is not None:
        keys = {**keys, group: cohort.groups[group].fillna("unknown")}
    return pd.DataFrame(keys or {"patients": "all"}, index=cohort.ids)


def lines_of(cells: pd.MultiIndex) -> list[np.ndarray]:
    """Return the cells that add up to something told elsewhere: each row and column of the table, or all of one key."""
    if cells.nlevels == 1:
        return [np.arange(len(cells))]
    return [np.flatnonzero(codes == one) for codes in cells.codes for one in range(codes.max() + 1)]


def unsaid(lack: np.ndarray, have: np.ndarray, held: np.ndarray, lines: list[np.ndarray], least: int) -> np.ndarray:
    """Return which counts of those who lack a modality are not shown: bool [cell]."""
    held = held | ((lack > 0) & (lack < least)) | ((have > 0) & (have < least))
    while True:
        more = with_complements(with_complements(held, lack, lines, least), have, lines, least)
        if np.array_equal(more, held):
            return held
        held = more


def written(counts: np.ndarray, held: np.ndarray, least: int) -> list[str]:
    """Write counts, those that are small as a bound."""
    return [
        str(count) if not hide else f"<{least}" if 0 < count < least else WITHHELD
        for count, hide in zip(counts, held, strict=True)
    ]
