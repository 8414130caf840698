"""The prediction table: one row a patient, its probabilities, and what had to be completed to make them."""

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.ids import among
from graphmml.train.estimator import GraphClassifier


def prediction_frame(model: GraphClassifier, cohort: Cohort) -> pd.DataFrame:
    """Predict a cohort: id, `prediction`, `p_<class>`, then what was completed and flagged.

    `spread` is the standard deviation over members of the predicted class's probability; `absent_modalities`
    lists what the patient lacks altogether (it weighs nothing); `completed_cells` counts cells that took the
    training median or most frequent level; `in_training` marks patients whom the model was fitted on.
    """
    each = model.predict_members(cohort)
    p = each.mean(axis=0)
    best = p.argmax(axis=1)
    encoded = model.encoder_.transform(cohort)
    absent = [
        ";".join(name for name, here in zip(encoded.modalities, row, strict=True) if not here)
        for row in encoded.present
    ]
    completed = np.zeros(len(cohort), dtype=np.int64)
    for name, table in encoded.tables.items():
        completed += np.where(encoded.has(name), table.isna().sum(axis=1).to_numpy(), 0)
    return pd.DataFrame(
        {
            str(cohort.ids.name or "patient_id"): cohort.ids.to_numpy(),
            "prediction": model.classes_[best],
            **{f"p_{name}": p[:, at] for at, name in enumerate(model.classes_)},
            "spread": each.std(axis=0)[np.arange(len(p)), best],
            "absent_modalities": absent,
            "completed_cells": completed,
            "nothing_measured": ~encoded.present.any(axis=1),
            "in_training": among(cohort.ids, model.source_.ids),
        }
    )
