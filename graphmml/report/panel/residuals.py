"""An outcome that is not of classes as one number a patient."""

from dataclasses import dataclass

import numpy as np

from graphmml.data.cohort import Cohort


@dataclass(frozen=True, eq=False)
class Numbers:
    """One number a patient, NaN unknown; `what` says of which kind: the value itself or its martingale residual."""

    name: str
    what: str
    values: np.ndarray


def numbers_of(cohort: Cohort) -> Numbers | None:
    """Return the outcome as numbers, if it is a number or a survival time."""
    outcome = cohort.outcome
    if outcome is None or outcome.kind == "class":
        return None
    values = outcome.values.to_numpy(dtype=np.float64)
    if outcome.event is None:
        return Numbers(outcome.name, "value", values)
    known, residual = outcome.known, np.full(len(values), np.nan)
    residual[known] = martingale(values[known], outcome.event.to_numpy(dtype=np.float64)[known])
    return Numbers(outcome.name, "martingale residual", residual)


def martingale(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Return events seen less events expected by then, of the null model (Therneau, Grambsch and Fleming 1990)."""
    return np.asarray(event - cumulative_hazard(time, event))


def cumulative_hazard(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Return the Nelson-Aalen estimate at each patient's own time; deaths at one time share those at risk."""
    moments, at = np.unique(time, return_inverse=True)
    deaths = np.bincount(at, event, len(moments))
    risk = np.bincount(at, minlength=len(moments))[::-1].cumsum()[::-1]
    return np.asarray((deaths / np.maximum(risk, 1)).cumsum()[at])
