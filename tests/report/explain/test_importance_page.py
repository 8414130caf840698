"""The page and the plot of importances: every number is the result's, words stay words, nothing is fetched."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import graphmml as gm
from graphmml.errors import GraphmmlError
from graphmml.report.explain.importance_page import importance_page
from graphmml.report.explain.importance_result import Importance, Importances
from graphmml.report.explain.part import Part

EVIL = "<script>alert(1)</script>"


def importance(part, seed, drop=True):
    random = np.random.default_rng(seed)
    return Importance(part, random.random(4) / 10, random.normal(0.05, 0.01, 4) if drop else np.full(4, np.nan))


@pytest.fixture(scope="module")
def found():
    features = [importance(Part("feature", f"f{n}", "labs"), n) for n in range(23)]
    features.sort(key=lambda row: -row.change.mean())
    alone = [importance(Part("modality", EVIL), 50), importance(Part("relation", "concept", ""), 51, drop=False)]
    return Importances((*alone, *features), 4, 90.0, 30.0, 5)


def test_the_page_says_every_number_of_the_result_and_runs_nothing(found):
    text = importance_page(found)
    for row in [*found.ranked("modality")[0], *found.ranked("feature")[0][:20]]:
        assert found.said(row, "change") in text
        assert found.said(row, "drop") in text
    assert "The 20 of 23 that move most." in text
    assert "default-src 'none'" in text
    assert EVIL not in text
    assert "&lt;script&gt;" in text
    assert "nan" not in text
    assert found.said(found.ranked("relation")[0][0], "drop") == "n.a."


def test_the_plot_draws_means_and_intervals_the_one_that_moves_most_on_top(found):
    ax = found.plot.parts("feature", by="change", most=7)
    first = found.told(found.ranked("feature")[0][0], "change")
    assert ax.lines[0].get_xdata()[0] == pytest.approx(first.mean)
    assert len(ax.get_yticks()) == 7
    assert ax.yaxis_inverted()
    drawn = ax.collections[0].get_segments()[0]
    assert drawn[:, 0].tolist() == pytest.approx([first.low, first.high])
    plt.close("all")


def test_what_cannot_be_drawn_is_said(found):
    with pytest.raises(GraphmmlError, match="there is modality, relation, feature"):
        found.plot.parts("link")
    with pytest.raises(GraphmmlError, match="choose change or drop"):
        found.plot.parts("feature", by="rank")
    assert isinstance(found, gm.Importances)
