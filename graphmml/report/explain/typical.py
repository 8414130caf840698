"""What stands in a cell that is taken away."""

from typing import Literal

import numpy as np

from graphmml.data.columns import is_number
from graphmml.errors import GraphmmlError
from graphmml.train.layers import Inner

Instead = Literal["missing", "typical"]
"""Nothing, or the training median or most frequent name."""


def typical(model: Inner, modality: str, column: str, instead: Instead) -> object:
    """Return what is written in place of any patient's value: NaN for nothing."""
    known = model.source_.tables[modality][column].dropna()
    if instead == "missing" or known.empty:
        return np.nan
    return float(known.median()) if is_number(known) else str(known.value_counts().sort_index().idxmax())


def refuse_instead(instead: str) -> None:
    """Raise GraphmmlError for a stand-in that there is not."""
    if instead not in ("missing", "typical"):
        raise GraphmmlError(f"instead is '{instead}'; choose missing or typical")
