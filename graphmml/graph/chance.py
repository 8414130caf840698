"""Choices by chance that depend on patient ids and a seed, never on row order or on who else is there."""

import numpy as np

from graphmml.data.encode import EncodedCohort


def mixed(keys: np.ndarray, salt: int) -> np.ndarray:
    """Scramble 64-bit keys with a salt: the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    step = np.uint64((0x9E3779B97F4A7C15 * (salt + 1)) & 0xFFFFFFFFFFFFFFFF)
    z = keys.astype(np.uint64) + step
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def uniform(keys: np.ndarray, salt: int) -> np.ndarray:
    """Return a number in [0, 1) for each key: float64."""
    return np.asarray((mixed(keys, salt) >> np.uint64(11)).astype(np.float64) / 2.0**53)


def choose(keys: np.ndarray, sizes: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Choose up to k distinct positions below each patient's own size: int64 [patient, k], -1 where fewer.

    A size of at most k takes every position.
    """
    chosen = np.full((len(keys), k), -1, dtype=np.int64)
    few = sizes <= k
    steps = np.arange(k)[None, :]
    chosen[few] = np.where(steps < sizes[few, None], steps, -1)
    many = np.flatnonzero(~few)
    taken = np.zeros(len(many), dtype=np.int64)
    salt = 0
    while len(many):
        draw = np.floor(uniform(keys[many], seed * 1009 + salt) * sizes[many]).astype(np.int64)
        fresh = ~(chosen[many] == draw[:, None]).any(axis=1)
        chosen[many[fresh], taken[fresh]] = draw[fresh]
        taken = taken + fresh
        salt += 1
        many, taken = many[taken < k], taken[taken < k]
    return chosen


def rank_by_key(source: EncodedCohort) -> np.ndarray:
    """Return the source positions in an order that depends on their ids alone: int64 [patient]."""
    return np.lexsort((source.ids.to_numpy(dtype=str), source.keys))


def own_position(source: EncodedCohort, target: EncodedCohort) -> np.ndarray:
    """Return where each target patient stands in the source, -1 for a newcomer: int64 [target]."""
    return np.asarray(source.ids.get_indexer(target.ids), dtype=np.int64)
