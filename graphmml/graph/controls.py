"""What every graph is held against: no edges, random edges, and its own edges shuffled."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.chance import choose, mixed, own_position, rank_by_key, uniform
from graphmml.graph.patient_graph import GraphConstructor, links_between, refuse_links, source_links
from graphmml.graph.relations import PATIENT, Relation, Relations
from graphmml.graph.restricted import Restricted, joined, text


@dataclass(frozen=True)
class NoEdges:
    """Nobody listens to anybody: the same network without a graph."""

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return no relation at all."""
        return Relations(())


@dataclass(frozen=True)
class RandomEdges:
    """Each patient listens to k source patients drawn by chance."""

    k: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if self.k < 1:
            raise GraphError(f"k is {self.k}; choose one or more neighbours")

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return one relation; draws depend on ids and seed alone."""
        if self.k >= len(source):
            raise GraphError(f"k is {self.k} but the cohort has {len(source)} patients; choose k below {len(source)}")
        order = rank_by_key(source)
        drawn = choose(target.keys, np.full(len(target), len(source)), self.k + 1, self.seed)
        picked = order[drawn]
        picked[picked == own_position(source, target)[:, None]] = -1
        picked[np.cumsum(picked >= 0, axis=1) > self.k] = -1
        targets, rank = np.nonzero(picked >= 0)
        return Relations((Relation.of("random", picked[targets, rank], targets),))


@dataclass(frozen=True)
class Shuffled:
    """The links of another constructor with their far ends exchanged: degrees stay, meaning goes.

    Among the source every node keeps how many it listens to and how many listen to it (the configuration model;
    the few loops and doublets that arise are exchanged again, and dropped if they persist). An attached patient
    listens to as many as before, drawn from the ends of the training edges by a hash of its id. Edges within one
    patient (to its own visits, say) are no links between patients and stay. The ends of a Restricted graph are
    exchanged among edges of one pair of groups alone, so that what it forbids stays forbidden, each patient listens
    to as many of each group as before, and degrees stay all the same.
    """

    links: GraphConstructor
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        refuse_links(self.links)

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the inner constructor's relations, shuffled."""
        within = source_links(self.links, source)
        groups = codes(source, groups_of(self.links))
        if source.ids.equals(target.ids):
            return within.map({item.name: self.exchanged(item, groups) for item in within if not item.own})
        drawn = links_between(self.links, source, target)
        pools = {item.kind: item.edges[0] for item in within}
        if groups is not None:  # a constructor that may be restricted links patients alone
            return drawn.map(
                {item.name: self.by_group(item, pools[item.kind], groups, source, target) for item in drawn}
            )
        own = own_position(source, target)
        listeners = {PATIENT: (target.keys, own)}
        for kind, parts in drawn.parts.items():
            mine = mixed(target.keys[parts.owner], len(kind)) + parts.number.astype(np.uint64)
            listeners[kind] = (mine, own[parts.owner])
        speakers = {PATIENT: np.arange(len(source))} | {kind: parts.owner for kind, parts in within.parts.items()}
        return drawn.map(
            {
                item.name: self.redrawn(item, pools[item.kind], speakers.get(item.source), *listeners[item.target])
                for item in drawn
                if item.target in listeners and not item.own
            }
        )

    def exchanged(self, relation: Relation, groups: np.ndarray | None) -> Relation:
        """Permute the source ends, then exchange those of loops and doublets until none or few are left."""
        if groups is not None:
            cells = groups[relation.edges[0]] * (int(groups.max()) + 1) + groups[relation.edges[1]]
            parts = [self.exchanged(part_of(relation, cells == cell), None) for cell in np.unique(cells)]
            return together(relation, parts)
        random = np.random.default_rng([self.seed, len(relation)])
        sources, targets = random.permutation(relation.edges[0]), relation.edges[1]
        for _ in range(20):
            bad = np.flatnonzero(unusable(sources, targets, loops=relation.source == relation.target))
            if not len(bad):
                break
            partners = random.integers(0, len(sources), len(bad))
            for one, other in zip(bad, partners, strict=True):
                sources[one], sources[other] = sources[other], sources[one]
        kept = ~unusable(sources, targets, loops=relation.source == relation.target)
        edges = np.stack([sources[kept], targets[kept]])
        return Relation(relation.name, edges, relation.weight[kept], relation.source, relation.target)

    def by_group(
        self, relation: Relation, pool: np.ndarray, groups: np.ndarray, source: EncodedCohort, target: EncodedCohort
    ) -> Relation:
        """Draw the sources anew, each from the part of the pool that is of the same group."""
        told = groups[relation.edges[0]]
        own = own_position(source, target)
        parts = [
            self.redrawn(
                part_of(relation, told == group),
                pool[groups[pool] == group],
                np.arange(len(source)),
                mixed(target.keys, int(group)),
                own,
            )
            for group in np.unique(told)
        ]
        return together(relation, parts)

    def redrawn(
        self, relation: Relation, pool: np.ndarray, whose: np.ndarray | None, keys: np.ndarray, own: np.ndarray
    ) -> Relation:
        """Draw each edge's source anew from the pool, which holds a node as often as it is listened to.

        `whose` says which patient a source node belongs to (None: a concept, everybody's), `own` which patient
        of the source a listener is.
        """
        if not len(pool) or not len(relation):
            return relation
        targets = relation.edges[1]
        first = np.searchsorted(targets, targets, side="left")
        rank = (np.arange(len(targets)) - first).astype(np.uint64)
        each = mixed(keys[targets] + rank, self.seed + 1)
        sources = pool[np.floor(uniform(each, self.seed) * len(pool)).astype(np.int64)]
        kept = ~unusable(sources, targets, loops=False)
        if whose is not None:
            kept &= whose[sources] != own[targets]
        edges = np.stack([sources[kept], targets[kept]])
        return Relation(relation.name, edges, relation.weight[kept], relation.source, relation.target)


def unusable(sources: np.ndarray, targets: np.ndarray, *, loops: bool) -> np.ndarray:
    """Return which edges repeat an earlier one or, where both ends are of one kind, are a loop: bool [edge]."""
    pair = sources.astype(np.int64) * (int(targets.max(initial=0)) + 1) + targets
    again = np.ones(len(pair), dtype=bool)
    again[np.unique(pair, return_index=True)[1]] = False
    return again | (sources == targets) if loops else again


def groups_of(links: object) -> tuple[str, ...]:
    """Return the groups that restrict a constructor of patients, or what it holds."""
    held = getattr(links, "links", None)
    own = (links.group,) if isinstance(links, Restricted) else ()
    return own + groups_of(held) if held is not None else own


def codes(source: EncodedCohort, groups: tuple[str, ...]) -> np.ndarray | None:
    """Number the patients by their values of these groups, None where there is no group: int64 [patient]."""
    if not groups:
        return None
    values = pd.DataFrame({str(at): text(source.column(group)) for at, group in enumerate(groups)})
    return np.asarray(values.groupby(list(values), dropna=False, sort=True).ngroup().to_numpy(dtype=np.int64))


def part_of(relation: Relation, chosen: np.ndarray) -> Relation:
    """Return some edges of a relation."""
    return replace(relation, edges=relation.edges[:, chosen], weight=relation.weight[chosen])


def together(relation: Relation, parts: list[Relation]) -> Relation:
    """Return the parts of a relation as one again; where there is none, the relation."""
    return joined(parts) if parts else relation
