"""How reports write numbers and names."""

import re
from collections.abc import Mapping
from math import isfinite
from textwrap import wrap
from typing import Any

LABEL = re.compile(r" *\S+(?: \S+){0,2}  +")
"""The first words of a line, where two spaces or more follow."""
WIDTH = 100
"""Columns of a terminal page."""


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def short(name: str, width: int) -> str:
    """Cut a long name."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def small(p: float) -> str:
    """Write a p as "0.012", and "below 0.001" where it would read 0.000."""
    return "below 0.001" if p < 0.0005 else f"{p:.3f}"


def bounded(part: int, whole: int, *, smallest: int = 11) -> tuple[float, str]:
    """Return a share and how it may be said: one that rests on fewer than `smallest`, or on all but so few, as a bound.

    A share of a known whole gives its count away, so that 8 of 123 becomes "under 9%".
    """
    bound = min(smallest / whole, 1.0)
    if part < smallest:
        return bound, f"under {bound:.0%}"
    if whole - part < smallest:
        return 1.0 - bound, f"over {1.0 - bound:.0%}"
    return part / whole, f"{part / whole:.0%}"


def low_to_high(spread: Mapping[str, float]) -> str:
    """Write smallest/median/largest."""
    return "/".join(f"{spread[name]:g}" for name in ("min", "median", "max"))


def plain_json(value: Any) -> Any:
    """Write numbers that JSON has no word for as None, throughout."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value


def hanging(text: str, width: int) -> str:
    """Break lines that are too long, what follows standing below what comes behind the line's first word or label."""
    return "\n".join(part for line in text.split("\n") for part in broken(line, width))


def broken(line: str, width: int) -> list[str]:
    """Break one line."""
    if len(line) <= width:
        return [line]
    label = LABEL.match(line)
    indent = label.end() if label else len(line) - len(line.lstrip()) + 2
    return wrap(line, width, subsequent_indent=" " * min(indent, width // 2))
