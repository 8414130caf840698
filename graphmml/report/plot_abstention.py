"""Plots of abstention on matplotlib axes: axes in, the same axes out."""

from typing import Any

from graphmml.errors import GraphmmlError
from graphmml.report.plot import COLOURS, axes
from graphmml.train.abstention import SHOWN, Abstention

WORDS = {"auroc": "AUROC", "accuracy": "accuracy", "brier": "Brier score"}


def plot_abstention(curve: Abstention, metric: str = "accuracy", ax: Any = None) -> Any:
    """Draw a score over the share of patients answered, with its 95 % interval, beside leaving out by chance."""
    if metric not in SHOWN:
        raise GraphmmlError(f"no score '{metric}' over abstention; there are: {', '.join(SHOWN)}")
    ax = axes(ax)
    table = curve.frame()
    for prefix, colour, name in (("chance_", COLOURS[7], "by chance"), ("", COLOURS[0], "the least certain first")):
        low, high = table[f"{prefix}{metric}_low"], table[f"{prefix}{metric}_high"]
        ax.fill_between(table.index, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(table.index, table[f"{prefix}{metric}"], color=colour, linewidth=2, label=name)
    ax.set(xlabel="share of patients answered", ylabel=WORDS[metric], xlim=(0, 1))
    ax.legend(frameon=False, title="left out")
    return ax
