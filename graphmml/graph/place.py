"""Put a file in place whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from graphmml.errors import GraphError


def place(path: str | Path, save: Callable[[Path], object]) -> None:
    """Let `save` write beside the target, then put the file in place in one step; raise GraphError if it cannot."""
    target = Path(path)
    fresh = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        save(fresh)
        fresh.replace(target)
    except OSError as error:
        raise GraphError(f"{path} could not be written: {error}") from None
    finally:
        fresh.unlink(missing_ok=True)
