"""Metrics over shared cells against loops over pairs and columns."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphmml as gm
from graphmml.graph.points import TIE
from graphmml.graph.similarity import lay_out, nearest, similarity_of

NAMES = ("sex", "ward")
METRICS = ["gower", "jaccard", "hamming", "cosine", "euclidean", "correlation"]


def mixed(patients=40, seed=3):
    random = np.random.default_rng(seed)
    ids = pd.Index([f"n{at}" for at in range(patients)], dtype="str")
    table = pd.DataFrame(
        {
            "age": random.integers(20, 90, patients).astype(float),
            "dose": random.choice([0.0, 0.0, 1.0, 2.0], patients),
            "flag": random.choice([0.0, 1.0], patients),
            "marker": random.normal(size=patients),
            "sex": random.choice(["f", "m"], patients),
            "ward": random.choice([f"w{at}" for at in range(50)], patients),
        },
        index=ids,
    )
    table = table.mask(random.random(table.shape) < 0.25)
    table.iloc[5] = np.nan
    return table.astype({"sex": "str", "ward": "str"}).mask(table.isna())


def encoded_of(*tables):
    frames = {f"m{at}": table for at, table in enumerate(tables)}
    cohort = gm.Cohort.from_frames(frames)
    return gm.CohortEncoder().fit(cohort[:30]).transform(cohort)


def number_columns(table):
    return [column for column in table if pd.api.types.is_float_dtype(table[column])]


def gower(source, one, two, shared):
    parts = []
    for column in shared:
        if column in number_columns(source):
            width = source[column].max() - source[column].min()
            parts.append(max(0.0, 1 - abs(one[column] - two[column]) / width))
        else:
            parts.append(float(one[column] == two[column]))
    return np.mean(parts)


def jaccard(source, one, two, shared):
    mine, theirs = (
        {(c, None if c in number_columns(source) else row[c]) for c in shared if c in NAMES or row[c] > 0}
        for row in (one, two)
    )
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else None


def correlation(x, y):
    flat = x.var() * len(x) <= 0.01 or y.var() * len(y) <= 0.01
    return None if flat else np.corrcoef(x, y)[0, 1]


def written_out(source, one, two, metric, overlap):
    """The measure by its definition, cell by cell; None where too little is shared."""
    compared = list(source) if metric in ("gower", "jaccard", "hamming") else number_columns(source)
    shared = [column for column in compared if pd.notna(one[column]) and pd.notna(two[column])]
    if len(shared) < overlap:
        return None
    if metric in ("gower", "jaccard"):
        return {"gower": gower, "jaccard": jaccard}[metric](source, one, two, shared)
    if metric == "hamming":
        return np.mean([one[column] == two[column] for column in shared])
    x, y = (np.array([(row[c] - source[c].mean()) / source[c].std(ddof=0) for c in shared]) for row in (one, two))
    if metric == "correlation":
        return correlation(x, y)
    return -0.5 * ((x - y) ** 2).mean() if metric == "euclidean" else x @ y / np.sqrt((x @ x) * (y @ y))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("overlap", [1, 3])
def test_a_metric_over_shared_cells_is_its_definition(metric, overlap):
    table = mixed()
    people = encoded_of(table)
    source, target = people[:30], people
    rows = np.repeat(np.arange(40), 30)
    columns = np.tile(np.arange(30), 40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        true = [
            written_out(table[:30], table.iloc[a], table.iloc[b], metric, overlap)
            for a, b in zip(rows, columns, strict=True)
        ]
    true = np.array([np.nan if value is None else value for value in true], dtype=float)
    if metric == "correlation" and overlap < 3:
        pytest.skip("two shared cells always correlate by one")
    found = similarity_of(source, target, columns, rows, ("m0",), metric, overlap)
    assert np.array_equal(np.isnan(found), np.isnan(true))
    assert found[~np.isnan(true)] == pytest.approx(true[~np.isnan(true)], abs=2 * TIE)
    assert np.isnan(true).any()


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_and_pairs_agree_and_several_modalities_are_averaged_over_the_shared(metric):
    people = encoded_of(mixed(seed=1), mixed(seed=2), mixed(seed=5)[["age", "marker", "sex"]][:20])
    rows, points = lay_out(people, people, ("m0", "m1", "m2"), metric, 2)
    assert len(rows) == len(points)
    everyone = slice(0, len(points))
    block = points.block(everyone, points, everyone)
    one, other = np.indices(block.shape).reshape(2, -1)
    assert points.pairs(one, points, other).reshape(block.shape) == pytest.approx(block, abs=points.margin)
    alone = [similarity_of(people, people, rows[other], rows[one], (name,), metric, 2) for name in ("m0", "m1", "m2")]
    known = ~np.isnan(alone).all(axis=0)
    mean = np.nanmean(np.array(alone)[:, known], axis=0)
    assert block.ravel()[known] == pytest.approx(mean, abs=3 * TIE)
    assert np.isneginf(block.ravel()[~known]).all()


@pytest.mark.parametrize("metric", ["gower", "jaccard", "hamming"])
def test_neighbours_over_shared_cells_are_those_of_brute_force(metric):
    table = mixed(60)
    people = encoded_of(table)
    found, score = nearest(people, people, ("m0",), k=6, metric=metric)
    for at in range(60):
        others = [written_out(table, table.iloc[at], table.iloc[b], metric, 1) for b in range(60) if b != at]
        best = sorted((value for value in others if value is not None), reverse=True)[:6]
        assert score[at][: len(best)] == pytest.approx(best, abs=2 * TIE)
        assert (found[at][len(best) :] == -1).all()


def test_a_level_that_training_did_not_have_is_like_nobody_and_still_counts():
    table = pd.DataFrame({"a": ["x", "x", "y", "z"], "b": ["u", "v", "u", "u"]}, index=list("pqrs"))
    people = encoded_of(table)
    similar = similarity_of(people[:3], people, np.arange(3), np.full(3, 3), ("m0",), "hamming")
    assert similar == pytest.approx([0.5, 0.0, 0.5], abs=2 * TIE)


def test_names_alone_have_no_correlation():
    people = encoded_of(pd.DataFrame({"a": ["x", "y", "x"]}, index=list("pqr")))
    with pytest.raises(gm.GraphError, match=r"'m0' has no column of numbers for cosine .* choose gower"):
        gm.Neighbours("m0", k=1, overlap=1).link(people, people)


def test_ranges_and_scales_are_those_of_the_source():
    people = encoded_of(mixed())
    train = people[:30]
    stretched = people.tables["m0"].copy()
    stretched.loc[stretched.index[30:], ["age", "marker"]] *= 100.0
    other = replace(people, tables={"m0": stretched})
    for metric in METRICS:
        links = gm.Neighbours("m0", k=3, metric=metric, overlap=2)
        before, after = links.link(train, train)["m0"], links.link(other[:30], other[:30])["m0"]
        assert np.array_equal(before.edges, after.edges)
