"""The prediction table: one row a patient, its probabilities, and what had to be completed to make them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.ids import among
from graphmml.train.chance import chosen_device
from graphmml.train.estimator import GraphClassifier


def prediction_frame(model: GraphClassifier, cohort: Cohort) -> pd.DataFrame:
    """Predict a cohort: id, `prediction`, `p_<class>`, then what was completed and flagged.

    `spread` is the standard deviation over members of the predicted class's probability; `absent_modalities`
    lists what the patient lacks altogether (it weighs nothing), and `completed_modalities` what of it a stand-in
    was used for, where the model completes; `completed_cells` counts cells that took the
    training median or most frequent level; `in_training` marks patients whom the model was fitted on.
    """
    each = model.predict_members(cohort)
    p = each.mean(axis=0)
    best = p.argmax(axis=1)
    encoded = model.encoder_.transform(cohort)
    device = chosen_device(model.device)
    stand_ins = np.any([member.completed(model.constructor, encoded, device) for member in model.members_], axis=0)
    completed = np.zeros(len(cohort), dtype=np.int64)
    for name, table in encoded.tables.items():
        completed += np.where(encoded.has(name), table.isna().sum(axis=1).to_numpy(), 0)
    return pd.DataFrame(
        {
            str(cohort.ids.name or "patient_id"): cohort.ids.to_numpy(),
            "prediction": model.classes_[best],
            **{f"p_{name}": p[:, at] for at, name in enumerate(model.classes_)},
            "spread": each.std(axis=0)[np.arange(len(p)), best],
            "absent_modalities": named(~encoded.present, encoded.modalities),
            "completed_modalities": named(stand_ins, encoded.modalities),
            "completed_cells": completed,
            "nothing_measured": ~encoded.present.any(axis=1),
            "in_training": among(cohort.ids, model.source_.ids),
        }
    )


def named(which: np.ndarray, names: Sequence[str]) -> list[str]:
    """Write the names marked in each row, separated by semicolons."""
    return [";".join(name for name, here in zip(names, row, strict=True) if here) for row in which]
