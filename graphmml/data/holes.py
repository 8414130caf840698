"""Take modalities away at random, to see what a model does without them."""

from dataclasses import replace

import numpy as np

from graphmml.data.cohort import Cohort
from graphmml.data.kinds import number, wanted
from graphmml.errors import CohortError


def hide_modalities(cohort: Cohort, share: float, *, seed: int = 0) -> Cohort:
    """Return the cohort with a share of all that patients have in a modality taken away, drawn at random.

    Who has a modality loses it with probability `share`, whatever becomes of the others, so that some lose everything.
    With the same seed, what is hidden at a smaller share is hidden at a larger one as well, and a patient's holes do
    not depend on who else is in the cohort. Visits and their codes stay.
    """
    wanted(cohort, Cohort)
    number("share", share, 0.5)
    if not 0.0 <= share <= 1.0:
        raise CohortError(f"share is {share}; choose from 0, nothing, to 1, everything")
    rows = cohort.ids.to_numpy(dtype=object)
    tables = {}
    for name, table in cohort.tables.items():
        drawn = np.array([np.random.default_rng([seed, *f"{name}\n{row}".encode()]).random() for row in rows])
        tables[name] = table.mask(np.repeat((drawn < share)[:, None], table.shape[1], axis=1))
    return replace(cohort, tables=tables)
