"""Findings as a notebook shows them: the summary, a badge a verdict, and the rest behind a fold."""

from collections.abc import Sequence

from markupsafe import Markup

from graphmml.data.findings import Finding

INK = {"fail": "#b3261e", "warn": "#8a5a00", "pass": "#1f6e43", "n.a.": "#6b6b76", "skipped": "#6b6b76"}
ROW = Markup(
    '<div style="border-left:4px solid {ink};padding:.1em .7em;margin:.3em 0;text-align:left">'
    '<b style="color:{ink}">{status}</b> <code>{code}</code> {message}{fix}</div>'
)


def badges(summary: str, findings: Sequence[Finding]) -> str:
    """Return a small piece of HTML without style sheet, script or id."""
    told = [item for status in ("fail", "warn") for item in findings if item.status == status]
    rest = [item for item in findings if item not in told]
    return str(
        Markup(
            "<pre>{}</pre>{}<details><summary>{} more: passed, not applicable, skipped</summary>{}</details>"
        ).format(summary, Markup("").join(map(row, told)), len(rest), Markup("").join(map(row, rest)))
    )


def row(finding: Finding) -> Markup:
    """Write one finding."""
    shown = finding.fix and finding.status in ("fail", "warn", "skipped")
    fix = Markup("<br><small>mend: {}</small>").format(finding.fix) if shown else ""
    ink = INK[finding.status]
    return ROW.format(ink=ink, status=finding.status, code=finding.code, message=finding.message, fix=fix)
