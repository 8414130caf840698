"""What a fitted model knows of itself, by item of its card; no number of fewer than eleven patients is given."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from graphmml.data.cohort import number_columns
from graphmml.data.encode import CohortEncoder, EncodedCohort
from graphmml.data.sample_size import minimum_patients, typical_fit
from graphmml.report.html.section import Table
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.words import bounded, count, short
from graphmml.train.estimator import GraphClassifier
from graphmml.train.loop import Training

Fact = tuple[str, str]
"""The number of an item and a sentence."""
MOST_COLUMNS = 12
"""Columns of a modality that are described; the rest is counted."""


def model_facts(model: GraphClassifier) -> Iterator[Fact]:
    """Yield what a model knows of its patients, its making and its output."""
    classes = [str(name) for name in model.classes_]
    yield "1", f"A graph network that tells {' and '.join(classes)} apart, on a graph of its training patients."
    yield (
        "5a",
        f"{len(model.source_):,} patients with {len(model.source_.modalities)} modalities were read from tables.",
    )
    yield from group_facts(model)
    yield "8a", f"Classes: {', '.join(classes)}; '{classes[-1]}' is the one that scores are of."
    for name in model.source_.modalities:
        columns = list(model.source_.tables[name].columns)
        more = f" and {len(columns) - MOST_COLUMNS} more" if len(columns) > MOST_COLUMNS else ""
        yield "9b", f"{name}: {', '.join(short(str(column), 40) for column in columns[:MOST_COLUMNS])}{more}."
    yield from size_facts(model)
    yield from missing_facts(model)
    yield from method_facts(model)
    yield "15", f"A probability of each class, the mean over {count(model.members, 'network')}."
    yield "16", "Only patients of one cohort are known to the model; no evaluation elsewhere is."
    yield "20a", f"{len(model.source_):,} patients were learned from; {classes_said(model)}."
    yield "26", "No evaluation on patients of another place or time is known to the model."
    yield "27a", "Modalities, columns and cells may be absent; a level that training did not have counts as 'other'."
    yield "27a", "graphmml predict says which columns seem to be in another unit and which levels are unknown."


def group_facts(model: GraphClassifier) -> Iterator[Fact]:
    """Yield what is known of sites and other groups."""
    for name in model.source_.groups:
        kept = ", kept together in every split" if name in model.blocks_ else ""
        words = f"Group {name} has {model.source_.groups[name].nunique()} values among the training patients{kept}."
        yield "6a", words
        yield "12d", words
    if model.source_.groups.shape[1]:
        yield "14", "Groups are no predictors unless declared to be; links may compare them."


def size_facts(model: GraphClassifier) -> Iterator[Fact]:
    """Yield how many patients there are, and how many a regression with these predictors would want."""
    known = model.codes_[model.codes_ >= 0]
    share = float((known == len(model.classes_) - 1).mean())
    columns = sum(matrix.shape[1] for matrix in model.source_.features.values())
    yield "10", f"{len(known):,} patients with a known outcome, {columns} columns once encoded."
    if len(model.classes_) == 2:
        wanted = minimum_patients(columns, share, typical_fit(share))
        yield (
            "10",
            f"A regression on as many columns would want {wanted:,} patients (Riley et al. 2020, R-squared of 15 % of "
            "its most); a graph network is not covered by the formula.",
        )


def missing_facts(model: GraphClassifier) -> Iterator[Fact]:
    """Yield how much is missing and what is done about it."""
    for name in model.source_.modalities:
        here = model.source_.has(name)
        gaps = model.source_.tables[name][here].isna().to_numpy()
        empty = f"{gaps.mean():.1%}" if gaps.size else "none"
        lack = "Nobody lacks" if here.all() else f"{bounded(int((~here).sum()), len(here))[1]} of patients lack"
        yield "11", f"{lack} {name}; of the cells of those who have it {empty} are empty."
    yield "11", "A modality that is absent weighs nothing. Empty cells take the training median or most frequent level."
    yield "11", "Columns with gaps in training also get an indicator of missing."


def method_facts(model: GraphClassifier) -> Iterator[Fact]:
    """Yield how the model was built."""
    how = model.training or Training()
    yield (
        "12a",
        f"All {len(model.source_):,} patients were used to develop the model; see 12c for who was held out when.",
    )
    yield "7", "Tables were joined by patient id; whatever was learned was learned from training rows."
    if isinstance(model.encoder_, CohortEncoder):
        yield from encoder_facts(model.encoder_)
    else:
        yield "12b", f"Prepared by {model.encoder_!r}."
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
    yield "13", f"{classes_said(model)}; {weighed}."


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


def characteristics(source: EncodedCohort) -> Iterator[Table]:
    """Yield a table a modality: each column's known share, and its median with quartiles or most frequent level."""
    for name in source.modalities:
        table = source.tables[name][source.has(name)]
        rows = [described(str(column), table[column], column in number_columns(table)) for column in table]
        more = f", first {MOST_COLUMNS} of {len(rows)} columns" if len(rows) > MOST_COLUMNS else ""
        yield Table(f"{name}{more}", ["column", "known", "median (quartiles), or most frequent"], rows[:MOST_COLUMNS])


def described(column: str, values: pd.Series, number: bool) -> list[str]:
    """Say what a column's values are like, where eleven or more are known; of how many of those who have the table."""
    known = values.dropna()
    if len(known) < SMALLEST_CELL:
        return [short(column, 60), bounded(len(known), max(len(values), 1))[1], ""]
    share = "all" if len(known) == len(values) else bounded(len(known), len(values))[1]
    if number:
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
        return [short(column, 60), share, f"{middle:.4g} ({low:.4g} to {high:.4g})"]
    counts = known.value_counts()
    first, size = str(counts.index[0]), int(counts.iloc[0])
    said = f"{short(first, 30)}: {bounded(size, len(known))[1]}" if size >= SMALLEST_CELL else ""
    return [short(column, 60), share, said]


def classes_said(model: GraphClassifier) -> str:
    """Write each class with its patients."""
    sizes = np.bincount(model.codes_[model.codes_ >= 0], minlength=len(model.classes_))
    shown = [
        f"{name}: {size:,}" if size >= SMALLEST_CELL else f"{name}: <{SMALLEST_CELL}"
        for name, size in zip(model.classes_, sizes, strict=True)
    ]
    return ", ".join(shown)


def named(part: Any) -> str:
    """Write a part as its name with its options."""
    if hasattr(part, "func"):
        options = ", ".join(f"{name}={value!r}" for name, value in part.keywords.items())
        return f"{part.func.__name__}({options})"
    return part.__name__ if isinstance(part, type) else repr(part)
