"""The command that scores a run by group, and shows what mending it costs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import graphmml as gm
from graphmml.cli.choices import ModelChoice
from graphmml.cli.commands import emit, out, progress
from graphmml.data.cohort import Cohort
from graphmml.errors import GraphmmlError
from graphmml.report import render_fairness

MITIGATIONS = ("reweigh", "thresholds")


@dataclass(frozen=True)
class Mitigating:
    """The words that choose a mitigation, and the model it is tried on."""

    how: str | None
    constraint: str
    slack: float
    model: ModelChoice
    jobs: int

    def __post_init__(self) -> None:
        if self.how not in (None, *MITIGATIONS):
            raise GraphmmlError(f"--mitigate is '{self.how}'; choose {' or '.join(MITIGATIONS)}")

    def models(self, group: str, threshold: float) -> tuple[Any, Any]:
        """Return the model as it is and mitigated."""
        made = self.model.models()
        if len(made) != 1:
            raise GraphmmlError("a mitigation is tried on one model; name one conv, one fusion and one structure")
        model = next(iter(made.values()))
        if self.how == "reweigh":
            return model, gm.reweighed(model, group)
        return model, gm.GroupThresholds(model, group, self.constraint, threshold=threshold, slack=self.slack)


def fairness(
    path: Path,
    run: Path,
    *,
    groups: Sequence[str],
    threshold: float,
    min_cell: int,
    mitigating: Mitigating,
    html: Path | None,
    json: bool,
) -> None:
    """Score a run by group and print tables and verdict; or try a mitigation on its folds and print the price."""
    cohort = gm.read_cohort(path)
    with progress(count=False) as bar:
        bar.add_task("judging" if mitigating.how is None else "fitting", total=None)
        known = import_module("graphmml.train.read_run").read_run(run, cohort)
        judged = {"group": list(groups), "threshold": threshold, "min_cell": min_cell}
        result = gm.fairness(known, cohort, **judged)
        price = None if mitigating.how is None else priced(cohort, run, mitigating, judged)
    if html is not None:
        import_module("graphmml.report.html.fairness_page").save(result, html)
    if json:
        return emit(result.to_json() if price is None else {**result.to_json(), "price": price.to_json()})
    parts = list(render_fairness.fairness_parts(result))
    if price is not None:
        parts += ["", *render_fairness.price_parts(price)]
    for part in parts:
        out().print(part, markup=False)
    if html is not None:
        out().print(f"wrote {html}", markup=False)
    return None


def priced(cohort: Cohort, run: Path, mitigating: Mitigating, judged: dict[str, Any]) -> Any:
    """Try the mitigation of the first group on the run's folds."""
    home = import_module("graphmml.train.read_run")
    folder = import_module("graphmml.train.runs").RunFolder(run)
    kept = home.kept_folds(folder, home.facts_of(folder), cohort)
    # the model is the one that the options name, so that what was done to the run's is not said of it
    folds = kept.plan.partition(", each row")[0]
    splitter = replace(kept, plan=f"{folds}, the model of --links, --conv, --members ...")
    model, mended = mitigating.models(judged["group"][0], judged["threshold"])
    return gm.fairness_price(model, mended, cohort, splitter, jobs=mitigating.jobs, **judged)
