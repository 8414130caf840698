"""How a model was made, by item of its card."""

from collections.abc import Iterator
from typing import Any

from graphmml.data.encode import CohortEncoder
from graphmml.report.words import count
from graphmml.train.baselines import Baseline
from graphmml.train.estimator import GraphClassifier
from graphmml.train.layers import Inner
from graphmml.train.loop import Training

Fact = tuple[str, str]
"""The number of an item and a sentence."""


def making_facts(model: Inner, classes: str) -> Iterator[Fact]:
    """Yield how a model was built; `classes` says how many patients each class has."""
    yield (
        "12a",
        f"All {len(model.source_):,} patients were used to develop the model; see 12c for who was held out when.",
    )
    yield "7", "Tables were joined by patient id; whatever was learned was learned from training rows."
    yield "11", "Empty cells take the training median or most frequent level."
    yield "11", "Columns with gaps in training also get an indicator of missing."
    if isinstance(model.encoder_, CohortEncoder):
        yield from encoder_facts(model.encoder_)
    else:
        yield "12b", f"Prepared by {model.encoder_!r}."
    yield from plain_facts(model, classes) if isinstance(model, Baseline) else network_facts(model, classes)


def network_facts(model: GraphClassifier, classes: str) -> Iterator[Fact]:
    """Yield how a graph network was built."""
    how, told = model.training or Training(), " and ".join(map(str, model.classes_))
    yield "1", f"A graph network that tells {told} apart, on a graph of its training patients."
    yield "11", "A modality that is absent weighs nothing."
    yield (
        "12c",
        f"Links: {model.constructor!r}. Patients to be predicted listen to training patients, never the reverse.",
    )
    yield (
        "12c",
        f"Network: {named(model.conv)}, fused by {named(model.fusion)}, width {model.width}, seed {model.seed}.",
    )
    yield (
        "12c",
        f"{count(model.members, 'network')}, each trained on all but one inner part of the patients (at most "
        f"{how.epochs} epochs, rate {how.learning_rate:g}, decay {how.weight_decay:g}) and stopped by that part.",
    )
    yield "12c", f"Predictions are {model.setting}."
    yield "12c", "Fitting searched no settings; whether people did before is not known to the model."
    yield "12g", "Each new patient is attached to the training patients by the same links and predicted alone."
    weighed = "classes were weighed to count the same" if how.balanced else "classes were not weighed or resampled"
    yield "13", f"{classes}; {weighed}."
    yield "15", f"A probability of each class, the mean over {count(model.members, 'network')}."
    yield "22", "The weights, the encoder and the training patients whom new ones listen to are all needed."


def plain_facts(model: Baseline, classes: str) -> Iterator[Fact]:
    """Yield how a model without a graph was built."""
    fitted, told = model.classifier_, " and ".join(map(str, model.classes_))
    best = getattr(fitted, "best_estimator_", fitted)
    yield "1", f"A plain model without a graph ({type(best).__name__}) that tells {told} apart."
    yield "11", "A modality that is absent has the values of an average patient, and a column says that it is absent."
    yield "12c", f"{' '.join(repr(model.classifier).split())}, on the columns of all modalities side by side."
    if hasattr(fitted, "best_params_"):
        chosen = ", ".join(f"{name} = {value}" for name, value in fitted.best_params_.items())
        yield "12c", f"Chosen on inner folds of the training patients: {chosen}."
    else:
        yield "12c", "Fitting searched no settings; whether people did before is not known to the model."
    yield "12g", "Each new patient is predicted alone."
    weighed = any(name.endswith("class_weight") and value for name, value in best.get_params().items())
    yield "13", f"{classes}; classes were {'' if weighed else 'not '}weighed{'' if weighed else ' or resampled'}."
    yield "15", "A probability of each class."
    yield "22", "The classifier and the encoder are needed; the training patients are for the checks of new ones."


def encoder_facts(encoder: CohortEncoder) -> Iterator[Fact]:
    """Yield what was done to columns."""
    yield "12b", f"Numbers: centred, divided by their standard deviation, clipped at {encoder.clip:g} of them."
    yield "12b", f"Names: one column for each of the {encoder.max_levels} most frequent levels, one for the rest."
    if encoder.components is not None:
        reduced = [name for name, table in encoder.tables_.items() if getattr(table, "reducer_", None) is not None]
        where = f": {', '.join(reduced)}" if reduced else "; here, none"
        yield (
            "12b",
            f"Modalities of over {encoder.wide} columns became {encoder.components} principal components{where}.",
        )


def named(part: Any) -> str:
    """Write a part as its name with its options."""
    if hasattr(part, "func"):
        options = ", ".join(f"{name}={value!r}" for name, value in part.keywords.items())
        return f"{part.func.__name__}({options})"
    return part.__name__ if isinstance(part, type) else repr(part)
