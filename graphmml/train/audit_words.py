"""How each row of an audit reads: what its difference to the audited model says, in a few words."""

from collections.abc import Mapping
from typing import Final

from graphmml.train import audit_controls as controls
from graphmml.train.intervals import Interval

CHANCE: Final = 0.5

LOWER: Final[Mapping[str, str]] = {
    controls.NO_GRAPH: "worse without edges: the graph adds to the network",
    controls.SHUFFLED: "worse: whom the edges join matters",
    controls.RANDOM: "worse: edges to anybody do not do it",
    controls.DETACHED: "a part of the score comes through a patient's edges at prediction",
    controls.ACROSS: "edges within one {group} carry a part of the score",
    controls.LOGISTIC: "behind the model",
    controls.BOOSTING: "behind the model",
    controls.TRANSDUCTIVE: "below the inductive score",
}
ALIKE: Final[Mapping[str, str]] = {
    controls.NO_GRAPH: "no difference can be shown without edges",
    controls.SHUFFLED: "edges to anybody do as well",
    controls.RANDOM: "as many edges at random do as well",
    controls.DETACHED: "predictions hold without edges to training patients",
    controls.ACROSS: "edges within one {group} are not needed",
    controls.LOGISTIC: "as good as the model, as far as can be told",
    controls.BOOSTING: "as good as the model, as far as can be told",
    controls.TRANSDUCTIVE: "no more than the inductive score, as far as can be told",
}
HIGHER: Final[Mapping[str, str]] = {
    controls.NO_GRAPH: "better without edges: the graph does harm",
    controls.SHUFFLED: "better with edges to anybody",
    controls.RANDOM: "better with edges at random",
    controls.DETACHED: "better without edges at prediction: they mislead",
    controls.ACROSS: "better without edges within one {group}",
    controls.LOGISTIC: "ahead of the model",
    controls.BOOSTING: "ahead of the model",
    controls.TRANSDUCTIVE: "above the inductive score: it saw the test patients",
}


def reading(name: str, score: Interval, change: Interval | None, group: str) -> str:
    """Say what a row says."""
    if name == controls.MODEL:
        return "above chance" if score.low > CHANCE else "not above chance, as far as can be told"
    if name == controls.PERMUTED:
        return "at chance, as it must be" if score.low <= CHANCE <= score.high else "not at chance, as it must be"
    if change is None or change.low != change.low:
        return "too few folds to tell"
    if name == controls.FEATURES:
        return of_features(score, change, group)
    table = LOWER if change.high < 0 else HIGHER if change.low > 0 else ALIKE
    return table[name].format(group=group)


def of_features(score: Interval, change: Interval, group: str) -> str:
    """Say how much of a score group membership explains; `change` is this score less the model's."""
    if score.low <= CHANCE:
        return f"at chance: the {group} alone does not make the score"
    share = kept(score, change)
    return f"{share:.0%} of the lead over chance is left: that much the {group} alone makes"


def kept(score: Interval, change: Interval) -> float:
    """Return which share of the model's lead over chance an altered score keeps, at most all of it."""
    lead = score.mean - change.mean - CHANCE
    return min(1.0, (score.mean - CHANCE) / lead) if lead > 0 else 1.0
