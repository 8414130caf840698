"""Findings and rules as a rich table, Markdown, or annotations of a GitHub workflow; no computing."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from graphmml.data.findings import Finding, Rule

COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "n.a.": "dim", "skipped": "dim"}
ANNOTATIONS = {"fail": "error", "warn": "warning"}
ORDER = ("fail", "warn", "skipped", "n.a.", "pass")


def findings_table(findings: Sequence[Finding], *, everything: bool = False) -> Table:
    """Show warnings and failures in full, nearest the prompt, and count the rest; or show all of them."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for status in reversed(ORDER) if everything else ("warn", "fail"):
        for finding in (item for item in findings if item.status == status):
            text = Text(finding.message)
            if finding.fix and status not in ("pass", "n.a."):
                text.append(f"\n{finding.fix}", style="cyan")
            table.add_row(Text(status.upper(), style=COLOURS[status]), finding.code, text)
    table.add_row("", "", Text(f"{counted(findings)}   see graphmml rule CODE", style="dim"))
    return table


def counted(findings: Sequence[Finding]) -> str:
    """Count the findings by status."""
    counts = {status: sum(finding.status == status for finding in findings) for status in COLOURS}
    return " · ".join(f"{count} {status}" for status, count in counts.items() if count) or "no finding"


def markdown(title: str, findings: Sequence[Finding], summary: str = "") -> str:
    """Write findings as Markdown, gravest first, for a pull request or a supplement."""
    lines = [f"# {title}", "", counted(findings), ""]
    lines += ["```", summary, "```", ""] if summary else []
    told = [item for status in ORDER[:2] for item in findings if item.status == status]
    if told:
        lines += ["| | code | what was found | what mends it |", "|---|---|---|---|"]
        lines += [f"| {item.status} | {item.code} | {cell(item.message)} | {cell(item.fix)} |" for item in told]
        lines.append("")
    rest = [item for status in ORDER[2:] for item in findings if item.status == status]
    if rest:
        lines += ["<details><summary>passed, not applicable, skipped</summary>", "", "| | code | |", "|---|---|---|"]
        lines += [f"| {item.status} | {item.code} | {cell(item.message)} |" for item in rest]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Write text so that it stays inside one cell of a Markdown table and draws nothing."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def github(findings: Sequence[Finding], file: str) -> str:
    """Write warnings and failures as workflow commands that GitHub shows beside the file."""
    lines = [
        f"::{ANNOTATIONS[item.status]} file={escaped(file, ':,')},title={item.code}::"
        + escaped(f"{item.message}\n{item.fix}" if item.fix else item.message)
        for item in findings
        if item.status in ANNOTATIONS
    ]
    return "\n".join([*lines, f"::notice title=graphmml::{counted(findings)}"])


def escaped(text: str, more: str = "") -> str:
    """Escape what a workflow command reads as its own."""
    for sign in ["%", "\r", "\n", *more]:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def rules_table(rules: Sequence[Rule]) -> Table:
    """List codes and titles."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for rule in rules:
        table.add_row(rule.code, rule.title)
    return table


def rule_text(rule: Rule, limits: Mapping[str, float]) -> str:
    """Explain one code, with the limits that apply."""
    said = f"{rule.code}  {rule.title}\n\n{rule.meaning}\n\nExample: {rule.example}\n\nWhat to do: {rule.fix}"
    if not limits:
        return said
    named = ", ".join(f"{name} = {value:g}" for name, value in limits.items())
    return f"{said}\n\nLimits: {named}   (change them in a file given with --thresholds)"
