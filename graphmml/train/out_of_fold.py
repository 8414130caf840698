"""The units of a cross-validation as tables: predictions for patients not trained on, and scores by fold."""

from collections.abc import Sequence

import pandas as pd

from graphmml.train.splits import Splits
from graphmml.train.unit import Unit


def out_of_fold(units: Sequence[Unit], splits: Splits, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row a model, fold and test patient, in that order.

    Columns: the id under the cohort's name for it, `model`, `kind`, `repeat`, `fold`, `outcome` (what happened)
    and `p_<class>` for each class.
    """
    tables = []
    for unit in units:
        ids = splits.ids[splits.test[unit.key]]
        facts = {"model": unit.model, "kind": unit.kind, "repeat": unit.repeat, "fold": unit.fold}
        happened = [classes[code] for code in unit.codes]
        p = {f"p_{name}": unit.probabilities[:, at] for at, name in enumerate(classes)}
        tables.append(pd.DataFrame({id_name(splits.ids): ids, **facts, "outcome": happened, **p}))
    return pd.concat(tables, ignore_index=True)


def id_name(ids: pd.Index) -> str:
    """Return the cohort's name for the column of ids."""
    return str(ids.name or "patient_id")


def fold_frame(units: Sequence[Unit]) -> pd.DataFrame:
    """Return one row a model and fold: repeat, fold, scores, seconds."""
    return pd.DataFrame(
        {"model": one.model, "repeat": one.repeat, "fold": one.fold, **one.scores, "seconds": one.seconds}
        for one in units
    )
