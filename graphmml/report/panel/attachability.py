"""Do patients who were held out lie where training patients lie, and does the graph reach them?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from scipy.stats import hypergeom

from graphmml.data.cohort import Cohort
from graphmml.data.encode import CohortEncoder, EncodedCohort
from graphmml.data.few import masked
from graphmml.data.findings import Finding
from graphmml.data.folds import block_numbers
from graphmml.errors import CohortError, GraphError
from graphmml.graph.chance import mixed, uniform
from graphmml.graph.patient_graph import PatientGraph, build_graph
from graphmml.graph.relations import PATIENT
from graphmml.graph.similarity import nearest
from graphmml.report.measures import MOST_VALUES, SMALLEST_CELL
from graphmml.report.panel.part import Measures, Part, Subject

CODES = ("GM611", "GM616")
SHARE = 0.2
"""So many patients are held out where there is no official split."""
TRAIN, HELD = 8_000, 2_000
"""Of more patients than these, so many are asked, chosen by a hash of their ids."""
QUANTILE = 0.99
FEWEST = 20
"""With fewer patients on a side, nothing is asked."""
P = 0.01
"""A share is called too large only where an exchange of held-out and training patients would rarely make it."""


@dataclass(frozen=True, eq=False)
class Held:
    """Who is held out of what: positions in the cohort, and who says so."""

    train: np.ndarray
    held: np.ndarray
    by: str

    @property
    def enough(self) -> bool:
        """Whether there are enough patients on both sides."""
        return min(len(self.train), len(self.held)) >= FEWEST


def held_out(subject: Subject) -> Held:
    """Return the attached patients of a graph, the test patients of the official split, or a fifth by a hash of ids."""
    anybody = subject.encoded.present.any(axis=1)
    split = subject.cohort.split
    if not subject.speakers.all():
        train, held, by = subject.speakers, ~subject.speakers, "attached patients"
    elif split is not None:
        train, held = (((split == side).to_numpy(dtype=bool)) for side in ("train", "test"))
        by = "official test patients"
    else:
        held = uniform(block_keys(subject), subject.seed) < SHARE
        train, by = ~held, "a fifth held out"
    keys = subject.encoded.keys
    return Held(some(train & anybody, keys, TRAIN), some(held & anybody, keys, HELD), by)


def block_keys(subject: Subject) -> np.ndarray:
    """Return a hash of each patient's id, that of a block the smallest in it: uint64 [patient]."""
    keys = subject.encoded.keys
    blocks = block_numbers(subject.cohort, np.arange(len(keys)))
    if blocks is None:
        return keys
    _, member = np.unique(blocks, return_inverse=True)
    smallest = np.full(int(member.max(initial=-1)) + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(smallest, member, keys)
    return smallest[member]


def some(who: np.ndarray, keys: np.ndarray, most: int) -> np.ndarray:
    """Return the positions of these patients, at most so many: int [patient]."""
    rows = np.flatnonzero(who)
    return rows if len(rows) <= most else np.sort(rows[np.argsort(mixed(keys[rows], 2), kind="stable")[:most]])


def measure(subject: Subject) -> dict[str, Any]:
    """Return how far held-out patients lie from training, beside training patients, and who is left without a link."""
    sides = held_out(subject)
    found = {"held": len(sides.held), "train": len(sides.train), "by": sides.by}
    if not sides.enough:
        return {"attachability": {**found, "why": f"fewer than {FEWEST} patients on one side"}}
    try:
        both = subject.cohort[np.concatenate([sides.train, sides.held])]
        encoded = CohortEncoder().fit(both[: len(sides.train)]).transform(both)
        source, target = encoded[: len(sides.train)], encoded[len(sides.train) :]
        among = nearest_apart(source, some(np.ones(len(source), dtype=bool), source.keys, HELD))
        away = nearest_apart(source, target)
    except CohortError as error:
        return {"attachability": {**found, "why": str(error)}}
    limit = float(np.nanquantile(among, QUANTILE)) if np.isfinite(among).any() else float("nan")
    outside = ~(away <= limit)
    return {
        "attachability": {
            **found,
            "sampled": bool(len(sides.train) == TRAIN or len(sides.held) == HELD),
            "distance": {"train": quartiles(among), "held": quartiles(away), "limit": limit},
            "outside": float(outside.mean()),
            "outside_train": float((~(among <= limit)).mean()),
            "p": exceeding(int(outside.sum()), len(outside), int((~(among <= limit)).sum()), len(among)),
            "outside_by_group": by_group(subject.cohort[sides.held], outside),
            **unlinked(subject, source, target),
        }
    }


def nearest_apart(source: EncodedCohort, target: EncodedCohort | np.ndarray) -> np.ndarray:
    """Return how far the nearest other source patient is, NaN for who shares no modality with any: float [target].

    Distance is the root of the mean squared difference a column, modalities that both have weighing the same.
    `target` may be positions in the source, which are then left out of their own search.
    """
    chosen = source[target] if isinstance(target, np.ndarray) else target
    near, _ = nearest(source, chosen, source.modalities, k=1, metric="euclidean")
    return apart(source, near[:, 0], chosen)


def apart(source: EncodedCohort, near: np.ndarray, target: EncodedCohort) -> np.ndarray:
    """Return the distance of each target patient to one of the source, -1 none: float [target]."""
    total, shared = np.zeros(len(target)), np.zeros(len(target))
    for name in source.modalities:
        both = source.has(name)[near] & target.has(name)
        gap = source.features[name][near].astype(np.float64) - target.features[name]
        total += np.where(both, (gap**2).mean(axis=1), 0.0)
        shared += both
    known = (near >= 0) & (shared > 0)
    return np.where(known, np.sqrt(total / np.maximum(shared, 1)), np.nan)


def exceeding(above: int, held: int, above_train: int, train: int) -> float:
    """Return the chance of so many held-out patients above the threshold if they were exchanged with training ones.

    So many are above the largest but `above_train` of the training patients if, of the `above + above_train`
    largest of all, so many are held out.
    """
    return float(hypergeom(held + train, held, above + above_train).sf(above - 1))


def quartiles(values: np.ndarray) -> dict[str, float]:
    """Return quartiles, NaN where there are no values."""
    known = values[np.isfinite(values)]
    at = {"low": 25, "median": 50, "high": 75}
    return {name: float(np.percentile(known, where)) if len(known) else float("nan") for name, where in at.items()}


def by_group(held: Cohort, outside: np.ndarray) -> dict[str, dict[str, dict[str, Any]]]:
    """Return for each value of a group how many held-out patients lie outside; few patients masked."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for group in held.groups:
        values = held.groups[group]
        if group in held.blocks or values.nunique() > MOST_VALUES:
            continue
        found[str(group)] = {
            str(value): shown(outside[here])
            for value in sorted(values.dropna().unique())
            if (here := (values == value).to_numpy(dtype=bool)).sum() >= SMALLEST_CELL
        }
    return found


def shown(outside: np.ndarray) -> dict[str, Any]:
    """Return a count that may be shown and its share, NaN where it may not."""
    count = int(outside.sum())
    share = float(outside.mean()) if count == 0 or count >= SMALLEST_CELL else float("nan")
    return {"outside": masked(count, min_cell=SMALLEST_CELL), "share": share}


def unlinked(subject: Subject, source: EncodedCohort, target: EncodedCohort) -> dict[str, Any]:
    """Return the share of held-out patients who listen to nobody when attached, and of training patients."""
    if subject.links is None and subject.speakers.all():
        return {"unlinked_why": "it is not known what drew the links, so nobody can be attached"}
    if not subject.speakers.all():
        alone = np.asarray(silent_in(subject.graph))
        held = np.arange(len(alone)) >= subject.graph.trained
    else:
        try:
            graph = build_graph(subject.links, source, target)  # type: ignore[arg-type]  # not None: see above
        except GraphError as error:
            return {"unlinked_why": f"nobody could be attached: {error}"}
        alone, held = silent_in(graph), np.arange(graph.patients) >= graph.trained
    mine, theirs = alone[held], alone[~held]
    p = float(hypergeom(len(alone), int(held.sum()), int(alone.sum())).sf(int(mine.sum()) - 1))
    return {"unlinked": float(mine.mean()), "unlinked_train": float(theirs.mean()), "unlinked_p": p}


def silent_in(graph: PatientGraph) -> np.ndarray:
    """Return who listens to no other patient and to no concept: bool [patient]."""
    graph = graph.by_patient()
    heard = np.zeros(graph.patients, dtype=bool)
    for relation in graph.relations:
        if relation.target == PATIENT:
            heard[relation.edges[1]] = True
    return ~heard


def judge(subject: Subject, measures: Measures) -> Iterator[Finding]:
    """GM611: whether held-out patients lie far from training ones. GM616: whether the graph reaches them."""
    found = measures["attachability"]
    if "why" in found:
        yield from (Finding(code, "n.a.", found["why"]) for code in CODES)
        return
    yield far(found, subject.limit("GM611", "outside"))
    yield reached(found, subject.limit("GM616", "more"))


def far(found: Measures, limit: float) -> Finding:
    """GM611: whether more of them than expected lie beyond what training patients do among themselves."""
    if isnan(found["distance"]["limit"]):
        return Finding("GM611", "n.a.", "no two training patients share a modality")
    said = (
        f"of {found['by']} {found['outside']:.1%} lie farther from the nearest training patient than 99% of training "
        f"patients do from theirs ({found['outside_train']:.1%} of whom do)"
    )
    said += f", on a sample of {found['held']:,}" if found["sampled"] else ""
    if found["outside"] <= limit or found["p"] >= P:
        return Finding("GM611", "pass", said)
    group, value = farthest(found["outside_by_group"])
    said += f"; most often {group}={value}" if group else ""
    fix = "predictions there are guesses beyond what was seen: report these patients apart"
    return Finding("GM611", "warn", said, fix + (f", see graphmml cv --leave-out {group}" if group else ""))


def farthest(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[str, str]:
    """Return the group and value with the largest share outside, of those that may be shown; "" if there is none."""
    shares = {(group, value): row["share"] for group, rows in groups.items() for value, row in rows.items()}
    known = {name: share for name, share in shares.items() if share > 0}
    return max(known, key=lambda name: known[name], default=("", ""))


def reached(found: Measures, more: float) -> Finding:
    """GM616: whether attached patients are left without a link more often than training patients."""
    if "unlinked" not in found:
        return Finding("GM616", "n.a.", found["unlinked_why"])
    said = (
        f"attached to the graph of training patients, {found['unlinked']:.1%} of {found['by']} listen to nobody, "
        f"{found['unlinked_train']:.1%} of training patients"
    )
    if found["unlinked"] - found["unlinked_train"] <= more or found["unlinked_p"] >= P:
        return Finding("GM616", "pass", said)
    fix = "neighbours reaches every patient who has the modality; a threshold, rare codes or a shared phenotype do not"
    return Finding("GM616", "warn", said, fix)


def lines(measures: Measures) -> Iterator[str]:
    """Say how many held-out patients lie outside and how many are not reached."""
    found = measures.get("attachability", {})
    if "outside" in found:
        told = f"  {found['by']}: {found['outside']:.1%} lie outside training (1% expected)"
        yield told + (f" · {found['unlinked']:.1%} left without a link" if "unlinked" in found else "")


ATTACHABILITY = Part("attachability", CODES, measure, judge, lines, laid=False)
