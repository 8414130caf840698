"""Report: everything known of a cohort, its graph and its evidence, on one page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from graphmml.data.check import check
from graphmml.data.cohort import Cohort
from graphmml.data.findings import Finding
from graphmml.data.thresholds import Thresholds, thresholds
from graphmml.errors import GraphmmlError
from graphmml.report.diagnosis import STATUSES, Diagnosis
from graphmml.report.evidence import Evidence, evidence_of
from graphmml.report.html.page import page
from graphmml.report.render_findings import markdown
from graphmml.report.written import write_whole
from graphmml.train.group_table import GroupTable
from graphmml.train.read_run import Run, read_run
from graphmml.train.result import CVResult

SCHEMA = "graphmml.report/1"
FORMS = (".html", ".md", ".json")


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """Findings on tables and graph, what is drawn of them, and the evidence of a run if there is one.

    `save` writes HTML, Markdown or JSON by the ending of the path; `to_html` is one file without script or network.
    It holds no id; patients are drawn as unnamed dots, which is still data of single patients.
    """

    cohort: str
    findings: tuple[Finding, ...]
    diagnosis: Diagnosis
    evidence: Evidence | None
    made: date

    def with_findings(self, findings: Sequence[Finding]) -> "Report":
        """Return the same report with some of the findings."""
        return replace(self, findings=tuple(findings))

    def to_html(self) -> str:
        """Return the page."""
        return page(self.cohort, self.findings, self.diagnosis, self.diagnosis.picture, self.evidence, self.made)

    def to_markdown(self) -> str:
        """Return the findings and the numbers as Markdown, without pictures."""
        text = markdown(f"report of {self.cohort}", self.findings, self.diagnosis.summary())
        return text if self.evidence is None else f"{text}\n```\n{self.evidence.run.result!r}\n```\n"

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml report --json` prints."""
        record = {
            **self.diagnosis.to_json(),
            "schema": SCHEMA,
            "cohort": self.cohort,
            "made": self.made.isoformat(),
            "findings": [finding.to_dict() for finding in self.findings],
        }
        if self.evidence is None:
            return record
        by_group = [found.to_json() for found in self.evidence.fairness]
        return record | {"cv": self.evidence.run.result.to_json(), "fairness": by_group}

    def save(self, path: str | Path) -> Path:
        """Write the report whole or not at all, by its ending: .html, .md or .json."""
        target = Path(path)
        if target.suffix not in FORMS:
            raise GraphmmlError(f"a report ends in {', '.join(FORMS)}, and '{target.name}' does not")
        return write_whole(self.written(target.suffix), target)

    def written(self, ending: str) -> str:
        """Return the text of a file with this ending."""
        if ending == ".html":
            return self.to_html()
        if ending == ".md":
            return self.to_markdown()
        return json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n"

    def __repr__(self) -> str:
        counts = {status: sum(item.status == status for item in self.findings) for status in STATUSES}
        said = " · ".join(f"{number} {status}" for status, number in counts.items() if number)
        run = "no run" if self.evidence is None else f"a run of {self.evidence.run.result.plan}"
        return f"report of {self.cohort}, {self.made.isoformat()}: {said}, {run}; save it as .html, .md or .json"

    def _repr_html_(self) -> str:
        framed = self.to_html().replace("&", "&amp;").replace('"', "&quot;")
        return f'<iframe title="report of a patient graph" width="100%" height="640" srcdoc="{framed}"></iframe>'


def report_on(
    cohort: Cohort,
    diagnosis: Diagnosis,
    *,
    run: str | Path | CVResult | None = None,
    groups: GroupTable | None = None,
    limit: Thresholds | None = None,
) -> Report:
    """Put a diagnosis beside the findings on its cohort's tables and, where one is given, a cross-validation.

    `run` is a result or the folder that it was kept in, `groups` its scores pooled, within and left out.
    """
    cohort = cohort[cohort.sorted_rows]
    known = None
    if run is not None:
        known = Run(run.in_rows_of(cohort)) if isinstance(run, CVResult) else read_run(run, cohort)
    said = {item.code for item in diagnosis.findings}  # of what both ask, the graph's finding says more
    checked = [item for item in check(cohort, limit=limit or thresholds()) if item.code not in said]
    findings = (*checked, *diagnosis.findings)
    return Report(
        cohort=cohort.name,
        findings=tuple(sorted(findings, key=lambda finding: finding.code)),
        diagnosis=diagnosis,
        evidence=None if known is None else evidence_of(known, cohort, groups),
        made=date.today(),
    )
