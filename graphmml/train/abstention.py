"""Abstention: how much better predictions are when the least certain patients are left to somebody else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from graphmml.errors import CohortError
from graphmml.train.intervals import Interval, over_patients
from graphmml.train.result import CVResult
from graphmml.train.scores import accuracy, auroc, brier
from graphmml.train.spread import mean_of

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of patients who are answered."""
SHOWN = {"auroc": auroc, "accuracy": accuracy, "brier": brier}
DRAWS = 200
UNDEFINED = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Answered:
    """Scores of the most certain share of patients, and the middle 95 % of those of as many drawn by chance."""

    share: float
    scores: dict[str, Interval]
    chance: dict[str, Interval]


@dataclass(frozen=True, eq=False, repr=False)
class Abstention:
    """Scores by the share of patients who are answered, the most certain first.

    `area` is the area under the error over the share (AURC of Geifman and El-Yaniv, NeurIPS 2017), small where what
    is wrong is left out first; `chance_area` is that of leaving out by chance, the error over all; `best_area` that
    of leaving out the wrong ones first. With folds, each is the mean over them.
    """

    rows: tuple[Answered, ...]
    area: float
    chance_area: float
    best_area: float

    def frame(self) -> pd.DataFrame:
        """Return one row a share: each score with its 95 % interval, and the same by chance."""
        records = []
        for row in self.rows:
            record: dict[str, Any] = {"share": row.share}
            for name in SHOWN:
                for prefix, interval in (("", row.scores[name]), ("chance_", row.chance[name])):
                    record |= {
                        f"{prefix}{name}": interval.mean,
                        f"{prefix}{name}_low": interval.low,
                        f"{prefix}{name}_high": interval.high,
                    }
            records.append(record)
        return pd.DataFrame(records).set_index("share")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "schema": "graphmml.abstention/1",
            "rows": [
                {
                    "share": row.share,
                    **{name: interval.to_dict() for name, interval in row.scores.items()},
                    "chance": {name: interval.to_dict() for name, interval in row.chance.items()},
                }
                for row in self.rows
            ],
            **{name: getattr(self, name) for name in ("area", "chance_area", "best_area")},
        }

    def __repr__(self) -> str:
        table = self.frame()[list(SHOWN)].round(3).to_string(na_rep="")
        areas = f"by chance {self.chance_area:.3f}, at best {self.best_area:.3f}"
        return f"{table}\narea under the error {self.area:.3f}; {areas}"


def abstention(
    codes: np.ndarray,
    p: np.ndarray,
    certainty: np.ndarray | None = None,
    *,
    blocks: np.ndarray | None = None,
    seed: int = 0,
) -> Abstention:
    """Score the patients who are answered when the least certain are left out first.

    `codes` are class numbers [patient] and `p` probabilities [patient, class]. `certainty` [patient] is the
    probability of the predicted class unless given; for conformal sets give minus their size. Ties are left out in
    an order drawn by chance. Intervals are a bootstrap over patients, those drawn together whom `blocks` [patient]
    gives one number; AUROC is undefined where one class is left.
    """
    sure = p.max(axis=1) if certainty is None else np.asarray(certainty, dtype=np.float64)
    if not len(codes) == len(p) == len(sure):
        raise CohortError(f"{len(codes)} outcomes, {len(p)} predictions and {len(sure)} certainties do not go together")
    if not len(codes):
        raise CohortError("there is nobody to answer; give one patient or more")
    if blocks is not None and len(blocks) != len(codes):
        raise CohortError(f"blocks numbers {len(blocks)} patients and there are {len(codes)}; give each patient one")
    answers = Answers(codes, p, sure, seed)

    def interval(score: Score) -> Interval:
        return over_patients(partial(score, answers), len(codes), blocks=blocks, seed=seed, draws=DRAWS)

    return curve([answers], interval, seed)


def abstention_of(result: CVResult, model: str, *, seed: int = 0) -> Abstention:
    """Score a cross-validated model when the least certain of each fold's test patients are left out first."""
    units = result.of(model)
    answers = {
        id(unit): Answers(unit.codes, unit.probabilities, unit.probabilities.max(axis=1), seed) for unit in units
    }

    def interval(score: Score) -> Interval:
        return result.interval_of(lambda unit, rows: score(answers[id(unit)], rows), units)

    return curve(list(answers.values()), interval, seed)


class Answers:
    """One set of test patients, and the place of each when all are ordered by certainty, the most certain first."""

    def __init__(self, codes: np.ndarray, p: np.ndarray, certainty: np.ndarray, seed: int) -> None:
        self.codes, self.p = codes, p
        by_chance = np.random.default_rng(seed).random(len(codes))
        self.order = np.lexsort((by_chance, -certainty))
        self.place = np.empty(len(codes), dtype=np.int64)
        self.place[self.order] = np.arange(len(codes))

    def surest(self, rows: np.ndarray, share: float) -> np.ndarray:
        """Return the most certain share of the rows."""
        return rows[np.argsort(self.place[rows], kind="stable")[: answered(share, len(rows))]]

    def score(self, metric: str, rows: np.ndarray) -> float:
        """Return a score of these patients."""
        return SHOWN[metric](self.codes[rows], self.p[rows])

    @property
    def wrong(self) -> np.ndarray:
        """Whether each patient's most probable class is not theirs: bool [patient]."""
        return np.asarray(self.p.argmax(axis=1) != self.codes)


Score = Callable[[Answers, np.ndarray], float]


def curve(answers: Sequence[Answers], interval: Callable[[Score], Interval], seed: int) -> Abstention:
    """Put the rows and areas together; `interval` makes an interval of a score of patients given by position."""
    rows = []
    for share in SHARES:
        scores = {}
        for name in SHOWN:
            score = partial(score_of_surest, metric=name, share=share)
            means = [score(one, np.arange(len(one.codes))) for one in answers]
            scores[name] = UNDEFINED if np.isnan(means).all() else interval(score)
        rows.append(Answered(share, scores, by_chance(answers, share, seed)))
    wrong = [one.wrong[one.order] for one in answers]
    return Abstention(
        rows=tuple(rows),
        area=float(np.mean([area(errors) for errors in wrong])),
        chance_area=float(np.mean([errors.mean() for errors in wrong])),
        best_area=float(np.mean([area(np.sort(errors)) for errors in wrong])),
    )


def score_of_surest(answers: Answers, rows: np.ndarray, *, metric: str, share: float) -> float:
    """Score the most certain share of the rows."""
    return answers.score(metric, answers.surest(rows, share))


def by_chance(answers: Sequence[Answers], share: float, seed: int) -> dict[str, Interval]:
    """Return the scores of as many patients drawn by chance: their mean and the middle 95 %."""
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in SHOWN}
    for _ in range(max(20, DRAWS // len(answers))):  # a mean over folds needs fewer
        some = [random.permutation(len(one.codes))[: answered(share, len(one.codes))] for one in answers]
        for name, values in drawn.items():
            values.append(mean_of([one.score(name, rows) for one, rows in zip(answers, some, strict=True)]))
    return {name: middle(np.array(values)) for name, values in drawn.items()}


def middle(values: np.ndarray) -> Interval:
    """Return the mean of those that are defined, and their middle 95 %."""
    known = values[~np.isnan(values)]
    if not len(known):
        return UNDEFINED
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(float(known.mean()), float(low), float(high))


def area(wrong: np.ndarray) -> float:
    """Return the mean, over how many are answered, of the share of them that is wrong; the most certain first."""
    return float((np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean())


def answered(share: float, patients: int) -> int:
    """Return how many patients a share is, one at least."""
    return max(1, int(np.ceil(share * patients - 1e-9)))
