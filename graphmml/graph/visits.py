"""Visits: each visit is a node of its patient, between the codes given at it and the visit that follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.data.timeline import EVENT
from graphmml.errors import GraphError
from graphmml.graph.relations import PATIENT, Parts, Relation, Relations

VISIT = "visit"
NO_EVENTS = pd.DataFrame(columns=list(EVENT), dtype="str")
CLIP = 5.0
"""Features of visits beyond this many deviations of the source are cut there, as those of patients are."""


@dataclass(frozen=True)
class Visits:
    """Patients, their visits in order of time, and the codes of each visit; a code joins visits of all patients.

    Visits listen to their codes, their patient and the visit before; the patient listens to its visits, and codes
    to the source's visits. Visits at one time have no order among them, and those without a time no order at all.
    A visit starts from the days since the first and until the last visit and from how many codes it has, as
    logarithms in deviations of the source. A step of message passing is an edge: codes reach the patient at
    depth=2, other patients' visits at depth=3, and other patients themselves at depth=4.

    Codes are those that at least `support` and at most `most` (a share) of the source's patients have, in the
    modalities named (None: all with visits), and weigh log(n / n_c) unless `rarity=False`, as in `Concepts`. The
    cohort file declares visits: a table [visits], and long = { code =, visit = } for each coded modality.

    MedGraph (Hettige et al., ECAI 2020) joins visits to codes and follows visits in time, with Gaussian embeddings
    and a point process; the levels of patient, visit and code are those of MiME (Choi et al., NeurIPS 2018). Here
    both are relations of one graph, which any conv reads, and time is an order and a feature of the visit.
    """

    modality: str | tuple[str, ...] | None = None
    support: int = 2
    most: float = 0.5
    rarity: bool = True

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if self.support < 1 or not 0 < self.most <= 1:
            raise GraphError(f"support is {self.support} and most {self.most}; wanted: 1 or more, and a share up to 1")
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return visit <-> patient, visit -> next visit, and for each coded modality visit <-> code."""
        known = learned(self, source)
        here = known.stays if target is source else stays(target, known.modalities)
        items = within_patients(here.visits)
        for modality, weights in known.weights.items():
            listening, codes = here.coded(modality, weights.index)
            of = Relation.of(f"of_{modality}", codes, listening, weights.to_numpy()[codes])
            items += [known.has[modality], of.between(modality, VISIT)]
        concepts = {modality: tuple(weights.index) for modality, weights in known.weights.items()}
        parts = Parts(np.array(here.visits["owner"]), None, scaled(here.features(), known.mean, known.spread))
        return Relations(tuple(items), concepts, {VISIT: parts})

    def chosen(self, source: EncodedCohort) -> tuple[str, ...]:
        """Return the coded modalities, sorted, or raise GraphError where there is none."""
        known = source.timeline.events
        wanted = (self.modality,) if isinstance(self.modality, str) else self.modality or tuple(known)
        if not len(source.timeline) or not wanted:
            raise GraphError(
                "the cohort declares no visits with codes; write in cohort.toml [visits] path =, visit =, time = and "
                "for a coded modality long = { code =, visit = }, or use Cohort.with_visits"
            )
        for modality in wanted:
            if modality not in known:
                raise GraphError(f"no codes of '{modality}' are known by visit; there are: {', '.join(known)}")
            if modality in (PATIENT, VISIT):
                raise GraphError(f"'{modality}' is a kind of node already; give the modality another name")
        return tuple(sorted(set(wanted)))

    def vocabulary(self, known: "Stays", modality: str, patients: int) -> "pd.Series[float]":
        """Return the weight of each code that is kept, in order of name."""
        at, names = known.events[modality]
        numbers, codes = pd.factorize(names, sort=True)
        owner = known.visits["owner"].to_numpy()[at]
        held = np.unique(owner * len(codes) + numbers) % max(len(codes), 1)
        count = np.bincount(held, minlength=len(codes))
        share = pd.Series(count / max(patients, 1), index=codes)
        share = share[(count >= self.support) & (share <= self.most)]
        weight = -np.log(share).where(share < 1, 1.0)
        return weight if self.rarity else pd.Series(1.0, index=share.index)


@dataclass(frozen=True, eq=False)
class Stays:
    """A cohort's visits by patient, then time, then name, and for each modality the visit and code of its events."""

    visits: pd.DataFrame
    events: Mapping[str, tuple[np.ndarray, pd.Series]]

    def coded(self, modality: str, vocabulary: pd.Index) -> tuple[np.ndarray, np.ndarray]:
        """Return the visits and the codes of a modality's events, as positions, unknown codes left out."""
        visit, names = self.events[modality]
        code = vocabulary.get_indexer(pd.Index(names))
        return visit[code >= 0], code[code >= 0]

    def features(self) -> np.ndarray:
        """Return logs of days since the first visit, days until the last, codes: [visit, 3], NaN where unknown."""
        time = self.visits["time"]
        of_one = time.groupby(self.visits["owner"])
        since, until = time - of_one.transform("min"), of_one.transform("max") - time
        codes = sum((np.bincount(at, minlength=len(time)) for at, _ in self.events.values()), np.zeros(len(time)))
        return np.asarray(np.log1p(np.stack([since.to_numpy(), until.to_numpy(), codes], axis=1)))


def stays(cohort: EncodedCohort, modalities: Sequence[str]) -> Stays:
    """Lay out a cohort's visits and the events of these modalities; one that the cohort lacks has none."""
    visits = cohort.timeline.visits
    owner = cohort.ids.get_indexer(pd.Index(visits["id"])).astype(np.int64)
    visits = visits.assign(owner=owner)[owner >= 0].sort_values(["owner", "time", "visit"], ignore_index=True)
    known = pd.MultiIndex.from_frame(visits[["id", "visit"]])
    events = {}
    for modality in modalities:
        rows = cohort.timeline.events.get(modality, NO_EVENTS)
        at = np.asarray(known.get_indexer(pd.MultiIndex.from_frame(rows[["id", "visit"]])), dtype=np.int64)
        events[modality] = (at[at >= 0], rows["code"][at >= 0])
    return Stays(visits, events)


@dataclass(frozen=True, eq=False)
class Learned:
    """What newcomers take from the source: its codes and their weights, which visits have them, and its scales."""

    stays: Stays
    weights: Mapping[str, "pd.Series[float]"]
    has: Mapping[str, Relation]
    mean: np.ndarray
    spread: np.ndarray

    @property
    def modalities(self) -> tuple[str, ...]:
        """The coded modalities, whether any of their codes was kept or not."""
        return tuple(self.stays.events)


_LEARNED: WeakKeyDictionary[EncodedCohort, dict[Visits, Learned]] = WeakKeyDictionary()


def learned(links: Visits, source: EncodedCohort) -> Learned:
    """Return what is learned from the source, remembered for as long as the source lives."""
    known = _LEARNED.setdefault(source, {})
    if links not in known:
        modalities = links.chosen(source)
        there = stays(source, modalities)
        weights, has = {}, {}
        for modality in modalities:
            kept = links.vocabulary(there, modality, len(source))
            if len(kept):
                speaking, codes = there.coded(modality, kept.index)
                drawn = Relation.of(f"has_{modality}", speaking, codes, kept.to_numpy()[codes])
                weights[modality], has[modality] = kept, drawn.between(VISIT, modality)
        if not weights:
            raise GraphError(
                f"no code of {', '.join(modalities)} is held by at least {links.support} and at most "
                f"{links.most:.0%} of {len(source)} patients; lower support or raise most"
            )
        known[links] = Learned(there, weights, has, *scales(there.features()))
    return known[links]


def within_patients(visits: pd.DataFrame) -> list[Relation]:
    """Return visit -> patient, patient -> visit, and visit -> the next of the same patient."""
    owner, node = visits["owner"].to_numpy(), np.arange(len(visits))
    earlier, later = successive(owner, visits["time"].to_numpy())
    return [
        Relation.of("of_visit", node, owner).between(VISIT, PATIENT, own=True),
        Relation.of("has_visit", owner, node).between(PATIENT, VISIT, own=True),
        Relation.of("next_visit", earlier, later).between(VISIT, VISIT, own=True),
    ]


def successive(owner: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every pair of a visit and one at the patient's next time, from visits sorted by owner and time."""
    timed = np.flatnonzero(~np.isnan(time))
    whose, when = owner[timed], time[timed]
    fresh = np.ones(len(timed), dtype=bool)
    fresh[1:] = (whose[1:] != whose[:-1]) | (when[1:] != when[:-1])
    starts = np.flatnonzero(fresh)
    sizes = np.diff(np.append(starts, len(timed)))
    moment = np.cumsum(fresh) - 1
    before = np.maximum(moment - 1, 0)
    count = np.where((moment > 0) & (whose[starts[before]] == whose), sizes[before], 0)
    later = np.repeat(np.arange(len(timed)), count)
    rank = np.arange(len(later)) - np.repeat(np.cumsum(count) - count, count)
    return timed[starts[before[later]] + rank], timed[later]


def scales(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of what is known in each column, 1 where nothing varies."""
    known = ~np.isnan(columns)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, columns, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, columns - mean, 0) ** 2).sum(axis=0) / count)
    return mean, np.where(spread > 0, spread, 1.0)


def scaled(columns: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return columns in deviations, zero where unknown, and whether the time is unknown: float32 [visit, 4]."""
    units = np.nan_to_num((columns - mean) / spread).clip(-CLIP, CLIP)
    return np.concatenate([units, np.isnan(columns[:, :1])], axis=1).astype(np.float32)
