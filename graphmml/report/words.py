"""How reports write numbers and names."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

WIDTH = 100
"""Columns of a terminal page."""


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def short(name: str, width: int) -> str:
    """Cut a long name."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


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
