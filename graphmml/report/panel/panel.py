"""Which questions are asked of a graph, and in which order they are answered."""

from collections.abc import Callable, Sequence
from typing import Any

from graphmml.data.findings import Finding
from graphmml.report.panel.confounding import CONFOUNDING
from graphmml.report.panel.hubs import HUBS
from graphmml.report.panel.labels import LABELS
from graphmml.report.panel.part import Part, Subject
from graphmml.report.panel.size import SIZE
from graphmml.report.panel.ties import TIES

PARTS: tuple[Part, ...] = (SIZE, HUBS, LABELS, CONFOUNDING, TIES)
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
