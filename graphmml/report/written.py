"""A text file that is written whole or not at all."""

import os
from pathlib import Path

from graphmml.errors import StoreError


def write_whole(target: Path, text: str) -> Path:
    """Write beside the target, then put the file in place; raise StoreError where that cannot be."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"{target} could not be written: {error.strerror}") from None
    return target
