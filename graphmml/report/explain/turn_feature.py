"""The nearest value of one feature with which the model names another class."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphmml.data.columns import is_number
from graphmml.report.explain.altered import Cell, written
from graphmml.report.explain.counterfactual import Counterfactual, Search
from graphmml.report.explain.part import Part
from graphmml.report.explain.subject import Subject

FEATURES = 50
"""Features that are tried, those of the largest effect."""
QUANTILES = np.linspace(0.0, 1.0, 21)
VERIFIED = 20
"""Of the values that seem to turn the prediction, so many of the nearest are asked once more, alone."""


@dataclass(frozen=True)
class Change:
    """Another value of a feature, and how far it lies from the patient's."""

    part: Part
    value: object
    distance: float


def turn_feature(subject: Subject, ranked: tuple[Part, ...]) -> Search:
    """Look for one feature's nearest training value that turns the prediction; links are drawn anew.

    Of numbers every twentieth quantile of the training patients is tried, of names every level; `ranked` gives the
    features, those of the largest effect first, of whom 50 are tried. It is about the model, not about the patient:
    what is changed may not be changeable, and need not be a cause.
    """
    tried = ranked[:FEATURES]
    changes = sorted((change for part in tried for change in values(subject, part)), key=lambda change: change.distance)
    if not changes:
        return Search(None, "The patient has no feature that could be changed.")
    copies = written(subject, [[Cell(item.part.through, item.part.name, item.value)] for item in changes])
    p = subject.redrawn(copies).mean(axis=0)
    for at in np.flatnonzero(p.argmax(axis=1) != subject.target)[:VERIFIED]:
        alone = subject.redrawn(copies[np.array([at])]).mean(axis=0)[0]
        if alone.argmax() != subject.target:
            made = told(subject, changes[at], alone)
            return Search(made, made.sentence, len(changes))
    few = f" of the {FEATURES} with the largest effect" if len(ranked) > FEATURES else ""
    return Search(None, f"No training value of any single feature{few} turns the prediction.", len(changes))


def values(subject: Subject, part: Part) -> list[Change]:
    """Return the other values of a feature that are tried."""
    known = subject.model.source_.tables[part.through][part.name].dropna()
    own = subject.value(part)
    if is_number(known):
        return of_number(part, known, float(own))  # type: ignore[arg-type]
    shares = known.value_counts(normalize=True).sort_index()
    return [Change(part, str(name), 1.0 - float(share)) for name, share in shares.items() if name != own]


def of_number(part: Part, known: "pd.Series[float]", own: float) -> list[Change]:
    """Return quantiles of the training values, and which share of patients lies between each and the patient's own."""
    sample = np.sort(known.to_numpy(dtype=np.float64))
    if not len(sample):
        return []
    wanted = np.unique(np.quantile(sample, QUANTILES, method="inverted_cdf"))
    found = []
    for value in wanted[wanted != own]:
        low, high = min(value, own), max(value, own)
        between = np.searchsorted(sample, high, "left") - np.searchsorted(sample, low, "right")
        found.append(Change(part, float(value), max(int(between), 0) / len(sample)))
    return found


def told(subject: Subject, change: Change, p: np.ndarray) -> Counterfactual:
    """Return the counterfactual of a feature."""
    name = str(subject.model.classes_[p.argmax()])
    own = subject.value(change.part)
    before = float(own) if isinstance(own, float | np.floating) else own
    return Counterfactual(
        "feature",
        (change.part,),
        name,
        float(p.max()),
        change.distance,
        smallest=True,
        before=before,
        after=change.value,
    )
