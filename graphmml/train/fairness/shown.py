"""What may be shown of each value, put into rows and gaps: nothing of a small cell, nor what gives it away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphmml.data.grouping import Grouping
from graphmml.errors import CohortError
from graphmml.train.fairness.cells import Cells, cells_of
from graphmml.train.fairness.gaps import GAPS, Contrast, Gap, Spread, adjusted, gap
from graphmml.train.fairness.measures import RATES, TELLING, WITHOUT_OUTCOME
from graphmml.train.fairness.predicted import Predicted, Tested
from graphmml.train.fairness.result import ValueScores
from graphmml.train.intervals import Interval


@dataclass(frozen=True, eq=False)
class Ground:
    """A grouping of the tested patients, the unknown counted, and what of it may be shown."""

    group: Grouping
    cells: Cells
    several: bool

    def shown(self, measure: str) -> np.ndarray:
        """Which values may be shown by this measure: bool [value]."""
        open_ = ~self.cells.masked
        if self.several:
            return open_
        if measure not in WITHOUT_OUTCOME:
            open_ = open_ & ~self.cells.few
        return np.asarray(open_ & ~self.cells.kept_back if measure in TELLING else open_)


@dataclass(frozen=True, eq=False)
class Weighed:
    """One model's scores and their draws by grouping: [measure, value] and [measure, value, resample]."""

    model: Predicted
    scores: tuple[np.ndarray, ...]
    draws: tuple[np.ndarray, ...]


def laid_out(groups: Sequence[Grouping], people: Tested, min_cell: int) -> list[Ground]:
    """Count the tested patients of each grouping and decide what is shown."""
    several = people.models[0].judged[0].p.shape[1] > 2
    hit = people.codes == 1
    found: list[Ground] = []
    for group in groups:
        closed = group[people.rows].closed()
        marginals = [ground.cells for ground in found] if group.parts else []
        cells = cells_of(closed, hit, min_cell, marginals=marginals)
        if not group.parts and (~cells.masked & closed.known).sum() < 2:
            raise CohortError(
                f"no two values of '{group.name}' can be shown: those of fewer than {min_cell} patients are masked, "
                "and others from which their count could be worked out; merge small values in the cohort's table"
            )
        found.append(Ground(closed, cells, several))
    return found


def rows_of(weighed: Weighed, grounds: Sequence[Ground]) -> Iterator[ValueScores]:
    """Yield one model's rows."""
    model = weighed.model
    for ground, scores, draws in zip(grounds, weighed.scores, weighed.draws, strict=True):
        cells = ground.cells
        among = denominators(model, ground)
        for at, value in enumerate(ground.group.values):
            intervals = {
                name: interval_of(name, scores[place, at], draws[place, at], among.get(name, cells.patients)[at])
                for place, name in enumerate(model.measures)
                if ground.shown(name)[at] and enough(name, among, at, ground)
            }
            if cells.kept_back[at]:
                intervals = {name: rounded(one) for name, one in intervals.items()}
            secret = cells.masked[at] or cells.few[at] or cells.kept_back[at] or ground.several
            yield ValueScores(
                model=model.model,
                kind=model.kind,
                group=ground.group.name,
                value=value,
                patients=None if cells.masked[at] else int(cells.patients[at]),
                positives=None if secret else int(cells.positives[at]),
                scores=intervals,
                note=note_of(ground, at),
            )


def enough(name: str, among: dict[str, np.ndarray], at: int, ground: Ground) -> bool:
    """Return whether a share is among more than a small cell; only those called positive may still be few."""
    return name != "ppv" or bool(among[name][at] >= ground.cells.least)


def denominators(model: Predicted, ground: Ground) -> dict[str, np.ndarray]:
    """Return how many patients each share is among: [value]."""
    cells = ground.cells
    if ground.several:
        return {}
    whole = {"sensitivity": cells.positives, "specificity": cells.patients - cells.positives}
    return whole | {
        "ppv": model.called(ground.group),
        "prevalence": cells.patients,
        "selection_rate": cells.patients,
    }


def note_of(ground: Ground, at: int) -> str:
    """Say why something is not shown."""
    cells = ground.cells
    if cells.masked[at]:
        return "masked"
    if cells.few[at] and not ground.several:
        return "too few patients of a class: what rests on the outcome is masked"
    return (
        "counts masked, since another's could be worked out from them; scores are rounded"
        if cells.kept_back[at]
        else ""
    )


def interval_of(name: str, score: float, draws: np.ndarray, among: float) -> Interval:
    """Return the percentile interval of a score; of a share of 0 or 1, which draws cannot leave, Wilson's (1927)."""
    known = draws[np.isfinite(draws)]
    if np.isnan(score) or len(known) < len(draws) / 2:
        return Interval(float(score), float("nan"), float("nan"))
    low, high = (float(end) for end in np.quantile(known, [0.025, 0.975]))
    if name in RATES and low == high and low in (0.0, 1.0):
        reach = 1.959964**2 / (among + 1.959964**2)
        low, high = (0.0, reach) if score < 0.5 else (1.0 - reach, 1.0)
    return Interval(float(score), low, high)


def rounded(interval: Interval) -> Interval:
    """Return the interval to two digits, too few to find a denominator by."""
    return Interval(round(interval.mean, 2), round(interval.low, 2), round(interval.high, 2))


def gaps_of(weighed: Weighed, grounds: Sequence[Ground]) -> tuple[Gap, ...]:
    """Return one model's gaps in every grouping, p adjusted over all of them."""
    model, found = weighed.model, []
    for ground, scores, draws in zip(grounds, weighed.scores, weighed.draws, strict=True):
        for name, measures in GAPS.items():
            if not set(measures) <= set(model.measures):
                continue
            spreads = [spread_of(measure, weighed.model, ground, scores, draws) for measure in measures]
            one = gap(model.model, ground.group.name, name, spreads)
            if one is not None:
                found.append(blurred(one) if ground.cells.kept_back.any() else one)
    return adjusted(found)


def spread_of(measure: str, model: Predicted, ground: Ground, scores: np.ndarray, draws: np.ndarray) -> Spread:
    """Return one measure over the known values that may be shown by it."""
    place = model.measures.index(measure)
    among = denominators(model, ground)
    use = [
        at
        for at in np.flatnonzero(ground.shown(measure) & ground.group.known)
        if np.isfinite(scores[place, at]) and enough(measure, among, int(at), ground)
    ]
    values = tuple(ground.group.values[at] for at in use)
    sizes = among.get(measure, ground.cells.patients)[use]
    return Spread(measure, values, scores[place, use], draws[place, use], sizes)


def blurred(one: Gap) -> Gap:
    """Return a gap rounded to two digits, where a value's scores are."""

    def blur(contrast: Contrast) -> Contrast:
        return replace(contrast, difference=rounded(contrast.difference), ratio=rounded(contrast.ratio))

    return replace(one, largest=blur(one.largest), clearest=blur(one.clearest))
