"""audit: the controls that decide whether a graph's gain is real, on the user's cohort and model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold, Folds, Splitter, folds_of
from graphmml.data.kinds import wanted
from graphmml.errors import CohortError
from graphmml.train.audit_controls import LOGISTIC, MODEL, NO_GRAPH, PERMUTED, TRANSDUCTIVE, planned_controls
from graphmml.train.audit_groups import left_out_folds, usual_group
from graphmml.train.audit_result import Audit
from graphmml.train.cross_validate import Key, Work, classes_in, described, gathered, patients_in, run_units
from graphmml.train.estimator import GraphClassifier, Setting, refuse_unusable
from graphmml.train.parallel import refuse_jobs
from graphmml.train.planned import Planned, prepared, settings
from graphmml.train.result import CVResult
from graphmml.train.runs import RunFolder
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit

SIDE_BY_SIDE = (MODEL, NO_GRAPH, LOGISTIC)
"""The rows that are also scored where a group was left out."""

PERMUTATIONS = 20
"""At least so many times are outcomes permuted, each time by a single network: a leak needs no ensemble."""


def audit(
    model: GraphClassifier,
    cohort: Cohort,
    folds: Splitter | None = None,
    *,
    group: str | None = None,
    jobs: int = -1,
    run: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Unit], None] | None = None,
) -> Audit:
    """Hold a graph classifier against every control that could explain its score away.

    All rows share folds (default: 5), seeds and intervals with the model, so that differences are paired; models
    that never saw a value of `group` (default: the cohort's first of a usable size) have folds of their own, and
    the transductive score stands apart. A control that the cohort or the links refuse is n.a. and says why.
    `jobs`, `run`, `resume` and `watch` are those of `cross_validate`.
    """
    wanted(model, GraphClassifier)
    wanted(cohort, Cohort)
    refuse_unusable(model)
    refuse_jobs(jobs)
    plan = AuditPlan(model, cohort, Folds(5) if folds is None else folds, group)
    folder = None if run is None else RunFolder.open(run, plan.facts, Splits.of(cohort, plan.made), resume=resume)
    done, refused = run_units(plan.work, cohort, plan.classes, jobs=jobs, folder=folder, watch=watch)
    return plan.result(done, refused)


@dataclass(frozen=True)
class AuditPlan:
    """Everything that an audit is going to fit."""

    model: GraphClassifier
    cohort: Cohort
    folds: Splitter
    asked: str | None = None

    @cached_property
    def group(self) -> str | None:
        """The group that is held apart, if there is one."""
        if self.asked is not None and self.asked not in self.cohort.groups:
            known = ", ".join(self.cohort.groups) or "none"
            raise CohortError(f"the cohort has no group '{self.asked}' (it has: {known}); add [group.{self.asked}]")
        return self.asked or usual_group(self.cohort)

    @cached_property
    def made(self) -> list[Fold]:
        """The folds that all rows share."""
        return folds_of(self.folds, self.cohort)

    @cached_property
    def left_out(self) -> tuple[list[Fold], str]:
        """The folds that leave values of the group out; or none, and why."""
        if self.group is None:
            return [], "there is no group of a usable size"
        try:
            return left_out_folds(self.cohort, self.group, self.model.seed), ""
        except CohortError as error:
            return [], str(error)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """All classes of the plan."""
        return classes_in(self.cohort, self.made)

    @cached_property
    def inside(self) -> list[Planned]:
        """The rows that share folds."""
        return [row for row in self.controls if row.name != PERMUTED]

    @cached_property
    def permuted(self) -> list[Planned]:
        """The row that is trained on permuted outcomes, on more of the same folds."""
        return [row for row in self.controls if row.name == PERMUTED]

    @cached_property
    def controls(self) -> list[Planned]:
        """The model and its controls."""
        return planned_controls(self.model, self.group)

    @cached_property
    def permutations(self) -> list[Fold]:
        """The folds, as often as it takes to have enough permutations; one alone may score anything."""
        repeats = 1 + max(fold.repeat for fold in self.made)
        turns = range(-(-PERMUTATIONS // len(self.made)))
        return [
            replace(fold, repeat=fold.repeat + turn * repeats, seed=fold.seed + turn * 7919)
            for turn in turns
            for fold in self.made
        ]

    @cached_property
    def outside(self) -> list[Planned]:
        """The rows that are scored where a group was left out."""
        rows = [row for row in self.inside if row.name in SIDE_BY_SIDE]
        return [replace(row, name=f"{row.name}, left out", needed=False) for row in rows]

    @cached_property
    def apart(self) -> Planned:
        """The same model with the test patients' features in the graph."""
        return Planned(TRANSDUCTIVE, "graph", prepared(self.model, "transductive"), needed=False)

    @cached_property
    def work(self) -> list[Work]:
        """Every model on every fold, the model and its twin first."""
        work: list[Work] = [(row, fold, "inductive") for fold in self.made for row in self.inside]
        work += [(row, fold, "inductive") for fold in self.left_out[0] for row in self.outside]
        work += [(row, fold, "inductive") for fold in self.permutations for row in self.permuted]
        return work + [(self.apart, fold, "transductive") for fold in self.made]

    @property
    def facts(self) -> dict[str, str]:
        """What a run folder must agree in to be taken up again."""
        every = [*self.controls, *self.outside, self.apart]
        return {
            "cohort": self.cohort.fingerprint,
            "folds": repr(self.folds),
            "group": str(self.group),
            "audited models": settings(every),
            "controls": "; ".join(f"{row.name}: {row.alter!r}, {row.attach!r}" for row in every),
        }

    def result(self, done: dict[Key, Unit], refused: dict[str, str]) -> Audit:
        """Gather the units into the tables that they belong to."""
        left, why = self.left_out
        return Audit(
            inside=self.scored(done, self.inside, self.made, refused, "inductive"),
            permuted=self.scored(done, self.permuted, self.permutations, refused, "inductive"),
            left_out=self.scored(done, self.outside, left, refused, "inductive"),
            transductive=self.scored(done, [self.apart], self.made, refused, "transductive"),
            group=self.group,
            values=self.values,
            refused={**refused, **({"left out": why} if why else {})},
        )

    def scored(
        self, done: dict[Key, Unit], rows: list[Planned], folds: list[Fold], refused: dict[str, str], setting: Setting
    ) -> CVResult:
        """Return the rows that were not refused, as a cross-validation."""
        names = [row.name for row in rows if row.name not in refused]
        units = [done[name, fold.repeat, fold.number] for name in names for fold in folds]
        result = gathered(units, self.cohort, self.folds, folds or self.made, self.classes, setting)
        return replace(result, plan=described(self.folds, self.made), patients=patients_in(self.made))

    @property
    def values(self) -> dict[tuple[int, int], np.ndarray]:
        """Which value of the group each test patient has, as a number, by repeat and fold; -1 where unknown."""
        if self.group is None:
            return {}
        codes = self.cohort.groups[self.group].factorize(sort=True)[0]
        return {(fold.repeat, fold.number): codes[fold.test] for fold in self.made}
