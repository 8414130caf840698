"""TableEncoder: one modality's numbers and names to float32 columns, learned from the rows given."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from graphmml.data.columns import is_number, tidy_number
from graphmml.data.shifts import shifts, stand, stand_ins
from graphmml.errors import CohortError

OTHER = "(other)"
WHOLE = r"[+-]?\d+(?:\.0*)?"
SMALLEST_SCALE = 0.2
"""Below this standard deviation a 0/1 column is not blown up further: a rare level must not outweigh the rest."""
SMALL = 5_000_000
"""Cells of a table that one thread reduces as fast as several."""


class TableEncoder(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Impute, scale and one-hot one table; `columns_` names what comes out, `learned_` says if anything did.

    A name with its one-hot block is scaled as a whole to the variance of one number (as in factor analysis of
    mixed data, Pages 2004, but by the block's own deviation, so that rare levels do not dominate).

    Names count as they are written. Only where every training value of a column is a whole number, with or without
    .0 behind it (a gap makes integer codes floats), are "1" and "1.0" one level, in training and ever after; one
    value such as "428.1" makes them codes, of which "428" and "428.0" are two. Numbers where training had names
    are written as the training level that reads as that number.
    """

    def __init__(self, *, max_levels: int, clip: float, reducer: Any, limit: int = 0) -> None:
        self.max_levels = max_levels
        self.clip = clip
        self.reducer = reducer
        self.limit = limit

    def fit(self, table: pd.DataFrame, outcome: np.ndarray | None) -> Self:
        """Learn from patients who have the modality; outcome [patient] goes to a supervised reducer only."""
        self.schema_ = {str(column): is_number(table[column]) for column in sorted(table.columns)}
        filled = table.notna().to_numpy().any(axis=0)
        varied = {column for column, some in zip(table.columns, filled, strict=True) if some}
        self.numbers_ = [column for column, number in self.schema_.items() if number and column in varied]
        self.names_ = [column for column, number in self.schema_.items() if not number and column in varied]
        self.whole_ = [column for column in self.names_ if is_whole(table[column])]
        table = table.assign(**{column: without_point(table[column]) for column in self.whole_})
        values = table[self.numbers_].to_numpy(dtype=np.float64)
        self.stand_ = stand(values) if len(table) else np.zeros((4, 0))
        self.medians_ = self.stand_[0]
        self.levels_ = {column: self.frequent_levels(table[column]) for column in self.names_}
        gaps = table[[*self.numbers_, *self.names_]].isna()
        self.gapped_ = [column for column in gaps.columns if gaps[column].any()]
        self.centre_and_scale(table)
        self.columns_ = tuple(np.array(self.wide_columns(), dtype=object)[self.kept_])
        self.learned_ = bool(self.columns_)
        self.reducer_ = None
        if self.learned_:
            self.fit_reducer(table, outcome)
        else:
            self.columns_ = ("(nothing)",)
        return self

    def frequent_levels(self, column: pd.Series) -> list[str]:
        """Return the most frequent levels, the most frequent first; ties in order of name."""
        counts = column.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        return [str(level) for level in counts.index[: self.max_levels]]

    def wide_columns(self) -> list[str]:
        """Return the names of the columns before constant ones are dropped and the rest reduced."""
        levels = [f"{name}={level}" for name in self.names_ for level in [*self.levels_[name], OTHER]]
        return [*self.numbers_, *levels, *(f"{column} missing" for column in self.gapped_)]

    def wide(self, table: pd.DataFrame) -> np.ndarray:
        """Return imputed numbers, one-hot names and missing indicators, unscaled: float64 [patient, column]."""
        values = table[self.numbers_].to_numpy(dtype=np.float64)
        blocks = [np.where(np.isnan(values), self.medians_, values)]
        for name in self.names_:
            levels = self.levels_[name]
            # a missing name takes the most frequent level, a name beyond the cap or never seen takes (other)
            codes = pd.Index([*levels]).get_indexer(table[name].fillna(levels[0]).astype("str"))
            blocks.append(np.eye(len(levels) + 1)[np.where(codes < 0, len(levels), codes)])
        blocks.append(table[self.gapped_].isna().to_numpy(dtype=np.float64))
        return np.concatenate(blocks, axis=1)

    def centre_and_scale(self, table: pd.DataFrame) -> None:
        """Learn mean and scale of the wide columns, and which of them vary at all."""
        wide = self.wide(table) if len(table) else np.zeros((1, len(self.wide_columns())))
        self.mean_ = wide.mean(axis=0)
        variance = wide.var(axis=0)
        self.kept_ = variance > 1e-12 * np.maximum(1.0, self.mean_**2)
        scale = np.sqrt(variance)
        scale[len(self.numbers_) :] = np.maximum(scale[len(self.numbers_) :], SMALLEST_SCALE)
        start = len(self.numbers_)
        for name in self.names_:
            end = start + len(self.levels_[name]) + 1
            scale[start:end] = max(float(np.sqrt(variance[start:end].sum())), SMALLEST_SCALE)
            start = end
        self.scale_ = np.where(self.kept_, scale, 1.0)

    def fit_reducer(self, table: pd.DataFrame, outcome: np.ndarray | None) -> None:
        """Fit the reducer on the scaled columns of a table that is wider than `limit` columns."""
        if self.reducer is None or len(self.columns_) <= self.limit:
            return
        scaled = self.scaled(table)
        reducer = self.reducer
        if isinstance(reducer, PCA) and isinstance(reducer.n_components, int):
            reducer.set_params(n_components=min(reducer.n_components, *scaled.shape))
        known = np.ones(len(table), dtype=bool) if outcome is None else ~pd.isna(outcome)
        threads = 1 if scaled.size < SMALL else None  # small decompositions wait for threads longer than they compute
        with threadpool_limits(threads, user_api="blas"):
            reducer.fit(scaled[known], None if outcome is None else outcome[known].astype(str))
        reduced = np.asarray(reducer.transform(scaled))
        self.reducer_ = reducer
        # one scale for all components: their relative sizes are what the reduction found
        self.spread_ = float(np.sqrt(reduced.var(axis=0).mean())) or 1.0
        self.columns_ = tuple(f"component {at + 1}" for at in range(reduced.shape[1]))

    def scaled(self, table: pd.DataFrame) -> np.ndarray:
        """Return the wide columns centred, scaled, clipped, the constant ones dropped: float64."""
        wide = (self.wide(table) - self.mean_) / self.scale_
        return np.asarray(np.clip(wide[:, self.kept_], -self.clip, self.clip))

    def transform(self, table: pd.DataFrame) -> np.ndarray:
        """Encode a laid out table: float32 [patient, column]."""
        scaled = self.scaled(table)
        if self.reducer_ is not None:
            scaled = np.asarray(self.reducer_.transform(scaled)) / self.spread_
        return scaled.astype(np.float32)

    def laid_out(self, table: pd.DataFrame | None, ids: pd.Index, *, where: str, rest: float = np.nan) -> pd.DataFrame:
        """Return the table with the columns of training, in their types.

        A column that is not there is missing, or `rest` for those who have something in the table.
        """
        columns = {}
        absent = np.nan if table is None else np.where(table.notna().any(axis=1), rest, np.nan)
        for column, number in self.schema_.items():
            if number and (table is None or column not in table):
                columns[column] = pd.Series(absent, index=ids, dtype="float64")
            elif table is None or column not in table:
                columns[column] = pd.Series(np.nan, index=ids, dtype="str")
            elif not number:
                columns[column] = self.written(column, table[column])
            elif is_number(table[column]):
                columns[column] = table[column]
            elif table[column].isna().all():
                columns[column] = table[column].astype("float64")
            else:
                raise CohortError(
                    f"modality '{where}', column '{column}' held numbers in training but holds text now; "
                    "mend the values that are not numbers"
                )
        return pd.DataFrame(columns, index=ids)

    def written(self, column: str, values: pd.Series) -> pd.Series:
        """Return a column of names, or of numbers where training had names, in training's spelling."""
        if is_number(values):
            return respelled(values, self.levels_.get(column, []))
        return without_point(values) if column in self.whole_ else values

    def differences(self, table: pd.DataFrame, *, counted: bool = False) -> list[str]:
        """Say in words where the table differs from the one of training; a code that nobody has is no difference."""
        said = []
        absent = [column for column in self.schema_ if column not in table and not counted]
        extra = [column for column in table if column not in self.schema_]
        if absent:
            said.append(f"{len(absent)} column(s) absent, taken as missing: {', '.join(absent[:6])}")
        if extra:
            said.append(f"{len(extra)} column(s) unknown to the model, ignored: {', '.join(map(str, extra[:6]))}")
        numbers = [at for at, name in enumerate(self.numbers_) if name in table and is_number(table[name])]
        names = [self.numbers_[at] for at in numbers]
        known, values = self.stand_[:, numbers], table[names].to_numpy(dtype=np.float64)
        said += [*shifts(known, names, values), *stand_ins(known, names, values)]
        for name in self.names_:
            if name in table and not is_number(table[name]):
                values = self.written(name, table[name])
                unseen = int((values.notna() & ~values.isin(self.levels_[name])).sum())
                if unseen and len(self.levels_[name]) < self.max_levels:
                    said.append(f"column {name} has a level unknown to the model in {unseen} patient(s)")
        return said


def is_whole(names: pd.Series) -> bool:
    """Whether all of a column's names are whole numbers, with or without .0 behind them."""
    return bool(pd.Series(names.dropna().unique(), dtype="str").str.fullmatch(WHOLE).all())


def without_point(names: pd.Series) -> pd.Series:
    """Write 1.0 as 1 and leave all other names as they are."""
    known = pd.Series(names.dropna().unique(), dtype="str")
    pointed = known[known.str.fullmatch(WHOLE) & known.str.contains(".", regex=False)]
    if pointed.empty:
        return names
    plain = dict(zip(pointed, pointed.str.partition(".")[0], strict=True))
    return names.map(plain).astype("str").fillna(names)


def respelled(numbers: pd.Series, levels: list[str]) -> pd.Series:
    """Write numbers as names: as the most frequent of these levels that reads as the number, else 1.0 as 1."""
    read = pd.to_numeric(pd.Series(levels, index=levels, dtype="str"), errors="coerce").dropna()
    spelled = {number: level for level, number in read[::-1].items()}
    return numbers.map(spelled).astype("str").fillna(tidy_number(numbers))
