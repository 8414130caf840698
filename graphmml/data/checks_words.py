"""How a check speaks: counts that single nobody out, columns by name, and the line of cohort.toml that mends it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from graphmml.data.few import masked
from graphmml.data.findings import Finding, Status
from graphmml.data.thresholds import Thresholds

SHOWN = 8


@dataclass(frozen=True)
class Asked:
    """What every check is told: how few patients stay unseen, and the limits of each code."""

    min_cell: int
    limit: Thresholds

    def counted(self, count: int) -> str:
        """Write a count of patients as it may be shown."""
        return masked(count, min_cell=self.min_cell)


def some(columns: Sequence[object]) -> str:
    """Name the first few columns on one line."""
    shown = ", ".join(str(column)[:80] for column in columns[:SHOWN])
    return shown if len(columns) <= SHOWN else f"{shown} ... (+{len(columns) - SHOWN})"


def setting(key: str, values: Sequence[object], modality: str) -> str:
    """Write the line that goes under a modality in cohort.toml."""
    quoted = ", ".join(json.dumps(str(value), ensure_ascii=False) for value in values[:SHOWN])
    more = "" if len(values) <= SHOWN else ", ..."
    return f"{key} = [{quoted}{more}] under [modality.{modality}]"


def not_applicable(code: str, why: str) -> list[Finding]:
    """Return the one finding of a check that cannot be made."""
    return [Finding(code, "n.a.", why)]


def many(code: str, status: Status, message: str, fix: str) -> list[Finding]:
    """Return the one finding of a check in a list."""
    return [Finding(code, status, message, fix)]
