"""A plot of abstention shows the curve and its control."""

import numpy as np
import pytest

import graphmml as gm
from graphmml.errors import GraphmmlError


@pytest.fixture
def curve():
    random = np.random.default_rng(0)
    one = random.random(80)
    return gm.abstention((random.random(80) < one).astype(int), np.stack([1 - one, one], axis=1))


def test_the_lines_are_the_numbers(curve):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    for metric in ("auroc", "accuracy", "brier"):
        ax = gm.plot_abstention(curve, metric)
        chance, surest = (line.get_ydata() for line in ax.lines)
        np.testing.assert_array_equal(surest, curve.frame()[metric])
        np.testing.assert_array_equal(chance, curve.frame()[f"chance_{metric}"])
        assert gm.plot_abstention(curve, metric, ax) is ax
        matplotlib.pyplot.close(ax.figure)


def test_a_score_that_there_is_not_is_refused(curve):
    with pytest.raises(GraphmmlError, match="no score 'f1' over abstention; there are: auroc"):
        gm.plot_abstention(curve, "f1")
