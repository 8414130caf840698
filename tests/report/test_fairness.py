"""Fairness as text, plots and a page: the same facts in each, no small cell in any."""

import re
from dataclasses import replace
from io import StringIO

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import graphmml as gm
from graphmml.report.html.fairness_page import fairness_page, save
from graphmml.report.html.of_fairness import fairness_section, tables
from graphmml.report.plot_fairness import plot_group_calibration, plot_group_scores
from graphmml.report.render_fairness import fairness_parts
from graphmml.train.fairness import judge
from graphmml.train.result import CVResult
from graphmml.train.scores import all_scores
from graphmml.train.splits import Splits
from graphmml.train.unit import Unit

mpl.use("agg")
SIZES = {"big": 220, "<b>large": 90, "tinytown": 9, "smallville": 37}


@pytest.fixture(scope="module")
def found():
    random = np.random.default_rng(2)
    site = random.permutation(np.repeat(list(SIZES), list(SIZES.values())))
    ids = [f"secret{at:04d}" for at in range(len(site))]
    risk = 1 / (1 + np.exp(-1.5 * random.normal(size=len(site))))
    y = (random.random(len(site)) < risk).astype(np.int64)
    frame = pd.DataFrame({"x": risk}, index=ids)
    outcome = pd.Series(np.array(["no", "yes"])[y], index=ids)
    cohort = gm.Cohort.from_frames(
        {"t": frame}, outcome, groups=pd.DataFrame({"site": site}, index=ids), positive="yes"
    )
    units = []
    for fold in gm.Folds(4).split(cohort):
        p = np.stack([1 - risk[fold.test], risk[fold.test]], axis=1)
        codes = y[fold.test]
        units += [
            Unit(name, "graph", fold.repeat, fold.number, all_scores(codes, p), 0.0, len(fold.train), codes, p)
            for name in ("sage", "gat")
        ]
    splits = Splits.of(cohort, list(gm.Folds(4).split(cohort)))
    result = CVResult(tuple(units), "c", len(cohort), ("no", "yes"), "plan", "inductive", False, splits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "DRAWS", 200)
        patch.setattr(judge, "CURVE_DRAWS", 20)
        return gm.fairness(result, cohort, group="site")


def text_of(result, width):
    console = Console(width=width, record=True, file=StringIO())
    for part in fairness_parts(result):
        console.print(part, markup=False)
    return console.export_text()


def test_of_several_classes_none_is_counted_as_the_positive_one(found):
    several = replace(found, rows=tuple(replace(row, positives=None) for row in found.rows))
    scores = next(tables(several))
    assert scores.columns[:2] == ["by value", "patients"]
    assert {len(row) for row in scores.rows} == {len(scores.columns)}
    assert next(tables(found)).columns[2] == "positive"
    heads = [line for line in text_of(several, 120).splitlines() if line.startswith("by site")]
    assert heads
    assert not any("positive" in line for line in heads)


@pytest.mark.parametrize("width", [80, 120])
def test_the_text_fits_and_ends_with_the_verdict(found, width):
    text = text_of(found, width)
    assert max(map(len, text.splitlines())) <= width
    told = " ".join(text.split())
    assert told.endswith(found.verdict[-1])
    for row in found.of("sage", "site"):
        if row.patients is not None:
            assert re.search(rf"{re.escape(row.value)} +{row.patients} ", text)
    assert "…" not in text


def test_small_cells_are_in_no_text_page_or_plot(found):
    page = fairness_page(found)
    shown = [text_of(found, 100), page, repr(found), found._repr_html_()]
    for text in shown:
        assert not re.search(r"tinytown\D{0,40}\b9\b", text)
        assert not re.search(r"smallville\D{0,40}\b37\b", text)
        assert "secret0" not in text
    ax = plot_group_scores(found)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["<b>large (n 90)", "big (n 220)"]
    legend = plot_group_calibration(found).get_legend().get_texts()
    assert legend[0].get_text().startswith("<b>large (n 90")
    assert len(legend) == 2


def test_the_page_escapes_names_and_reaches_for_nothing(found, tmp_path):
    page = save(found, tmp_path / "f.html").read_text()
    assert "<b>large" not in page
    assert "&lt;b&gt;large" in page
    assert "<script" not in page
    assert "url(" not in page
    assert "<b>large" not in found._repr_html_()
    with pytest.raises(gm.GraphmmlError, match=r"ends in \.html"):
        save(found, tmp_path / "f.txt")


def test_the_section_says_what_the_result_says(found):
    section = fairness_section([found])
    gaps = next(table for table in section.tables if table.title.startswith("Gaps"))
    assert len(gaps.rows) == len(found.gaps_of("sage", "site"))
    assert " ".join(section.text.split()) == " ".join(" ".join(found.verdict).split())
    assert found.headlines[0] in section.intro


def test_plots_take_axes_and_return_them(found):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    _, ax = pyplot.subplots()
    assert plot_group_calibration(found, ax, model="gat") is ax
    assert plot_group_scores(found, "sensitivity", ax) is ax
    pyplot.close("all")
    with pytest.raises(gm.GraphmmlError, match="no measure 'f1'"):
        plot_group_scores(found, "f1")
    with pytest.raises(gm.CohortError, match="nothing of model 'sage' by 'sex'"):
        plot_group_calibration(found, group="sex")


def test_of_several_classes_none_is_said_to_be_called_positive(found):
    several = replace(found, measures=("auroc", "auprc", "brier"), curves=(), positive="each class")
    assert "called" not in repr(several)
    assert "each class against the others" in repr(several)
    assert f"called '{found.positive}' from 0.5 on" in repr(found)
    with pytest.raises(gm.GraphmmlError, match="several classes; name the one that is asked for"):
        plot_group_calibration(several)
    with pytest.raises(gm.GraphmmlError, match="no value has enough patients of both classes"):
        plot_group_calibration(replace(found, curves=()))
