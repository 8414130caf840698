"""The outcome's signal in the links, of whatever kind the outcome is, as the findings speak of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from graphmml.report.panel.part import Measures


@dataclass(frozen=True)
class Signal:
    """How strongly links follow the outcome: `strength` has chance at 0; `left` is what remains within each group."""

    name: str
    called: str
    strength: float
    p: float
    p_within: Mapping[str, float]
    left: Mapping[str, float]


def signal_of(measures: Measures) -> Signal | None:
    """Return the signal of the outcome; None where there is no outcome or nothing to measure."""
    row = outcome_row(measures)
    if row is not None:
        strength, left, called = row["adjusted"], row["within"], "adjusted homophily"
    elif measures.get("numbers"):
        row = measures["numbers"]
        strength, left, called = row["moran"], row["moran_within"], "Moran's I"
    else:
        return None
    found = Signal(row["name"], called, strength, row["p"], row["p_within"], left)
    return None if isnan(found.p) else found


def outcome_row(measures: Measures) -> Measures | None:
    """Return the row of homophily of an outcome of classes."""
    return next((row for row in measures["homophily"].values() if row["kind"] == "outcome"), None)
