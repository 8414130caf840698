"""Patients who stand in a cohort twice: cell by cell, nearly, or in one modality only; never by comparing all pairs."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphmml.data.cohort import Cohort, number_columns
from graphmml.data.columns import is_number

TELLING_CELLS = 5
"""So many unusual cells at least must two patients share before we call them duplicates."""
BITS_TO_SPARE = 20.0
"""By so much (2 to that power) must chance be excluded."""
COLUMNS = 24
"""So many telling columns of a modality are compared when patients may differ in some."""
ALIKE = 0.6
"""Columns that go together more closely than this count as one piece of evidence."""
STEPS = 50
"""Numbers agree within this part of the distance between their quartiles."""
CROWD = 20
"""Of more patients who share a block of cells only neighbours in order are compared."""
TRIED = 2
"""So often the columns are put into blocks anew."""
MOST_BITS = 8.0
MIDDLE = 0.2
"""Within so many standard deviations of the mean or the median a value may have been filled in."""
SAMPLE = 2000

Pairs = np.ndarray
"""Positions of two patients: int [pair, 2]."""
NOBODY: Pairs = np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Copies:
    """Pairs of patients who agree beyond chance: in every cell, in nearly all, in all of one modality.

    `filled` are those whose modality is nothing but the columns' means: nobody's measurements.
    """

    exact: Pairs
    near: Pairs
    partial: dict[str, Pairs]
    filled: dict[str, Pairs]

    @property
    def whole(self) -> Pairs:
        """Those who agree in all that is known of them, or nearly."""
        return np.concatenate([self.exact, self.near])

    @property
    def pairs(self) -> Pairs:
        """All of them."""
        return np.concatenate([self.whole, *self.partial.values()])

    def sets(self, patients: int) -> np.ndarray:
        """Number the sets of patients who are copies of each other as wholes; -1 for all others: int [patient]."""
        return numbered(self.whole, patients)


def numbered(pairs: Pairs, patients: int) -> np.ndarray:
    """Number the sets that pairs join; -1 for those who are in none: int [patient]."""
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(patients, patients))
    number = connected_components(joined, directed=False)[1]
    return np.where(np.isin(np.arange(patients), pairs), number, -1)


def copies(cohort: Cohort, share: float) -> Copies:
    """Find all; near ones agree in at least this share of the cells that both have."""
    hashes = {name: row_hashes(table) for name, table in cohort.tables.items()}
    rows: np.ndarray = np.zeros(len(cohort), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for at, one in enumerate(hashes.values()):
            rows = rows * np.uint64(1_000_003) + one * np.uint64(2 * at + 1)
    size = len(cohort)
    exact = surprising(equal_pairs(rows), list(cohort.tables.values()), np.log2(size + 1.0) + BITS_TO_SPARE)
    equal, filled, measured = {}, {}, {}
    for at, (name, table) in enumerate(cohort.tables.items()):
        pairs = equal_pairs(hashes[name], np.flatnonzero(cohort.present[:, at]))
        pairs = surprising(pairs, [table], 2.0 * np.log2(size + 1.0) + BITS_TO_SPARE)
        means = filled_in(table, pairs[:, 0])
        equal[name], filled[name] = pairs[~means], pairs[means]
        known = ~np.isin(np.arange(size), filled[name])
        measured[name] = table if known.all() else table[known].reindex(table.index)
    near = near_pairs(measured, cohort.sorted_rows, share)
    near = near[~np.isin(keys(near, size), keys(exact, size))]
    whole = numbered(np.concatenate([exact, near]), size)
    partial = {name: pairs[~same_set(pairs, whole)] for name, pairs in equal.items()}
    return Copies(exact, near, partial, {name: pairs[~same_set(pairs, whole)] for name, pairs in filled.items()})


def same_set(pairs: Pairs, sets: np.ndarray) -> np.ndarray:
    """Return which pairs are of one set: bool [pair]."""
    one, other = sets[pairs[:, 0]], sets[pairs[:, 1]]
    return np.asarray((one == other) & (one >= 0))


def filled_in(table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Return which of these rows hold hardly anything but the columns' means or medians: bool [row]."""
    numbers = table[number_columns(table)]
    if not len(rows) or len(numbers.columns) < TELLING_CELLS:
        return np.zeros(len(rows), dtype=bool)
    here, near = numbers.iloc[rows], MIDDLE * numbers.std()
    middle = ((here - numbers.mean()).abs() <= near) | ((here - numbers.median()).abs() <= near)
    return np.asarray(middle.sum(axis=1) >= 0.9 * here.notna().sum(axis=1))


def keys(pairs: Pairs, patients: int) -> np.ndarray:
    """Return one number a pair, whichever of the two comes first: int [pair]."""
    return np.asarray(pairs.min(axis=1, initial=patients) * patients + pairs.max(axis=1, initial=0))


def row_hashes(table: pd.DataFrame) -> np.ndarray:
    """Hash what each row holds: uint64 [patient]."""
    return np.asarray(pd.util.hash_pandas_object(table, index=False).to_numpy())


def equal_pairs(values: np.ndarray, rows: np.ndarray | None = None) -> Pairs:
    """Chain the rows that hold the same value, each to the next of them."""
    rows = np.arange(len(values)) if rows is None else rows
    order = rows[np.argsort(values[rows], kind="stable")]
    same = values[order[1:]] == values[order[:-1]]
    return np.stack([order[:-1][same], order[1:][same]], axis=1)


def surprising(pairs: Pairs, tables: list[pd.DataFrame], bits_wanted: float) -> Pairs:
    """Keep equal pairs whose cells are so unusual that chance is no explanation."""
    if not len(pairs):
        return pairs
    cells, bits = surprise(tables, pairs[:, 0])
    return np.asarray(pairs[(cells >= TELLING_CELLS) & (bits >= bits_wanted)])


def surprise(tables: list[pd.DataFrame], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count each row's cells other than the column's commonest value, and the bits that they tell."""
    cells, bits = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows))
    for table in tables:
        for column in table.columns:
            codes, levels = table[column].factorize()
            if not len(levels):
                continue
            shares = np.bincount(codes[codes >= 0]) / (codes >= 0).sum()
            share = np.where(codes[rows] >= 0, shares[codes[rows]], np.nan)
            telling = share < shares.max() if shares.max() > 0.5 else ~np.isnan(share)
            cells += telling
            bits[telling] -= np.log2(share[telling])
    return cells, bits


@dataclass(frozen=True, eq=False)
class Evidence:
    """Columns by which patients are recognised."""

    values: np.ndarray  # numbers, or codes of names, NaN missing: [patient, column]
    within: np.ndarray  # how far two values may be apart: [column]
    bins: np.ndarray  # values put into steps, -1 missing: int [patient, column]
    bits: np.ndarray  # what agreement tells on average: [column]


def near_pairs(tables: Mapping[str, pd.DataFrame], order: np.ndarray, share: float) -> Pairs:
    """Find patients who agree in this share of the telling cells that both have, beyond chance.

    Blocks of columns are drawn from each modality and from all together, for not everybody has every modality.
    `order` lists the patients as no file does.
    """
    parts = [evidence(table) for table in tables.values()]
    values, within, bins, bits = (np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in FIELDS)
    found = Evidence(values, within, bins, bits)
    wanted = np.log2(len(order) + 1.0) + 4.0
    candidates = [pairs for part in (*parts, found) for pairs in block_pairs(part, order, wanted)]
    if not candidates:
        return NOBODY
    pairs = np.concatenate(candidates)
    pairs = pairs[np.unique(keys(pairs, len(order)), return_index=True)[1]]
    kept = [agreeing(pairs[at : at + 50_000], found, share, len(order)) for at in range(0, len(pairs), 50_000)]
    return np.concatenate([NOBODY, *kept])


FIELDS = ("values", "within", "bins", "bits")


def agreeing(pairs: Pairs, found: Evidence, share: float, patients: int) -> Pairs:
    """Keep the candidates who agree often enough, and in what chance would not make agree."""
    one, other = found.values[pairs[:, 0]], found.values[pairs[:, 1]]
    apart = np.abs(one - other)
    known, agree = ~np.isnan(apart), apart <= found.within
    bits = agree @ found.bits
    enough = bits >= 2.0 * np.log2(patients + 1.0) + BITS_TO_SPARE
    return np.asarray(pairs[enough & (agree.sum(axis=1) >= share * known.sum(axis=1))])


def evidence(table: pd.DataFrame) -> Evidence:
    """Choose the columns of a modality that tell most and that do not repeat each other."""
    # ties go by the name's hash, and of a wide table only as many are looked at, so that no order decides
    by_hash = sorted(table.columns, key=lambda name: hashlib.sha256(str(name).encode()).digest())
    columns = [stepped(table[name]) for name in by_hash[: 10 * COLUMNS]]
    told = np.array([collision_bits(column[2]) for column in columns])
    ranked = sorted(np.flatnonzero(told > 0.1), key=lambda at: (-round(float(told[at]), 6), at))
    chosen: list[int] = []
    scaled = standardised([columns[at][0] for at in ranked], len(table))
    places: list[int] = []
    for place, at in enumerate(ranked):
        if len(chosen) == COLUMNS:
            break
        if not places or np.abs(scaled[:, places].T @ scaled[:, place]).max() <= ALIKE:
            chosen.append(int(at))
            places.append(place)
    empty = np.zeros((len(table), 0))
    return Evidence(
        np.stack([columns[at][0] for at in chosen], axis=1) if chosen else empty,
        np.array([columns[at][1] for at in chosen]),
        np.stack([columns[at][2] for at in chosen], axis=1) if chosen else empty.astype(np.int64),
        np.minimum(told[chosen], MOST_BITS),
    )


def stepped(column: pd.Series) -> tuple[np.ndarray, float, np.ndarray]:
    """Return a column's values, how far two may be apart to agree, and the step each falls into (-1 missing)."""
    if not is_number(column):
        codes = column.factorize(sort=True)[0].astype(np.int64)
        return np.where(codes >= 0, codes, np.nan), 0.0, codes
    values = column.to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    bins = np.full(len(values), -1, dtype=np.int64)
    if not known.any():
        return values, 0.0, bins
    low, high = np.quantile(values[known], [0.25, 0.75])
    step = (high - low) / STEPS
    if step <= 0 or len(np.unique(values[known])) <= STEPS:
        bins[known] = np.unique(values[known], return_inverse=True)[1]
        return values, 0.0, bins
    place = np.clip((values[known] - low) / step, -1e6, 1e6)
    bins[known] = np.unique(np.floor(place), return_inverse=True)[1]
    return values, float(step), bins


def collision_bits(bins: np.ndarray) -> float:
    """Return how seldom two patients fall together, in powers of two."""
    sizes = np.bincount(bins[bins >= 0])
    total = sizes.sum()
    return float(-np.log2((sizes / total) @ (sizes / total))) if total >= TELLING_CELLS else 0.0


def standardised(columns: list[np.ndarray], patients: int) -> np.ndarray:
    """Return ranks of a sample of patients with mean 0 and length 1, so that a product is a rank correlation."""
    rows = np.random.default_rng(0).permutation(patients)[:SAMPLE]
    ranks = pd.DataFrame({at: column[rows] for at, column in enumerate(columns)}).rank()
    centred = (ranks - ranks.mean()).fillna(0.0).to_numpy(dtype=np.float64)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(centred / np.where(length > 0, length, 1.0))


def block_pairs(found: Evidence, order: np.ndarray, bits_wanted: float) -> Iterator[Pairs]:
    """Yield pairs who share every cell of some block of columns; blocks are as large as chance demands."""
    rng = np.random.default_rng(0)
    for _ in range(TRIED):
        block: list[int] = []
        for column in rng.permutation(len(found.bits)):
            block.append(int(column))
            if found.bits[block].sum() >= bits_wanted:
                yield bucket_pairs(found.bins[:, block], order)
                block = []


def bucket_pairs(bins: np.ndarray, order: np.ndarray) -> Pairs:
    """Pair the patients whose bins are all known and all the same."""
    rows = order[(bins[order] >= 0).all(axis=1)]
    hashed = np.zeros(len(rows), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in bins[rows].T:
            hashed = (hashed ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            hashed ^= hashed >> np.uint64(29)
    place = np.argsort(hashed, kind="stable")
    hashed, rows = hashed[place], rows[place]
    pairs = []
    for apart in range(1, CROWD):
        same = hashed[apart:] == hashed[:-apart]
        if not same.any():
            break
        pairs.append(np.stack([rows[:-apart][same], rows[apart:][same]], axis=1))
    return np.concatenate([NOBODY, *pairs])
