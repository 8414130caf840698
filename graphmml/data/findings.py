"""What a check found: a stable code, a verdict, the numbers in a sentence, and what mends it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from graphmml.errors import CohortError

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


def selected(
    findings: Iterable[Finding], known: Collection[str], *, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Return the findings whose code begins with one of `select` (all, if none is given) and with none of `ignore`.

    "GM2" stands for every code of that family. `known` are all the codes there are: a prefix of none of them is a
    CohortError, for it is a typing mistake.
    """
    wanted, unwanted = (prefixes(given, known) for given in (select, ignore))
    return tuple(
        finding
        for finding in findings
        if (not wanted or finding.code.startswith(wanted)) and not finding.code.startswith(unwanted)
    )


def prefixes(given: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Return the beginnings of codes; refuse one that no code has."""
    for prefix in given:
        if not prefix or not any(code.startswith(prefix) for code in known):
            raise CohortError(f"no code begins with '{prefix}'; there are {', '.join(sorted(known))}")
    return tuple(given)
