"""Where a measure becomes a warning: every limit in one file, thresholds.toml, with profiles and the user's own."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphmml.errors import CohortError

SHIPPED = Path(__file__).with_name("thresholds.toml")
DEFAULT = "default"

Limits = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Thresholds:
    """The limits of every code; `limit("GM203", "skew")` reads one."""

    limits: Limits
    profile: str = DEFAULT

    def __call__(self, code: str, name: str) -> float:
        """Return one limit."""
        return self.limits[code][name]


def thresholds(profile: str = DEFAULT, file: str | Path | None = None) -> Thresholds:
    """Return the shipped limits, those of a profile over them, those of a file (same form) over both.

    A profile, code or limit that is not there is a CohortError that names what there is.
    """
    shipped = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    profiles = shipped.pop("profile")
    if profile != DEFAULT and profile not in profiles:
        raise CohortError(f"there is no profile '{profile}'; choose {', '.join([DEFAULT, *sorted(profiles)])}")
    limits = overlaid(shipped, profiles.get(profile, {}), f"profile {profile}")
    if file is not None:
        limits = overlaid(limits, from_file(Path(file)), str(file))
    return Thresholds(limits, profile)


def from_file(path: Path) -> dict[str, Any]:
    """Read a user's limits."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CohortError(f"{path} could not be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CohortError(f"{path} is no TOML file of thresholds: {error}") from None


def overlaid(limits: Limits, changes: Mapping[str, Any], where: str) -> Limits:
    """Return the limits with some replaced; only what is there can be, by a number."""
    merged = {code: dict(names) for code, names in limits.items()}
    for code, names in changes.items():
        if code not in merged:
            raise CohortError(f"{where}: no limits for '{code}'; there are some for {', '.join(sorted(merged))}")
        if not isinstance(names, Mapping):
            raise CohortError(f"{where}: '{code}' is to be a table, [{code}], of {', '.join(sorted(merged[code]))}")
        for name, value in names.items():
            if name not in merged[code]:
                raise CohortError(f"{where}: {code} has no limit '{name}'; it has {', '.join(sorted(merged[code]))}")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise CohortError(f"{where}: {code} {name} is {value!r}; give a number")
            merged[code][name] = value
    return merged
