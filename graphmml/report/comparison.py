"""Comparison: several graphs of one cohort side by side, as a table, as JSON and in words."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

import pandas as pd

from graphmml.report.agreement import Agreement
from graphmml.report.compare_words import reading, strongest_group
from graphmml.report.graph_row import NAN, GraphRow
from graphmml.report.words import WIDTH, plain_json, short

SCHEMA = "graphmml.compare/1"
DESCRIPTIVE = (
    "descriptive: all labelled rows took part, so choose no k, metric or modality by it; "
    "graphmml cv says whether a graph helps"
)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Graphs side by side, none of them trained on; nothing in it names a patient.

    `rows` has a `GraphRow` for each graph, `agreements` an `Agreement` for each two that link patients. The
    outcome of all labelled rows took part: it describes, and is not for choosing k, metric or modality.
    """

    rows: tuple[GraphRow, ...]
    agreements: tuple[Agreement, ...]
    cohort: Mapping[str, Any]
    seed: int = 0
    encoding_seconds: float = NAN

    @property
    def agreement(self) -> pd.DataFrame:
        """The pairwise agreement of graphs as a table, one row for each two."""
        columns = ["one", "other", "shared", "jaccard", "chance", "overlap", "overlap_chance"]
        return pd.DataFrame([asdict(item) for item in self.agreements], columns=columns)

    @property
    def verdict(self) -> tuple[str, ...]:
        """What the table says, read aloud in one to three sentences."""
        return tuple(reading(self.rows, self.agreements, self.cohort))

    def frame(self) -> pd.DataFrame:
        """Return one row for each graph."""
        return pd.DataFrame([row.flat() for row in self.rows]).set_index("name")

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml compare --json` prints; undefined numbers are null."""
        return {
            "schema": SCHEMA,
            "cohort": plain_json(self.cohort),
            "seed": self.seed,
            "encoding_seconds": plain_json(self.encoding_seconds),
            "rows": [plain_json(asdict(row) | {"looks_at": list(row.looks_at)}) for row in self.rows],
            "agreement": [plain_json(asdict(item)) for item in self.agreements],
            "verdict": list(self.verdict),
        }

    def title(self) -> str:
        """Say which cohort it is, in one line."""
        known = self.cohort
        parts = [f"{known['patients']:,} patients", f"{known['modalities']} modalities"]
        parts += [] if known["outcome"] is None else [f"outcome {known['outcome']}"]
        return f"{known['name']}  " + " · ".join([*parts, f"seed {self.seed}"])

    def __repr__(self) -> str:
        return "\n".join(lines(self))


def lines(comparison: Comparison) -> Iterator[str]:
    """Yield the lines of a comparison's repr: the outcome and the group that is spoken of, beside the sizes."""
    yield comparison.title()
    table = comparison.frame()
    kept = [name for name in ("pairs", "isolated", "components", "adjusted", "p") if name in table]
    kept += [name for name in (f"{strongest_group(comparison.rows)} adjusted",) if name in table]
    drawn = table[[*kept, "seconds"]].rename(index=lambda name: short(name, 32)).rename_axis(None)
    yield from drawn.to_string(formatters=formats(drawn), na_rep="-").splitlines()
    for row in comparison.rows:
        if row.note:
            yield from wrap(f"{row.name}: {row.note}", WIDTH, subsequent_indent="  ")
    for sentence in (*comparison.verdict, DESCRIPTIVE):
        yield from wrap(sentence, WIDTH, subsequent_indent="  ")


def formats(table: pd.DataFrame) -> dict[str, Any]:
    """Return how each column of a repr is written."""
    whole = dict.fromkeys(("pairs", "isolated", "components"), "{:,.0f}".format)
    return {name: whole.get(name, "{:.3f}".format if name != "seconds" else "{:.2f}".format) for name in table}
