"""Seals: a hash of a JSON record inside the record, so that a change of any word of it is noticed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "seal"


def sealed(record: Mapping[str, Any], *, of: str = "") -> dict[str, Any]:
    """Return the record with its seal; `of` binds it to another record by that one's seal."""
    return {**record, SEAL: digest(record, of)}


def holds(record: Any, *, of: str = "") -> bool:
    """Return whether a record that was read back is as it was sealed."""
    return isinstance(record, Mapping) and record.get(SEAL) == digest(record, of)


def digest(record: Mapping[str, Any], of: str) -> str:
    """Hash everything but the seal, whatever the order of its keys."""
    plain = json.dumps({key: value for key, value in record.items() if key != SEAL}, sort_keys=True)
    return hashlib.sha256(f"{of}{plain}".encode()).hexdigest()
