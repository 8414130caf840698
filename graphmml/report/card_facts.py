"""What a fitted model knows of itself, by item of its card; no number of fewer than eleven patients is given."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from graphmml.data.cohort import number_columns
from graphmml.data.encode import EncodedCohort
from graphmml.data.sample_size import minimum_patients, typical_fit
from graphmml.report.card_making import Fact, making_facts
from graphmml.report.html.section import Table
from graphmml.report.measures import SMALLEST_CELL
from graphmml.report.words import bounded, short
from graphmml.train.estimator import GraphClassifier
from graphmml.train.fairness.cells import hidden
from graphmml.train.layers import Inner

MOST_COLUMNS = 12
"""Columns of a modality that are described; the rest is counted."""


def model_facts(model: Inner) -> Iterator[Fact]:
    """Yield what a model knows of its patients, its making and its output."""
    classes = [str(name) for name in model.classes_]
    yield (
        "5a",
        f"{len(model.source_):,} patients with {len(model.source_.modalities)} modalities were read from tables.",
    )
    yield from group_facts(model)
    whose = f"'{classes[-1]}' is the one that scores are of" if len(classes) == 2 else "scores are means over them"
    yield "8a", f"Classes: {', '.join(classes)}; {whose}."
    for name in model.source_.modalities:
        columns = list(model.source_.tables[name].columns)
        more = f" and {len(columns) - MOST_COLUMNS} more" if len(columns) > MOST_COLUMNS else ""
        yield "9b", f"{name}: {', '.join(short(str(column), 40) for column in columns[:MOST_COLUMNS])}{more}."
    yield from size_facts(model)
    yield from missing_facts(model)
    yield from making_facts(model, classes_said(model))
    yield "16", "Only patients of one cohort are known to the model; no evaluation elsewhere is."
    yield "20a", f"{len(model.source_):,} patients were learned from; {classes_said(model)}."
    yield "26", "No evaluation on patients of another place or time is known to the model."
    yield "27a", "Modalities, columns and cells may be absent; a level that training did not have counts as 'other'."
    yield "27a", "graphmml predict says which columns seem to be in another unit and which levels are unknown."


def group_facts(model: Inner) -> Iterator[Fact]:
    """Yield what is known of sites and other groups."""
    for name in model.source_.groups:
        kept = ", kept together in every split" if name in model.blocks_ else ""
        words = f"Group {name} has {model.source_.groups[name].nunique()} values among the training patients{kept}."
        yield "6a", words
        yield "12d", words
    if model.source_.groups.shape[1]:
        compared = "; links may compare them" if isinstance(model, GraphClassifier) else ""
        yield "14", f"Groups are no predictors unless declared to be{compared}."


def size_facts(model: Inner) -> Iterator[Fact]:
    """Yield how many patients there are, and how many a regression with these predictors would want."""
    known, network = model.codes_[model.codes_ >= 0], isinstance(model, GraphClassifier)
    share = float((known == len(model.classes_) - 1).mean())
    columns = sum(matrix.shape[1] for matrix in model.source_.features.values())
    yield "10", f"{len(known):,} patients with a known outcome, {columns} columns once encoded."
    if len(model.classes_) == 2:
        wanted = minimum_patients(columns, share, typical_fit(share))
        yield (
            "10",
            f"A regression on as many columns would want {wanted:,} patients (Riley et al. 2020, R-squared of 15 % of "
            "its most)" + ("; a graph network is not covered by the formula." if network else "."),
        )


def missing_facts(model: Inner) -> Iterator[Fact]:
    """Yield how much is missing and what is done about it."""
    for name in model.source_.modalities:
        here = model.source_.has(name)
        gaps = model.source_.tables[name][here].isna().to_numpy()
        empty = share_said(int(gaps.sum()), gaps.size)
        lack = "Nobody lacks" if here.all() else f"{bounded(int((~here).sum()), len(here))[1]} of patients lack"
        yield "11", f"{lack} {name}; of the cells of those who have it {empty} are empty."


def share_said(part: int, whole: int) -> str:
    """Write a share of cells, bounded where it rests on fewer than eleven."""
    if not part:
        return "none"
    few = min(part, whole - part) < SMALLEST_CELL
    return bounded(part, whole)[1] if few else f"{part / whole:.1%}"


def characteristics(source: EncodedCohort) -> Iterator[Table]:
    """Yield a table a modality: each column's known share, and its median with quartiles or most frequent level."""
    for name in source.modalities:
        table = source.tables[name][source.has(name)]
        shown = table.iloc[:, :MOST_COLUMNS]
        numbers = set(number_columns(shown))
        rows = [described(str(column), shown[column], column in numbers) for column in shown]
        more = f", first {MOST_COLUMNS} of {table.shape[1]} columns" if table.shape[1] > MOST_COLUMNS else ""
        yield Table(f"{name}{more}", ["column", "known", "median (quartiles), or most frequent"], rows)


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


def classes_said(model: Inner) -> str:
    """Write each class with its patients, where neither says how many a class of few has."""
    sizes = np.bincount(model.codes_[model.codes_ >= 0], minlength=len(model.classes_))
    held = hidden(sizes, SMALLEST_CELL, [np.arange(len(sizes))], np.zeros(len(sizes), dtype=bool))
    few = [f"<{SMALLEST_CELL}" if size < SMALLEST_CELL else f"{SMALLEST_CELL} or more" for size in sizes]
    said = [word if gone else f"{size:,}" for word, gone, size in zip(few, held, sizes, strict=True)]
    return ", ".join(f"{name}: {word}" for name, word in zip(model.classes_, said, strict=True))
