"""Compare: several graph constructors on one cohort side by side, before anything is trained on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from graphmml.data.cohort import Cohort
from graphmml.data.columns import is_number
from graphmml.data.encode import CohortEncoder, EncodedCohort
from graphmml.data.kinds import wanted
from graphmml.errors import CohortError, GraphError
from graphmml.graph.concepts import Concepts
from graphmml.graph.controls import RandomEdges
from graphmml.graph.neighbours import Neighbours
from graphmml.graph.patient_graph import GraphConstructor, PatientGraph, build_graph, refuse_links
from graphmml.graph.phenotype import SharedPhenotype
from graphmml.graph.restricted import Restricted
from graphmml.report.agreement import agreement, degrees, pairs_of
from graphmml.report.comparison import Comparison
from graphmml.report.cost import Cost, costed
from graphmml.report.describe_links import label_of, looks_at
from graphmml.report.graph_row import NAN, TARGET, GraphRow
from graphmml.report.measures import (
    LARGEST_PROJECTION,
    MOST_VALUES,
    SMALLEST_CELL,
    Target,
    component_measures,
    component_of,
    hub_measures,
    missing_share,
    projected_links,
    size_measures,
    spread,
    target_measures,
    targets_of,
)
from graphmml.report.within import homophily_within

Links = Mapping[str, GraphConstructor] | Sequence[GraphConstructor]


def compare(
    cohort: Cohort,
    links: Links | None = None,
    *,
    seed: int = 0,
    watch: Callable[[str], None] | None = None,
) -> Comparison:
    """Draw each graph over all patients of a cohort and measure them side by side, without training.

    `links` are constructors by name, or a list of them; without any, those of `default_links`. A constructor that
    cannot link this cohort becomes a row that says why. `watch` is told the name of each graph before it is drawn.
    The order of the cohort's rows decides nothing, and the outcome takes no part in linking.
    """
    wanted(cohort, Cohort)
    cohort = cohort[cohort.sorted_rows]
    chosen = default_links(cohort) if links is None else by_name(links, cohort)
    start = perf_counter()
    encoded = CohortEncoder().fit(cohort).transform(cohort)
    passed = perf_counter() - start
    measure = Measure(cohort, seed)
    rows, layouts = [], {}
    for name, constructor in chosen.items():
        if watch is not None:
            watch(name)
        row, pairs = measure.row(name, constructor, encoded)
        rows.append(row)
        if pairs is not None and pairs.nnz:
            layouts[name] = pairs
    names = list(layouts)
    agreements = tuple(
        agreement((one, other), layouts[one], layouts[other])
        for at, one in enumerate(names)
        for other in names[at + 1 :]
    )
    return Comparison(tuple(rows), agreements, described(cohort), seed, passed)


def default_links(cohort: Cohort) -> dict[str, GraphConstructor]:
    """Return what is worth setting side by side on this cohort, by name.

    Neighbours in each modality, over all of them and as a layer each; for each group patients who share it, and
    neighbours over all modalities from other values of it alone; concepts of the modalities whose columns are all
    counts or names; and random links, to see what chance looks like.
    """
    found: dict[str, GraphConstructor] = {f"neighbours in {name}": Neighbours(name) for name in sorted(cohort.tables)}
    if len(cohort.tables) > 1:
        found["neighbours over all"] = Neighbours()
        found["neighbours, a layer each"] = Neighbours(each=True)
    for group in cohort.groups:
        if cohort.groups[group].notna().sum() < SMALLEST_CELL:
            continue
        found[f"same {group}"] = SharedPhenotype(str(group))
        if 2 <= cohort.groups[group].nunique() <= MOST_VALUES:  # linked anew for each value
            found[f"neighbours across {group}"] = Restricted(Neighbours(), across=str(group))
    for modality in sorted(cohort.tables):
        if counted(cohort.tables[modality]):
            found[f"concepts of {modality}"] = Concepts(modality)
    return {**found, "random": RandomEdges()}


def counted(table: pd.DataFrame) -> bool:
    """Whether every column is names, or whole numbers from zero on that are zero for somebody."""
    for column in table:
        values = table[column].dropna().to_numpy()
        if is_number(table[column]) and not (len(values) and values.min() == 0 and (values % 1 == 0).all()):
            return False
    return True


def by_name(links: Links, cohort: Cohort) -> dict[str, GraphConstructor]:
    """Return the constructors by name, those of a list named after their class and settings."""
    given = links.values() if isinstance(links, Mapping) else links if isinstance(links, list | tuple) else ()
    for item in given:
        refuse_links(item)
    if isinstance(links, Mapping):
        found = {str(name): item for name, item in links.items()}
    elif isinstance(links, Sequence) and not isinstance(links, str):
        found = {}
        for item in links:
            name = label_of(item, cohort.ids)
            again = sum(known == name or known.startswith(f"{name} #") for known in found)
            found[f"{name} #{again + 1}" if again else name] = item
    else:
        raise GraphError(f"links is a {type(links).__name__}; give constructors by name, or a list of them")
    if not found:
        raise GraphError("no constructor was given; name at least one, or leave links out for the usual ones")
    return found


def described(cohort: Cohort) -> dict[str, Any]:
    """Return what the cohort is, in a few words."""
    return {
        "name": cohort.name,
        "patients": len(cohort),
        "modalities": len(cohort.tables),
        "outcome": None if cohort.outcome is None else cohort.outcome.name,
        "outcome_kind": None if cohort.outcome is None else cohort.outcome.kind,
        "groups": len(cohort.groups.columns),
    }


class Measure:
    """Draws and measures one graph after another of one cohort, whose rows are sorted by id."""

    def __init__(self, cohort: Cohort, seed: int) -> None:
        self.cohort, self.seed = cohort, seed
        self.targets = [enough(target) for target in targets_of(cohort)]
        self.missing = missing_share(cohort)

    def row(self, name: str, links: GraphConstructor, encoded: EncodedCohort) -> tuple[GraphRow, csr_array | None]:
        """Return a graph's row, and its pairs where they can be laid out."""
        label, looks = label_of(links, self.cohort.ids), looks_at(links, encoded.modalities)
        fresh = replace(encoded)  # nothing that an earlier row linked is remembered, so that seconds are honest
        try:
            graph, cost = costed(lambda: build_graph(links, fresh))
        except (GraphError, CohortError) as error:
            return GraphRow(name, label, looks, "failed", " ".join(str(error).split())), None
        row = self.sized(GraphRow(name, label, looks, "dense"), graph, cost)
        bound = projected_links(graph)
        if bound > LARGEST_PROJECTION:
            note = f"up to {bound:,} links through shared concepts, too many to lay out"
            return replace(row, note=f"{note}; a lower most leaves common ones out"), None
        adjacency = csr_array(graph.between_patients())
        pairs = pairs_of(adjacency)
        return self.followed(replace(row, status="measured"), adjacency, pairs), pairs

    def sized(self, row: GraphRow, graph: PatientGraph, cost: Cost) -> GraphRow:
        """Fill in what needs no layout."""
        component = component_of(graph)
        size = size_measures(graph, component)
        return replace(
            row,
            relations={relation.name: len(relation) for relation in graph.relations},
            edges=size["edges"],
            isolated=size["isolated"],
            components=size["components"],
            giant_share=component_measures(self.cohort, component)["giant_share"],
            seconds=cost.seconds,
            memory_mb=cost.megabytes,
        )

    def followed(self, row: GraphRow, adjacency: csr_array, pairs: csr_array) -> GraphRow:
        """Fill in degrees, and homophily by outcome and group."""
        speakers = np.ones(len(self.cohort), dtype=bool)
        found = target_measures(adjacency, self.targets, self.seed)
        degree = spread(degrees(pairs))
        outcome = None
        groups = {}
        for target in self.targets:
            measured = found[target.key]
            if target.kind == "group":
                groups[target.name] = {name: measured[name] for name in TARGET}
            else:
                within = self.within(adjacency, target, measured["p_within"])
                outcome = {name: measured[name] for name in ("name", *TARGET)} | {"within": within}
        return replace(
            row,
            pairs=pairs.nnz,
            degree={name: degree[name] for name in ("min", "median", "max")},
            skew=hub_measures(adjacency, speakers, self.missing)["listened_to"]["skew"],
            outcome=outcome,
            groups=groups,
        )

    def within(self, adjacency: csr_array, outcome: Target, p: Mapping[str, float]) -> dict[str, dict[str, float]]:
        """Return the outcome's homophily and its p within each group; NaN where strata are too small to ask."""
        asked = {}
        for group in self.targets:
            if group.kind == "group":
                told = bool(isfinite(p[group.name]) and (group.labels >= 0).any())
                left = homophily_within(adjacency, outcome.labels, group.labels) if told else NAN
                asked[group.name] = {"adjusted": left, "p": p[group.name] if told else NAN}
        return asked


def enough(target: Target) -> Target:
    """Mask a labelling that is known of fewer patients than may be shown."""
    known = int((target.labels >= 0).sum())
    return target if known >= SMALLEST_CELL else replace(target, labels=np.full_like(target.labels, -1))
