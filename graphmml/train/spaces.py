"""What is tuned of each kind of model: a small space of settings, the given ones among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from inspect import signature
from numbers import Number
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from graphmml.data.kinds import kind_of, shown
from graphmml.errors import GraphmmlError
from graphmml.train.baselines import Baseline
from graphmml.train.estimator import GraphClassifier
from graphmml.train.loop import Training
from graphmml.train.propagation import LabelPropagation

Space = Mapping[str, Sequence[Any]]
"""Values by the name of a setting, as `set_params` takes them."""

NEIGHBOURS = (5, 10, 20)
OF_CLASSIFIERS: Mapping[type, Space] = {
    LogisticRegression: {"classifier__C": [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0]},
    RandomForestClassifier: {
        "classifier__min_samples_leaf": [1, 3, 5, 10, 20],
        "classifier__max_features": ["sqrt", 0.2, 0.5],
    },
    HistGradientBoostingClassifier: {
        "classifier__learning_rate": [0.02, 0.05, 0.1],
        "classifier__max_leaf_nodes": [4, 8, 16],
        "classifier__max_iter": [75, 150, 300],
        "classifier__l2_regularization": [0.0, 1.0, 10.0],
    },
    MLPClassifier: {
        "classifier__hidden_layer_sizes": [(16,), (32,), (64,), (32, 32)],
        "classifier__alpha": [0.1, 1.0, 10.0, 100.0, 1000.0],
    },
}


def untuned(model: Any) -> Any:
    """Return a copy that does not search settings of its own: what `Tuned` is to search is not searched twice."""
    copy = clone(model)
    if isinstance(copy, Baseline) and isinstance(copy.classifier, GridSearchCV):
        copy.set_params(classifier=clone(copy.classifier.estimator))
    return copy


def space_of(model: Any) -> Space:
    """Return what is tuned of a model: networks and their links, plain models, label propagation; else nothing."""
    if isinstance(model, GraphClassifier):
        return network_space(model)
    if isinstance(model, LabelPropagation):
        alphas = {"alpha": [0.5, 0.8, 0.9, 0.99]} if model.alpha else {}
        return {**alphas, **links_space(model.constructor)}
    return OF_CLASSIFIERS.get(type(getattr(model, "classifier", None)), {})


def refuse_space(space: Space, model: Any) -> None:
    """Raise GraphmmlError unless every name is a setting of the model and has values to choose among."""
    if not isinstance(space, Mapping):
        raise GraphmmlError(f"space is {shown(space)}; values by setting are wanted: space={{'width': [16, 32]}}")
    for name, values in space.items():
        if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray) or not len(values):
            raise GraphmmlError(f"{name} is {shown(values)}; values to try are wanted: space={{'width': [16, 32]}}")
    names = model.get_params()
    for name in space:
        inside = any(str(name).startswith(f"{other}__") for other in space)  # of a part that the space puts in
        if name not in names and not inside:
            raise GraphmmlError(
                f"the space names {name!r}, which is no setting of {kind_of(model)}; there are: {', '.join(names)}"
            )


def given_of(model: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the settings of these names that a model has, those in use where it was given none."""
    known = model.get_params()
    given = {name: known[name] for name in names if name in known}
    in_use = {"links": getattr(model, "constructor", None), "training": Training()}
    return {name: in_use.get(name) if value is None else value for name, value in given.items()}


def alike(settings: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Return whether settings have the same names and values."""
    return settings.keys() == others.keys() and all(same(value, others[name]) for name, value in settings.items())


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal numbers, or written alike."""
    if isinstance(one, Number) and isinstance(other, Number):
        return bool(one == other)
    return one is other or repr(spelt(one)) == repr(spelt(other))


def spelt(value: Any) -> Any:
    """Return a conv of ours with its dropout spelt out, and anything else as it is."""
    return altered(value, dropout=signature(value).parameters["dropout"].default) if drops(value) else value


def network_space(model: GraphClassifier) -> Space:
    """Return widths, weight decays and learning rates, dropouts of the conv, and how many neighbours are linked."""
    how = model.training or Training()
    trainings = [
        replace(how, weight_decay=decay, learning_rate=rate)
        for decay in (0.1, 0.3, 1.0)
        for rate in (0.003, 0.01, 0.03)
    ]
    convs = [altered(model.conv, dropout=share) for share in (0.2, 0.5, 0.7)] if drops(model.conv) else []
    space: dict[str, Sequence[Any]] = {"width": [16, 32, 64], "training": trainings}
    return {**space, **({"conv": convs} if convs else {}), **links_space(model.constructor)}


def altered(conv: Any, **options: float) -> Any:
    """Return a conv with other options."""
    return partial(conv, **options)


def drops(conv: Any) -> bool:
    """Return whether a conv is one of ours, which have a dropout."""
    kind = conv.func if isinstance(conv, partial) else conv
    return str(getattr(kind, "__module__", "")) == "graphmml.model.convs"


def links_space(links: Any) -> Space:
    """Return the constructor with several numbers of neighbours, where it has one number to say so."""
    made = [one for one in (with_k(links, k) for k in NEIGHBOURS) if one is not None]
    return {"links": made} if made else {}


def with_k(links: Any, k: int) -> Any:
    """Return a constructor, or the one it wraps, with another number of neighbours; None where it has no such."""
    if not is_dataclass(links) or isinstance(links, type):
        return None
    names = {field.name for field in fields(links)}
    if "k" in names:
        return replace(links, k=k)
    inner = with_k(getattr(links, "links", None), k)
    return None if inner is None else replace(links, links=inner)
