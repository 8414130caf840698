"""Row: one line of the table of a cross-validation, and what it says in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from graphmml.train.intervals import Interval
from graphmml.train.unit import RowKind

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table: a model's scores over all folds, graph rows also against no-graph."""

    name: str
    kind: RowKind
    seconds: float
    metrics: Mapping[str, Interval]
    vs_no_graph: Mapping[str, Interval] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = {name: interval.to_dict() for name, interval in self.metrics.items()}
        row = {"name": self.name, "kind": self.kind, "seconds": round(self.seconds, 3), **plain}
        if self.vs_no_graph is not None:
            row["vs_no_graph"] = {name: interval.to_dict() for name, interval in self.vs_no_graph.items()}
        return row


def row_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return a table, one row a model and control: kind, each score with its interval, seconds."""
    records = []
    for row in rows:
        record: dict[str, Any] = {"model": row.name, "kind": row.kind}
        for metric, interval in row.metrics.items():
            record |= {
                metric: interval.mean,
                f"{metric}_low": interval.low,
                f"{metric}_high": interval.high,
            }
        difference = (row.vs_no_graph or {}).get("auroc")
        record |= {
            "auroc_vs_no_graph": np.nan if difference is None else difference.mean,
            "auroc_vs_no_graph_low": np.nan if difference is None else difference.low,
            "auroc_vs_no_graph_high": np.nan if difference is None else difference.high,
            "seconds": row.seconds,
        }
        records.append(record)
    return pd.DataFrame(records).set_index("model")


def sentence(row: Row, best: Row | None, p: float | None = None) -> str:
    """Read one graph's difference to no-graph aloud; `p` is given where several graphs were tried, after Holm."""
    gain = (row.vs_no_graph or {}).get("auroc")
    if gain is None:
        return f"{row.name}: there is no twin without edges to compare with."
    mean, low, high = (f"{value + 0.0:+.3f}" for value in (round(gain.mean, 3), gain.low, gain.high))
    interval = f"95 % interval {low} to {high}" + ("" if p is None else f", p {p:.3f} after Holm")
    span = f"{mean} AUROC against the same network without edges ({interval})"
    if np.isnan(gain.low):
        word = "cannot be judged on one fold, or by one training"
    elif p is not None and p >= LEVEL:
        word = "did not demonstrably help"
    else:
        word = "helped" if gain.low > 0 else "did harm" if gain.high < 0 else "did not demonstrably help"
    text = f"The graph {word}: {row.name} {span}"
    if best is None:
        return text + "."
    lead = row.metrics["auroc"].mean - best.metrics["auroc"].mean
    side = "above" if lead >= 0 else "below"
    return f"{text}; it is {abs(lead):.3f} {side} {best.name}, the best plain model."
