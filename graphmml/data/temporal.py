"""TemporalSplit: learn from earlier patients, test on later ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphmml.data.checks_dates import read_days
from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, labelled_rows
from graphmml.data.grouping import column_of
from graphmml.data.kinds import refuse_numbers
from graphmml.data.sides import sharing_block
from graphmml.errors import CohortError


@dataclass(frozen=True)
class TemporalSplit:
    """Train on patients whose `column` lies before `cut` and test on the others, once a seed.

    `column` is a group or a feature ("year", "clinical.admitted") of numbers or dates; `cut` a number, a date as the
    column writes it, or without one the time by which 70 % of the labelled patients are in. Patients of one time are
    on one side. Who has no time is left out, and who belongs to a blocking group that reaches over the cut is not
    tested. Drop the column from the features, or the model reads off it who is tested.
    """

    column: str
    cut: float | str | None = None
    seeds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if self.seeds < 1:
            raise CohortError(f"{self.seeds} seeds were asked for; one is the fewest")

    def split(self, cohort: Cohort) -> Iterator[Fold]:
        """Yield the same split once a seed."""
        rows = labelled_rows(cohort)
        column = column_of(cohort.groups, cohort.tables, self.column, CohortError).iloc[rows]
        times, cut = times_of(column), self.cut
        if np.isnan(times).all():
            raise CohortError(f"no value of '{self.column}' is a number or a date; name a column of times")
        least = np.nanquantile(times, 0.7, method="lower") if cut is None else time_of(cut, column, self.column)
        late = times > least if cut is None else times >= least
        train, test = rows[~late & ~np.isnan(times)], rows[late]
        test = test[~sharing_block(cohort, test, train)]
        if not len(train) or not len(test):
            raise CohortError(
                f"the cut leaves {len(train)} labelled patients to train and {len(test)} to test; move it"
            )
        for repeat in range(self.seeds):
            yield Fold(np.sort(train), np.sort(test), repeat, 0, self.seed + repeat)


def times_of(column: pd.Series) -> np.ndarray:
    """Return a column of numbers as it is, and one of dates as days: float [row], NaN where there is no time."""
    if counts(column):
        return np.asarray(pd.to_numeric(column).to_numpy(dtype=np.float64))
    return np.asarray(read_days(column))


def counts(column: pd.Series) -> bool:
    """Return whether whatever a column holds is a number; a group's are written as text."""
    known = column.dropna()
    return len(known) > 0 and bool(pd.to_numeric(known, errors="coerce").notna().all())


def time_of(cut: float | str, column: pd.Series, name: str) -> float:
    """Return a cut as a time of its column."""
    if counts(column):
        try:
            return float(cut)
        except ValueError:
            raise CohortError(f"'{name}' holds numbers, and the cut '{cut}' is none") from None
    # among the column's own dates, whose order of day and month then holds for the cut as well
    found = times_of(pd.concat([column.dropna().astype("str"), pd.Series([str(cut)], dtype="str")]))[-1]
    if np.isnan(found):
        raise CohortError(f"'{name}' holds dates, and the cut '{cut}' is none that is written like them")
    return float(found)
