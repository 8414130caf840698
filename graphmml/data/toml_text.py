"""Write text as TOML, so that no name, however odd, can leave its quotes or its comment."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

BARE = re.compile(r"[A-Za-z0-9_-]+")
MOST = 12
"""How many names a comment lists before it counts the rest."""


def quoted(text: str) -> str:
    """Write text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """Write text without what could end a comment."""
    return quoted(text)[1:-1]


def key(name: str) -> str:
    """Write a name as a TOML key."""
    return name if BARE.fullmatch(name) else quoted(name)


def array(values: Iterable[str]) -> str:
    """Write text as a TOML array."""
    return "[" + ", ".join(map(quoted, values)) + "]"


def inline(keys: Mapping[str, str | Sequence[str] | None]) -> str:
    """Write an inline table of text and lists of it; what is None is left out."""
    given = {name: value for name, value in keys.items() if value is not None}
    written = (f"{name} = {quoted(value) if isinstance(value, str) else array(value)}" for name, value in given.items())
    return "{ " + ", ".join(written) + " }"


def listed(names: Sequence[str]) -> str:
    """Name the first few of many in a comment."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(map(quoted, names[:MOST])) + more
