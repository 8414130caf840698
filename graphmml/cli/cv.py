"""The command that cross-validates."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib

import graphmml as gm
from graphmml.cli.audit import RunChoice
from graphmml.cli.choices import FoldChoice, ModelChoice
from graphmml.cli.commands import emit, out, progress
from graphmml.cli.models import TrustChoice
from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError, GraphmmlError
from graphmml.report.render_cv import cv_parts

WAIT = 10.0
"""Seconds that a scheduler has to answer."""


@dataclass(frozen=True)
class Extent:
    """How far a cross-validation goes: setting, settings tried of each model, calibration, group told apart, page."""

    setting: str
    tune: int
    calibrate: str
    group: str
    html: Path | None
    cluster: str | None

    def __post_init__(self) -> None:
        if self.setting not in ("inductive", "transductive"):
            raise GraphmmlError(f"--setting is '{self.setting}'; choose inductive or transductive")
        if self.html is not None and self.html.suffix != ".html":
            raise GraphmmlError(f"--html is '{self.html}'; name a file that ends in .html")


def cv(path: Path, model: ModelChoice, folds: FoldChoice, *, extent: Extent, run: RunChoice, json: bool) -> None:
    """Cross-validate and print one table, its verdict, and scores by group and by what is missing."""
    cohort, models = gm.read_cohort(path), model.models()
    if extent.tune:
        models = {name: gm.Tuned(one, gm.Search(extent.tune, seed=model.seed)) for name, one in models.items()}
    trust = TrustChoice(extent.calibrate, coverage=0.9, group=None)
    models = {name: trust.around(one) for name, one in models.items()}
    splitter, known = folds.splitter(), group_of(extent.group, cohort)
    with cluster(extent.cluster):
        result = cross_validated(models, cohort, splitter, extent, run)
        apart = None if known is None or folds.leave_out else left_out(models, cohort, known, extent, run)
    groups = None
    if known is not None and apart is not None:
        groups = gm.group_table(result, cohort, known, left_out=apart[0], why=apart[1])
    lacking = not cohort.present[cohort.labelled].all()
    missing = gm.scores_by_missing(result, cohort) if lacking else None
    if extent.html is not None:
        diagnosis = gm.diagnose(cohort, next(iter(model.models().values())).constructor)
        gm.report_on(cohort, diagnosis, run=result, groups=groups).save(extent.html)
    if json:
        by_group = None if groups is None else groups.to_json()
        emit({**result.to_json(), "by_group": by_group, "by_missing": [] if missing is None else missing.to_json()})
        return
    for part in cv_parts(result, groups, missing, out().width):
        out().print(part)
    for kept in (run.output, extent.html):
        if kept is not None:
            out().print(f"kept in {kept}", markup=False)


def cross_validated(models: Any, cohort: Cohort, splitter: Any, extent: Extent, run: RunChoice) -> Any:
    """Cross-validate under a progress bar."""
    rows = len(import_module("graphmml.train.planned").plan(models, extent.setting))
    planned = rows * sum(1 for _ in splitter.split(cohort))
    with progress() as bar:
        task = bar.add_task("fitting", total=planned)
        return gm.cross_validate(
            models,
            cohort,
            splitter,
            setting=extent.setting,
            jobs=run.jobs,
            run=run.output,
            resume=run.resume,
            watch=lambda unit: bar.advance(task),
        )


def left_out(models: Any, cohort: Cohort, group: str, extent: Extent, run: RunChoice) -> tuple[Any, str]:
    """Cross-validate with values of the group left out, kept inside the run's folder; or say why that cannot be."""
    inner = None if run.output is None else run.output / f"{group} left out"
    there = inner is not None and inner.exists()
    splitter = gm.LeftOutValues(group, seed=0)
    try:
        list(splitter.split(cohort))
    except CohortError as error:
        return None, f"left out is n.a.: {error}"
    return cross_validated(
        models, cohort, splitter, extent, replace(run, output=inner, resume=run.resume and there)
    ), ""


def group_of(name: str, cohort: Cohort) -> str | None:
    """Return the group to tell apart: the first of a usable size, one by its name, or none."""
    if name == "auto":
        usual: str | None = import_module("graphmml.train.audit_groups").usual_group(cohort)
        return usual
    if name != "none" and name not in cohort.groups:
        raise CohortError(f"the cohort has no group '{name}' (it has: {', '.join(cohort.groups) or 'none'})")
    return None if name == "none" else name


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Work on a Dask cluster inside the block, if one is named."""
    if address is None:
        with nullcontext():
            yield
        return
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise GraphmmlError("--cluster needs dask: pip install 'graphmml[cluster]'") from None
    try:
        client = distributed.Client(address, timeout=WAIT)
    except (OSError, ValueError) as error:
        raise GraphmmlError(f"no scheduler answers at '{address}': {error}; start one with `dask scheduler`") from None
    with client, joblib.parallel_config(backend="dask"):
        yield
