"""Coalitions: which subsets of modalities are asked, and how their scores become each modality's share."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial

import numpy as np

MOST_EXACT = 8
"""Modalities up to which every subset is asked."""
ORDERS = 64
"""Orders in which modalities are added where there are more, half of them drawn and half those reversed."""


@dataclass(frozen=True, eq=False)
class Coalitions:
    """Which subsets are asked, nothing first and everything last, and how their scores make a modality's worth.

    `subsets` is bool [subset, modality]; `drop_one` and `shapley` are float64 [modality, subset], and `pairs` the
    Shapley values of each pair of orders, [pair, modality, subset], none where all subsets are asked.
    """

    subsets: np.ndarray
    drop_one: np.ndarray
    shapley: np.ndarray
    pairs: np.ndarray

    def error(self, modality: int, values: np.ndarray) -> float:
        """Return the standard error that a Shapley value has from drawing orders."""
        if not len(self.pairs):
            return 0.0
        return float((self.pairs[:, modality] @ values).std(ddof=1) / np.sqrt(len(self.pairs)))


def coalitions(modalities: int, random: np.random.Generator) -> Coalitions:
    """Ask every subset of few modalities, and those along drawn orders of many."""
    if modalities <= MOST_EXACT:
        subsets = (np.arange(2**modalities)[:, None] >> np.arange(modalities)) % 2 == 1
        pairs = np.zeros((0, modalities, len(subsets)))
        return Coalitions(subsets, drop_one_of(subsets), shapley_of(subsets), pairs)
    drawn = [random.permutation(modalities) for _ in range(ORDERS // 2)]
    orders = [order for one in drawn for order in (one, one[::-1])]
    all_but_one = list(~np.eye(modalities, dtype=bool))
    rows = np.unique([*all_but_one, *(step for order in orders for step in steps(order))], axis=0)
    subsets = rows[np.argsort(rows.sum(axis=1), kind="stable")]
    place = {subset.tobytes(): row for row, subset in enumerate(subsets)}
    gains = np.zeros((len(orders), modalities, len(subsets)))
    for gain, order in zip(gains, orders, strict=True):
        at = [place[step.tobytes()] for step in steps(order)]
        gain[order, at[1:]] += 1.0
        gain[order, at[:-1]] -= 1.0
    pairs = (gains[::2] + gains[1::2]) / 2
    return Coalitions(subsets, drop_one_of(subsets), pairs.mean(axis=0), pairs)


def steps(order: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the subsets from nothing to everything as modalities are added in this order: bool [modality]."""
    for count in range(len(order) + 1):
        yield np.isin(np.arange(len(order)), order[:count])


def drop_one_of(subsets: np.ndarray) -> np.ndarray:
    """Return everything less everything but one: float64 [modality, subset]."""
    size = subsets.sum(axis=1)
    without = (size == subsets.shape[1] - 1) & ~subsets.T
    return np.asarray((size == subsets.shape[1]).astype(float) - without)


def shapley_of(subsets: np.ndarray) -> np.ndarray:
    """Return the weights of all subsets' scores in each Shapley value: float64 [modality, subset]."""
    count = subsets.shape[1]
    size = subsets.sum(axis=1) - subsets.T  # of the others in the subset
    weight = np.array([factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)])
    return np.asarray(np.where(subsets.T, 1.0, -1.0) * weight[size])
