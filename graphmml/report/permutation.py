"""Is it more than chance? Labels exchanged among patients, freely or within strata."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, triu

from graphmml.report.homophily import undirected

LARGE = 20_000
"""Above this many patients 199 exchanges are made, below it 999."""
BLOCK = 4_000_000
"""Exchanges are made together as long as they fill no more cells than this: [exchange, link]."""
CACHED = 4
"""Sums over links want all patients of a block in the processor's cache: so many times fewer exchanges together."""
FEW_WEIGHTS = 16
FEW_STRATA = 64
MOST_LABELS = 8
"""With more labels there is no p of informativeness: its table has too many cells to count for each exchange."""


@dataclass(frozen=True)
class Chance:
    """How often exchanges did as well. `adjusted` and `informativeness` are p; `z` is that of adjusted homophily."""

    adjusted: float = float("nan")
    informativeness: float = float("nan")
    z: float = float("nan")


def rounds_for(patients: int) -> int:
    """Return how many exchanges are made by default."""
    return 199 if patients > LARGE else 999


def smallest_p(patients: int) -> float:
    """Return the smallest p that the default exchanges can give."""
    return 1.0 / (rounds_for(patients) + 1)


def p_of(observed: float, drawn: np.ndarray) -> float:
    """Return the chance of at least as much: (b + 1) / (B + 1), never 0 (Phipson and Smyth 2010)."""
    return float(((drawn >= observed - 1e-12).sum() + 1) / (len(drawn) + 1))


def exchanges(values: np.ndarray, strata: np.ndarray, rounds: int, random: np.random.Generator) -> np.ndarray:
    """Return what each position holds once values traded places within their stratum: [exchange, position]."""
    drawn = np.tile(values, (rounds, 1))
    home = np.argsort(strata, kind="stable")
    sizes = np.unique(strata, return_counts=True)[1]
    if len(sizes) == 1:
        return random.permuted(drawn, axis=1, out=drawn)
    if len(sizes) > FEW_STRATA:
        order = np.argsort(random.random(drawn.shape) + np.unique(strata, return_inverse=True)[1], axis=1)
        drawn[:, home] = values[order]
        return drawn
    for members in np.split(home, np.cumsum(sizes)[:-1]):
        drawn[:, members] = random.permuted(drawn[:, members], axis=1)
    return drawn


def in_blocks(
    values: np.ndarray, strata: np.ndarray, rounds: int, cells: int, random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield `exchanges` in blocks that leave room for `cells` numbers an exchange."""
    block = max(1, BLOCK // max(cells, len(values), 1))
    for start in range(0, rounds, block):
        yield exchanges(values, strata, min(block, rounds - start), random)


def homophily_p(
    adjacency: csr_array,
    labels: np.ndarray,
    *,
    strata: np.ndarray | None = None,
    rounds: int | None = None,
    seed: int = 0,
) -> float:
    """Return the chance of an adjusted homophily at least as high if labels were exchanged among patients.

    With `strata` (int [patient]) labels trade places only within a stratum: what remains significant is not
    explained by the strata. p = (b + 1) / (B + 1), never 0 (Phipson and Smyth 2010). Unknown labels (-1) stay
    where they are and take no part; p is NaN without a link between known labels or with a single label.
    """
    return homophily_chance(adjacency, labels, strata=strata, rounds=rounds, seed=seed).adjusted


def homophily_chance(
    adjacency: csr_array,
    labels: np.ndarray,
    *,
    strata: np.ndarray | None = None,
    rounds: int | None = None,
    seed: int = 0,
    informed: bool = False,
) -> Chance:
    """Hold homophily (and label informativeness, if `informed`) against exchanges; see `homophily_p`."""
    rows = np.flatnonzero(labels >= 0)
    links = coo_array(triu(undirected(adjacency)[rows][:, rows]))
    own = np.unique(labels[rows], return_inverse=True)[1]
    count = int(own.max(initial=-1)) + 1
    if not links.nnz or count < 2:
        return Chance()
    own = own.astype(np.min_scalar_type(count))
    within = np.zeros(len(rows), dtype=np.int64) if strata is None else strata[rows]
    told = Links(links)
    measure = told.of_two if count == 2 else told.both if informed and count <= MOST_LABELS else told.adjusted_alone
    observed = measure(own[None, :], count)[:, 0]
    random = np.random.default_rng(seed)
    cells = CACHED * len(own) if count == 2 else len(told.weight)
    blocks = in_blocks(own, within, rounds or rounds_for(len(labels)), cells, random)
    drawn = np.concatenate([measure(block, count) for block in blocks], axis=1)
    return chance_of(observed, drawn)


def chance_of(observed: np.ndarray, drawn: np.ndarray) -> Chance:
    """Return both p and z, given what was measured and what exchanges gave: [measure, exchange]."""
    p = [p_of(float(one), many) for one, many in zip(observed, drawn, strict=True)]
    scatter = float(drawn[0].std())
    z = float((observed[0] - drawn[0].mean()) / scatter) if scatter > 1e-12 else float("nan")
    return Chance(p[0], p[1] if len(p) > 1 else float("nan"), z)


class Links:
    """Undirected links laid out so that many labellings are measured together: labels are [labelling, patient]."""

    def __init__(self, links: coo_array) -> None:
        weight = links.data.astype(np.float64)
        order = np.argsort(weight, kind="stable")
        self.one, self.other = links.row[order].astype(np.intp), links.col[order].astype(np.intp)
        self.weight, self.total = weight[order], float(weight.sum())
        size = links.shape[0]
        self.degree = np.bincount(self.one, self.weight, size) + np.bincount(self.other, self.weight, size)
        self.starts = np.flatnonzero(np.diff(self.weight, prepend=np.nan) != 0)
        exact = bool((self.weight % 1.0 == 0).all()) and self.total < 2**23  # sums of whole numbers lose nothing
        self.upper = csr_array(links).astype(np.float32 if exact else np.float64)

    def of_two(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Return what `both` does, of labels 0 and 1: links within the ones, and their ends, tell the whole table."""
        ones = likeness(self.upper, labels.astype(self.upper.dtype)) / self.total
        ends = self.ends(labels, count)
        across = np.maximum(ends[1] - ones, 0.0)
        zeros = np.maximum(ends[0] - across, 0.0)
        pairs = np.stack([ones, zeros, across, across])
        return np.stack([adjusted(ones + zeros, ends), informativeness(pairs, ends)])

    def adjusted_alone(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Return the adjusted homophily of each labelling, 0 where one label holds every link: [1, labelling]."""
        same = self.share(labels.take(self.one, axis=1) == labels.take(self.other, axis=1))
        return adjusted(same, self.ends(labels, count))[None, :]

    def both(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Return adjusted homophily and label informativeness of each labelling: [2, labelling]."""
        one, other = labels.take(self.one, axis=1), labels.take(self.other, axis=1)
        ends = self.ends(labels, count)
        pairs = np.empty((count, count, len(one)))
        for at in range(count):
            for to in range(at, count):
                hit = (one == at) & (other == to)
                pairs[at, to] = self.share(hit if at == to else hit | ((one == to) & (other == at)))
                pairs[at, to] = pairs[to, at] = pairs[at, to] / (1.0 if at == to else 2.0)
        same = np.trace(pairs)
        return np.stack([adjusted(same, ends), informativeness(pairs.reshape(-1, len(one)), ends)])

    def share(self, hit: np.ndarray) -> np.ndarray:
        """Return the weight of the links that are hit over that of all: [labelling], from bool [labelling, link]."""
        if len(self.starts) > FEW_WEIGHTS:
            return np.asarray(hit @ self.weight) / self.total
        counts = [np.count_nonzero(part, axis=1) for part in np.split(hit, self.starts[1:], axis=1)]
        return np.asarray(self.weight[self.starts] @ np.stack(counts)) / self.total

    def ends(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Return the share of link ends at each label: [label, labelling]."""
        held = [(labels == at) @ self.degree for at in range(count - 1)] if count <= FEW_WEIGHTS else None
        if held is not None:
            shares = np.stack(held) / (2.0 * self.total)
            return np.concatenate([shares, np.maximum(1.0 - shares.sum(axis=0, keepdims=True), 0.0)])
        cells = labels.astype(np.int64) + count * np.arange(len(labels))[:, None]
        found = np.bincount(cells.ravel(), np.tile(self.degree, len(labels)), count * len(labels))
        return np.asarray(found.reshape(len(labels), count).T / (2.0 * self.total))


def likeness(links: csr_array, values: np.ndarray) -> np.ndarray:
    """Return the sum over links of the product of both ends, for each row of values: [exchange]."""
    across = np.ascontiguousarray(values.T)
    return np.asarray((across * (links @ across)).sum(axis=0, dtype=np.float64))


def adjusted(same: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return adjusted homophily from the share of equal links and the shares of ends: [labelling]."""
    chance = (ends**2).sum(axis=0)
    some = chance < 1.0 - 1e-12
    return np.asarray(np.divide(same - chance, 1.0 - chance, out=np.zeros(len(same)), where=some))


def informativeness(pairs: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return label informativeness from the shares of pairs and of ends, 0 where one label holds every link."""
    joint, single = (np.where(x > 0, x * np.log(np.maximum(x, 1e-300)), 0.0).sum(axis=0) for x in (pairs, ends))
    return np.asarray(np.where(single < -1e-12, 2.0 - joint / np.minimum(single, -1e-12), 0.0))
