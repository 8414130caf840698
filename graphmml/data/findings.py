"""What a check found: a stable code, a verdict, the numbers in a sentence, and what mends it."""

from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["pass", "warn", "fail", "n.a.", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One verdict; `message` holds counts and columns but never a patient id or a row."""

    code: str
    status: Status
    message: str
    fix: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Rule:
    """What a code means: the text of `graphmml rule CODE`."""

    code: str
    title: str
    meaning: str
    example: str
    fix: str
