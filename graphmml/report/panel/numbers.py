"""Do links join patients whose outcome, a number or a survival time, is alike?"""

from collections.abc import Iterator
from math import isfinite, isnan
from typing import Any

import numpy as np

from graphmml.data.findings import Finding
from graphmml.report.panel.numeric import (
    assortativity,
    moran_chance,
    moran_within,
    morans_i,
    regression_by_chance,
    regression_homophily,
)
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.panel.residuals import Numbers, numbers_of
from graphmml.report.within import all_strata
from graphmml.report.words import short


def measure(subject: Subject) -> dict[str, Any]:
    """Return Moran's I and its p, free and within groups, beside other measures; nothing of an outcome of classes."""
    outcome = numbers_of(subject.cohort)
    return {"numbers": {} if outcome is None else measured(subject, outcome)}


def measured(subject: Subject, outcome: Numbers) -> dict[str, Any]:
    """Measure one outcome."""
    links, values, seed = subject.adjacency, outcome.values, subject.seed
    known = ~np.isnan(values)
    chance = moran_chance(links, values, seed=seed)
    strata = all_strata({group.name: group.labels for group in subject.groups}, known)
    asked = {name: member for name, member in strata.items() if member is not None}
    within = {name: moran_chance(links, values, strata=member, seed=seed).adjusted for name, member in asked.items()}
    left = {name: moran_within(links, values, member) for name, member in asked.items()}
    undefined = dict.fromkeys(strata, float("nan"))
    return {
        "name": outcome.name,
        "what": outcome.what,
        "patients": int(known.sum()),
        "moran": morans_i(links, values),
        "moran_by_chance": -1.0 / max(int(known.sum()) - 1, 1),
        "assortativity": assortativity(links, values),
        "regression": regression_homophily(links, values),
        "regression_by_chance": regression_by_chance(values),
        "p": chance.adjusted,
        "z": chance.z,
        "p_within": undefined | within,
        "moran_within": undefined | left,
    }


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """Give no verdict: GM301 is given with the labels."""
    yield from ()


def lines(measures: Measures) -> Iterator[str]:
    """Say Moran's I and how far apart linked values are."""
    row = measures.get("numbers")
    if not row or isnan(row["p"]):
        return
    what = f"{short(row['name'], 20)} ({row['what']}s, descriptive: all known rows)"
    yield f"  {what}  Moran's I {row['moran']:.3f}  p {row['p']:.3f}"
    apart, chance = 1 - row["regression"], 1 - row["regression_by_chance"]
    said = f"  neighbours are {apart:.3f} of the range apart, {chance:.3f} by chance"
    within = [f"p {p:.3f} in {short(name, 10)}" for name, p in row["p_within"].items() if isfinite(p)]
    yield " · ".join([f"{said} · assortativity {row['assortativity']:.3f}", *within[:1]])


NUMBERS = Part("numbers", (), measure, judge, lines)
