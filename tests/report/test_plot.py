"""Plots draw what the frame says, on the axes that they are given."""

import sys

import numpy as np
import pytest

import graphmml as gm
from graphmml.errors import GraphmmlError

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def found():
    return gm.diagnose(gm.make_cohort(200, site_effect=0.5), gm.Neighbours(k=5))


@pytest.fixture
def ax():
    figure, made = pyplot.subplots()
    yield made
    pyplot.close(figure)


def test_bars_are_the_shares_of_the_frame_and_marks_those_by_chance(found, ax):
    assert found.plot.homophily(ax) is ax
    frame = found.frame()
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], frame["edge"])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), frame["chance"])


def test_every_patient_is_in_the_histogram(found, ax):
    found.plot.degrees(ax)
    assert sum(bar.get_height() for bar in ax.patches if hasattr(bar, "get_height")) == 200


def test_every_patient_is_one_dot(found, ax):
    found.plot.graph("site", ax)
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == 200


def test_each_value_of_a_group_has_its_interval(found, ax):
    found.plot.prevalence("site", ax)
    assert len(ax.lines) == 2 * len(found.picture.prevalence["site"])


def test_fullness_is_shaded_for_each_modality(found, ax):
    found.plot.presence(ax)
    assert ax.images[0].get_array().shape[1] == 3


def test_a_name_that_is_not_there_is_said_with_those_that_are(found):
    with pytest.raises(GraphmmlError, match="there are: site"):
        found.plot.prevalence("ward")
    with pytest.raises(GraphmmlError, match="there are: dx, site"):
        found.plot.graph("ward")


def test_without_matplotlib_the_extra_is_named(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(GraphmmlError, match=r"graphmml\[notebooks\]"):
        found.plot.degrees()


def test_the_repr_of_a_notebook_is_small_names_nobody_and_holds_every_finding(found):
    text = found._repr_html_()
    assert len(text) < 30_000
    assert all(item.code in text for item in found.findings)
    assert "P0001" not in text
