"""What each model of a cross-validation predicted for whom, a repeat at a time, and how sure a score of it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.folds import block_numbers
from graphmml.data.grouping import Grouping
from graphmml.errors import CohortError
from graphmml.train.fairness.measures import WEIGHTED, Judged, by_value, names_for
from graphmml.train.missing_patterns import Tests, by_repeat, refuse_others
from graphmml.train.result import CVResult
from graphmml.train.tasks import ClassTask
from graphmml.train.unit import RowKind
from graphmml.train.weighted_scores import mean_defined, resampled


@dataclass(frozen=True, eq=False)
class Predicted:
    """One model on the patients that were tested, `judged` a repeat and `rows` who of them it tested, by position."""

    model: str
    kind: RowKind
    judged: tuple[Judged, ...]
    rows: tuple[np.ndarray, ...]

    @property
    def measures(self) -> tuple[str, ...]:
        """What is measured of it."""
        return names_for(self.judged[0].p.shape[1])

    def by_value(self, group: Grouping) -> np.ndarray:
        """Return each measure of each value, averaged over repeats: float64 [measure, value]."""
        each = [
            by_value(judged, group.labels[rows], len(group.values))
            for judged, rows in zip(self.judged, self.rows, strict=True)
        ]
        return mean_defined(np.stack(each))

    def draws(self, group: Grouping, wanted: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the same for each resample, of the values wanted: [measure, value, resample].

        `counts` is how often a resample drew a patient: float64 [patient, resample].
        """
        found = np.full((len(self.measures), len(group.values), counts.shape[1]), np.nan)
        for at in np.flatnonzero(wanted):
            each = []
            for judged, rows in zip(self.judged, self.rows, strict=True):
                here = group.labels[rows] == at
                drawn, some = counts[rows[here]], judged[here]
                each.append(np.stack([WEIGHTED[name](some, drawn) for name in self.measures]))
            found[:, at] = mean_defined(np.stack(each))
        return found

    def risks(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return who of those wanted (bool [patient]) was tested and the risk given, repeat after repeat: [test]."""
        kept = [wanted[rows] for rows in self.rows]
        risk = [judged.risk[here] for judged, here in zip(self.judged, kept, strict=True)]
        return np.concatenate([rows[here] for rows, here in zip(self.rows, kept, strict=True)]), np.concatenate(risk)

    def called(self, group: Grouping) -> np.ndarray:
        """Return how many of each value are called positive, averaged over repeats: float64 [value]."""
        pairs = zip(self.judged, self.rows, strict=True)
        counts = [np.bincount(group.labels[rows[one.called]], minlength=len(group.values)) for one, rows in pairs]
        return np.asarray(np.mean(counts, axis=0))


@dataclass(frozen=True, eq=False)
class Tested:
    """Whom a result tested, by position in the cohort, and what its models said; `blocks` number who goes together."""

    rows: np.ndarray
    codes: np.ndarray
    models: tuple[Predicted, ...]
    positive: str
    blocks: np.ndarray | None

    def resamples(self, draws: int, seed: int) -> Iterator[np.ndarray]:
        """Yield how often each patient is drawn, those of a block together, in parts: float64 [patient, resample]."""
        return resampled(len(self.rows), draws, seed, self.blocks)


def tested_of(result: CVResult, tests: Tests, cohort: Cohort, *, threshold: float, positive: str | None) -> Tested:
    """Lay out what every model predicted; `positive` asks for one of several classes against the rest."""
    codes = ClassTask(result.classes).codes(cohort)
    units = {model: result.of(model) for model in dict.fromkeys(unit.model for unit in result.units)}
    rows = np.unique(np.concatenate(list(tests.values())))
    chosen = class_of(result.classes, positive)
    truth = codes[rows] if chosen is None else (codes[rows] == chosen).astype(np.int64)
    models = []
    for model, mine in units.items():
        refuse_others(mine, tests, codes)
        p = against(by_repeat(mine, tests, len(cohort))[:, rows], chosen)
        models.append(predicted(model, mine[0].kind, truth, p, p[:, :, -1] >= threshold))
    name = "each class" if chosen is None else result.classes[chosen]
    return Tested(rows, truth, tuple(models), name, block_numbers(cohort, rows))


def predicted(model: str, kind: RowKind, truth: np.ndarray, p: np.ndarray, called: np.ndarray) -> Predicted:
    """Put a model's predictions together: p [repeat, patient, class], NaN where untested; called [repeat, patient]."""
    rows = tuple(np.flatnonzero(~np.isnan(one[:, 0])) for one in p)
    judged = [Judged(truth[here], one[here], who[here]) for one, who, here in zip(p, called, rows, strict=True)]
    return Predicted(model, kind, tuple(judged), rows)


def class_of(classes: Sequence[str], positive: str | None) -> int | None:
    """Return the number of the class that is scored: the one named, of two the last, of several none."""
    if positive is not None and positive not in classes:
        raise CohortError(f"no class '{positive}'; there are: {', '.join(classes)}")
    if positive is not None:
        return list(classes).index(positive)
    return 1 if len(classes) == 2 else None


def against(p: np.ndarray, chosen: int | None) -> np.ndarray:
    """Return the probabilities of the rest and of the class, or all where none is chosen: [repeat, patient, class]."""
    if chosen is None:
        return p
    return np.stack([1.0 - p[:, :, chosen], p[:, :, chosen]], axis=2)
