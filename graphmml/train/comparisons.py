"""Comparisons: every row of a cross-validation held against another on the same folds, with p-values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from graphmml.train.intervals import Interval


@dataclass(frozen=True)
class Comparison:
    """One model's score less another's; `p_holm` is corrected for all comparisons of the same table."""

    model: str
    against: str
    metric: str
    difference: Interval
    p: float
    p_holm: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; None where undefined."""
        values = {name: None if np.isnan(value) else value for name, value in (("p", self.p), ("p_holm", self.p_holm))}
        names = {"model": self.model, "against": self.against, "metric": self.metric}
        return {**names, **self.difference.to_dict(), **values}


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values so that the chance of any false one stays below its level (Holm 1979); NaN stays NaN."""
    values = np.asarray(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    corrected = values.copy()
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0) if len(order) else []
    return [float(value) for value in corrected]


def comparison_frame(rows: Sequence[Comparison]) -> pd.DataFrame:
    """Return one row a comparison: the models, the difference with its interval, p, and p after Holm."""
    return pd.DataFrame(
        {
            "model": row.model,
            "against": row.against,
            "metric": row.metric,
            "difference": row.difference.mean,
            "low": row.difference.low,
            "high": row.difference.high,
            "p": row.p,
            "p_holm": row.p_holm,
        }
        for row in rows
    )
