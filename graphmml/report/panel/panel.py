"""Which questions are asked of a graph, and in which order they are answered."""

from collections.abc import Callable, Sequence
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.panel.attachability import ATTACHABILITY
from graphmml.report.panel.clustering import CLUSTERING
from graphmml.report.panel.communities import COMMUNITIES
from graphmml.report.panel.confounding import CONFOUNDING
from graphmml.report.panel.curvature import CURVATURE
from graphmml.report.panel.hubs import HUBS
from graphmml.report.panel.imputed import IMPUTED
from graphmml.report.panel.labels import LABELS
from graphmml.report.panel.metapaths import METAPATHS
from graphmml.report.panel.missingness import MISSINGNESS
from graphmml.report.panel.modalities import MODALITIES
from graphmml.report.panel.numbers import NUMBERS
from graphmml.report.panel.part import Part, Subject
from graphmml.report.panel.pattern import PATTERN
from graphmml.report.panel.provenance import PROVENANCE
from graphmml.report.panel.reach import REACH
from graphmml.report.panel.relation import RELATION
from graphmml.report.panel.resistance import RESISTANCE
from graphmml.report.panel.sensitivity import SENSITIVITY
from graphmml.report.panel.size import SIZE
from graphmml.report.panel.smoothing import SMOOTHING
from graphmml.report.panel.smoothness import SMOOTHNESS
from graphmml.report.panel.spectrum import SPECTRUM
from graphmml.report.panel.stability import STABILITY
from graphmml.report.panel.ties import TIES
from graphmml.report.panel.twins import TWINS

PARTS: tuple[Part, ...] = (
    SIZE,
    HUBS,
    IMPUTED,
    CLUSTERING,
    COMMUNITIES,
    SPECTRUM,
    REACH,
    SMOOTHING,
    SMOOTHNESS,
    CURVATURE,
    RESISTANCE,
    STABILITY,
    SENSITIVITY,
    LABELS,
    PATTERN,
    RELATION,
    NUMBERS,
    CONFOUNDING,
    TIES,
    MODALITIES,
    MISSINGNESS,
    METAPATHS,
    ATTACHABILITY,
    TWINS,
    PROVENANCE,
)
"""In the order of the summary's lines."""


def asked(
    subject: Subject, *, dense: str = "", full: bool = False, watch: Callable[[str], None] | None = None
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Measure and judge every part that can be asked; the others' codes are given as skipped, and why.

    `dense` says why the links between patients are not laid out, if they are not. Findings are in order of code.
    """
    measures: dict[str, Any] = {"homophily": {}, "skipped": dense}
    chosen = [part for part in PARTS if not passed_over(part, dense, full)]
    for part in chosen:
        if watch is not None:
            watch(part.name)
        measures |= part.measure(subject)
    findings = [finding for part in chosen for finding in part.judge(subject, measures)]
    for part in PARTS:
        why = passed_over(part, dense, full)
        findings += [Finding(code, "skipped", *why) for code in part.codes if why]
    return measures, tuple(sorted(findings, key=lambda finding: finding.code))


def passed_over(part: Part, dense: str, full: bool) -> tuple[str, ...]:
    """Say why a part is not asked and how it can be; empty if it is."""
    if part.full and not full:
        return ("takes longer and is not computed by default", "graphmml diagnose --full")
    if part.laid and dense:
        return (dense, "leave common concepts out (a lower `most`, a higher `support`), then this is measured")
    return ()


def lines_of(measures: dict[str, Any], parts: Sequence[Part] = PARTS) -> list[str]:
    """Return the lines of the summary; a part that was not asked says nothing."""
    return [line for part in parts for line in part.lines(measures)]
