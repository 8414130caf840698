"""What a report draws of a cohort and its graph: positions without ids, degrees, presence, prevalence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from graphmml.data.absence import absence_table
from graphmml.data.cohort import Cohort
from graphmml.data.few import masked
from graphmml.report.agreement import pairs_of
from graphmml.report.measures import MOST_VALUES, SMALLEST_CELL, Target
from graphmml.report.words import bounded

MOST_DRAWN = 800
"""So many patients are drawn; of a larger graph a connected part."""
MOST_COLOURS = 8


@dataclass(frozen=True, eq=False)
class Drawing:
    """Patients in an order drawn by chance: places float [patient, 2] from 0 to 1, edges int [2, edge]."""

    rows: np.ndarray
    places: np.ndarray
    edges: np.ndarray
    patients: int


@dataclass(frozen=True)
class Share:
    """A part of some patients: `said` is how it may be shown, `share` NaN where it may not."""

    name: str
    share: float
    said: str


@dataclass(frozen=True)
class Prevalence:
    """How many of a group's value are of the last class, Wilson's 95 % interval (1927), and how it may be said."""

    value: str
    share: float
    low: float
    high: float
    said: str


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn of one graph; `labels` are int [patient] in the order of the cohort, by name, with their values."""

    drawing: Drawing
    listens: np.ndarray
    heard: np.ndarray
    presence: Mapping[str, tuple[Share, ...]]
    filled: Mapping[str, tuple[Share, ...]]
    absence: Mapping[str, pd.DataFrame]
    patterns: tuple[tuple[tuple[str, ...], str, float], ...]
    prevalence: Mapping[str, tuple[Prevalence, ...]]
    labels: Mapping[str, tuple[np.ndarray, tuple[str, ...]]] = field(default_factory=dict)


def picture_of(cohort: Cohort, adjacency: csr_array, targets: tuple[Target, ...], *, seed: int) -> Picture:
    """Prepare what a page draws; adjacency is [listener, speaker] in the order of the cohort.

    A number that rests on fewer than eleven patients is not given, and a value that has fewer is not named.
    """
    outcome = next((target for target in targets if target.kind == "outcome"), None)
    groups = [target for target in targets if target.kind == "group" and showable(target)]
    plain = csr_array((np.ones(adjacency.nnz), adjacency.indices, adjacency.indptr), shape=adjacency.shape)
    chosen = ([outcome] if outcome is not None else []) + groups
    return Picture(
        drawing=drawn(adjacency, seed),
        listens=np.asarray(plain.sum(axis=1), dtype=np.int64),
        heard=np.asarray(plain.sum(axis=0), dtype=np.int64),
        presence={name: presence(cohort.present[:, at], chosen) for at, name in enumerate(cohort.modalities)},
        filled={name: filled(table, chosen) for name, table in cohort.tables.items()},
        absence={group.name: absence_table(cohort, group.name) for group in groups},
        patterns=patterns(cohort),
        prevalence={} if outcome is None else {group.name: prevalence(outcome, group) for group in groups},
        labels={target.name: named(target) for target in chosen},
    )


def showable(target: Target) -> bool:
    """Whether a group may be shown value by value: a site may, a family or a person may not."""
    return not target.block and 2 <= len(target.values) <= MOST_VALUES


def drawn(adjacency: csr_array, seed: int) -> Drawing:
    """Lay out the graph, or a connected part of a large one, with a force-directed layout (Fruchterman 1991)."""
    random = np.random.default_rng(seed)
    pairs = pairs_of(adjacency)
    rows = random.permutation(part_of(csr_array(pairs + pairs.T), random))
    inner = csr_array(pairs + pairs.T)[rows][:, rows]
    graph = nx.from_scipy_sparse_array(inner)
    found = nx.spring_layout(graph, seed=seed, iterations=60, k=2.0 / max(np.sqrt(len(rows)), 1.0))
    places = np.array([found[at] for at in range(len(rows))]).reshape(len(rows), 2)
    return Drawing(
        rows, within_unit(places), np.array(csr_array(np.triu(inner.toarray())).nonzero()), len(adjacency.indptr) - 1
    )


def part_of(pairs: csr_array, random: np.random.Generator) -> np.ndarray:
    """Return all patients, or of many those that are reached first from some drawn by chance: int [patient]."""
    size = pairs.shape[0]
    if size <= MOST_DRAWN:
        return np.arange(size)
    reached = np.zeros(size, dtype=bool)
    reached[random.choice(size, 8, replace=False)] = True
    while reached.sum() < MOST_DRAWN:
        near = np.flatnonzero((pairs @ reached > 0) & ~reached)
        if not len(near):
            near = random.choice(np.flatnonzero(~reached), 8, replace=False)
        reached[random.permutation(near)[: MOST_DRAWN - int(reached.sum())]] = True
    return np.flatnonzero(reached)


def within_unit(places: np.ndarray) -> np.ndarray:
    """Stretch places to fill 0 to 1; a few far ones are put at the border, so that the rest can be seen."""
    if not len(places):
        return places
    low, high = np.percentile(places, [1, 99], axis=0)
    return np.asarray(np.clip((places - low) / np.maximum(high - low, 1e-12), 0.0, 1.0))


def presence(here: np.ndarray, targets: list[Target]) -> tuple[Share, ...]:
    """Return how many patients have a modality (bool [patient]): of all, of each class and of each value of a group."""
    return tuple(share_of(name, here[rows]) for name, rows in sets_of(len(here), targets))


def filled(table: pd.DataFrame, targets: list[Target]) -> tuple[Share, ...]:
    """Return the share of cells that patients who have a modality have of it: of the same sets as `presence`."""
    cells = table.notna().to_numpy()
    found = []
    for name, rows in sets_of(len(table), targets):
        mine = cells[rows]
        mine = mine[mine.any(axis=1)]
        if len(mine) < SMALLEST_CELL:
            found.append(Share(name, float("nan"), f"n {masked(len(mine), min_cell=SMALLEST_CELL)}"))
        else:
            found.append(Share(name, float(mine.mean()), f"{100 * mine.mean():.0f} %"))
    return tuple(found)


def sets_of(patients: int, targets: list[Target]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield all patients, then those of each class and of each value of a group, as masks."""
    yield "all", np.ones(patients, dtype=bool)
    for target in targets:
        for at, value in enumerate(target.values):
            yield f"{target.name}: {value}", target.labels == at


def share_of(name: str, here: np.ndarray) -> Share:
    """Return the share of some patients, hidden where it or its complement rests on fewer than eleven of them."""
    have, lack = int(here.sum()), int((~here).sum())
    if len(here) < SMALLEST_CELL:
        return Share(name, float("nan"), f"n {masked(len(here), min_cell=SMALLEST_CELL)}")
    if 0 < have < SMALLEST_CELL or 0 < lack < SMALLEST_CELL:
        return Share(name, round(have / len(here), 1), "few" if have < lack else "nearly all")
    return Share(name, have / len(here), f"{100 * have / len(here):.0f} %")


def patterns(cohort: Cohort, most: int = 12) -> tuple[tuple[tuple[str, ...], str, float], ...]:
    """Return which modalities are had together, how many patients have just these, and their share."""
    codes = pd.Series([tuple(row) for row in cohort.present.tolist()])
    counts = codes.value_counts()
    found = []
    for pattern, number in counts.iloc[:most].items():
        names = tuple(name for name, has in zip(cohort.modalities, pattern, strict=True) if has)
        shown = number if number >= SMALLEST_CELL else 0
        found.append((names, masked(int(number), min_cell=SMALLEST_CELL), shown / max(len(cohort), 1)))
    return tuple(found)


def prevalence(outcome: Target, group: Target) -> tuple[Prevalence, ...]:
    """Return the share of the last class among the patients of each value of a group that eleven or more have.

    Of a share from fewer than eleven patients, or all but so few, the bounds that eleven would make are given alone.
    """
    found = []
    for at, value in enumerate(group.values):
        known = outcome.labels[(group.labels == at) & (outcome.labels >= 0)]
        if len(known) < SMALLEST_CELL:
            continue
        part = int((known == len(outcome.values) - 1).sum())
        share, said = bounded(part, len(known))
        ends = wilson(share, len(known))
        if part < SMALLEST_CELL:
            share, ends = float("nan"), (0.0, share)
        elif len(known) - part < SMALLEST_CELL:
            share, ends = float("nan"), (share, 1.0)
        found.append(Prevalence(value, share, *ends, f"{said} of {len(known)}"))
    return tuple(found)


def wilson(share: float, size: int) -> tuple[float, float]:
    """Return the ends of Wilson's 95 % interval of a share."""
    z = 1.959964
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    return float(middle - half), float(middle + half)


def named(target: Target) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels for colours: the largest values by name, the small and the many others as one."""
    sizes = np.bincount(target.labels[target.labels >= 0], minlength=len(target.values))
    order = [at for at in np.argsort(-sizes, kind="stable") if sizes[at] >= SMALLEST_CELL][: MOST_COLOURS - 1]
    labels = np.full(len(target.labels), -1, dtype=np.int64)
    for colour, at in enumerate(sorted(order)):
        labels[target.labels == at] = colour
    names = [target.values[at] for at in sorted(order)]
    rest = (target.labels >= 0) & (labels < 0)
    if rest.any():
        labels[rest] = len(names)
        names.append("others")
    return labels, tuple(names)
