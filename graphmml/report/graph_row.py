"""One graph of a comparison: what it links, what it follows, what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

NAN = float("nan")
TARGET = ("edge", "chance", "adjusted", "p")


@dataclass(frozen=True, eq=False)
class GraphRow:
    """One graph. `status` is "measured", "dense" (drawn, but too dense to lay out) or "failed" (`note` says why).

    `looks_at` names the modalities that the links are made from, where that is known. `edges` counts what was
    drawn, to and from concepts included, `relations` the same by relation. `pairs` counts linked patients
    whatever the direction or number of links, and `degree` is with how many patients one is linked. `skew` is
    that of being listened to; high where there are hubs. `outcome` and each of `groups` has the share of links
    between equals (`edge`), that `chance` gives, `adjusted` (chance at 0) and `p`; the outcome also `within`:
    for each group, `adjusted` and `p` of an exchange within that group. `seconds` and `memory_mb` are those of
    drawing alone, the latter a lower bound. Numbers that are not there are NaN.
    """

    name: str
    links: str
    looks_at: tuple[str, ...]
    status: Literal["measured", "dense", "failed"]
    note: str = ""
    relations: Mapping[str, int] = field(default_factory=dict)
    edges: int = 0
    pairs: float = NAN
    degree: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(("min", "median", "max"), NAN))
    isolated: float = NAN
    components: float = NAN
    giant_share: float = NAN
    skew: float = NAN
    outcome: Mapping[str, Any] | None = None
    groups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float = NAN
    memory_mb: float = NAN

    def flat(self) -> dict[str, Any]:
        """Return the row of `Comparison.frame`."""
        found: dict[str, Any] = {"name": self.name, "status": self.status, "edges": self.edges, "pairs": self.pairs}
        found |= {f"degree {name}": value for name, value in self.degree.items()}
        found |= {name: getattr(self, name) for name in ("isolated", "components", "giant_share", "skew")}
        if self.outcome is not None:
            found |= {name: self.outcome[name] for name in TARGET}
            for group, within in self.outcome["within"].items():
                found |= {f"{name} within {group}": within[name] for name in ("adjusted", "p")}
        for group, row in self.groups.items():
            found |= {f"{group} {name}": row[name] for name in TARGET}
        return found | {"seconds": self.seconds, "memory_mb": self.memory_mb, "note": self.note}
