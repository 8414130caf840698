"""Splits: who was tested in which fold, and what resampling these patients does to scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, block_numbers
from graphmml.train.unit import Unit
from graphmml.train.weighted_scores import WEIGHTED, mean_defined, resampled

RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Splits:
    """The cohort's ids in its order of rows, and the positions that each (repeat, fold) trained and tested on.

    `blocks` numbers sets of patients that stay together: they are resampled together as well. int [patient], each
    patient his own where the cohort has no blocking group.
    """

    ids: pd.Index
    train: Mapping[tuple[int, int], np.ndarray]
    test: Mapping[tuple[int, int], np.ndarray]
    blocks: np.ndarray

    @classmethod
    def of(cls, cohort: Cohort, folds: Sequence[Fold]) -> "Splits":
        """Keep what folds of a cohort are made of."""
        numbers = block_numbers(cohort, np.arange(len(cohort)))
        return cls(
            cohort.ids,
            {(fold.repeat, fold.number): fold.train for fold in folds},
            {(fold.repeat, fold.number): fold.test for fold in folds},
            np.arange(len(cohort)) if numbers is None else numbers,
        )

    @cached_property
    def people(self) -> np.ndarray:
        """The positions of everybody who is tested in any fold: int [patient]."""
        return np.unique(np.concatenate(list(self.test.values())))

    def tests_in(self, cohort: Cohort) -> Mapping[tuple[int, int], np.ndarray]:
        """Return whom each (repeat, fold) tested as positions in a cohort of these patients, in any order of rows."""
        return self.test if cohort.ids.equals(self.ids) else self.in_rows_of(cohort).test

    def in_rows_of(self, cohort: Cohort) -> "Splits":
        """Return the same splits as positions in a cohort of the same patients, or raise CohortError."""
        place = cohort.rows_of(list(self.ids))
        train = {key: place[rows] for key, rows in self.train.items()}
        test = {key: place[rows] for key, rows in self.test.items()}
        blocks = np.empty(len(cohort), dtype=np.int64)
        blocks[place] = self.blocks
        return Splits(cohort.ids, train, test, blocks)

    def drawn(self, resamples: int, seed: int = 0) -> Iterator[np.ndarray]:
        """Yield how often each of `people` is drawn, blocks whole, with replacement: float64 [patient, resample]."""
        return resampled(len(self.people), resamples, seed, self.blocks[self.people])

    def place(self, key: tuple[int, int]) -> np.ndarray:
        """Return where the test patients of a (repeat, fold) stand among `people`: int [patient]."""
        return np.searchsorted(self.people, self.test[key])

    def resampled(self, units: Sequence[Unit], metric: str) -> np.ndarray:
        """Return the mean over a model's folds of a score in each resample, the same for all models: [resample]."""
        key = units[0].model, metric
        if key not in self.known:
            score, blocks = WEIGHTED[metric], []
            for counts in self.drawn(RESAMPLES):
                each = [score(one.codes, one.probabilities, counts[self.place(one.key)]) for one in units]
                blocks.append(mean_defined(np.stack(each)))
            self.known[key] = np.concatenate(blocks)
        return self.known[key]

    @cached_property
    def known(self) -> dict[tuple[str, str], np.ndarray]:
        """The resampled scores that were asked for so far, by model and metric."""
        return {}

    def frame(self) -> pd.DataFrame:
        """Return the splits, one row a patient, one column a fold: train, test, or nothing."""
        columns = {}
        for (repeat, fold), test in self.test.items():
            side = np.full(len(self.ids), "", dtype=object)
            side[self.train[repeat, fold]], side[test] = "train", "test"
            columns[f"repeat{repeat}_fold{fold}"] = side
        return pd.DataFrame(columns, index=self.ids)
