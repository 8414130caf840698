"""What each modality is worth to a fitted model: how much better held-out patients are predicted with it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.data.folds import block_numbers
from graphmml.data.ids import among
from graphmml.data.kinds import wanted
from graphmml.errors import CohortError
from graphmml.train.coalitions import coalitions
from graphmml.train.growing import new_codes
from graphmml.train.intervals import Interval, over_draws, span
from graphmml.train.layers import Inner, Layer, innermost
from graphmml.train.weighted_scores import LOWER_IS_BETTER, RANKED, WEIGHTED, resampled

FEWEST = 5
"""Patients who must have a modality for its worth to be told."""
SAME = 1e-6
"""Probabilities next to each other whose logits are no further apart are one ..."""
WIDEST = 10.0
"""... unless the run of them is so many times as wide."""
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Worth:
    """One modality: how many have it, its two worths, and the standard error of drawing orders (0 if none were)."""

    modality: str
    patients: int
    drop_one: Interval
    shapley: Interval
    error: float

    @property
    def note(self) -> str:
        """Why there is no number, if there is none."""
        few = self.patients < FEWEST
        return f"{self.patients} of the patients have it and {FEWEST} are wanted" if few else ""


@dataclass(frozen=True, eq=False, repr=False)
class ModalityWorth:
    """The worth of every modality, the highest first; positive is good, whichever way the score goes.

    `everything` and `nothing` are the score itself, with all that patients have and with nothing measured. Where
    `orders` is 0 all `subsets` there are were asked, and the Shapley values sum to the difference of the two.
    """

    score: str
    patients: int
    everything: Interval
    nothing: Interval
    worths: tuple[Worth, ...]
    subsets: int
    orders: int

    def frame(self) -> pd.DataFrame:
        """Return one row a modality: patients who have it, both worths with 95 % intervals, a note."""
        return pd.DataFrame(
            {
                "modality": worth.modality,
                "patients": worth.patients,
                **columns("drop_one", worth.drop_one),
                **columns("shapley", worth.shapley),
                "shapley_error": worth.error,
                "note": worth.note,
            }
            for worth in self.worths
        ).set_index("modality")

    def __repr__(self) -> str:
        most = float(np.nanmax([worth.error for worth in self.worths], initial=0.0))
        drawn = f"{self.orders} orders of modalities, standard error of that at most {most:.4f}"
        lines = [
            f"Worth of modalities by {self.score} of {self.patients} held-out patients, "
            f"{drawn if self.orders else f'all {self.subsets} subsets'}",
            f"  with everything {span(self.everything)}, with nothing {span(self.nothing)}",
        ]
        width = max(len(worth.modality) for worth in self.worths)
        for worth in self.worths:
            told = f"Shapley {span(worth.shapley, '+')}, drop one {span(worth.drop_one, '+')}, n = {worth.patients}"
            lines.append(f"  {worth.modality:<{width}}  {worth.note or told}")
        return "\n".join(lines)


def modality_worth(
    model: Inner | Layer,
    cohort: Cohort,
    *,
    score: str = "auroc",
    seed: int = 0,
    resamples: int = 1000,
    watch: Watch | None = None,
) -> ModalityWorth:
    """Say what each modality adds to the score of patients whom the model was not fitted on.

    Patients are predicted as if they had nothing but a subset of their modalities, links included; training patients
    keep theirs, and groups and dates of visits stay known. `drop_one` is what the score loses without the modality:
    nothing, where another one says the same. `shapley` shares the gain of everything over nothing out fairly
    (Shapley 1953; for modalities SHAPE, Hu, Li and Zhou, IJCAI 2022, who put zeros in place of absent ones, where
    here the model is told that they are absent; for a score on held-out data SAGE, Covert, Lundberg and Lee,
    NeurIPS 2020, who draw absent features from others). It is the worth to this model, not to one trained without;
    a model that met no missing modality in training (`drop` of Intermediate hides some) may do badly on subsets.

    Every subset is asked of up to 8 modalities; beyond, 64 orders in antithetic pairs (Mitchell et al., JMLR 2022),
    drawn by `seed`. Intervals are a percentile bootstrap of `resamples` draws of patients, or of blocks where the
    cohort has them: they do not say how the model would vary with its training. `score` is auroc, auprc, accuracy,
    balanced_accuracy, f1_macro, mcc, brier or log_loss. A modality that fewer than five patients have gets NaN.
    `watch` is told how many subsets are done, of how many. A CalibratedClassifier is asked before calibration. A
    plain model (`Baseline`) is asked alike.
    """
    if score not in RANKED:
        raise CohortError(f"score is '{score}'; choose one of {', '.join(RANKED)}")
    if resamples < 1:
        raise CohortError(f"resamples is {resamples}; choose one or more, 1000 is usual")
    model.check_fitted()
    inner = innermost(model)
    target, codes, blocks = held_out(inner, cohort)
    has = held(target)
    players = np.flatnonzero(has.any(axis=0))
    asked = coalitions(len(players), np.random.default_rng(seed))
    kept = np.zeros((len(asked.subsets), len(target.modalities)), dtype=bool)
    kept[:, players] = asked.subsets
    counts = resampled(len(codes), resamples, seed, blocks)
    point, draws = scored(score, codes, predictions(inner, target, kept, watch), counts)
    sign = -1.0 if score in LOWER_IS_BETTER else 1.0
    have = has.sum(axis=0)
    worths = [untold(name, int(have[at])) for at, name in enumerate(target.modalities)]
    for row, at in enumerate(players):
        if have[at] >= FEWEST:
            drop, share = sign * asked.drop_one[row], sign * asked.shapley[row]
            worths[at] = replace(
                worths[at],
                drop_one=over_draws(float(drop @ point), drop @ draws),
                shapley=over_draws(float(share @ point), share @ draws),
                error=asked.error(row, point),
            )
    worths.sort(key=lambda worth: -np.inf if np.isnan(worth.shapley.mean) else worth.shapley.mean, reverse=True)
    return ModalityWorth(
        score=score,
        patients=len(target),
        everything=over_draws(float(point[-1]), draws[-1]),
        nothing=over_draws(float(point[0]), draws[0]),
        worths=tuple(worths),
        subsets=len(kept),
        orders=2 * len(asked.pairs),
    )


def held_out(model: Inner, cohort: Cohort) -> tuple[EncodedCohort, np.ndarray, np.ndarray | None]:
    """Return the patients with a known outcome, encoded, their classes and blocks by number; refuse those of training.

    Blocks are None where the cohort has none.
    """
    wanted(cohort, Cohort)
    known = int(among(cohort.ids, model.source_.ids).sum())
    if known:
        raise CohortError(
            f"{known} of {len(cohort)} patients are in the model's training; worth is told on patients it has not "
            "seen: give those that were held out"
        )
    codes = new_codes(model, cohort)
    rows = np.flatnonzero(codes >= 0)
    if len(np.unique(codes[rows])) < 2:
        raise CohortError(
            f"{len(rows)} of {len(cohort)} patients have a known outcome, of {len(np.unique(codes[rows]))} class(es); "
            "two classes are wanted"
        )
    target = model.encoder_.transform(cohort[rows])
    if not held(target).any():
        raise CohortError(
            f"none of the {len(rows)} patients has anything measured that the model knows; it was fitted on "
            f"{', '.join(target.modalities)}"
        )
    return target, codes[rows], block_numbers(cohort, rows)


def predictions(model: Inner, target: EncodedCohort, kept: np.ndarray, watch: Watch | None) -> Iterator[np.ndarray]:
    """Yield the probabilities of patients who keep these modalities alone: float64 [patient, class], a subset each.

    Patients who lack a modality anyhow are not asked again without it.
    """
    patterns, which = np.unique(held(target), axis=0, return_inverse=True)
    known: dict[tuple[int, bytes], np.ndarray] = {}
    for done, subset in enumerate(kept):
        wanted = [(at, (pattern & subset).tobytes()) for at, pattern in enumerate(patterns)]
        new = np.isin(which, [at for at, key in enumerate(wanted) if key not in known])
        if new.any():
            p = np.empty((len(target), len(model.classes_)))
            people = target if new.all() else target[new]
            p[new] = model.predict_encoded(lacking(people, ~subset)).mean(axis=0)
            known |= {key: p[which == key[0]] for key in wanted if key not in known}
        whole = np.empty((len(target), len(model.classes_)))
        for at, key in enumerate(wanted):
            whole[which == at] = known[key]
        if watch is not None:
            watch(done + 1, len(kept))
        yield settled(whole)


def settled(p: np.ndarray) -> np.ndarray:
    """Make equal what differs in the last bits of float32 alone, for these put nobody before another.

    Patients of whom the same is known are asked in batches of other sizes, and sums come out otherwise.
    """
    return np.stack([settled_class(p[:, at]) for at in range(p.shape[1])], axis=1)


def settled_class(p: np.ndarray) -> np.ndarray:
    """Put means for runs of probabilities of one class that are so near: float64 [patient].

    Near is meant of their logits. A run that goes on and on is no rounding: where many patients stand close, as of a
    rare class, all differ from the next by little and from the last by much.
    """
    order = np.argsort(p, kind="stable")
    ordered = p[order]
    near = SAME * np.maximum(ordered * (1.0 - ordered), np.finfo(np.float64).tiny)
    run = np.cumsum(np.diff(ordered, prepend=ordered[:1]) > near)
    starts = np.flatnonzero(np.diff(run, prepend=-1))
    means = np.add.reduceat(ordered, starts) / np.bincount(run)
    wide = np.maximum.reduceat(ordered, starts) - ordered[starts] > WIDEST * near[starts]
    whole = np.empty_like(p)
    whole[order] = np.where(wide[run], ordered, means[run])
    return whole


def held(target: EncodedCohort) -> np.ndarray:
    """Return who has anything in which modality, be it a code of a visit alone: bool [patient, modality]."""
    has = {name: table.notna().any(axis=1).to_numpy(dtype=bool) for name, table in target.tables.items()}
    for name, rows in target.timeline.events.items():
        if name in has:
            has[name] = has[name] | among(target.ids, pd.Index(rows["id"]))
    return np.stack(list(has.values()), axis=1)


def lacking(target: EncodedCohort, hidden: np.ndarray) -> EncodedCohort:
    """Return patients as if nobody had the hidden modalities: bool [modality]."""
    gone = {name for name, away in zip(target.modalities, hidden, strict=True) if away}
    events = {name: rows[:0] if name in gone else rows for name, rows in target.timeline.events.items()}
    return replace(
        target,
        features={name: np.zeros_like(x) if name in gone else x for name, x in target.features.items()},
        present=target.present & ~hidden,
        tables={name: x[:0].reindex(x.index) if name in gone else x for name, x in target.tables.items()},
        timeline=replace(target.timeline, events=events),
    )


def scored(
    score: str, codes: np.ndarray, p: Iterator[np.ndarray], drawn: Iterable[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Score each subset's predictions: of the patients as they are [subset], and resampled [subset, resample].

    `drawn` is how often each resample draws a patient, in parts: float64 [patient, resample].
    """
    of = WEIGHTED[score]
    answers = np.stack(list(p))
    point = np.array([of(codes, answer, np.ones((len(codes), 1)))[0] for answer in answers])
    return point, np.concatenate([np.stack([of(codes, one, c) for one in answers]) for c in drawn], axis=1)


def untold(modality: str, patients: int) -> Worth:
    """Return a modality whose worth is not told."""
    nothing = Interval(np.nan, np.nan, np.nan)
    return Worth(modality, patients, nothing, nothing, np.nan)


def columns(name: str, value: Interval) -> dict[str, float]:
    """Return a value and its interval by column."""
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
