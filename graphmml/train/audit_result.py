"""Audit: the rows of an audit, what they say of the group, its findings and its one verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.findings import Finding
from graphmml.data.thresholds import Thresholds, thresholds
from graphmml.train import audit_controls as controls
from graphmml.train.audit_controls import CONTROLS, GROUPED, Control
from graphmml.train.audit_findings import findings_of
from graphmml.train.audit_groups import GroupScores, group_scores
from graphmml.train.audit_verdict import Verdict, verdict_of
from graphmml.train.audit_words import reading
from graphmml.train.intervals import Interval
from graphmml.train.result import CVResult
from graphmml.train.spread import clipped, folded
from graphmml.train.unit import Unit


@dataclass(frozen=True, eq=False)
class AuditRow:
    """One control: what it alters, its AUROC, that less the model's, how it reads; or why it is n.a."""

    name: str
    control: Control
    auroc: Interval | None
    change: Interval | None
    reading: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "name": self.name,
            "control": self.control.name,
            "alters": self.control.alters,
            "equal_proves": self.control.equal_proves,
            "status": "n.a." if self.auroc is None else "done",
            "reading": self.reading,
            "auroc": None if self.auroc is None else self.auroc.to_dict(),
            "auroc_less_model": None if self.change is None else self.change.to_dict(),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """Everything that an audit found.

    `inside` holds the rows that share folds, `permuted` that of permuted outcomes, on the same folds but more
    often, `left_out` those whose folds leave a value of `group` out; `transductive` stands apart, for its numbers
    compare with no others. `values` says which value of the group each test patient has, by repeat and fold;
    `refused` why a control could not be made.
    """

    inside: CVResult
    permuted: CVResult
    left_out: CVResult
    transductive: CVResult
    group: str | None
    values: Mapping[tuple[int, int], np.ndarray]
    refused: Mapping[str, str]
    limit: Thresholds = field(default_factory=thresholds)

    def judged(self, limit: Thresholds) -> "Audit":
        """Return the same scores under other limits."""
        return replace(self, limit=limit)

    @cached_property
    def rows(self) -> tuple[AuditRow, ...]:
        """One row a control on the shared folds, in the order of `CONTROLS`."""
        return tuple(self.row(name) for name in CONTROLS if name != controls.TRANSDUCTIVE)

    @cached_property
    def apart(self) -> AuditRow:
        """The transductive row."""
        return self.row(controls.TRANSDUCTIVE)

    def row(self, name: str) -> AuditRow:
        """Summarise one control."""
        group = self.group or "group"
        known = CONTROLS[name]
        control = Control(name, known.alters.format(group=group), known.equal_proves.format(group=group))
        title = f"{name} {group}" if name in GROUPED else name
        score, change = self.scores.get(name), self.changes.get(name)
        if score is None:
            return AuditRow(title, control, None, None, self.why_not(name))
        return AuditRow(title, control, score, change, reading(name, score, change, group))

    def why_not(self, name: str) -> str:
        """Say why a control could not be made; nothing where it could."""
        if name in GROUPED and self.group is None:
            return "needs a group of a usable size"
        return self.refused.get(name, "")

    @cached_property
    def scores(self) -> dict[str, Interval]:
        """The AUROC of every control that could be made; outcomes permuted vary by permutation, not by patient."""
        found = {}
        for name in (name for name in CONTROLS if not self.why_not(name)):
            units = self.units_of(name)
            if name == controls.PERMUTED:
                found[name] = clipped(folded(np.array([unit.scores["auroc"] for unit in units]), units))
            else:
                found[name] = self.inside.interval("auroc", units)
        return found

    @cached_property
    def changes(self) -> dict[str, Interval]:
        """Every control's AUROC less the model's, paired by fold; of permuted outcomes it would say nothing."""
        units = {name: self.units_of(name) for name in self.scores if name not in (controls.MODEL, controls.PERMUTED)}
        audited = self.units_of(controls.MODEL)
        return {name: self.inside.interval("auroc", mine, audited) for name, mine in units.items()}

    def units_of(self, name: str) -> list[Unit]:
        """Return a control's units by fold; the transductive ones are paired with the others', and no more."""
        homes = {controls.TRANSDUCTIVE: self.transductive, controls.PERMUTED: self.permuted}
        return homes.get(name, self.inside).of(name)

    def auroc(self, name: str) -> Interval | None:
        """Return a control's AUROC, None where it could not be made."""
        return self.scores.get(name)

    def difference(self, one: str, other: str) -> Interval | None:
        """Return the first control's AUROC less the other's, paired by fold; None where either is n.a."""
        if one not in self.scores or other not in self.scores:
            return None
        if other == controls.MODEL and one in self.changes:
            return self.changes[one]
        if one == controls.MODEL and other in self.changes:
            change = self.changes[other]
            return Interval(-change.mean, -change.high, -change.low)
        return self.inside.interval("auroc", self.units_of(one), self.units_of(other))

    @cached_property
    def groups(self) -> tuple[GroupScores, ...]:
        """The model, its twin without edges and a plain model: pooled, within the group, group left out."""
        if self.group is None:
            return ()
        names = (controls.MODEL, controls.NO_GRAPH, controls.LOGISTIC)
        return tuple(group_scores(self.inside, self.values, name, self.left_out, f"{name}, left out") for name in names)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """One finding a question, GM701 to GM707."""
        return findings_of(self, self.limit)

    @cached_property
    def verdict(self) -> Verdict:
        """The gravest thing there is to say, in one sentence."""
        return verdict_of(self)

    def frame(self) -> pd.DataFrame:
        """Return one row a control on the shared folds: AUROC and difference to the model, with intervals."""
        records = []
        for row in self.rows:
            record: dict[str, Any] = {"control": row.name}
            for name, interval in (("auroc", row.auroc), ("change", row.change)):
                for part in ("mean", "low", "high"):
                    label = name if part == "mean" else f"{name}_{part}"
                    record[label] = np.nan if interval is None else getattr(interval, part)
            records.append({**record, "reading": row.reading})
        return pd.DataFrame(records).set_index("control")

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml audit --json` prints."""
        return {
            "schema": "graphmml.audit/1",
            "cohort": self.inside.cohort,
            "patients": self.inside.patients,
            "classes": list(self.inside.classes),
            "plan": self.inside.plan,
            "group": self.group,
            "rows": [row.to_dict() for row in self.rows],
            "groups": [scores.to_dict() for scores in self.groups],
            "left_out": self.refused.get("left out", self.left_out.plan),
            "transductive": self.apart.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "verdict": {"word": self.verdict.word, "sentence": self.verdict.sentence},
        }

    def __repr__(self) -> str:
        table = self.frame()[["auroc", "auroc_low", "auroc_high", "change", "change_low", "change_high"]]
        head = f"{self.inside.plan}, {self.inside.patients} patients"
        return "\n".join([head, table.round(3).to_string(na_rep=""), self.verdict.sentence])
