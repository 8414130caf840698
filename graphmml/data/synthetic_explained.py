"""Cohorts in which it is known what every prediction must rest on."""

from typing import Final, Literal

import numpy as np
import pandas as pd

from graphmml.data.cohort import Cohort
from graphmml.errors import CohortError

Carrier = Literal["modality", "feature", "relation"]
MODALITIES: Final = ("genes", "imaging", "labs")
COLUMNS: Final = 6
STEEP: Final = 6.0
"""Log odds of a case for each standard deviation of what carries the signal."""
FAMILY: Final = 25
OWN_NOISE: Final = 2.0
"""Standard deviation of a patient's marker about that of the family, whose own is 1."""


def make_explained_cohort(carrier: Carrier = "feature", patients: int = 600, *, seed: int = 0) -> Cohort:
    """Draw patients whose outcome one modality, one feature or one relation carries; half are cases.

    `genes`, `imaging` and `labs` have six standard normal columns each, `family` and `ward` are groups of about 25
    patients drawn at random, and a case has log odds 6 z. *modality*: z is hidden, and half of the variance of every
    column of `imaging`. *feature*: z is the column `marker` of `labs`. *relation*: z is -1 or 1 for a whole family, and
    `marker` is that with twice its deviation in noise, so that one patient's says little and the family's tells:
    link by `Layers((SharedPhenotype("family", k=20), SharedPhenotype("ward", k=20)))`. All else says nothing.
    """
    if carrier not in ("modality", "feature", "relation"):
        raise CohortError(f"carrier is '{carrier}'; choose modality, feature or relation")
    if patients < 2 * FAMILY:
        raise CohortError(f"patients is {patients}; choose at least {2 * FAMILY}")
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"P{number:05d}" for number in range(1, patients + 1)], dtype="str")
    family, ward = (rng.permutation(np.arange(patients) // FAMILY) for _ in range(2))
    values = {name: rng.standard_normal((patients, COLUMNS)) for name in MODALITIES}
    z = rng.standard_normal(patients)
    if carrier == "relation":
        z = rng.permutation(np.resize([-1.0, 1.0], family.max() + 1))[family]
        values["labs"][:, 0] = (z + OWN_NOISE * values["labs"][:, 0]) / np.hypot(1.0, OWN_NOISE)
    elif carrier == "modality":
        values["imaging"] = (z[:, None] + values["imaging"]) / np.sqrt(2.0)
    else:
        values["labs"][:, 0] = z
    case = rng.random(patients) < 1 / (1 + np.exp(-STEEP * z))
    names = {
        name: ["marker" if name == "labs" and at == 0 else f"x{at + 1}" for at in range(COLUMNS)] for name in MODALITIES
    }
    return Cohort.from_frames(
        {name: pd.DataFrame(matrix, index=ids, columns=names[name]) for name, matrix in values.items()},
        outcome=pd.Series(np.where(case, "case", "control"), index=ids, name="dx"),
        groups=pd.DataFrame({"family": [f"f{at}" for at in family], "ward": [f"w{at}" for at in ward]}, index=ids),
        positive="case",
        name=f"explained by {carrier}",
    )
