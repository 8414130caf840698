"""Do gaps decide who is linked: are patients neighbours, or hubs, because little is known of them?"""

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
from scipy import stats

from graphmml.data.findings import Finding
from graphmml.report.homophily import homophily
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.panel.hubness import ROUNDS, rank_correlation_p
from graphmml.report.panel.hubs import listened_to
from graphmml.report.panel.part import Measures, Part, Subject
from graphmml.report.permutation import homophily_p

HOLLOW = 0.5
"""Of a hollow patient more than this share of the cells of a modality is imputed."""


def measure(subject: Subject) -> dict[str, Any]:
    """Return how links and being listened to go with cells that were filled in, and with modalities not had."""
    filled, present = filled_in(subject), subject.cohort.present
    heard = listened_to(subject).astype(np.float64)
    mean, pattern = mean_filled(filled), patterns(present)
    hollow = (np.nan_to_num(filled) > HOLLOW).any(axis=1)
    rho, p = rho_within(heard, mean, pattern, subject.speakers, subject.seed)
    return {
        "imputed": {
            "hollow": share_of(hollow),
            "hollow_adjusted": float("nan"),
            "hollow_p": float("nan"),
            **together(subject, hollow),
            "rho": rho,
            "p": p,
            "lacking_times": times(heard, ~present.all(axis=1) & subject.speakers, subject.speakers),
        }
    }


def filled_in(subject: Subject) -> np.ndarray:
    """Return the share of cells that a patient lacks of each modality it has, NaN of others: [patient, modality]."""
    tables = subject.cohort.tables.values()
    share = np.stack([table.isna().to_numpy().mean(axis=1) for table in tables], axis=1)
    return np.where(subject.cohort.present, share, np.nan)


def mean_filled(filled: np.ndarray) -> np.ndarray:
    """Return the mean over the modalities that a patient has, 0 where it has none: float [patient]."""
    has = np.isfinite(filled).sum(axis=1)
    return np.asarray(np.nansum(filled, axis=1) / np.maximum(has, 1))


def patterns(present: np.ndarray) -> np.ndarray:
    """Return a number for each set of modalities that somebody has: int [patient]."""
    return np.asarray(np.unique(present, axis=0, return_inverse=True)[1]).ravel()


def share_of(who: np.ndarray) -> float:
    """Return the share of these patients, as none where there are too few to be named."""
    return float(who.mean()) if who.sum() >= SMALLEST_CELL else 0.0


def together(subject: Subject, hollow: np.ndarray) -> dict[str, float]:
    """Return whether hollow patients are linked with each other, if enough are and enough are not."""
    if min(hollow.sum(), (~hollow).sum()) < SMALLEST_CELL:
        return {}
    labels = hollow.astype(np.int64)
    adjusted = homophily(subject.adjacency, labels).adjusted
    return {"hollow_adjusted": adjusted, "hollow_p": homophily_p(subject.adjacency, labels, rounds=ROUNDS)}


def rho_within(
    heard: np.ndarray, filled: np.ndarray, pattern: np.ndarray, who: np.ndarray, seed: int
) -> tuple[float, float]:
    """Return the rank correlation of being listened to and filled cells among patients of the same modalities, and p.

    Both are ranked within a pattern of modalities, from -.5 to .5: a patient without a modality is listened to in
    fewer relations, which is no fault of filled cells.
    """
    one, other = (within_ranks(values[who], pattern[who]) for values in (heard, filled))
    if not len(one) or not np.ptp(one) or not np.ptp(other):
        return float("nan"), float("nan")
    return float(np.corrcoef(one, other)[0, 1]), rank_correlation_p(one, other, seed)


def within_ranks(values: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """Return ranks within each pattern, ties sharing them, centred and scaled to less than a half: float [patient]."""
    ranks = np.zeros(len(values))
    for number in np.unique(pattern):
        own = pattern == number
        ranks[own] = stats.rankdata(values[own]) / (own.sum() + 1.0) - 0.5
    return ranks


def times(heard: np.ndarray, who: np.ndarray, speakers: np.ndarray) -> float:
    """Return how many times as often these are listened to as the others; NaN if either are too few."""
    others = speakers & ~who
    if min(who.sum(), others.sum()) < SMALLEST_CELL or not heard[others].any():
        return float("nan")
    return float(heard[who].mean() / heard[others].mean())


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM204: whether gaps decide who is linked."""
    found = measures["imputed"]
    reasons = list(said_of(found))
    if not reasons:
        yield Finding("GM204", "n.a.", "hardly a cell is missing of the modalities that patients have")
        return
    limits = {name: subject.limit("GM204", name) for name in ("share", "adjusted", "rho", "times", "p")}
    hollow = found["hollow_p"] <= limits["p"] and found["hollow"] >= limits["share"]
    if hollow and found["hollow_adjusted"] > limits["adjusted"]:
        fix = "compare what both have measured: --links neighbours:overlap=3; or drop columns that are mostly empty"
        yield Finding("GM204", "warn", f"{reasons[0]}: what was filled in makes them alike", fix)
    elif found["p"] <= limits["p"] and found["rho"] > limits["rho"]:
        fix = "neighbours:edges=mutual, or compare what both have measured: --links neighbours:overlap=3"
        yield Finding("GM204", "warn", "; ".join(reasons) + ": patients with most missing are hubs", fix)
    elif found["lacking_times"] > limits["times"]:
        fix = "one relation a modality (neighbours:each=true), or neighbours:edges=mutual"
        yield Finding("GM204", "warn", "; ".join(reasons) + ": they are hubs because little is compared", fix)
    else:
        yield Finding("GM204", "pass", "; ".join(reasons))


def said_of(found: Measures) -> Iterator[str]:
    """Say what could be measured."""
    if not isnan(found["hollow_adjusted"]):
        yield (
            f"{found['hollow']:.0%} of patients lack most cells of a modality that they have; links join them with "
            f"each other: adjusted homophily {found['hollow_adjusted']:.2f} (0 by chance, p {found['hollow_p']:.3f})"
        )
    if not isnan(found["rho"]):
        yield (
            "among patients of the same modalities, being listened to goes with missing cells: rank correlation "
            f"{found['rho']:+.2f} (p {found['p']:.3f})"
        )
    if not isnan(found["lacking_times"]):
        yield f"patients without a modality are listened to {found['lacking_times']:.1f} times as often as others"


IMPUTED = Part("imputed", ("GM204",), measure, judge)
