"""ModelCard: what a model and its run know, laid out by TRIPOD+AI, with named blanks for what only people know."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.folder import read_manifest
from graphmml.errors import GraphmmlError
from graphmml.report.card_facts import characteristics, model_facts
from graphmml.report.card_items import ITEMS
from graphmml.report.card_making import Fact
from graphmml.report.card_run import run_facts, run_of, run_tables
from graphmml.report.card_trust import held_out_tables, trust_facts
from graphmml.report.html.of_card import card_page
from graphmml.report.html.section import Table
from graphmml.report.render_findings import cell
from graphmml.report.written import write_whole
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.layers import Inner, Layer, known_in
from graphmml.train.store import SCHEMA as MODEL
from graphmml.train.store import load
from graphmml.train.tuned import Tuned
from graphmml.train.versions import versions

SCHEMA = "graphmml.card/1"
FORMS = (".md", ".html", ".json")
NOTICE = (
    "A draft by the items of TRIPOD+AI (Collins et al., BMJ 2024;385:e078378): what the model and its run know is "
    "filled in, what only people know is left blank by name. Having it filled in does not make a study comply. The "
    "model holds data of its training patients; this card names none, and gives no number of fewer than eleven."
)


@dataclass(frozen=True)
class Entry:
    """One item: what is known, in sentences and tables, and what is left for people to fill in ("": nothing)."""

    number: str
    section: str
    topic: str
    known: tuple[str, ...]
    blank: str
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class ModelCard:
    """All items of TRIPOD+AI in order; `save` writes Markdown, HTML or JSON by the ending of the path."""

    title: str
    entries: tuple[Entry, ...]
    made: date

    @property
    def blanks(self) -> tuple[str, ...]:
        """The numbers of the items that wait for people."""
        return tuple(entry.number for entry in self.entries if entry.blank)

    def frame(self) -> pd.DataFrame:
        """Return one row an item: section, topic, what is known, what is to be filled in."""
        columns = ("number", "section", "topic", "blank")
        rows = [
            {name: getattr(entry, name) for name in columns} | {"known": " ".join(entry.known)}
            for entry in self.entries
        ]
        return pd.DataFrame(rows).set_index("number")[["section", "topic", "known", "blank"]]

    def to_markdown(self) -> str:
        """Return the card as Markdown."""
        lines = [f"# {cell(self.title)}", "", f"{NOTICE} Made {self.made.isoformat()}.", ""]
        section = ""
        for entry in self.entries:
            if entry.section != section:
                section = entry.section
                lines += [f"## {section}", ""]
            lines += [f"### {entry.number} {entry.topic}", ""]
            lines += [f"- {cell(known)}" for known in entry.known]
            lines += [f"- {blank(entry)}"] if entry.blank else []
            lines += ["", *(line for table in entry.tables for line in [*table_lines(table), ""])]
        return "\n".join(lines).rstrip() + "\n"

    def to_html(self) -> str:
        """Return the card as one HTML file without script or network."""
        return card_page(self.title, NOTICE, self.made, [(entry, blank(entry)) for entry in self.entries])

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that a .json card holds."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "made": self.made.isoformat(),
            "notice": NOTICE,
            "items": [
                {
                    "number": entry.number,
                    "section": entry.section,
                    "topic": entry.topic,
                    "known": list(entry.known),
                    "to_be_filled": entry.blank or None,
                    "tables": [asdict(table) for table in entry.tables],
                }
                for entry in self.entries
            ],
        }

    def save(self, path: str | Path) -> Path:
        """Write the card whole or not at all, by its ending: .md, .html or .json."""
        target = Path(path)
        if target.suffix not in FORMS:
            raise GraphmmlError(f"a card ends in {', '.join(FORMS)}, and '{target.name}' does not")
        if target.suffix == ".json":
            return write_whole(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n", target)
        return write_whole(self.to_html() if target.suffix == ".html" else self.to_markdown(), target)

    def __repr__(self) -> str:
        waiting = f"{len(self.blanks)} of {len(self.entries)} items wait for people"
        return f"{self.title}, {self.made.isoformat()}: {waiting}; save it as .md, .html or .json"

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def model_card(
    model: Inner | Layer | Tuned | str | Path,
    run: str | Path | None = None,
    cohort: Cohort | None = None,
    *,
    trust: Sequence[str] = (),
) -> ModelCard:
    """Fill in what a fitted model, with a graph or plain, or the folder of one knows by the items of TRIPOD+AI.

    `run` is the folder of a cross-validation, whose scores are given with intervals and controls; with its `cohort`
    also within groups and by what is missing. `trust` is that of `load`.
    """
    manifest: Mapping[str, Any] = {}
    if isinstance(model, str | Path):
        manifest, model = read_manifest(Path(model), MODEL), load(model, trust=trust)
    inner = known_in(model, "a card is")
    facts: list[Fact] = [*model_facts(inner), *stored_facts(manifest)]
    tables = [("20b", table) for table in characteristics(inner.source_)]
    if isinstance(model, CalibratedClassifier):
        facts += trust_facts(model)
        tables += [("23a", table) for table in held_out_tables(model)]
    if cohort is not None:
        facts += cohort_facts(cohort)
    if run is not None:
        found = run_of(run, inner, cohort)
        facts += run_facts(found)
        tables += run_tables(found)
    title = f"Model card: {' or '.join(map(str, inner.classes_))}"
    return ModelCard(title if cohort is None else f"{title}, {cohort.name}", entries(facts, tables), date.today())


def stored_facts(manifest: Mapping[str, Any]) -> list[Fact]:
    """Say which versions made the model and, of a folder, what is in it."""
    made = manifest.get("versions", versions())
    said = [("18f", "Made with " + ", ".join(f"{name} {number}" for name, number in made.items()) + ".")]
    said += [("22", f"File {name}, sha256 {value}.") for name, value in manifest.get("sha256", {}).items()]
    return [*said, ("18e", "The fitted model contains its training patients' data: share it as you would share them.")]


def cohort_facts(cohort: Cohort) -> list[Fact]:
    """Say which cohort it is, and what of it could not be joined."""
    name = "" if cohort.outcome is None else f" Outcome: {cohort.outcome.name}."
    said = f"Cohort {cohort.name}, {len(cohort):,} patients, fingerprint {cohort.fingerprint[:16]}."
    left = "Joining the tables left rows or patients over; graphmml check says which." if cohort.notes else ""
    return [("5a", said), ("8a", name.strip()), ("20a", left)]


def entries(facts: Sequence[Fact], tables: Sequence[tuple[str, Table]]) -> tuple[Entry, ...]:
    """Lay facts and tables out by item."""
    return tuple(
        Entry(
            item.number,
            item.section,
            item.topic,
            tuple(dict.fromkeys(said for number, said in facts if number == item.number and said)),
            item.blank,
            tuple(table for number, table in tables if number == item.number),
        )
        for item in ITEMS
    )


def blank(entry: Entry) -> str:
    """Write what is left for people."""
    return f"[to be filled: {entry.blank}]" if entry.blank else ""


def table_lines(table: Table) -> list[str]:
    """Write a table as Markdown."""
    rows = [table.columns, ["---"] * len(table.columns), *table.rows]
    return [cell(table.title), "", *("| " + " | ".join(map(cell, row)) + " |" for row in rows)]
