"""How the commands that find something choose, judge and print it."""

import json as jsonlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from graphmml.data.findings import Finding, Rule, selected
from graphmml.data.thresholds import Thresholds, thresholds
from graphmml.errors import GraphmmlError
from graphmml.report import render_findings
from graphmml.report.words import hanging

LEVELS = {"never": (), "warn": ("warn", "fail"), "fail": ("fail",)}
FORMATS = ("text", "json", "md", "github")


def all_rules() -> dict[str, Rule]:
    """Return what every code means."""
    found: dict[str, Rule] = {}
    for room, name in (("data.rules", "RULES"), ("report.rules", "GRAPH_RULES"), ("report.rules_audit", "AUDIT_RULES")):
        found |= getattr(import_module(f"graphmml.{room}"), name)
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class FindingChoice:
    """Which findings count, where they become failures, and in which form they are printed."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = "fail"
    profile: str = "default"
    thresholds: Path | None = None
    format: str = "text"

    def __post_init__(self) -> None:
        if self.fail_on not in LEVELS:
            raise GraphmmlError(f"--fail-on is '{self.fail_on}'; choose never, warn or fail")
        if self.format not in FORMATS:
            raise GraphmmlError(f"--format is '{self.format}'; choose {', '.join(FORMATS)}")

    @cached_property
    def limit(self) -> Thresholds:
        """The limits asked for."""
        return thresholds(self.profile, self.thresholds)

    def chosen(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Keep the findings asked for."""
        return selected(findings, tuple(all_rules()), select=self.select, ignore=self.ignore)

    def show(
        self, record: dict[str, Any], findings: Sequence[Finding], source: Path, parts: Sequence[RenderableType]
    ) -> None:
        """Print a result: `record` as JSON, or its findings below `parts`; then leave by the gravest of them."""
        said = [str(part) for part in parts if isinstance(part, str)]
        if self.format == "json":
            self.print_json(record)
        elif self.format == "md":
            command = record["schema"].split("/")[0].replace(".", " ")
            sys.stdout.write(render_findings.markdown(f"{command} {source.name}", findings, "\n".join(said)) + "\n")
        elif self.format == "github":
            sys.stdout.write(render_findings.github(findings, str(source)) + "\n")
        else:
            console = Console(highlight=False, soft_wrap=False)
            for part in parts:
                told = hanging(part, console.width) if isinstance(part, str) else part
                console.print(told, markup=False)
            console.print(render_findings.findings_table(findings, everything=bool(self.select)))
        leave(findings, self.fail_on)

    def print_json(self, record: dict[str, Any]) -> None:
        """Print one JSON object; NaN has no place in JSON."""
        sys.stdout.write(jsonlib.dumps(record, indent=1, allow_nan=False) + "\n")


def leave(findings: Sequence[Finding], fail_on: str) -> None:
    """Exit with 1 where a finding reaches the level."""
    if any(finding.status in LEVELS[fail_on] for finding in findings):
        sys.exit(1)


def split(words: Sequence[str] | None) -> tuple[str, ...]:
    """Read codes given one by one or joined by commas."""
    return tuple(code.strip().upper() for word in words or () for code in word.split(",") if code.strip())
