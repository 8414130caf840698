"""Diagnosis: what was measured on one graph, as text, frame and JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from textwrap import wrap
from typing import Any

import pandas as pd

from graphmml.data.findings import Finding
from graphmml.errors import GraphmmlError
from graphmml.report.html.badges import badges
from graphmml.report.measures import without_few
from graphmml.report.picture import Picture
from graphmml.report.plot import Plots
from graphmml.report.words import WIDTH, broken, plain_json

SCHEMA = "graphmml.diagnose/1"
LINES = 30
STATUSES = ("fail", "warn", "pass", "n.a.", "skipped")


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """Sizes, measures and verdicts of one graph; nothing in it names a patient.

    `graph` has patients, edges, components and isolated. `measures` has what each part of the panel found, among
    it components, listens_to, listened_to, relations, and homophily for "outcome:NAME" and each "group:NAME". All
    rows with a known outcome took part: it describes, and is not for choosing k, metric or modality.
    """

    graph: Mapping[str, int]
    measures: Mapping[str, Any]
    findings: tuple[Finding, ...]
    title: str = field(default="")
    told: tuple[str, ...] = field(default=())
    drawn: Callable[[], Picture] | None = field(default=None)

    def frame(self) -> pd.DataFrame:
        """Return one row for the outcome and each group.

        Of an outcome that is a number or a survival time `edge` is regression homophily, `adjusted` Moran's I.
        """
        plain = ("name", "kind", "values", "patients", "edge", "chance", "adjusted", "informativeness", "node", "p")
        rows = []
        for row in self.measures["homophily"].values():
            within = {f"p within {group}": p for group, p in row.get("p_within", {}).items()}
            rows.append({key: row[key] for key in plain} | within)
        number = self.measures.get("numbers")
        if number:
            known = {"name": number["name"], "kind": "outcome", "patients": number["patients"], "p": number["p"]}
            known |= {"edge": number["regression"], "chance": number["regression_by_chance"]}
            known |= {"adjusted": number["moran"]}
            within = {f"p within {group}": p for group, p in number["p_within"].items()}
            rows.insert(0, {key: known.get(key, float("nan")) for key in plain} | within)
        return pd.DataFrame(rows, columns=None if rows else list(plain)).set_index("name")

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml diagnose --json` prints; undefined and masked numbers are null."""
        told = {name: without_few(row) for name, row in self.measures.get("homophily", {}).items()}
        return {
            "schema": SCHEMA,
            "graph": dict(self.graph),
            "measures": plain_json({**self.measures, "homophily": told}),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def with_findings(self, findings: Sequence[Finding]) -> "Diagnosis":
        """Return the same measures with some of the findings."""
        return replace(self, findings=tuple(findings))

    @cached_property
    def picture(self) -> Picture:
        """What reports and plots draw; laid out when it is first asked for."""
        if self.drawn is None:
            raise GraphmmlError("this diagnosis was put together by hand; make one with graphmml.diagnose to draw it")
        return self.drawn()

    @property
    def plot(self) -> Plots:
        """Plots on matplotlib axes: homophily, degrees, presence, prevalence, graph."""
        return Plots(self.measures, self.picture)

    def summary(self) -> str:
        """Say what was measured, without the verdicts."""
        return "\n".join(self.measured())

    def measured(self) -> Iterator[str]:
        """Yield the lines of `summary`."""
        yield from wrap(self.title, WIDTH, subsequent_indent="  ")
        yield from (part for line in self.told for part in broken(line, WIDTH))

    def __repr__(self) -> str:
        lines = list(self.measured())
        told = [item for status in ("warn", "fail") for item in self.findings if item.status == status]
        counts = {status: sum(item.status == status for item in self.findings) for status in STATUSES}
        last = " · ".join(f"{number} {status}" for status, number in counts.items() if number)
        for at, item in enumerate(reversed(told)):
            part = wrap(f"{item.status.upper()} {item.code}  {item.message}", WIDTH, subsequent_indent=" " * 12)
            if len(lines) + len(part) > LINES - 2:
                lines.append(f"and {len(told) - at} more in .findings")
                break
            lines += part
        return "\n".join([*lines, last])

    def _repr_html_(self) -> str:
        return badges(self.summary(), self.findings)
