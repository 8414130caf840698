"""Plots of a fairness result on matplotlib axes: axes in, the same axes out."""

from typing import Any

from graphmml.errors import GraphmmlError
from graphmml.report.plot import COLOURS, axes
from graphmml.train.fairness.result import FairnessResult
from graphmml.train.fairness.words import MEASURES


def plot_group_calibration(
    result: FairnessResult, ax: Any = None, *, model: str | None = None, group: str | None = None
) -> Any:
    """Draw a model's calibration curve in each value of a group, with 95 % bands; default: the first of both.

    A legend gives counts; on the dashed line what is predicted is what happens.
    """
    name, by = result.models[0] if model is None else model, result.groups[0] if group is None else group
    rows = {row.value: row for row in result.of(name, by)}
    shown = [curve for curve in result.curves if (curve.model, curve.group) == (name, by)]
    if not shown:
        few = "no value has enough patients of both classes whose counts may be shown"
        many = 'there are several classes; name the one that is asked for with fairness(..., positive="...")'
        raise GraphmmlError(f"no calibration curve of '{name}' by '{by}': {many if result.several else few}")
    ax = axes(ax)
    ax.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    for at, curve in enumerate(shown):
        row, colour = rows[curve.value], COLOURS[at % len(COLOURS)]
        events = "" if row.positives is None else f", {row.positives} positive"
        ax.fill_between(curve.predicted, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(curve.predicted, curve.observed, color=colour, label=f"{curve.value} (n {row.patients}{events})")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=f"predicted risk of '{result.positive}'", ylabel="observed", title=name)
    ax.legend(frameon=False, title=by)
    return ax


def plot_group_scores(
    result: FairnessResult,
    measure: str = "auroc",
    ax: Any = None,
    *,
    model: str | None = None,
    group: str | None = None,
) -> Any:
    """Draw one score of a model in each value of a group with its 95 % interval; masked values are left out."""
    if measure not in result.measures:
        raise GraphmmlError(f"no measure '{measure}'; there are: {', '.join(result.measures)}")
    name, by = result.models[0] if model is None else model, result.groups[0] if group is None else group
    rows = [row for row in result.of(name, by) if measure in row.scores]
    ax = axes(ax)
    for at, row in enumerate(rows):
        score = row.scores[measure]
        ax.plot([score.low, score.high], [at, at], color=COLOURS[0], linewidth=2)
        ax.plot(score.mean, at, "s", color=COLOURS[0])
    ax.set_yticks(range(len(rows)), [f"{row.value} (n {row.patients})" for row in rows])
    ax.set(xlabel=MEASURES[measure], ylim=(len(rows) - 0.5, -0.5), title=name)
    return ax
