"""SharedPhenotype: link patients who agree on what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphmml.data.columns import is_number
from graphmml.data.encode import EncodedCohort
from graphmml.errors import GraphError
from graphmml.graph.chance import choose, own_position, rank_by_key
from graphmml.graph.relations import Relation, Relations

BLOCK = 1024


@dataclass(frozen=True)
class SharedPhenotype:
    """Each patient listens to up to k of the patients who agree with it on every phenotype named.

    Names agree when equal, numbers when within `tolerance` (given by column; 0 where not). Missing never equals
    missing: a patient who lacks one of the phenotypes gets no link. Of the many who agree, k are chosen by a
    hash of ids and `seed`, so that a site of 10,000 patients is not a clique of 50 million edges; the population
    graph of Parisot et al. (Medical Image Analysis 2018) is the case of k without bound.
    """

    columns: str | tuple[str, ...]
    tolerance: float | tuple[float, ...] = 0.0
    k: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        names = (self.columns,) if isinstance(self.columns, str) else tuple(self.columns)
        spread = self.tolerance if isinstance(self.tolerance, (tuple, list)) else (self.tolerance,) * len(names)
        object.__setattr__(self, "columns", names)
        object.__setattr__(self, "tolerance", tuple(float(value) for value in spread))
        if not names or len(spread) != len(names) or min(spread) < 0 or self.k < 1:
            raise GraphError(
                f"{len(names)} phenotypes, {len(spread)} tolerances and k = {self.k} were given; "
                "give at least one phenotype, one tolerance of zero or more for each, and k of 1 or more"
            )

    @property
    def by_column(self) -> Mapping[str, float]:
        """The tolerance of each phenotype."""
        spread = self.tolerance if isinstance(self.tolerance, tuple) else (self.tolerance,)
        return dict(zip(self.columns, spread, strict=True))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation named after the phenotypes."""
        exact: list[str] = []
        near: list[str] = []
        for column, tolerance in self.by_column.items():
            (near if is_number(source.column(column)) and tolerance > 0 else exact).append(column)
        order = rank_by_key(source)  # candidates stand in an order that ids alone decide
        groups = agreeing(source, target, exact)
        own = own_position(source, target)
        sources, targets = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for there, here in groups:
            candidates = order[np.isin(order, there)]
            chosen_source, chosen_target = self.within(candidates, here, near, source, target, own)
            sources.append(chosen_source)
            targets.append(chosen_target)
        name = "same_" + "_".join(self.columns)
        return Relations((Relation.of(name, np.concatenate(sources), np.concatenate(targets)),))

    def within(
        self,
        candidates: np.ndarray,
        here: np.ndarray,
        near: list[str],
        source: EncodedCohort,
        target: EncodedCohort,
        own: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose among the candidates of one group; numbers must be within their tolerance."""
        first, width = np.zeros(len(here), dtype=np.int64), np.full(len(here), len(candidates))
        if near:
            candidates, first, width, here = windows(
                candidates, here, source.column(near[0]), target.column(near[0]), self.by_column[near[0]]
            )
        if len(near) < 2:
            return self.drawn(candidates, first, width, here, target.keys, own)
        further = [
            (source.column(column).to_numpy(), target.column(column).to_numpy(), self.by_column[column])
            for column in near[1:]
        ]
        sources, targets = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for start in range(0, len(here), BLOCK):
            rows = slice(start, start + BLOCK)
            chosen = self.drawn(*narrowed(candidates, first[rows], width[rows], here[rows], further), target.keys, own)
            sources.append(chosen[0])
            targets.append(chosen[1])
        return np.concatenate(sources), np.concatenate(targets)

    def drawn(
        self,
        candidates: np.ndarray,
        first: np.ndarray,
        width: np.ndarray,
        here: np.ndarray,
        keys: np.ndarray,
        own: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw up to k of each target's stretch of the candidates, never itself."""
        # one more than k, since a patient may draw itself
        drawn = choose(keys[here], width, self.k + 1, self.seed)
        picked = np.where(drawn < 0, -1, candidates[np.minimum(first[:, None] + drawn, len(candidates) - 1)])
        picked[picked == own[here, None]] = -1
        surplus = np.cumsum(picked >= 0, axis=1) > self.k
        picked[surplus] = -1
        rows, rank = np.nonzero(picked >= 0)
        return picked[rows, rank], here[rows]


def agreeing(source: EncodedCohort, target: EncodedCohort, columns: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (source positions, target positions) of each combination of values that both sides have."""
    if not columns:
        return [(np.arange(len(source)), np.arange(len(target)))]
    there = combined(source, columns)
    here = combined(target, columns)
    mine = here.groupby(here).indices
    return [(rows, mine[value]) for value, rows in there.groupby(there).indices.items() if value in mine]


def combined(cohort: EncodedCohort, columns: list[str]) -> pd.Series:
    """Write several phenotypes as one value; missing if any of them is."""
    parts = [cohort.column(column).reset_index(drop=True) for column in columns]
    known = np.logical_and.reduce([part.notna().to_numpy() for part in parts])
    text = parts[0].astype("object").astype(str)
    for part in parts[1:]:
        text = text + "\x1f" + part.astype("object").astype(str)
    return text.where(known)


def windows(
    candidates: np.ndarray,
    here: np.ndarray,
    there_values: pd.Series,
    here_values: pd.Series,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sort candidates by a number and find each target's window in them; those without the number drop out."""
    values = there_values.to_numpy(dtype=np.float64)[candidates]
    candidates, values = candidates[~np.isnan(values)], values[~np.isnan(values)]
    order = np.argsort(values, kind="stable")
    candidates, values = candidates[order], values[order]
    wanted = here_values.to_numpy(dtype=np.float64)[here]
    here, wanted = here[~np.isnan(wanted)], wanted[~np.isnan(wanted)]
    first = np.searchsorted(values, wanted - tolerance, side="left")
    last = np.searchsorted(values, wanted + tolerance, side="right")
    some = last > first
    return candidates, first[some], (last - first)[some], here[some]


def narrowed(
    candidates: np.ndarray,
    first: np.ndarray,
    width: np.ndarray,
    here: np.ndarray,
    further: Sequence[tuple[np.ndarray, np.ndarray, float]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Keep of each target's window those near enough in further numbers; targets with nobody left drop out."""
    kept = []
    for at, start, count in zip(here, first, width, strict=True):
        window = candidates[start : start + count]
        near = [np.abs(there[window] - mine[at]) <= tolerance for there, mine, tolerance in further]
        kept.append(window[np.logical_and.reduce(near)])
    left = np.array([len(part) for part in kept], dtype=np.int64)
    return np.concatenate(kept), (np.cumsum(left) - left)[left > 0], left[left > 0], here[left > 0]
