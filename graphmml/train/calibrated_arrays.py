"""What a CalibratedClassifier learned beside its model, as plain arrays and back."""

from collections.abc import Mapping

import numpy as np

from graphmml.data.arrays import Arrays, text
from graphmml.train.baselines import Baseline
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.calibration import stored_calibrator
from graphmml.train.conformal import ConformalSets
from graphmml.train.estimator import GraphClassifier
from graphmml.train.held_out import Judged
from graphmml.train.novelty import Novelty, Surroundings


def calibration_arrays(model: CalibratedClassifier) -> Arrays:
    """Lay out held-out predictions, calibrator, thresholds and novelty."""
    held, sets, around = model.held_out_, model.sets_, model.novelty_.around
    arrays = {
        "refitted": np.array(model.refitted_),
        "held/p": held.p,
        "held/codes": held.codes,
        "held/groups": text(held.groups),
        "held/strangeness": held.strangeness,
        "sets/values": text(sets.thresholds),
        "sets/thresholds": np.array(list(sets.thresholds.values())),
        "sets/counts": np.array([sets.counts[value] for value in sets.thresholds]),
        "novelty/middle": np.array(list(around.middle.values())),
        "novelty/spread": np.array(list(around.spread.values())),
    }
    return arrays if model.calibrator_ is None else arrays | model.calibrator_.arrays()


def calibrate_from(
    model: CalibratedClassifier, inner: GraphClassifier | Baseline, arrays: Mapping[str, np.ndarray]
) -> None:
    """Give an unfitted model back what it learned, and its fitted inner model."""
    model.model_, model.classes_, model.refitted_ = inner, inner.classes_, bool(arrays["refitted"])
    held = {name: arrays[f"held/{name}"] for name in ("p", "codes", "strangeness")}
    model.held_out_ = Judged(groups=arrays["held/groups"].astype(object), **held)
    model.calibrator_ = stored_calibrator(arrays)
    values = arrays["sets/values"].tolist()
    model.sets_ = ConformalSets(
        coverage=model.coverage,
        thresholds=dict(zip(values, arrays["sets/thresholds"].tolist(), strict=True)),
        counts=dict(zip(values, arrays["sets/counts"].tolist(), strict=True)),
    )
    middle, spread = (
        dict(zip(inner.source_.modalities, arrays[f"novelty/{name}"].tolist(), strict=True))
        for name in ("middle", "spread")
    )
    model.novelty_ = Novelty(Surroundings(inner.source_, middle, spread), model.held_out_.strangeness)
