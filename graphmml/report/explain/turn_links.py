"""The fewest links without which the model names another class."""

from collections.abc import Iterator
from itertools import combinations, islice
from math import comb

import numpy as np

from graphmml.report.explain.counterfactual import Counterfactual, Search
from graphmml.report.explain.subject import Subject

TRIES = 2_000
"""Sets of links that are tried at most, one size after the other, to find that none is smaller."""


def turn_links(subject: Subject, tries: int = TRIES) -> Search:
    """Look for the smallest set of links whose loss turns the prediction.

    Links are dropped one after the other by their effect, and whole relations; what turns the prediction is thinned
    until no single link can be put back. Then every set of one link, of two and so on is tried while there are `tries`
    left; the set returned is known to be smallest only where all smaller sizes were gone through.
    """
    count = len(subject.links)
    if not count:
        return Search(None, "The patient has no link that could be dropped.")
    best = thinned(subject, by_effect(subject))
    limit = count + 1 if best is None else int(best.sum())
    asked, size = 0, 1
    while size < limit and asked + comb(count, size) <= tries:
        asked += comb(count, size)
        found = of_size(subject, size)
        if found is not None:
            best, limit = found, size
            break
        size += 1
    if best is None:
        return Search(None, without_any(count, size - 1), asked)
    made = told(subject, best, smallest=size >= limit)
    return Search(made, made.sentence, asked)


def by_effect(subject: Subject) -> np.ndarray | None:
    """Return the first links by effect, or the links of a relation, whose loss turns it, the fewest: bool [link]."""
    count = len(subject.links)
    single = np.eye(count, dtype=bool)
    order = np.argsort(margins(subject, single), kind="stable")
    first = np.zeros((count, count), dtype=bool)
    for at in range(count):
        first[at:, order[at]] = True
    of = np.array([link.relation for link in subject.links])
    sets = np.concatenate([first, np.stack([of == name for name in subject.relations])])
    turning = np.flatnonzero(margins(subject, sets) < 0)
    return sets[turning[sets[turning].sum(axis=1).argmin()]] if len(turning) else None


def thinned(subject: Subject, gone: np.ndarray | None) -> np.ndarray | None:
    """Put links back one at a time, as long as the prediction stays turned."""
    while gone is not None and gone.sum() > 1:
        fewer = np.stack([gone & (np.arange(len(gone)) != at) for at in np.flatnonzero(gone)])
        margin = margins(subject, fewer)
        if margin.min() >= 0:
            break
        gone = fewer[margin.argmin()]
    return gone


def of_size(subject: Subject, size: int) -> np.ndarray | None:
    """Return the set of so many links that turns the prediction furthest, if any does: bool [link]."""
    best, lowest = None, 0.0
    for sets in chunks(len(subject.links), size):
        margin = margins(subject, sets)
        if margin.min() < lowest:
            best, lowest = sets[margin.argmin()], float(margin.min())
    return best


def chunks(count: int, size: int, at_a_time: int = 1_000) -> Iterator[np.ndarray]:
    """Yield all sets of so many of `count`: bool [set, link]."""
    left = combinations(range(count), size)
    while some := list(islice(left, at_a_time)):
        sets = np.zeros((len(some), count), dtype=bool)
        np.put_along_axis(sets, np.array(some), values=True, axis=1)
        yield sets


def margins(subject: Subject, gone: np.ndarray) -> np.ndarray:
    """Return by how much the class explained is ahead of the next without these links; below zero it is turned."""
    p = subject.held(subject.copies(len(gone)), ~gone).mean(axis=0)
    others = np.delete(p, subject.target, axis=1).max(axis=1)
    ahead = p[:, subject.target] - others
    # a hair's breadth is not a turn: sums differ in their last bits with the size of a batch
    return np.where(np.abs(ahead) < 1e-6, 1e-6, ahead)


def told(subject: Subject, gone: np.ndarray, *, smallest: bool) -> Counterfactual:
    """Return the counterfactual of links, with what the model says to it alone."""
    p = subject.held(subject.person, ~gone[None])[:, 0].mean(axis=0)
    parts = tuple(part for part, away in zip(subject.edges, gone, strict=True) if away)
    name = str(subject.model.classes_[p.argmax()])
    return Counterfactual("links", parts, name, float(p.max()), float(gone.sum()), smallest)


def without_any(count: int, size: int) -> str:
    """Say how far the search went without success."""
    every = f", nor any set of up to {size}" if size > 1 else ", nor any single one" if size else ""
    return (
        f"Dropping links does not turn the prediction: neither all {count}, nor those of largest effect one after the "
        f"other{every}."
    )
