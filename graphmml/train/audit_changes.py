"""What an audit alters before a model sees it: whose features a patient has, whose outcome."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold
from graphmml.data.timeline import Timeline
from graphmml.graph.chance import mixed


@dataclass(frozen=True)
class ExchangedWithin:
    """Patients of one group hand their features on to one another, visits included; outcomes and groups stay.

    What features still tell of an outcome is then what they tell of the group. Nobody of a group of two or more
    keeps the own features; patients of unknown group exchange among themselves, for features left in place would
    tell more. The same for all folds of a repeat.
    """

    group: str
    seed: int = 0

    def __call__(self, cohort: Cohort, fold: Fold) -> Cohort:
        """Return the cohort with the features of the fold's patients exchanged."""
        givers = self.givers(cohort, np.concatenate([fold.train, fold.test]), fold.repeat)
        tables = {
            name: table.iloc[givers].set_axis(cohort.ids.rename(table.index.name), axis=0)
            for name, table in cohort.tables.items()
        }
        heirs = pd.Series(cohort.ids, index=cohort.ids[givers])
        return replace(cohort, tables=tables, timeline=handed_on(cohort.timeline, heirs))

    def givers(self, cohort: Cohort, rows: np.ndarray, repeat: int) -> np.ndarray:
        """Return whose features each patient gets: int [patient]; each gives to one, in a ring by hash of id."""
        ring = by_chance(cohort, rows, self.seed * 1009 + repeat)
        names = cohort.groups[self.group].iloc[ring].factorize()[0]
        givers = np.arange(len(cohort))
        for value in np.unique(names):
            members = ring[names == value]
            givers[members] = np.roll(members, 1)
        return givers


@dataclass(frozen=True)
class PermutedOutcomes:
    """The training patients' outcomes are permuted among them, anew in each fold; the test patients' stay.

    Each true class gets every outcome in proportion. By chance alone a permutation agrees more or less with the
    truth, and where features tell the truth well, models learned from it would score anything from 0 to 1.
    """

    seed: int = 0

    def __call__(self, cohort: Cohort, fold: Fold) -> Cohort:
        """Return the cohort with training outcomes permuted."""
        if cohort.outcome is None:
            return cohort
        salt = self.seed * 1009 + fold.seed
        drawn = by_chance(cohort, fold.train, salt)
        codes = cohort.outcome.values.iloc[drawn].factorize(sort=True)[0]
        getters = drawn[np.argsort(codes, kind="stable")]
        giver = np.arange(len(cohort))
        giver[getters] = getters[evenly(np.bincount(codes), salt)]
        values = cohort.outcome.values
        permuted = values.iloc[giver].set_axis(values.index)
        return replace(cohort, outcome=replace(cohort.outcome, values=permuted))


def evenly(counts: np.ndarray, salt: int) -> np.ndarray:
    """Return an order of items that stand class by class in which every class is spread over the whole: int [item]."""
    starts = np.random.default_rng([salt % 2**32, len(counts)]).random(len(counts))
    along = [(np.arange(count) + start) / count for count, start in zip(counts, starts, strict=True)]
    return np.argsort(np.concatenate(along), kind="stable")


def by_chance(cohort: Cohort, rows: np.ndarray, salt: int) -> np.ndarray:
    """Return these rows in an order that depends on their ids and the salt alone: int [row]."""
    ids = cohort.ids[rows].to_numpy(dtype=object)
    return np.asarray(rows[np.lexsort((ids.astype(str), mixed(pd.util.hash_array(ids), salt)))])


def handed_on(timeline: Timeline, heirs: pd.Series) -> Timeline:
    """Return the same visits under the ids of those who get them; `heirs` maps giver to getter."""
    if not len(timeline):
        return timeline
    events = {name: frame.assign(id=frame["id"].map(heirs)) for name, frame in timeline.events.items()}
    return Timeline.from_frames(timeline.visits.assign(id=timeline.visits["id"].map(heirs)), events)
