"""Plots of a diagnosis on matplotlib axes: axes in, the same axes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from math import isfinite
from typing import Any

import numpy as np

from graphmml.errors import GraphmmlError
from graphmml.report.picture import Picture

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#b3a800", "#555555")
"""Told apart by colour-blind readers (Okabe and Ito 2008)."""
MARKERS = "o+xsv^D*"


@dataclass(frozen=True)
class Plots:
    """What `Diagnosis.plot` offers; each method draws on `ax`, or on new axes, and returns them."""

    measures: Mapping[str, Any]
    picture: Picture

    def homophily(self, ax: Any = None) -> Any:
        """Draw the share of links between patients who are alike, by outcome and group, and its level by chance."""
        ax = axes(ax)
        rows = [row for row in self.measures["homophily"].values() if isfinite(row.get("edge", np.nan))]
        names = [row["name"] for row in rows]
        ax.barh(names, [row["edge"] for row in rows], color=COLOURS[0], alpha=0.6, label="share of links")
        chance = [row["chance"] for row in rows]
        ax.plot(chance, names, "|", color="black", markersize=18, markeredgewidth=2, label="by chance")
        ax.set(xlim=(0, 1), xlabel="share of links between patients who are alike")
        ax.invert_yaxis()
        ax.legend(frameon=False)
        return ax

    def degrees(self, ax: Any = None) -> Any:
        """Draw how many others patients listen to, and by how many they are listened to; a long tail are hubs."""
        ax = axes(ax)
        most = int(max(self.picture.listens.max(initial=0), self.picture.heard.max(initial=0)))
        edges = np.arange(0, most + 2, max(1, most // 30)) - 0.5
        ax.hist(self.picture.listens, edges, histtype="step", linewidth=2, color=COLOURS[0], label="listens to")
        ax.hist(self.picture.heard, edges, alpha=0.5, color=COLOURS[1], label="is listened to by")
        ax.set(xlabel="other patients", ylabel="patients")
        ax.legend(frameon=False)
        return ax

    def presence(self, ax: Any = None) -> Any:
        """Shade how full each modality is, of all patients and of each class and group."""
        ax = axes(ax)
        shares = self.picture.filled
        names = [share.name for share in next(iter(shares.values()))]
        values = np.array([[column[at].share for column in shares.values()] for at in range(len(names))])
        shown = ax.imshow(values, vmin=0, vmax=1, cmap="Blues", aspect="auto")
        ax.set_xticks(range(len(shares)), list(shares), rotation=30, ha="right")
        ax.set_yticks(range(len(names)), names)
        for (row, column), value in np.ndenumerate(values):
            said = list(shares.values())[column][row].said
            ax.text(column, row, said, ha="center", va="center", color="white" if value > 0.6 else "black")
        ax.figure.colorbar(shown, ax=ax, label="share of cells that are filled")
        return ax

    def prevalence(self, group: str, ax: Any = None) -> Any:
        """Draw the share of the outcome's last class in each value of a group, with Wilson's 95 % interval."""
        if group not in self.picture.prevalence:
            known = ", ".join(self.picture.prevalence) or "none"
            raise GraphmmlError(f"no group '{group}' to plot; there are: {known}")
        ax = axes(ax)
        rows = self.picture.prevalence[group]
        for at, row in enumerate(rows):
            ax.plot([row.low, row.high], [at, at], color=COLOURS[0], linewidth=2)
            ax.plot(row.share, at, "s", color=COLOURS[0])
        ax.set_yticks(range(len(rows)), [f"{row.value} ({row.said})" for row in rows])
        ax.set(xlabel="share of the last class", ylim=(len(rows) - 0.5, -0.5))
        return ax

    def graph(self, by: str | None = None, ax: Any = None) -> Any:
        """Draw the graph, of many patients a connected part, coloured by the outcome or a group; default: the first."""
        known = self.picture.labels
        chosen = next(iter(known), "") if by is None else by
        if chosen and chosen not in known:
            raise GraphmmlError(f"no '{chosen}' to colour by; there are: {', '.join(known) or 'none'}")
        nothing = np.zeros(len(self.picture.listens), dtype=np.int64), ("patients",)
        labels, names = known[chosen] if chosen else nothing
        ax = axes(ax)
        drawing = self.picture.drawing
        x, y = drawing.places.T
        ax.plot(x[drawing.edges], y[drawing.edges], color="grey", linewidth=0.3, alpha=0.3, zorder=0)
        mine = labels[drawing.rows]
        for at, name in enumerate(names):
            here = mine == at
            ax.scatter(x[here], y[here], s=14, color=COLOURS[at % 8], marker=MARKERS[at % 8], linewidths=1, label=name)
        ax.scatter(x[mine < 0], y[mine < 0], s=6, color="lightgrey")
        ax.set_axis_off()
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1), title=chosen)
        return ax


def axes(ax: Any) -> Any:
    """Return the axes to draw on, new ones unless given."""
    if ax is not None:
        return ax
    try:
        pyplot = import_module("matplotlib.pyplot")  # an extra, and slow to load
    except ImportError:
        raise GraphmmlError("plots need matplotlib: pip install 'graphmml[notebooks]'") from None
    return pyplot.subplots(layout="constrained")[1]
