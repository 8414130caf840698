"""Patients whose encoded rows are the same but for a rounding error, found without comparing all with all."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphmml.data.columns import is_number

WINDOW = 64
"""So many rows that follow along one direction are looked at."""
BLOCK = 2_000_000
"""So many distances are worked out at a time."""
ROUNDING = 1e-5
"""Numbers nearer than this share of a standard deviation are the same."""


def sets_of_twins(rows: np.ndarray, within: float) -> np.ndarray:
    """Return a number for each row that rows in one set share: those joined by steps of at most `within`: int [row].

    Rows as near as that are as near along any direction, so that only those are compared which follow one another
    closely along one (float [row, column]). Of rows that are equal along it yet apart, WINDOW are compared.
    """
    _, first, member = np.unique(packed(rows), return_index=True, return_inverse=True)
    distinct = rows[first].astype(np.float64)
    direction = np.random.default_rng(0).normal(size=rows.shape[1])
    along = distinct @ (direction / np.linalg.norm(direction))
    order = np.argsort(along, kind="stable")
    height = along[order]
    pairs = []
    for shift in range(1, min(WINDOW, len(order) - 1) + 1):
        at = np.flatnonzero(height[shift:] - height[:-shift] <= within * (1 + 1e-9))
        if not len(at):
            break
        one, other = order[at], order[at + shift]
        close = np.linalg.norm(distinct[one] - distinct[other], axis=1) <= within
        pairs.append(np.stack([one[close], other[close]]))
    joined = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), dtype=np.int64)
    size = len(distinct)
    links = coo_array((np.ones(joined.shape[1]), (joined[0], joined[1])), shape=(size, size))
    _, component = connected_components(links, directed=False)
    return np.asarray(component[member.ravel()])


def packed(rows: np.ndarray) -> np.ndarray:
    """Return each row as one value that equal rows share; -0 is 0."""
    plain = np.ascontiguousarray(rows + 0.0)
    return plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()


def nearest_distances(rows: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return how far the nearest other row is from each of the chosen (int [row]): float [chosen]."""
    wide = rows.astype(np.float64)
    square = (wide**2).sum(axis=1)
    found = np.empty(len(chosen))
    step = max(1, BLOCK // max(len(rows), 1))
    for start in range(0, len(chosen), step):
        part = chosen[start : start + step]
        apart = square[part, None] + square[None, :] - 2.0 * (wide[part] @ wide.T)
        apart[np.arange(len(part)), part] = np.inf
        near = apart.argmin(axis=1)
        found[start : start + step] = np.linalg.norm(wide[part] - wide[near], axis=1)
    return found


def surprise(tables: Sequence[pd.DataFrame], rows: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many cells that each of `rows` shares with one of `others` say something, and bits: int, float [row].

    A value that a share s of patients has says -log2 s, so that another patient has all of them by chance, were
    columns independent, with probability 2^-bits. A cell says something if fewer than half have its value. Where a
    cell is another in the other one (encoded alike, as two rare codes are), bits are minus infinity.
    """
    cells, bits = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows))
    for table in tables:
        for _, column in table.items():
            codes, values = pd.factorize(column)
            share = np.append(np.bincount(codes[codes >= 0], minlength=len(values)) / max((codes >= 0).sum(), 1), 1.0)
            same = (codes[rows] == codes[others]) | nearly(column, rows, others)
            said = np.where(same, -np.log2(share[codes[rows]]), 0.0)
            said[~same & (codes[rows] >= 0) & (codes[others] >= 0)] = -np.inf
            cells += said > 1.0
            bits += said
    return cells, bits


def nearly(column: pd.Series, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return whether two numbers are the same but for a rounding error: bool [row]."""
    if not is_number(column):
        return np.zeros(len(rows), dtype=bool)
    one, other = (column.to_numpy(dtype=np.float64)[at] for at in (rows, others))
    return np.asarray(np.abs(one - other) <= ROUNDING * np.maximum(column.std(), 1e-300))
