"""compare_fusions: one model with every fusion on the same folds, each beside its twin without edges."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Folds, Splitter, folds_of
from graphmml.data.kinds import wanted
from graphmml.errors import GraphError
from graphmml.graph.controls import NoEdges, Shuffled
from graphmml.model.strategy import Fusion, Strategy
from graphmml.train.baselines import all_baselines
from graphmml.train.comparisons import Comparison, holm
from graphmml.train.cross_validate import classes_in, facts_of, gathered, run_units
from graphmml.train.estimator import GraphClassifier
from graphmml.train.fusions import all_fusions
from graphmml.train.intervals import Interval, span
from graphmml.train.planned import Planned, prepared, settings
from graphmml.train.result import FROM_THE_GRAPH, CVResult
from graphmml.train.row import LEVEL, Row
from graphmml.train.runs import RunFolder
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit


@dataclass(frozen=True, eq=False, repr=False)
class FusionSweep:
    """Fusions side by side: a cross-validation of those that ran, and why the others did not.

    The first fusion is the one that the others are held against.
    """

    result: CVResult
    refused: Mapping[str, str]
    fusions: tuple[str, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row a fusion that ran, in the order given."""
        return tuple(row for row in self.result.rows if row.name in self.fusions)

    @property
    def controls(self) -> tuple[Row, ...]:
        """The first fusion with its edges shuffled, and plain models."""
        return tuple(row for row in self.result.rows if row.kind in ("shuffled", "baseline"))

    @property
    def first(self) -> str | None:
        """The fusion that the others are held against, if any ran."""
        return self.rows[0].name if self.rows else None

    def against_first(self, name: str) -> Interval:
        """Return a row's AUROC less that of the first fusion, fold by fold."""
        return self.result.interval("auroc", self.result.of(name), self.result.of(str(self.first)))

    def frame(self) -> pd.DataFrame:
        """Return one row a fusion and control: scores with intervals, differences, seconds; NaN where refused."""
        table = self.result.frame()
        rows = [*(row.name for row in self.rows), *(row.name for row in self.controls)]
        table = table.loc[rows].assign(why="")
        if self.first is not None:
            leads = [self.against_first(name) for name in rows]
            table = table.assign(
                auroc_vs_first=[lead.mean for lead in leads],
                auroc_vs_first_low=[lead.low for lead in leads],
                auroc_vs_first_high=[lead.high for lead in leads],
            )
        failed = pd.DataFrame(
            {"kind": "refused", "why": [self.refused[name] for name in self.refused]},
            index=pd.Index(list(self.refused), name="model"),
        )
        return pd.concat([table, failed]) if len(failed) else table

    @property
    def verdict(self) -> tuple[str, ...]:
        """Say which fusion came out best and how far that can be believed."""
        if self.first is None:
            return ("No fusion ran on this cohort.",)
        best = max(self.rows, key=lambda row: row.metrics["auroc"].mean)
        others = [self.result.comparison(row.name, self.first) for row in self.rows if row.name != self.first]
        said = [f"Best of {len(self.rows)} fusions: {best.name}, AUROC {span(best.metrics['auroc'])}."]
        if best.name != self.first:
            lead = span(self.against_first(best.name), sign="+")
            said.append(
                f"It is {lead} against {self.first}; the best of many leads by chance alone, so confirm it anew."
            )
        said.append(f"{found(others)} of {len(others)} others lie above {self.first} (p below {LEVEL} after Holm).")
        said.append(
            f"The graph helped {found(self.result.comparisons())} of {len(self.rows)} against the same network without "
            f"edges (p below {LEVEL} after Holm)."
        )
        known = [row for row in self.controls if row.kind == "baseline" and row.name not in FROM_THE_GRAPH]
        plain = max(known, key=lambda row: row.metrics["auroc"].mean, default=None)
        if plain is not None:
            gap = best.metrics["auroc"].mean - plain.metrics["auroc"].mean
            said.append(f"{plain.name}, the best plain model, is {abs(gap):.3f} {'below' if gap >= 0 else 'above'}.")
        return tuple(said)

    def to_json(self) -> dict[str, Any]:
        """Return the versioned object that `graphmml compare --fusion --json` prints."""
        whole = self.result.to_json()
        rows = [
            row | {"vs_first": self.against_first(row["name"]).to_dict()} if self.first is not None else row
            for row in whole["rows"]
        ]
        refused = [{"name": name, "kind": "refused", "why": why} for name, why in self.refused.items()]
        return {
            **whole,
            "schema": "graphmml.compare-fusions/1",
            "first": self.first,
            "rows": [*rows, *refused],
            "verdict": list(self.verdict),
        }

    def __repr__(self) -> str:
        shown = ["auroc", "auroc_low", "auroc_high", "brier", "auroc_vs_first", "auroc_vs_no_graph", "seconds"]
        table = self.frame()
        text = table[[name for name in shown if name in table]].round(3).to_string(na_rep="-")
        return "\n".join([f"{self.result.plan}, {self.result.patients} patients", text, *self.verdict])


def found(made: Sequence[Comparison]) -> int:
    """Count comparisons that lie above zero, corrected for how many there are (Holm 1979)."""
    corrected = holm([one.p for one in made])
    return sum(one.difference.mean > 0 and p < LEVEL for one, p in zip(made, corrected, strict=True))


def compare_fusions(
    model: GraphClassifier,
    cohort: Cohort,
    folds: Splitter | None = None,
    *,
    fusions: Mapping[str, Fusion | Strategy] | None = None,
    jobs: int = -1,
    run: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Unit], None] | None = None,
) -> FusionSweep:
    """Score one model with one fusion after another, all else equal: folds, seeds, members, training, links.

    Each fusion stands beside its twin without edges, the first also beside its shuffled graph, and all beside plain
    models. A fusion that the cohort or the model refuses becomes a row that says why. `fusions` by name; without any,
    all of `all_fusions`. Folds (default 5), `run`, `resume` and `jobs` as in `cross_validate`.
    """
    wanted(model, GraphClassifier)
    fusions = all_fusions() if fusions is None else fusions
    if not fusions:
        raise GraphError("no fusion was given; name at least one, or leave fusions out for all")
    folds = Folds(5) if folds is None else folds
    made = folds_of(folds, cohort)
    classes = classes_in(cohort, made)
    planned = planned_fusions(prepared(model, model.setting), fusions)
    facts = {"cohort": cohort.fingerprint, **facts_of(folds, made, classes, model.setting)}
    facts["fusions"] = settings(planned)
    folder = None if run is None else RunFolder.open(run, facts, Splits.of(cohort, made), resume=resume)
    work = [(row, fold, model.setting) for fold in made for row in planned]
    done, refused = run_units(work, cohort, classes, jobs=jobs, folder=folder, watch=watch)
    kept = [row.name for row in planned if row.name not in refused and twin_of(row.name) not in refused]
    units = [done[name, fold.repeat, fold.number] for name in kept for fold in made]
    result = gathered(units, cohort, folds, made, classes, model.setting)
    why = {name: refused.get(name, refused.get(f"{name}, no graph", "")) for name in fusions if name not in kept}
    return FusionSweep(result, why, tuple(fusions))


def twin_of(name: str) -> str:
    """Return the row that a row does not stand without."""
    return name.removesuffix(", no graph") if name.endswith(", no graph") else f"{name}, no graph"


def planned_fusions(model: GraphClassifier, fusions: Mapping[str, Fusion | Strategy]) -> list[Planned]:
    """Lay out the rows: each fusion with its twin, then the controls that all share."""
    rows = []
    for name, fusion in fusions.items():
        graph = clone(model).set_params(fusion=fusion)
        bare = clone(graph).set_params(links=NoEdges(), structure=None)
        rows.append(Planned(name, "graph", graph, needed=False))
        rows.append(Planned(f"{name}, no graph", "no-graph", bare, needed=False))
    name, fusion = next(iter(fusions.items()))
    shuffled = clone(model).set_params(fusion=fusion, links=Shuffled(model.constructor, seed=model.seed))
    rows.append(Planned(f"{name}, shuffled", "shuffled", shuffled, needed=False))
    return rows + [Planned(name, "baseline", baseline) for name, baseline in all_baselines(model).items()]
