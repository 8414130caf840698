"""Timeline: which visits patients had, when, and what was coded at each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from graphmml.data.ids import among
from graphmml.errors import CohortError

VISIT = ("id", "visit", "time")
EVENT = ("id", "visit", "code")


def no_visits() -> pd.DataFrame:
    """Return the visits of nobody."""
    return pd.DataFrame({"id": np.array([], str), "visit": np.array([], str), "time": np.array([], float)})


@dataclass(frozen=True, eq=False)
class Timeline:
    """Visits and what was coded at them, one row each, by patient id and sorted, whatever the files' order.

    `visits` has the columns id, visit and time (float64, days since any one origin, NaN where unknown); `events`
    maps a modality to its codes, columns id, visit and code, each code once a visit. A visit's name need only be
    unique within its patient.
    """

    visits: pd.DataFrame = field(default_factory=no_visits)
    events: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def from_frames(cls, visits: pd.DataFrame, events: Mapping[str, pd.DataFrame]) -> "Timeline":
        """Sort and check visits (id, visit, time) and events (id, visit, code); who has no visit has no event."""
        days_of = days(visits["time"], "the visits") if "time" in visits else pd.Series(np.nan, visits.index)
        known = pd.DataFrame({"id": text(visits["id"]), "visit": text(visits["visit"]), "time": days_of})
        known = known[(known["id"] != "") & (known["visit"] != "")]
        again = int(known.duplicated(["id", "visit"]).sum())
        if again:
            raise CohortError(f"{again} visit(s) stand on more than one row; one row a visit is wanted")
        return cls(
            known.sort_values(["id", "visit"], ignore_index=True),
            {modality: coded(frame, known) for modality, frame in sorted(events.items())},
        )

    def __len__(self) -> int:
        return len(self.visits)

    def of(self, ids: pd.Index) -> "Timeline":
        """Return what is known of these patients alone."""
        if not len(self.visits):
            return self
        visits = self.visits[among(self.visits["id"], ids)].reset_index(drop=True)
        events = {name: frame[among(frame["id"], ids)].reset_index(drop=True) for name, frame in self.events.items()}
        return Timeline(visits, events)

    def hashed(self) -> Iterator[bytes]:
        """Yield bytes that differ where two timelines do; none where there is no visit."""
        if len(self.visits):
            yield pd.util.hash_pandas_object(self.visits, index=False).to_numpy().tobytes()
            for modality, frame in sorted(self.events.items()):
                yield modality.encode()
                yield pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()


def coded(events: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Return each code once a visit, and only those of visits that there are."""
    tidy = pd.DataFrame({column: text(events[column]) for column in EVENT}).drop_duplicates()
    tidy = tidy[tidy["code"] != ""].merge(visits[["id", "visit"]], on=["id", "visit"])
    return tidy.sort_values(list(EVENT), ignore_index=True)


def text(column: pd.Series) -> pd.Series:
    """Return names without blanks around them, "" where missing."""
    if isinstance(column.dtype, pd.StringDtype):
        return column.fillna("").str.strip().astype("str")
    return column.astype("object").map(lambda value: "" if pd.isna(value) else str(value).strip()).astype("str")


def days(column: pd.Series, where: str) -> pd.Series:
    """Read times as days: numbers as they are, dates like 2024-05-31 08:00 since 1970; NaN where empty."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    written = text(column).replace("NaT", "")
    known = written.mask(written == "")
    numbers = pd.to_numeric(known, errors="coerce").astype("float64")
    if numbers.notna().equals(known.notna()):
        return numbers
    dates = pd.to_datetime(known, errors="coerce", format="ISO8601", utc=True)
    unread = int((dates.isna() & known.notna()).sum())
    if unread:
        raise CohortError(
            f"{where}: {unread} time(s) are neither numbers nor dates like 2024-05-31; mend them, or leave them empty"
        )
    return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
