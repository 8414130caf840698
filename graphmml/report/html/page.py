"""The page of a report: sections filled from what was found, put together by one template."""

from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import jinja2
from markupsafe import Markup

from graphmml.data.findings import Finding
from graphmml.report.diagnosis import Diagnosis
from graphmml.report.evidence import Evidence
from graphmml.report.html.of_cohort import cohort_section
from graphmml.report.html.of_fairness import fairness_section
from graphmml.report.html.of_graph import graph_section, links_section
from graphmml.report.html.of_run import run_section
from graphmml.report.html.section import Section
from graphmml.report.picture import Picture
from graphmml.report.words import count

TEMPLATES = Path(__file__).with_name("templates")
VERDICTS = Section("verdicts", "Verdicts")
FOOTER = (
    "This page names no patient and shows no row of a table; numbers of fewer than eleven patients are not given in "
    "words and tables. In the drawings each dot is a patient, in an order drawn by chance, and the few of a class or "
    "group can be counted: share them as you would share any plot of single patients. The page needs no network and "
    "runs no script."
)


def page(
    cohort: str,
    findings: Sequence[Finding],
    diagnosis: Diagnosis,
    picture: Picture,
    evidence: Evidence | None,
    made: date,
) -> str:
    """Return one HTML file."""
    sections = [
        VERDICTS,
        cohort_section(picture),
        links_section(diagnosis),
        graph_section(diagnosis, picture, evidence),
    ]
    sections += [] if evidence is None else [run_section(evidence)]
    sections += [fairness_section(evidence.fairness)] if evidence is not None and evidence.fairness else []
    told = [item for status in ("fail", "warn") for item in findings if item.status == status]
    words = {
        "title": f"Is this patient graph any good? {cohort}",
        "subtitle": f"{diagnosis.title} · graphmml {version('graphmml')} · {made.isoformat()}",
        "lead": lead(findings, evidence),
        "sections": sections,
        "told": told,
        "quiet": [item for item in findings if item not in told],
        "footer": FOOTER,
    }
    return filled("report.html.j2", words)


def filled(template: str, words: Mapping[str, object]) -> str:
    """Fill one of the templates, what comes from a user escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))  # ours, not a user's
    return environment.get_template(template).render({**words, "style": style})


def lead(findings: Sequence[Finding], evidence: Evidence | None) -> str:
    """Say the whole in a sentence or two."""
    fails, warns = (sum(item.status == status for item in findings) for status in ("fail", "warn"))
    said = f"{count(fails, 'finding')} to mend before any result is believed" if fails else "Nothing that fails"
    said += f", {count(warns, 'warning')} to read." if warns else ", and no warning."
    return said if evidence is None else " ".join([said, *evidence.run.result.verdict])
