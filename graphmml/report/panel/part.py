"""Subject and Part: what is diagnosed, and one question that is asked of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.data.findings import Finding
from graphmml.data.thresholds import Thresholds
from graphmml.graph.patient_graph import GraphConstructor, PatientGraph
from graphmml.report.measures import Target

Measures = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Subject:
    """A cohort and a graph of its patients; everything but `graph` is in the order of ids.

    `adjacency` is float [listener, speaker], who listens to whom through whatever relation; it is empty where the
    graph is too dense to be laid out, and parts with `laid` are then not asked. `speakers` (bool [patient]) can be
    listened to. `order` says where each patient stands in `graph`. `links` is None for a graph whose constructor
    is not known. Whoever draws by chance starts a generator of its own from `seed`. `facts` are what the manifest of
    a graph that was given says of it; None where the links were drawn here, to describe them.
    """

    cohort: Cohort
    encoded: EncodedCohort
    graph: PatientGraph
    order: np.ndarray
    adjacency: csr_array
    speakers: np.ndarray
    targets: tuple[Target, ...]
    links: GraphConstructor | None
    limit: Thresholds
    seed: int
    facts: Measures | None = None

    @property
    def outcome(self) -> Target | None:
        """The outcome, if it is of classes."""
        return next((target for target in self.targets if target.kind == "outcome"), None)

    @property
    def groups(self) -> tuple[Target, ...]:
        """The declared groups."""
        return tuple(target for target in self.targets if target.kind == "group")


def silent(measures: Measures) -> Iterator[str]:
    """Say nothing in the summary."""
    yield from ()


@dataclass(frozen=True)
class Part:
    """One question: `measure` answers it in numbers, `judge` in findings, `lines` in the summary.

    `measure` returns keys that no other part returns, plain JSON types throughout (NaN for what is undefined);
    `judge` and `lines` see the measures of all parts. `codes` are those that `judge` may give, each at least once:
    a part that cannot be asked gives them all as n.a. or skipped. `laid`: needs the links between patients laid
    out. `full`: asked only with --full.
    """

    name: str
    codes: tuple[str, ...]
    measure: Callable[[Subject], dict[str, Any]]
    judge: Callable[[Subject, Measures], Iterable[Finding]]
    lines: Callable[[Measures], Iterable[str]] = silent
    laid: bool = True
    full: bool = False
