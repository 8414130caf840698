"""Text to a file, whole or not at all."""

import os
from pathlib import Path

from graphmml.errors import StoreError


def write_whole(text: str, target: Path, *, private: bool = False) -> Path:
    """Write a file beside its place and move it there; `private` lets nobody but its owner read it."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        fresh.touch(mode=0o600 if private else 0o666)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"{target} could not be written: {error.strerror}") from None
    return target
