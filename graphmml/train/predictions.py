"""The prediction table: one row a patient, its probabilities, and what had to be completed to make them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.data.encode import EncodedCohort
from graphmml.data.ids import among
from graphmml.data.kinds import wanted
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.chance import chosen_device
from graphmml.train.conformal import values_of
from graphmml.train.estimator import GraphClassifier
from graphmml.train.fairness.thresholds import GroupThresholds
from graphmml.train.layers import Inner, Layer, innermost, known_in, layers_of


def prediction_frame(model: Inner | Layer, cohort: Cohort) -> pd.DataFrame:
    """Predict a cohort: id, `prediction`, `p_<class>`, then what was completed and flagged.

    `spread` is the standard deviation over members of the predicted class's probability (empty where there is one
    alone, or none, as in a plain model); `absent_modalities` lists what the patient lacks altogether (it weighs
    nothing), and `completed_modalities` what of it a stand-in was used for, where the model completes;
    `completed_cells` counts cells that took the training median or most frequent level; `in_training` marks patients
    whom the model was fitted on.

    A CalibratedClassifier adds `set`, the classes that cannot be ruled out; `abstained`, where that is not exactly
    one class, or nothing is measured; `unlike_p`, how usual it is to be as far from the training patients, and
    `unlike_training` where that is below the model's `unlike`. `p_<class>` is then calibrated, `spread` is not.
    GroupThresholds adds the `threshold` by which `prediction` was decided.
    """
    inner = known_in(model, "predictions are")
    wanted(cohort, Cohort)
    if isinstance(model, GroupThresholds):
        frame = prediction_frame(model.model_, cohort)
        frame["prediction"], frame["threshold"] = model.predict(cohort), model.thresholds(cohort)
        return frame
    each = inner.predict_members(cohort)
    encoded = inner.encoder_.transform(cohort)
    own = each.mean(axis=0)
    p = model.calibrated(own) if isinstance(model, CalibratedClassifier) else own
    best = p.argmax(axis=1)
    columns = {
        str(cohort.ids.name or "patient_id"): cohort.ids.to_numpy(),
        "prediction": inner.classes_[best],
        **{f"p_{name}": p[:, at] for at, name in enumerate(inner.classes_)},
        "spread": each.std(axis=0)[np.arange(len(p)), best] if len(each) > 1 else np.nan,
        "absent_modalities": named(~encoded.present, encoded.modalities),
        "completed_modalities": named(stand_ins(inner, encoded), encoded.modalities),
        "completed_cells": completed_cells(encoded),
        "nothing_measured": ~encoded.present.any(axis=1),
        "in_training": among(cohort.ids, inner.source_.ids),
    }
    if isinstance(model, CalibratedClassifier):
        columns |= trusted(model, own, cohort, encoded)
    return pd.DataFrame(columns)


def stand_ins(model: Inner, encoded: EncodedCohort) -> np.ndarray:
    """Return for which absent modalities a stand-in was used by any member: bool [patient, modality]."""
    if not isinstance(model, GraphClassifier):
        return np.zeros_like(encoded.present, dtype=bool)
    device = chosen_device(model.device)
    each = [member.completed(model.constructor, encoded, device) for member in model.members_]
    return np.asarray(np.any(each, axis=0))


def trusted(model: CalibratedClassifier, own: np.ndarray, cohort: Cohort, encoded: EncodedCohort) -> dict[str, Any]:
    """Return the columns that say how far each prediction can be trusted; `own` is the model's own probability."""
    sets = model.sets_.sets(own, values_of(cohort, model.group))
    unlike = model.novelty_.p(encoded)
    return {
        "set": named(sets, list(model.classes_)),
        "abstained": (sets.sum(axis=1) != 1) | ~encoded.present.any(axis=1),
        "unlike_p": unlike,
        "unlike_training": unlike < model.unlike,
    }


def completed_cells(encoded: EncodedCohort) -> np.ndarray:
    """Count each patient's cells that are missing in a modality that he has: int64 [patient]."""
    completed = np.zeros(len(encoded), dtype=np.int64)
    for name, table in encoded.tables.items():
        completed += np.where(encoded.has(name), table.isna().sum(axis=1).to_numpy(), 0)
    return completed


def differences(model: Inner | Layer, cohort: Cohort) -> tuple[str, ...]:
    """Say in words, with counts and no ids, where patients differ from those of training, or are some of them."""
    inner = innermost(model)
    encoded = inner.encoder_.transform(cohort)
    said = [*inner.encoder_.differences(cohort), *gaps(encoded, inner.source_)]
    again = int(among(cohort.ids, inner.source_.ids).sum())
    if again:
        said.append(
            f"{again} of {len(cohort)} patients were in training, where predictions look better than they are; "
            "they are marked in_training"
        )
    empty = int((~encoded.present.any(axis=1)).sum())
    if empty:
        said.append(f"{empty} of {len(cohort)} patients have nothing measured that the model knows")
    for layer in layers_of(model):
        if isinstance(layer, CalibratedClassifier):
            said += unheard(layer, cohort)
    return tuple(said)


def gaps(encoded: EncodedCohort, source: EncodedCohort) -> list[str]:
    """Say which modalities more patients lack than in training, beyond chance (three standard errors)."""
    said = []
    for modality in source.modalities:
        here, there = ~encoded.has(modality), ~source.has(modality)
        error = np.sqrt(max(there.mean() * (1 - there.mean()), 1 / len(there)) * (1 / len(here) + 1 / len(there)))
        if len(here) > here.sum() and here.mean() - there.mean() > 3 * error:
            said.append(
                f"modality {modality} is absent for {here.sum()} of {len(here)} patients ({here.mean():.0%}), in "
                f"training for {there.mean():.0%}"
            )
    return said


def unheard(model: CalibratedClassifier, cohort: Cohort) -> list[str]:
    """Say how many patients get every class for want of calibrated patients of their group's value."""
    values = values_of(cohort, model.group)
    endless = np.isinf([model.sets_.thresholds.get(value, np.inf) for value in values.tolist()])
    if not endless.any():
        return []
    where = "" if model.group is None else f" of their {model.group}"
    return [f"{int(endless.sum())} of {len(cohort)} patients get every class: too few patients{where} to calibrate on"]


def named(which: np.ndarray, names: Sequence[str]) -> list[str]:
    """Write the names marked in each row, separated by semicolons."""
    return [";".join(name for name, here in zip(names, row, strict=True) if here) for row in which]
