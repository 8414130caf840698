"""The controls of an audit: what each alters, and what a score that stays would prove."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from sklearn.base import clone

from graphmml.graph.detached import Detached
from graphmml.graph.random_like import RandomLike
from graphmml.graph.restricted import Restricted
from graphmml.train.audit_changes import ExchangedWithin, PermutedOutcomes
from graphmml.train.estimator import GraphClassifier
from graphmml.train.planned import Planned, plan, prepared

MODEL: Final = "the model"
NO_GRAPH: Final = "no graph"
SHUFFLED: Final = "edges shuffled"
RANDOM: Final = "edges at random"
FEATURES: Final = "features shuffled within"
DETACHED: Final = "edges to training masked"
ACROSS: Final = "edges masked within"
PERMUTED: Final = "outcomes permuted"
LOGISTIC: Final = "logistic regression"
BOOSTING: Final = "gradient boosting"
TRANSDUCTIVE: Final = "transductive"
GROUPED: Final = (FEATURES, ACROSS)


@dataclass(frozen=True)
class Control:
    """What is altered, and what a score equal to the audited model's would prove."""

    name: str
    alters: str
    equal_proves: str


_TEXTS = (
    Control(MODEL, "nothing: the audited model", "-"),
    Control(NO_GRAPH, "the same network without a graph", "the graph adds nothing"),
    Control(SHUFFLED, "each patient keeps its degree, whom it hears is drawn anew",
            "whom the edges join does not matter"),
    Control(RANDOM, "as many edges, between patients drawn by chance", "neither edges nor hubs matter"),
    Control(FEATURES, "features handed on among patients of one {group}, outcomes stay",
            "the model reads the {group}, not the patient"),
    Control(DETACHED, "trained as it is, but a test patient hears no training patient",
            "predictions do not come through edges"),
    Control(ACROSS, "edges only between patients of different {group}, trained anew",
            "edges within a {group} are not needed"),
    Control(PERMUTED, "training outcomes permuted, evenly over the true classes; must be at chance (.5)",
            "the score is no score: answers leak"),
    Control(LOGISTIC, "a plain model on the same features, no graph", "no network is needed"),
    Control(BOOSTING, "a plain model on the same features, no graph", "no network is needed"),
    Control(TRANSDUCTIVE, "test patients' features, without outcome, are in the training graph",
            "nothing is gained by having seen the test patients"),
)  # fmt: skip

CONTROLS: Mapping[str, Control] = {control.name: control for control in _TEXTS}


def planned_controls(model: GraphClassifier, group: str | None) -> list[Planned]:
    """Lay out the rows that share folds: the model, its controls, the plain models."""
    usual = {row.name: row for row in plan({MODEL: model}, "inductive")}
    audited = prepared(model, "inductive")
    links, seed = model.constructor, model.seed
    control = partial(Planned, kind="control", needed=False)
    made = {
        MODEL: usual[MODEL],
        NO_GRAPH: usual["no graph"],
        SHUFFLED: Planned(SHUFFLED, "shuffled", usual[f"{MODEL}, shuffled"].model, needed=False),
        RANDOM: control(RANDOM, model=relinked(model, RandomLike(links, seed))),
        DETACHED: control(DETACHED, model=audited, attach=Detached(links)),
        PERMUTED: control(PERMUTED, model=clone(audited).set_params(members=1), alter=PermutedOutcomes(seed)),
        LOGISTIC: usual[LOGISTIC],
        BOOSTING: usual[BOOSTING],
    }
    if group is not None:
        made[FEATURES] = control(FEATURES, model=audited, alter=ExchangedWithin(group, seed))
        made[ACROSS] = control(ACROSS, model=relinked(model, Restricted(links, across=group)))
    return [made[name] for name in CONTROLS if name in made]


def relinked(model: GraphClassifier, links: object) -> GraphClassifier:
    """Return an unfitted copy with other links."""
    copy: GraphClassifier = prepared(model, "inductive").set_params(links=links)
    return copy
