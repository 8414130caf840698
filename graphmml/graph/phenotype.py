"""SharedPhenotype: link patients who agree on what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.agreeing import Stretches, agreement, by_column, phenotypes
from graphmml.graph.chance import mixed, own_position, rank_by_key, uniform
from graphmml.graph.relations import Relation, Relations

BLOCK = 1024
MOST_COLUMNS = 8


@dataclass(frozen=True)
class SharedPhenotype:
    """Each patient listens to up to k of the patients who agree with it on the phenotypes named.

    Names agree when equal, numbers when within `tolerance` (given by column; 0 where not). Missing never equals
    missing: it agrees with nobody. With `weights` (by column) an edge weighs the sum of those that agree, without
    them 1. `least` is how much must agree, in weights, or in phenotypes where there are none: `least=2` of three
    phenotypes links patients who agree on any two; None wants all. Those who agree on more come first; of the
    many who agree on as much, k are chosen by a hash of ids and `seed`, so that a site of 10,000 patients is not
    a clique of 50 million edges: the population graph of Parisot et al. (Medical Image Analysis 2018) is the
    case of k without bound.
    """

    columns: str | tuple[str, ...]
    tolerance: float | tuple[float, ...] = 0.0
    k: int = 10
    seed: int = 0
    weights: float | tuple[float, ...] | None = None
    least: float | None = None

    def __post_init__(self) -> None:
        names, spread = by_column(self.columns, self.tolerance, "tolerances", zero=True)
        object.__setattr__(self, "columns", names)
        object.__setattr__(self, "tolerance", spread)
        if self.weights is not None:
            object.__setattr__(self, "weights", by_column(names, self.weights, "weights", zero=False)[1])
        whole = sum(self.counted)
        refuse_numbers(self)
        if self.k < 1:
            raise GraphError(f"k is {self.k}; give at least one phenotype, and k of 1 or more")
        if self.least is not None and not 0 < self.least <= whole * (1 + 1e-9):
            raise GraphError(f"least is {self.least} of {whole:g} that can agree; give more than 0, up to {whole:g}")
        if self.least is not None and len(names) > MOST_COLUMNS:
            raise GraphError(
                f"least is {self.least} of {len(names)} phenotypes, too many combinations; name {MOST_COLUMNS} or fewer"
            )

    @property
    def counted(self) -> tuple[float, ...]:
        """What each phenotype counts towards `least`."""
        return self.weights if isinstance(self.weights, tuple) else (1.0,) * len(self.columns)

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation named after the phenotypes."""
        spread = self.tolerance if isinstance(self.tolerance, tuple) else (self.tolerance,)
        parts = phenotypes(source, target, self.columns, spread)
        order = rank_by_key(source)  # candidates stand in an order that ids alone decide
        own = own_position(source, target)
        picked = np.full((len(target), self.k), -1, dtype=np.int64)
        for level in self.levels():
            stretches = [Stretches.of([parts[at] for at in subset], order) for subset in level]
            open_rows = np.flatnonzero(picked[:, -1] < 0)
            for rows in np.array_split(open_rows, -(-len(open_rows) // BLOCK) or 1):
                pool = Pool.of([stretch.among(rows) for stretch in stretches])
                picked[rows] = pool.drawn(picked[rows], own[rows], target.keys[rows], source.keys, self.seed)
        targets, rank = np.nonzero(picked >= 0)
        sources = picked[targets, rank]
        weight = None if self.weights is None else agreement(parts, self.counted, sources, targets)
        return Relations((Relation.of("same_" + "_".join(self.columns), sources, targets, weight),))

    def levels(self) -> list[list[tuple[int, ...]]]:
        """Return the combinations of phenotypes that are enough, those that weigh the same together, heaviest first."""
        every = tuple(range(len(self.columns)))
        if self.least is None:
            return [[every]]
        weighed: dict[float, list[tuple[int, ...]]] = {}
        for subset in chain.from_iterable(combinations(every, size) for size in range(1, len(every) + 1)):
            weight = round(sum(self.counted[at] for at in subset), 9)
            if weight >= self.least - 1e-9:
                weighed.setdefault(weight, []).append(subset)
        return [weighed[weight] for weight in sorted(weighed, reverse=True)]


@dataclass(frozen=True, eq=False)
class Pool:
    """Several stretches of candidates for each target, read as one list of `total` positions."""

    candidates: np.ndarray
    start: np.ndarray
    before: np.ndarray
    after: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, stretches: Sequence[Stretches]) -> "Pool":
        """Join stretches one behind the other."""
        sizes = np.array([len(part.candidates) for part in stretches])
        start = np.stack([part.first for part in stretches], axis=1) + (np.cumsum(sizes) - sizes)
        width = np.stack([part.width for part in stretches], axis=1)
        after = np.cumsum(width, axis=1)
        return cls(np.concatenate([part.candidates for part in stretches]), start, after - width, after, after[:, -1])

    def at(self, rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Return the source patients at given positions of given targets' lists: int64 [pair]."""
        part = (positions[:, None] >= self.after[rows]).sum(axis=1)
        return np.asarray(self.candidates[self.start[rows, part] + positions - self.before[rows, part]])

    def drawn(
        self, picked: np.ndarray, own: np.ndarray, keys: np.ndarray, source_keys: np.ndarray, seed: int
    ) -> np.ndarray:
        """Fill each target's row of `picked` from its list by chance, nobody twice and never itself.

        Who stands in several stretches agrees on more than any of them asks, and was picked before: everybody
        else stands once, so that a position drawn evenly is a patient drawn evenly.
        """
        picked = picked.copy()
        stretches = self.after.shape[1]
        few = self.total <= 2 * (picked.shape[1] + 1) * stretches
        self.take_first(picked, np.flatnonzero(few), own, keys, source_keys, seed)
        rows = np.flatnonzero(~few)
        taken = (picked >= 0).sum(axis=1)
        salt = 0
        while len(rows):
            draw = np.floor(uniform(keys[rows], seed * 1009 + salt) * self.total[rows]).astype(np.int64)
            found = self.at(rows, draw)
            fresh = (found != own[rows]) & ~(picked[rows] == found[:, None]).any(axis=1)
            picked[rows[fresh], taken[rows[fresh]]] = found[fresh]
            taken[rows[fresh]] += 1
            rows = rows[taken[rows] < picked.shape[1]]
            salt += 1
        return picked

    def take_first(
        self,
        picked: np.ndarray,
        rows: np.ndarray,
        own: np.ndarray,
        keys: np.ndarray,
        source_keys: np.ndarray,
        seed: int,
    ) -> None:
        """Order short lists by a hash of both ids and take from the front, into `picked`."""
        at, position = np.nonzero(np.arange(self.total[rows].max(initial=0))[None, :] < self.total[rows, None])
        owner = rows[at]
        found = self.at(owner, position)
        fresh = (found != own[owner]) & ~(picked[owner] == found[:, None]).any(axis=1)
        owner, found = owner[fresh], found[fresh]
        order = np.lexsort((mixed(keys[owner] ^ mixed(source_keys[found], seed), seed), owner))
        owner, found = owner[order], found[order]
        again = np.zeros(len(owner), dtype=bool)  # only where one weight is lost in the rounding of another
        again[1:] = (owner[1:] == owner[:-1]) & (found[1:] == found[:-1])
        owner, found = owner[~again], found[~again]
        rank = np.arange(len(owner)) - np.searchsorted(owner, owner) + (picked >= 0).sum(axis=1)[owner]
        kept = rank < picked.shape[1]
        picked[owner[kept], rank[kept]] = found[kept]
