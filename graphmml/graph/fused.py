"""FusedSimilarity: link patients who are alike in what several modalities say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array, diags_array

from graphmml.data.encode import EncodedCohort
from graphmml.data.kinds import refuse_numbers
from graphmml.errors import GraphError
from graphmml.graph.affinity import (
    Kernel,
    blocks,
    candidates_of,
    csr_rows,
    kernel_of,
    log_affinity,
    nearest_of_all,
    nearest_of_list,
    squared_apart,
    ties,
)
from graphmml.graph.all_pairs import AllPairs
from graphmml.graph.chance import own_position, rank_by_key
from graphmml.graph.diffusion import CandidatePairs, Pairs
from graphmml.graph.relations import Relation, Relations
from graphmml.graph.similarity import nearest

TIE = 1e-7
"""Fused similarities closer than about this share of themselves are ties, ordered by a hash of both ids."""


@dataclass(frozen=True)
class FusedSimilarity:
    """Each patient listens to the `degree` most alike by similarity network fusion (Wang et al. 2014, Nature Methods).

    The formulas are the paper's: affinities scaled by the mean distance to the `k` nearest and by `mu`, of which
    each modality keeps its k nearest and the patient itself, and `iterations` times every modality's similarities
    diffuse through the mean of the others. Distance is the root mean squared difference a column. The authors'
    program and snfpy take a normal density of width mu * e for the affinity, add a multiple of the identity
    instead of 1/2 on the diagonal, and make the result symmetric; here each patient's row stays its own. A weight
    is the fused similarity as a share of the patient's highest.

    Partial overlap, which the paper has not: who lacks a modality takes no part in it. A pair is fused over the
    modalities that both have, similarities being compared as multiples of the patient's average in the modality,
    so that having a rare modality in common does not make two patients alike; where they share no other, a
    modality diffuses through itself (as it does if there is only one); patients who share none are not linked.

    Up to `dense_up_to` patients, all pairs are followed, which takes patients x patients numbers a modality.
    Beyond, only pairs of which one is among the `candidates` nearest of the other in some modality: memory grows
    with patients x candidates, and the result is exact once candidates are everybody.

    A new patient changes no similarity of the source. It takes one step of the diffusion, through its k nearest
    in each modality and the fused similarities of the source, while Wang et al. fuse everybody anew. Patients of
    the source, known by id, keep the links that they have there.
    """

    modality: str | tuple[str, ...] | None = None
    k: int = 20
    degree: int = 10
    mu: float = 0.5
    iterations: int = 20
    candidates: int = 50
    dense_up_to: int = 5000

    def __post_init__(self) -> None:
        if isinstance(self.modality, list):
            object.__setattr__(self, "modality", tuple(self.modality))
        refuse_numbers(self)
        if min(self.k, self.degree) < 1:
            raise GraphError(f"k is {self.k} and degree is {self.degree}; choose one or more of each")
        if not 0 < self.mu < np.inf:
            raise GraphError(f"mu is {self.mu}; choose a number above zero, the paper recommends 0.3 to 0.8")
        if min(self.iterations, self.dense_up_to) < 0:
            raise GraphError(
                f"iterations is {self.iterations} and dense_up_to is {self.dense_up_to}; choose zero or more of each"
            )
        if self.candidates < max(self.k, self.degree):
            raise GraphError(
                f"candidates is {self.candidates}, fewer than k = {self.k} or degree = {self.degree}; "
                f"choose {max(self.k, self.degree)} or more"
            )

    def link(self, source: EncodedCohort, target: EncodedCohort) -> Relations:
        """Return the one relation "fused"."""
        network = network_of(self, source)
        own = own_position(source, target)
        new = np.flatnonzero(own < 0)
        known = np.flatnonzero(own >= 0)
        parts = [(known, network.similar[network.place[own[known]]])]
        parts += [(new[block], self.attached(network, source, target[new[block]])) for block in blocks(len(new), 1024)]
        edges = [strongest(part, rows, network, target.keys[rows], self.degree) for rows, part in parts]
        sources, targets, weight = (np.concatenate(column) for column in zip(*edges, strict=True))
        return Relations((Relation.of("fused", network.order[sources], targets, weight),))

    def chosen(self, source: EncodedCohort) -> tuple[str, ...]:
        """Return the modalities to fuse that anybody has, sorted, or raise GraphError for what cannot be."""
        wanted = (self.modality,) if isinstance(self.modality, str) else self.modality
        modalities = source.modalities if wanted is None else tuple(sorted(set(wanted)))
        having = {modality: int(source.has(modality).sum()) for modality in modalities}
        for modality, count in having.items():
            if 0 < count <= max(self.k, self.degree):
                raise GraphError(
                    f"k is {self.k} and degree is {self.degree}, but {count} of the {len(source)} source patients "
                    f"have {modality}; choose both below {count}, or name other modalities"
                )
        return tuple(modality for modality, count in having.items() if count)

    def attached(self, network: "Network", source: EncodedCohort, new: EncodedCohort) -> csr_array:
        """Return the fused similarity of new patients to the source: csr [new, source in the order of the network]."""
        total = csr_array((len(new), len(source)))
        for modality, kernel in network.kernels.items():
            share = self.shares(modality, network, source, new)
            through = (share @ network.similar + 0.5 * share) @ kernel.listed_by
            sums = through.sum(axis=1)
            total = total + diags_array(kernel.has.sum() / np.where(sums > 0, sums, 1)) @ through
        total = csr_array(total)
        total.sort_indices()
        here = np.repeat(np.arange(len(new)), np.diff(total.indptr))
        both = [new.has(name)[here] & kernel.has[total.indices] for name, kernel in network.kernels.items()]
        if both:
            total.data /= np.maximum(np.add.reduce(both, dtype=np.int64), 1)
        return total

    def shares(self, modality: str, network: "Network", source: EncodedCohort, new: EncodedCohort) -> csr_array:
        """Return the local kernel of new patients, over their k nearest in the source: csr [new, source]."""
        kernel, rows = network.kernels[modality], np.flatnonzero(new.has(modality))
        if not len(rows):
            return csr_array((len(new), len(source)))
        found, _ = nearest(source, new[rows], [modality], k=self.k, metric="euclidean")
        near = network.place[found]
        squared = squared_apart(new.features[modality][rows, None].astype(np.float64), kernel.values[near])
        reach = np.sqrt(squared).mean(axis=1, keepdims=True)
        log = log_affinity(squared, reach, kernel.reach[near], self.mu)
        weight = np.exp(log - log.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        return csr_rows(rows, near, weight, (len(new), len(source)))


@dataclass(frozen=True, eq=False)
class Network:
    """The fused source, its patients in the order of a hash of their ids, so that row order decides nothing.

    `order` holds the source position of each patient here, `place` the place here of each source position.
    `noise` orders ties. `similar` is P, the fused similarities of the most alike, off the diagonal: csr [n, n].
    """

    order: np.ndarray
    place: np.ndarray
    noise: np.ndarray
    kernels: dict[str, Kernel]
    similar: csr_array


_NETWORKS: WeakKeyDictionary[EncodedCohort, dict[FusedSimilarity, Network]] = WeakKeyDictionary()


def network_of(links: FusedSimilarity, source: EncodedCohort) -> Network:
    """Return the fused source, remembered for as long as the source lives."""
    known = _NETWORKS.setdefault(source, {})
    if links not in known:
        known[links] = fused(links, source)
    return known[links]


def fused(links: FusedSimilarity, source: EncodedCohort) -> Network:
    """Fuse the source."""
    modalities = links.chosen(source)
    order = rank_by_key(source)
    place = np.argsort(order)
    cohort = source[order]
    kernels, pairs = kernels_of(links, cohort, modalities)
    similar = csr_array((len(source), len(source)))
    if kernels:
        alike = pairs.diffused(list(kernels.values()), mu=links.mu, iterations=links.iterations)
        similar = pairs.sparse(alike, links.candidates)
    return Network(order, place, ties(cohort.keys), kernels, similar)


def kernels_of(
    links: FusedSimilarity, cohort: EncodedCohort, modalities: Sequence[str]
) -> tuple[dict[str, Kernel], Pairs]:
    """Return the kernel of each modality, and the pairs to follow."""
    if len(cohort) <= links.dense_up_to:
        near = {name: nearest_of_all(cohort, name, links.k) for name in modalities}
        pairs: Pairs = AllPairs(len(cohort))
    else:
        having = {name: np.flatnonzero(cohort.has(name)) for name in modalities}
        lists = {name: candidates_of(cohort, name, min(links.candidates, len(having[name]) - 1)) for name in modalities}
        near = {name: nearest_of_list(cohort, name, listed, links.k) for name, listed in lists.items()}
        pairs = CandidatePairs.of(((having[name], lists[name]) for name in modalities), len(cohort))
    return {name: kernel_of(cohort, name, near[name], links.mu) for name in modalities}, pairs


def strongest(
    similar: csr_array, targets: np.ndarray, network: Network, keys: np.ndarray, degree: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the `degree` highest of each row as sources here, targets, and weights relative to the row's highest."""
    row = np.repeat(np.arange(len(targets)), np.diff(similar.indptr))
    noise = np.einsum("et,et->e", ties(keys)[row], network.noise[similar.indices])
    order = np.lexsort((-similar.data * (1 + TIE * noise), row))
    order = order[similar.data[order] > 0]
    row, column, value = row[order], similar.indices[order], similar.data[order]
    first = np.searchsorted(row, row, side="left")
    kept = np.arange(len(row)) - first < degree
    return column[kept], targets[row[kept]], value[kept] / value[first[kept]]
