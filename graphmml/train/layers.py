"""What stands around a fitted model: calibration and thresholds, taken off, laid out as arrays and put on again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from graphmml.data.arrays import Arrays, text
from graphmml.data.kinds import kind_of
from graphmml.errors import GraphmmlError, StoreError
from graphmml.train.baselines import Baseline
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.calibrated_arrays import calibrate_from, calibration_arrays
from graphmml.train.estimator import GraphClassifier
from graphmml.train.fairness.thresholds import GroupThresholds
from graphmml.train.tuned import Tuned

Inner = GraphClassifier | Baseline
Layer = CalibratedClassifier | GroupThresholds
FILES = {CalibratedClassifier: "calibration.npz", GroupThresholds: "thresholds.npz"}
"""Where what a layer has learned is kept."""


def innermost(model: Any) -> Any:
    """Return the fitted model inside whatever is around it."""
    while isinstance(model, Layer | Tuned):
        model.check_fitted()
        model = model.model_
    return model


def known_in(model: Any, asked: str) -> Inner:
    """Return the fitted GraphClassifier or Baseline inside, or raise GraphmmlError: nothing else is known so well."""
    inner = innermost(model)
    if not isinstance(inner, Inner):
        raise GraphmmlError(f"{asked} of a GraphClassifier or a Baseline, calibrated or not; this is {kind_of(inner)}")
    inner.check_fitted()
    return inner


def network_in(model: Any, asked: str) -> GraphClassifier:
    """Return the GraphClassifier inside, or raise GraphmmlError: no other model has what is asked for."""
    inner = innermost(model)
    if not isinstance(inner, GraphClassifier):
        raise GraphmmlError(f"{asked} of a GraphClassifier, calibrated or not; this is {kind_of(inner)}")
    return inner


def layers_of(model: Any) -> list[Layer]:
    """Return the fitted layers around a model, the outermost first."""
    layers: list[Layer] = []
    while isinstance(model, Layer | Tuned):
        if not isinstance(model, Tuned):
            layers.append(model)
        model = model.model_
    if len({type(layer) for layer in layers}) < len(layers):
        raise StoreError("a model with the same layer around it twice is not written; leave one out")
    return layers


def settings_of(model: Any) -> Any:
    """Return the unfitted model with all its layers; what was tuned has the settings that were chosen."""
    if isinstance(model, Tuned):
        return settings_of(model.model_)
    copy = clone(model)
    if isinstance(model, Layer) and isinstance(model.model_, Layer | Tuned):
        copy.set_params(model=settings_of(model.model_))
    return copy


def arrays_of(layer: Layer) -> Arrays:
    """Lay out what a layer has learned."""
    if isinstance(layer, CalibratedClassifier):
        return calibration_arrays(layer)
    thresholds = np.array([*layer.thresholds_.values(), layer.common_], dtype=float)
    return {"values": text(layer.thresholds_), "thresholds": thresholds}


def put_on(layer: Layer, model: Any, inner: Inner, arrays: Mapping[str, np.ndarray]) -> Layer:
    """Return a copy of an unfitted layer with what it had learned, around a fitted model."""
    copy: Layer = clone(layer)
    if isinstance(copy, CalibratedClassifier):
        calibrate_from(copy, inner, arrays)
        return copy
    copy.model_, copy.classes_ = model, inner.classes_
    values, thresholds = arrays["values"].tolist(), arrays["thresholds"].tolist()
    copy.thresholds_ = dict(zip(values, thresholds, strict=False))
    copy.common_ = [*thresholds, copy.threshold][len(values)]  # folders of before have none
    return copy
