"""Small cells: which counts of patients are not shown, and which others so that those cannot be worked out.

A value of a group with fewer patients than the smallest cell is masked, and where totals are known, others with it
(complementary suppression, Willenborg and de Waal 2001): in a crossed table along every row and column. A few who
lack the value altogether are masked, and no other for their sake. Bounds by linear programming over several tables
are not searched for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphmml.data.few import with_complements
from graphmml.data.grouping import Grouping


@dataclass(frozen=True, eq=False)
class Cells:
    """Patients and positives of each value, and what of it may be shown: [value].

    `masked`: nothing is shown. `few`: fewer of one class than the smallest cell, so that nothing that rests on the
    outcome is shown. `kept_back`: enough of both, but the counts are not shown, since a masked one could be worked
    out from them; what is shown is rounded.
    """

    patients: np.ndarray
    positives: np.ndarray
    masked: np.ndarray
    few: np.ndarray
    kept_back: np.ndarray
    least: int


def cells_of(group: Grouping, hit: np.ndarray, least: int, *, marginals: Sequence[Cells] = ()) -> Cells:
    """Count a closed grouping and decide what may be shown; `marginals` are those of its parts."""
    size = len(group.values)
    patients = np.bincount(group.labels, minlength=size)
    positives = np.bincount(group.labels[hit], minlength=size)
    negatives = patients - positives
    lines = lines_of(group)
    masked = hidden(patients, least, lines, of_parts(group, [one.masked for one in marginals]))
    held = masked | of_parts(group, [one.few | one.kept_back for one in marginals])
    while True:
        more = hidden(negatives, least, lines, hidden(positives, least, lines, held))
        if np.array_equal(more, held):
            break
        held = more
    few = ~masked & (np.minimum(positives, negatives) < least)
    return Cells(patients, positives, masked, few, held & ~masked & ~few, least)


def lines_of(group: Grouping) -> list[np.ndarray]:
    """Return the values whose counts add up to something known: all of them, or each row and column of a table.

    The unknown is none of them: how many lack a column is told of every cohort, and a few who do would else mask a
    whole value.
    """
    if not group.parts:
        return [np.flatnonzero(group.known)]
    table = np.arange(len(group.values)).reshape([len(part.values) for part in group.parts])
    return [line[group.known[line]] for line in (*table, *table.T)]


def of_parts(group: Grouping, marginals: Sequence[np.ndarray]) -> np.ndarray:
    """Return the pairs of which a part's own count is held back: bool [value]."""
    if not group.parts or not marginals:
        return np.zeros(len(group.values), dtype=bool)
    first, second = marginals
    return np.asarray((first[:, None] | second[None, :]).ravel())


def hidden(counts: np.ndarray, least: int, lines: Sequence[np.ndarray], already: np.ndarray) -> np.ndarray:
    """Return which counts are not shown: the small, those held back already, and what would give one alone away."""
    return with_complements(already | (counts < least), counts, lines, least)
