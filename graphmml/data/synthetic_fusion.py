"""Cohorts in which it is known how modalities must be fused."""

from typing import Final, Literal

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError

Interplay = Literal["exclusive", "additive", "single"]
COLUMNS: Final = 6
NOISY: Final = 4


def make_fusion_cohort(interplay: Interplay = "exclusive", patients: int = 600, *, seed: int = 0) -> Cohort:
    """Draw patients whose outcome depends on their modalities in a known way; half are cases.

    Each modality has six standard normal columns, of which the first two carry the same hidden number, z, a tenth
    of their variance being noise.

    *exclusive*: a case has z of the same sign in `imaging` and in `genes`, but for one patient in fifty. Neither
    modality alone says anything. *additive*: the log odds are three times the sum of both z. *single*: they are three
    times the z of `signal`; `noise1` to `noise4` say nothing.
    """
    if interplay not in ("exclusive", "additive", "single"):
        raise CohortError(f"interplay is '{interplay}'; choose exclusive, additive or single")
    if patients < 20:
        raise CohortError(f"patients is {patients}; choose at least 20")
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"P{number:05d}" for number in range(1, patients + 1)], dtype="str")
    names = ["imaging", "genes"] if interplay != "single" else ["signal", *(f"noise{at + 1}" for at in range(NOISY))]
    hidden = {name: rng.standard_normal(patients) for name in names}
    frames = {name: drawn(z, rng, ids) for name, z in hidden.items()}
    if interplay == "exclusive":
        case = (hidden["imaging"] > 0) == (hidden["genes"] > 0)
        case ^= rng.random(patients) < 0.02
    else:
        score = hidden["signal"] if interplay == "single" else hidden["imaging"] + hidden["genes"]
        case = rng.random(patients) < 1 / (1 + np.exp(-3 * score))
    outcome = pd.Series(np.where(case, "case", "control"), index=ids, name="dx")
    return Cohort.from_frames(frames, outcome=outcome, positive="case", name=interplay)


def drawn(z: np.ndarray, rng: np.random.Generator, ids: pd.Index) -> pd.DataFrame:
    """Draw one modality's columns, the first two about z."""
    values = rng.standard_normal((len(z), COLUMNS))
    values[:, :2] = (3 * z[:, None] + values[:, :2]) / 10**0.5
    return pd.DataFrame(values, index=ids, columns=[f"x{at + 1}" for at in range(COLUMNS)])
