"""The rows of a cross-validation before they are fitted: every graph, its controls, and plain baselines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from sklearn import config_context
from sklearn.base import clone

from graphmml.data.cohort import Cohort
from graphmml.data.folds import Fold
from graphmml.data.kinds import wanted
from graphmml.errors import GraphmmlError
from graphmml.graph.controls import NoEdges, Shuffled
from graphmml.graph.patient_graph import GraphConstructor
from graphmml.model.convs import GATStack, GCNStack, SAGEStack
from graphmml.train.baselines import all_baselines
from graphmml.train.calibrated import CalibratedClassifier
from graphmml.train.estimator import GraphClassifier, Setting, refuse_unusable
from graphmml.train.spaces import Space
from graphmml.train.tuned import Search, Tuned, refuse_search
from graphmml.train.unit import RowKind


class Classifier(Protocol):
    """What cross-validation needs of a model."""

    classes_: np.ndarray

    def fit(self, cohort: Cohort) -> "Classifier":
        """Learn from patients with outcome."""

    def predict_proba(self, cohort: Cohort) -> np.ndarray:
        """Return [patient, class]."""

    def get_params(self) -> dict[str, object]:
        """Return every setting by name."""

    def set_params(self, **settings: object) -> "Classifier":
        """Change settings by name."""


@dataclass(frozen=True, eq=False)
class Planned:
    """One row to be: its name, its kind and an unfitted model.

    `alter` changes what the model is shown of a fold's patients, `attach` replaces the fitted model's links at
    prediction; scores are always against the cohort's own outcomes. A row that is not `needed` may be refused by
    the cohort, and the others go on.
    """

    name: str
    kind: RowKind
    model: Classifier
    alter: Callable[[Cohort, Fold], Cohort] | None = None
    attach: GraphConstructor | None = None
    needed: bool = True


Model = GraphClassifier | Tuned | CalibratedClassifier
"""What is cross-validated; what is around one model, tuning or calibration, is put around every row."""


def plan(models: Mapping[str, Model], setting: Setting) -> list[Planned]:
    """Lay out the rows: graphs, their controls, then the baselines; all tuned and calibrated alike where a graph is."""
    inner = {name: inside(model, CalibratedClassifier) for name, model in models.items()}
    rows = plan_untuned({name: inside(model, Tuned) for name, model in inner.items()}, setting)
    search, calibrated = search_of(models), calibration_of(models)
    if search is not None:
        spaces = {name: model.space for name, model in inner.items() if isinstance(model, Tuned)}
        spaces["no graph"] = spaces.get(next(iter(models)))  # the one twin of all is the first one's
        rows = [replace(row, model=Tuned(row.model, search, space=space_of_row(row, spaces))) for row in rows]
    if calibrated is not None:
        rows = [replace(row, model=clone(calibrated).set_params(model=row.model)) for row in rows]
    names = [row.name for row in rows]
    for name in models:
        if names.count(name) > 1:
            raise GraphmmlError(f"a model is named '{name}', as a row that stands beside it; give it another name")
    return rows


def by_name(model: Model | Mapping[str, Model]) -> dict[str, Model]:
    """Return one model or several by name, or raise GraphmmlError for one that has no twin without edges."""
    models = dict(model) if isinstance(model, Mapping) else {"graph": model}
    if not models:
        raise GraphmmlError('no model is given; give one, or several by name: {"mine": model}')
    for each in models.values():
        network_of(each)
    return models


def network_of(model: Model) -> GraphClassifier:
    """Return the unfitted network inside, or raise GraphmmlError where there is none or it cannot be fitted."""
    bare = inside(model, CalibratedClassifier)
    network = inside(bare, Tuned)
    mend = (
        'give one, also inside gm.Tuned or gm.CalibratedClassifier, or several by name, {"mine": model}; plain models '
        "stand beside it by themselves"
    )
    wanted(network, GraphClassifier, mend=mend)
    refuse_unusable(network)
    if isinstance(bare, Tuned):
        refuse_search(bare)
    return network  # type: ignore[no-any-return]


def inside(model: Model, outer: type) -> Any:
    """Return the model inside another of this kind, and any other model itself."""
    return model.model if isinstance(model, outer) else model


def search_of(models: Mapping[str, Model]) -> Search | None:
    """Return how settings are searched, where they are."""
    inner = [inside(model, CalibratedClassifier) for model in models.values()]
    return next((model.search or Search() for model in inner if isinstance(model, Tuned)), None)


def calibration_of(models: Mapping[str, Model]) -> CalibratedClassifier | None:
    """Return the first calibrated model, if there is one."""
    return next((model for model in models.values() if isinstance(model, CalibratedClassifier)), None)


def around(models: Mapping[str, Model]) -> Iterator[str]:
    """Say what is done to every row inside its training patients."""
    search, calibrated = search_of(models), calibration_of(models)
    if search is not None:
        yield f", each row tuned over {search.trials} settings"
    if calibrated is not None and calibrated.method is not None:
        yield f", each row calibrated ({calibrated.method})"


def space_of_row(row: Planned, spaces: Mapping[str, Space | None]) -> Space | None:
    """Return the space given for a graph, and for its controls the same, its links shuffled or left out."""
    space = spaces.get(row.name.removesuffix(", shuffled").removesuffix(", no graph"))
    if space is None or row.kind not in ("shuffled", "no-graph"):
        return space
    kept = {name: values for name, values in space.items() if name not in ("links", "structure")}
    if row.kind == "no-graph":
        return kept
    seed = row.model.get_params().get("seed")
    shuffled = [Shuffled(links, seed=seed if isinstance(seed, int) else 0) for links in space.get("links", ())]
    return {**{k: v for k, v in space.items() if k != "links"}, **({"links": shuffled} if shuffled else {})}


def plan_untuned(models: Mapping[str, GraphClassifier], setting: Setting) -> list[Planned]:
    """Lay out the rows with the settings that the models have."""
    rows = [Planned(name, "graph", prepared(model, setting)) for name, model in models.items()]
    for name, model in models.items():
        shuffled = prepared(model, setting).set_params(links=Shuffled(model.constructor, seed=model.seed))
        rows.append(Planned(f"{name}, shuffled", "shuffled", shuffled))
    nothing = {"links": NoEdges(), "structure": None}
    bare = {name: prepared(model, setting).set_params(**nothing) for name, model in models.items()}
    first = next(iter(models.values()))
    if len({without_edges(model) for model in models.values()}) == 1:
        rows.append(Planned("no graph", "no-graph", next(iter(bare.values()))))
    else:
        rows += [Planned(f"{name}, no graph", "no-graph", twin) for name, twin in bare.items()]
    rows += [Planned(name, "baseline", baseline) for name, baseline in all_baselines(first).items()]
    return rows


def without_edges(model: GraphClassifier) -> str:
    """Describe the network that is left without edges: our stacks with the same options are then one and the same."""
    settings = {name: value for name, value in model.get_params().items() if name not in ("links", "conv", "structure")}
    conv = model.conv.func if isinstance(model.conv, partial) else model.conv
    options = dict(model.conv.keywords) if isinstance(model.conv, partial) else {}
    options.pop("heads", None)  # heads share out messages, and there are none
    kind = "stack" if conv in (SAGEStack, GCNStack, GATStack) else repr(conv)
    return repr((kind, sorted(options.items()), sorted(settings.items())))


def prepared(model: GraphClassifier, setting: Setting) -> GraphClassifier:
    """Return an unfitted copy in the setting asked for."""
    copy: GraphClassifier = clone(model)
    copy.set_params(setting=setting)
    return copy


def settings(planned: Sequence[Planned]) -> str:
    """Write every setting of every model in full; a model's own repr leaves long ones out."""
    with config_context(print_changed_only=True):  # whatever the process prints, a run is written alike
        return "; ".join(f"{row.name} = {sorted(row.model.get_params().items())}" for row in planned)
