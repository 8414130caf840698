"""cohort.toml: which file holds what, validated before any table is opened."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graphmml.data.columns import label
from graphmml.data.kinds import kind_of, refuse_path
from graphmml.data.outcome import Kind
from graphmml.data.tables import open_table
from graphmml.data.toml_text import quoted
from graphmml.errors import CohortError

Name = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """A table of the cohort file; an unknown key is an error, for it is a typing mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OutcomePart(Part):
    """Where the outcome stands."""

    path: Name
    kind: Kind = "class"
    column: Name | None = None
    time: Name | None = None
    event: Name | None = None
    positive: str | None = None
    na: tuple[str, ...] = Field(default=(), strict=False)
    id: Name | None = None

    @model_validator(mode="after")
    def columns_fit_kind(self) -> "OutcomePart":
        """A class or number has a column, a survival outcome a time and an event."""
        if self.kind == "survival" and (self.time is None or self.event is None or self.column is not None):
            raise ValueError('kind = "survival" wants time = and event =, and no column =')
        if self.kind != "survival" and (self.column is None or self.time or self.event):
            raise ValueError(f'kind = "{self.kind}" wants column =, and neither time = nor event =')
        if self.kind != "class" and self.positive is not None:
            raise ValueError('positive = goes with kind = "class"')
        return self


class SplitPart(Part):
    """Where an official split stands."""

    path: Name
    column: Name
    train: str = "train"
    test: str = "test"
    id: Name | None = None


class CohortPart(Part):
    """The keys under [cohort]."""

    id: Name = "patient_id"
    outcome: OutcomePart | None = None
    split: SplitPart | None = None


class GroupPart(Part):
    """A column that groups patients: site, scanner, family."""

    path: Name
    column: Name
    block: bool = False
    feature: bool = False
    id: Name | None = None


class LongPart(Part):
    """One row an event."""

    code: Name
    value: Name | None = None
    time: Name | None = None
    visit: Name | None = None


class VisitsPart(Part):
    """A table of visits: stays, encounters, consultations."""

    path: Name
    visit: Name
    time: Name | None = None
    id: Name | None = None


class ModalityPart(Part):
    """One table of features."""

    path: Name
    id: Name | None = None
    na: tuple[str, ...] = Field(default=(), strict=False)
    drop: tuple[str, ...] = Field(default=(), strict=False)
    categorical: tuple[str, ...] = Field(default=(), strict=False)
    long: LongPart | None = None

    @model_validator(mode="after")
    def long_has_no_columns(self) -> "ModalityPart":
        """A long table becomes columns of its own, so there is none to drop or to name."""
        if self.long is not None and (self.drop or self.categorical or self.na):
            raise ValueError("a long table takes neither drop, categorical nor na")
        return self


class CohortFile(Part):
    """The whole file."""

    cohort: CohortPart = CohortPart()
    group: dict[str, GroupPart] = Field(default_factory=dict)
    visits: VisitsPart | None = None
    modality: dict[str, ModalityPart] = Field(min_length=1)

    def not_features(self, path: str) -> set[str]:
        """Return the columns of a file that are outcome, split or group, and so must not be features."""
        outcome, split = self.cohort.outcome, self.cohort.split
        taken = {group.column for group in self.group.values() if group.path == path and not group.feature}
        if outcome is not None and outcome.path == path:
            taken |= {column for column in (outcome.column, outcome.time, outcome.event) if column}
        if split is not None and split.path == path:
            taken.add(split.column)
        return taken

    @model_validator(mode="after")
    def visits_are_there(self) -> "CohortFile":
        """Events name visits of a table of visits."""
        naming = [name for name, part in self.modality.items() if part.long is not None and part.long.visit]
        if naming and self.visits is None:
            raise ValueError(
                f"modality '{naming[0]}' names a visit; add where they stand: [visits] path =, visit =, time ="
            )
        return self

    @model_validator(mode="after")
    def names_are_free(self) -> "CohortFile":
        """A modality becomes part of a network, whose parts have no dot in their names."""
        for name in self.modality:
            if "." in name or not name:
                raise ValueError(f"modality '{name}' has a dot in its name; write it without")
        return self


def load(path: Path) -> CohortFile:
    """Read and validate a cohort file, or raise CohortError naming file and key."""
    if path.is_file() and path.name.lower().endswith((".csv", ".csv.gz")):
        raise CohortError(f"{path} is a table, and a cohort.toml is wanted; write one with: graphmml init {path} ...")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CohortError(f"{path} is not there; write one with: graphmml init TABLE.csv ...") from None
    except UnicodeDecodeError:
        raise CohortError(f"{path} is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise CohortError(
            f"{path} is not valid TOML: {error}; mend that line, or write the file anew: graphmml init"
        ) from None
    return validated(content, str(path))


def validated(content: Mapping[str, Any], where: str) -> CohortFile:
    """Check the keys, and say in words which one is wrong."""
    try:
        return CohortFile.model_validate(content)
    except ValidationError as error:
        raise CohortError("\n".join(f"{where}: {in_words(fault)}" for fault in error.errors()[:5])) from None


def in_words(fault: Any) -> str:
    """Turn one of pydantic's faults into: key, what was found, what is wanted."""
    key = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"unknown key {key}; correct its spelling or delete it"
    if fault["type"] == "missing":
        return f"key {key} is missing"
    if fault["type"] == "literal_error":
        return f"key {key} is {short(fault['input'])}; choose {fault['ctx']['expected']}"
    if fault["type"] in ("tuple_type", "string_type") and isinstance(fault["input"], (str, int, float)):
        return f"key {key} is {short(fault['input'])}; write {as_text(fault)}"
    said = str(fault["msg"].removeprefix("Value error, "))
    return f"key {key}: {said}" if key else said


def short(value: object) -> str:
    """Write a value of the file as a message can hold it."""
    return repr(value)[:80]


def as_text(fault: Any) -> str:
    """Write a single value as the text, or the list of text, that is wanted instead."""
    word, name = quoted(str(fault["input"])[:80]), fault["loc"][-1]
    if fault["type"] == "tuple_type":
        return f"{name} = [{word}]"
    return f"{name} = {word}" if isinstance(name, str) else f"it in quotes: {word}"


def from_paths(
    paths: Mapping[str, str | Path],
    outcome: str | tuple[str | Path, str] | None,
    *,
    identifier: str,
    kind: Kind,
    positive: str | float | None,
    categorical: Sequence[str],
) -> CohortFile:
    """Describe a plain list of CSVs as a cohort file would."""
    refuse_calls(paths, outcome, categorical)
    if not paths:
        raise CohortError("no table was given; name at least one CSV")
    modality: dict[str, dict[str, Any]] = {name: {"path": str(path)} for name, path in paths.items()}
    headers = {name: tuple(open_table(Path(path), rows=1).columns) for name, path in paths.items()}
    unknown = [column for column in categorical if not any(column in columns for columns in headers.values())]
    if unknown:
        raise CohortError(
            f"categorical names {len(unknown)} column(s) of no table: {', '.join(map(str, unknown[:12]))}; correct it"
        )
    for name, columns in headers.items():
        chosen = [column for column in categorical if column in columns]
        modality[name] |= {"categorical": chosen} if chosen else {}
    cohort: dict[str, Any] = {"id": identifier}
    if outcome is not None:
        path, column = locate(outcome, paths, headers) if isinstance(outcome, str) else outcome
        cohort["outcome"] = {"path": str(path), "column": column, "kind": kind} | (
            {} if positive is None else {"positive": label(positive)}
        )
    return validated({"cohort": cohort, "modality": modality}, "these tables")


def refuse_calls(paths: object, outcome: object, categorical: object) -> None:
    """Raise CohortError for what are no paths by name, no outcome's column, or no list of columns."""
    if not isinstance(paths, Mapping):
        raise CohortError(
            f"{kind_of(paths)} is given where paths by name are wanted, for instance "
            'Cohort.from_csv({"labs": "labs.csv"}, outcome="label")'
        )
    for path in paths.values():
        refuse_path(path)
    if outcome is not None and not isinstance(outcome, str):
        if not isinstance(outcome, tuple) or len(outcome) != 2:
            raise CohortError(f"outcome is {kind_of(outcome)}; give a column's name, or (path, column) of another file")
        refuse_path(outcome[0])
    if isinstance(categorical, str):
        raise CohortError(f"categorical is '{categorical}'; give a list of columns: categorical=['{categorical}']")


def locate(
    column: str, paths: Mapping[str, str | Path], headers: Mapping[str, Sequence[str]]
) -> tuple[str | Path, str]:
    """Find the one table that has the outcome's column."""
    holders = [name for name, columns in headers.items() if column in columns]
    if len(holders) != 1:
        found = f"in {len(holders)} tables ({', '.join(holders)})" if holders else "in none of the tables"
        raise CohortError(f"outcome column '{column}' is {found}; give (path, column) instead")
    return paths[holders[0]], column
