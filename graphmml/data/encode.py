"""CohortEncoder: what is learned from training rows to turn tables into numbers; EncodedCohort: the numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA

from graphmml.data.cohort import Cohort
from graphmml.data.grouping import column_of
from graphmml.data.kinds import kind_of, number, wanted, whole
from graphmml.data.table_encoder import TableEncoder
from graphmml.data.timeline import Timeline
from graphmml.errors import CohortError, GraphError, NotFittedError

REDUCE = 'reduce={"rna": PCA(8)}'
"""How a modality is reduced by a transformer of one's own."""


@dataclass(frozen=True, eq=False, repr=False)
class EncodedCohort:
    """Patients as numbers, with nothing in it about the outcome.

    `features[modality]` is float32 [patient, column], free of NaN, with zeros for patients who lack the
    modality; `present` is bool [patient, modality] in the order of `modalities`. `tables` and `groups` are the
    raw columns, laid out as in training, and `timeline` the visits, for constructors that link by phenotype or
    code.
    """

    ids: pd.Index
    features: Mapping[str, np.ndarray]
    present: np.ndarray
    columns: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, pd.DataFrame]
    groups: pd.DataFrame
    timeline: Timeline = field(default_factory=Timeline)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        widths = ", ".join(f"{modality} {matrix.shape[1]}" for modality, matrix in self.features.items())
        return f"EncodedCohort: {len(self)} patients; columns: {widths}"

    def __getitem__(self, rows: slice | np.ndarray) -> "EncodedCohort":
        return replace(
            self,
            ids=self.ids[rows],
            features={modality: matrix[rows] for modality, matrix in self.features.items()},
            present=self.present[rows],
            tables={modality: table.iloc[rows] for modality, table in self.tables.items()},
            groups=self.groups.iloc[rows],
            timeline=self.timeline.of(self.ids[rows]),
        )

    @property
    def modalities(self) -> tuple[str, ...]:
        """The names of the modalities, sorted, so that the order of files decides nothing."""
        return tuple(self.features)

    @cached_property
    def keys(self) -> np.ndarray:
        """A stable hash of each patient's id, for choices that must not depend on row order: uint64 [patient]."""
        return np.asarray(pd.util.hash_array(self.ids.to_numpy(dtype=object)))

    def has(self, modality: str) -> np.ndarray:
        """Return which patients have the modality: bool [patient]."""
        if modality not in self.features:
            raise GraphError(f"no modality '{modality}'; the cohort has: {', '.join(self.modalities)}")
        return np.asarray(self.present[:, self.modalities.index(modality)])

    def column(self, name: str) -> pd.Series:
        """Return a raw column: a group, a feature, or "modality.feature" where a name occurs twice."""
        return column_of(self.groups, self.tables, name, GraphError)


class Preparation(Protocol):
    """What turns patients into numbers, having learned how from training patients: CohortEncoder, or one around it."""

    def fit(self, cohort: Cohort) -> Self:
        """Learn from these patients."""

    def transform(self, cohort: Cohort) -> EncodedCohort:
        """Encode any patients."""

    def differences(self, cohort: Cohort) -> tuple[str, ...]:
        """Say in words where these patients' tables differ from those of training."""


class CohortEncoder(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Learn imputation, scaling, categories and reduction from given rows; apply them to any rows.

    Numbers: median, standard deviation, clipped at `clip` deviations. Names: one column a level for the
    `max_levels` most frequent, the rest and whatever is unknown share one; every original column weighs as much
    as a number does. Cells that were missing in training get an indicator. A modality with more than
    `wide` columns is reduced to `components` principal components (None: never), so that its size does not
    decide its weight; `reduce` gives single modalities a scikit-learn transformer of your own, which is fitted
    on the training rows, with their outcomes if it wants them: also of those by whom members of a network stop, and
    of the inner folds of logistic regression, which then see that modality better than it is.
    """

    def __init__(
        self,
        *,
        max_levels: int = 30,
        clip: float = 5.0,
        wide: int = 64,
        components: int | None = 16,
        reduce: Mapping[str, Any] | None = None,
    ) -> None:
        self.max_levels = max_levels
        self.clip = clip
        self.wide = wide
        self.components = components
        self.reduce = reduce

    def fit(self, cohort: Cohort) -> Self:
        """Learn from these patients; modalities are taken in the order of their names."""
        wanted(cohort, Cohort)
        self.refuse_settings()
        unknown = sorted(set(self.reduce or {}) - set(cohort.tables))
        if unknown:
            raise CohortError(f"reduce names no modality of the cohort: {', '.join(unknown)}")
        if not cohort.present.any():
            raise CohortError(
                f"nothing is measured of the {len(cohort)} patients: all cells of "
                f"{', '.join(sorted(cohort.tables)[:12])} are missing; check what na lists, or give other patients"
            )
        cohort = cohort[cohort.sorted_rows]
        self.tables_: dict[str, TableEncoder] = {}
        for modality in sorted(cohort.tables):
            rows = np.flatnonzero(cohort.present[:, cohort.modalities.index(modality)])
            encoder = TableEncoder(
                max_levels=self.max_levels, clip=self.clip, reducer=self.reducer(modality), limit=self.limit(modality)
            )
            outcome = None if cohort.outcome is None else cohort.outcome.values.iloc[rows].to_numpy(dtype=object)
            self.tables_[modality] = encoder.fit(cohort.tables[modality].iloc[rows], outcome)
        self.groups_ = list(cohort.groups.columns)
        self.counted_ = sorted(cohort.counted & self.tables_.keys())
        return self

    def refuse_settings(self) -> None:
        """Raise GraphmmlError for a setting of another kind, or one that would leave nothing of the data."""
        number("clip", self.clip, 5.0)
        for name, value, fewest, usual in (("max_levels", self.max_levels, 1, 30), ("wide", self.wide, 0, 64)):
            whole(name, value, usual)
            if value < fewest:
                raise CohortError(f"{name} is {value}; choose {fewest} or more")
        if not self.clip > 0:
            raise CohortError(f"clip is {self.clip}; choose a number of deviations above 0, for instance clip=5.0")
        if self.components is not None:
            whole("components", self.components, 16)
            if self.components < 1:
                raise CohortError(f"components is {self.components}; choose 1 or more, or None to reduce nothing")
        if self.reduce is not None:
            refuse_reducers(self.reduce)

    def reducer(self, modality: str) -> Any:
        """Return a fresh transformer for the modality, or the number of components, or None."""
        chosen = (self.reduce or {}).get(modality)
        if chosen is not None:
            return clone(chosen)
        return None if self.components is None else PCA(self.components, svd_solver="full")

    def limit(self, modality: str) -> int:
        """Return the number of columns up to which the modality stays as it is; a transformer of yours always acts."""
        return 0 if modality in (self.reduce or {}) else self.wide

    def transform(self, cohort: Cohort) -> EncodedCohort:
        """Encode any patients; columns and modalities that training did not have are ignored, unless all are such."""
        self.check_fitted()
        wanted(cohort, Cohort)
        self.refuse_strangers(cohort)
        features, present, tables = {}, [], {}
        for modality, encoder in self.tables_.items():
            rest = 0.0 if modality in self.counted_in(cohort) else np.nan
            table = encoder.laid_out(cohort.tables.get(modality), cohort.ids, where=modality, rest=rest)
            here = table.notna().any(axis=1).to_numpy(dtype=bool) & encoder.learned_
            matrix = np.zeros((len(cohort), len(encoder.columns_)), dtype=np.float32)
            if here.any():
                matrix[here] = encoder.transform(table[here])
            features[modality], tables[modality] = matrix, table
            present.append(here)
        return EncodedCohort(
            ids=cohort.ids,
            features=features,
            present=np.stack(present, axis=1),
            columns={modality: encoder.columns_ for modality, encoder in self.tables_.items()},
            tables=tables,
            groups=cohort.groups.reindex(columns=self.groups_),
            timeline=cohort.timeline,
        )

    def refuse_strangers(self, cohort: Cohort) -> None:
        """Raise CohortError for tables in which training knows no column, and no codes to count."""
        here = {name: table for name, table in self.tables_.items() if name in cohort.tables}
        known = any(column in table.schema_ for name, table in here.items() for column in cohort.tables[name])
        if not known and not self.counted_in(cohort):
            columns = [f"{name}.{column}" for name, table in self.tables_.items() for column in table.schema_]
            raise CohortError(
                f"none of the {len(columns)} columns of training is in the cohort, whose tables are "
                f"{', '.join(list(cohort.tables)[:12])}; training had {', '.join(columns[:6])}: give the tables and "
                "columns by these names"
            )

    def counted_in(self, cohort: Cohort) -> frozenset[str]:
        """Return the modalities that count codes, here as in training; an encoder of before knows of none."""
        return cohort.counted.intersection(getattr(self, "counted_", ()))

    def differences(self, cohort: Cohort) -> tuple[str, ...]:
        """Say in words where these patients' tables differ from those of training."""
        self.check_fitted()
        extra = [name for name in cohort.tables if name not in self.tables_]
        said = [f"modality {name} was not there in training and is ignored" for name in extra]
        for modality, encoder in self.tables_.items():
            if modality not in cohort.tables:
                said.append(f"modality {modality} is absent for everybody and weighs nothing")
            else:
                table, counted = cohort.tables[modality], modality in self.counted_in(cohort)
                said.extend(f"{modality}: {words}" for words in encoder.differences(table, counted=counted))
        return tuple(said)

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "tables_"):
            raise NotFittedError("this CohortEncoder has seen no patients yet; call fit(cohort[train]) first")


def refuse_reducers(reduce: object) -> None:
    """Raise CohortError for what is no transformer by modality."""
    if not isinstance(reduce, Mapping):
        raise CohortError(f"reduce is {kind_of(reduce)}; give transformers by modality: {REDUCE}")
    for modality, chosen in reduce.items():
        if isinstance(chosen, type) or not (hasattr(chosen, "fit") and hasattr(chosen, "transform")):
            raise CohortError(
                f"reduce of '{modality}' is {kind_of(chosen)}; give a transformer of scikit-learn: {REDUCE}"
            )
