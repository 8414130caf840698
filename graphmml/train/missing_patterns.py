"""How well a cross-validated model predicts patients who lack a modality, beside those who have all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.few import with_complements
from graphmml.data.folds import block_numbers
from graphmml.errors import CohortError
from graphmml.train.intervals import Interval, over_draws, span
from graphmml.train.read_run import Run, result_in
from graphmml.train.result import CVResult
from graphmml.train.tasks import ClassTask
from graphmml.train.unit import RowKind, Unit
from graphmml.train.weighted_scores import mean_defined, resampled, weighted_auroc, weighted_brier

FEWEST = 11
"""Patients of a pattern, of two classes or more, whose predictions are scored."""
MOST_PATTERNS = 5
"""Exact patterns that are shown, the most frequent."""
FEW = f"fewer than {FEWEST} patients"
DRAWS = 500
Score = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Tests = Mapping[tuple[int, int], np.ndarray]


@dataclass(frozen=True)
class PatternScores:
    """One model on the patients of one pattern of missing modalities; NaN with a note where that says nothing.

    `patients` is None where there are fewer than eleven, or where so few of others could be worked out from it.
    """

    model: str
    kind: RowKind
    pattern: str
    patients: int | None
    auroc: Interval
    brier: Interval
    note: str = ""

    @property
    def number(self) -> str:
        """How many patients, as it may be shown."""
        if self.patients is not None:
            return str(self.patients)
        return f"<{FEWEST}" if self.note == FEW else f"{FEWEST} or more"

    def __str__(self) -> str:
        told = self.note or f"AUROC {span(self.auroc, digits=2).removeprefix('0')}"
        return f"{self.pattern}: {told}" + ("" if self.patients is None else f", n = {self.patients}")


@dataclass(frozen=True, eq=False, repr=False)
class MissingScores:
    """Scores of every model by what patients lack, in the order of the result's models."""

    rows: tuple[PatternScores, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row a model and pattern: patients (NA where masked), AUROC and Brier with intervals, a note."""
        table = pd.DataFrame(
            {
                "model": row.model,
                "kind": row.kind,
                "pattern": row.pattern,
                "patients": row.patients,
                "auroc": row.auroc.mean,
                "auroc_low": row.auroc.low,
                "auroc_high": row.auroc.high,
                "brier": row.brier.mean,
                "brier_low": row.brier.low,
                "brier_high": row.brier.high,
                "note": row.note,
            }
            for row in self.rows
        )
        return table.astype({"patients": "Int64"})

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON types, one object a model and pattern; None for a number of patients that is masked."""
        return [
            {
                **{name: getattr(row, name) for name in ("model", "kind", "pattern", "note", "patients")},
                "auroc": row.auroc.to_dict(),
                "brier": row.brier.to_dict(),
            }
            for row in self.rows
        ]

    def lines(self, model: str | None = None) -> list[str]:
        """Return a sentence a pattern of one model, the first unless another is named."""
        known = list(dict.fromkeys(row.model for row in self.rows))
        chosen = known[0] if model is None else model
        if chosen not in known:
            raise CohortError(f"no model '{chosen}'; there are: {'; '.join(known)}")
        return [str(row) for row in self.rows if row.model == chosen]

    def __repr__(self) -> str:
        models = dict.fromkeys(row.model for row in self.rows)
        return "\n".join(f"{model}\n  " + "\n  ".join(self.lines(model)) for model in models)


def scores_by_missing(result: CVResult | Run | str | Path, cohort: Cohort) -> MissingScores:
    """Score each model of a cross-validation on the patients who have everything, and on those who lack something.

    Patterns: "complete"; "<modality> missing", whatever else is; and "only <modalities> missing" for the five most
    frequent exact ones.

    AUROC pools the predictions of a repeat's folds, few of which would have a pattern's patients of both classes,
    and is averaged over repeats; models of different folds may not be on one scale, so it can lie below the mean
    over folds. Intervals are a percentile bootstrap over patients (Efron 1979), or over blocks where the cohort has
    them. A pattern of fewer than eleven patients or of one class gets NaN; numbers of patients from which one below
    eleven could be worked out are masked. `result` may also be the folder that a run was kept in.
    """
    cv = result_in(result, cohort)
    tests = cv.splits.tests_in(cohort)
    units = {model: cv.of(model) for model in dict.fromkeys(unit.model for unit in cv.units)}
    codes = ClassTask(cv.classes).codes(cohort)
    refuse_others(cv.units, tests, codes)
    tested = np.unique(np.concatenate(list(tests.values())))
    found = dict(patterns(cohort.present, cohort.modalities, tested))
    secret = kept_back(cohort.present, tested, found)
    blocks = block_numbers(cohort, np.arange(len(cohort)))
    rows = []
    for mine in units.values():
        p = by_repeat(mine, tests, len(cohort))
        for name, those in found.items():
            together = None if blocks is None else blocks[those]
            one = scored(mine[0], name, codes[those], p[:, those], together)
            rows.append(replace(one, patients=None) if name in secret else one)
    return MissingScores(tuple(rows))


def refuse_others(units: Sequence[Unit], tests: Tests, codes: np.ndarray) -> None:
    """Raise CohortError where outcomes are others than the result's, or a repeat tests a patient twice."""
    if not len(codes) or any(not np.array_equal(unit.codes, codes[tests[unit.key]]) for unit in units):
        raise CohortError("the patients have other outcomes than the result has; give the cohort that it was made from")
    for repeat in {repeat for repeat, _ in tests}:
        tested = np.concatenate([rows for (one, _), rows in tests.items() if one == repeat])
        if len(np.unique(tested)) < len(tested):
            raise CohortError(
                f"{len(tested) - len(np.unique(tested))} tests of one repeat are of patients tested before; number "
                "the folds so that each repeat tests a patient once"
            )


def patterns(present: np.ndarray, modalities: Sequence[str], tested: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each pattern's name and who of the tested has it, by position; an exact one that repeats another is not."""
    here = present[tested]
    yield "complete", tested[here.all(axis=1)]
    seen = set()
    for at, name in enumerate(modalities):
        rows = tested[~here[:, at]]
        if len(rows):
            seen.add(rows.tobytes())
            yield f"{name} missing", rows
    exact, which, counts = np.unique(here[~here.all(axis=1)], axis=0, return_inverse=True, return_counts=True)
    for at in np.argsort(-counts, kind="stable")[:MOST_PATTERNS]:
        rows = tested[~here.all(axis=1)][which == at]
        if len(rows) >= FEWEST and rows.tobytes() not in seen:
            lacking = [name for name, has in zip(modalities, exact[at], strict=True) if not has]
            yield f"only {', '.join(lacking)} missing", rows


def kept_back(present: np.ndarray, tested: np.ndarray, found: Mapping[str, np.ndarray]) -> set[str]:
    """Return the patterns whose number is not told: of few, or such that few could be worked out from it.

    `found` is who of the tested has a pattern, by position. Counted are all exact patterns, and who has and who lacks
    each modality; the exact ones add up to the others, and all of them to everybody.
    """
    here = present[tested]
    exact, which, counts = np.unique(here, axis=0, return_inverse=True, return_counts=True)
    lines, numbers = [np.arange(len(exact))], counts.tolist()
    for has in here.T:
        for side in (has, ~has):
            lines.append(np.append(np.unique(which.ravel()[side]), len(numbers)))
            numbers.append(int(side.sum()))
        lines.append(np.array([len(numbers) - 2, len(numbers) - 1]))
    counts = np.array(numbers)
    held = with_complements((counts > 0) & (counts < FEWEST), counts, lines, FEWEST)
    secret = set()
    for name, rows in found.items():
        at = np.searchsorted(tested, rows)
        lacked = len(exact) + 1 + 2 * np.flatnonzero(~here[at].any(axis=0))
        same = np.append(np.unique(which.ravel()[at]), lacked)
        if (held[same] & (counts[same] == len(rows))).any():
            secret.add(name)
    return secret


def by_repeat(units: Sequence[Unit], tests: Tests, patients: int) -> np.ndarray:
    """Return the probabilities of each repeat, its folds together: float64 [repeat, patient, class], NaN untested."""
    repeats = sorted({repeat for repeat, _ in tests})
    p = np.full((len(repeats), patients, units[0].probabilities.shape[1]), np.nan)
    for unit in units:
        p[repeats.index(unit.repeat), tests[unit.repeat, unit.fold]] = unit.probabilities
    return p


def scored(
    unit: Unit, pattern: str, codes: np.ndarray, p: np.ndarray, blocks: np.ndarray | None = None
) -> PatternScores:
    """Score the patients of one pattern, p [repeat, patient, class]; `blocks` numbers who are drawn together."""
    nothing = Interval(np.nan, np.nan, np.nan)
    few = len(codes) < FEWEST
    if few or len(np.unique(codes)) < 2:
        note = FEW if few else "all of one class"
        return PatternScores(unit.model, unit.kind, pattern, len(codes), nothing, nothing, note)
    auroc, brier = (resampled_score(score, codes, p, blocks) for score in (weighted_auroc, weighted_brier))
    return PatternScores(unit.model, unit.kind, pattern, len(codes), auroc, brier)


def resampled_score(score: Score, codes: np.ndarray, p: np.ndarray, blocks: np.ndarray | None) -> Interval:
    """Score each repeat's tested patients and average over repeats, with a bootstrap over patients or blocks."""
    known = ~np.isnan(p[:, :, 0])

    def mean(counts: np.ndarray) -> np.ndarray:
        each = [score(codes[here], one[here], counts[here]) for one, here in zip(p, known, strict=True)]
        return mean_defined(np.stack(each))

    draws = np.concatenate([mean(counts) for counts in resampled(len(codes), DRAWS, 0, blocks)])
    return over_draws(float(mean(np.ones((len(codes), 1)))[0]), draws)
