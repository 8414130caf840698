"""Scales, ticks and charts: numbers end up where they should, and words cannot become markup."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmml.report.html.charts import Bar, Curve, Range, bars, curves, forest, histogram, network, shades
from graphmml.report.html.svg import Scale

EVIL = '</svg><script>alert("x")</script>&amp;'


def drawn(markup):
    """Parse a figure, which fails unless it is well formed; return the tags and the tree."""
    tree = ElementTree.fromstring(str(markup))
    return [item.tag for item in tree.iter()], tree


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_evenly_spaced_and_within(low, wide):
    scale = Scale(low, low + wide, 0, 100)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-6 * wide <= tick <= low + wide * (1 + 1e-6) for tick in ticks)
    if len(ticks) > 2:
        np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-6, atol=1e-9)


def test_a_scale_puts_ends_at_ends_and_keeps_what_is_beyond_at_the_border():
    scale = Scale(0, 2, 10, 30)
    assert [scale(value) for value in (0, 1, 2, -5, 9)] == [10, 20, 30, 10, 30]
    assert Scale(1, 1, 0, 10)(1) == 5


@pytest.mark.parametrize(
    "figure",
    [
        bars(EVIL, EVIL, [Bar(EVIL, 0.4, 0.2, EVIL)], EVIL),
        forest(EVIL, EVIL, [Range(EVIL, 0.4, 0.2, 0.5, EVIL)], EVIL, reference=0.5),
        histogram(EVIL, EVIL, np.array([1, 2]), np.array([0, 1, 2]), EVIL),
        curves(EVIL, EVIL, [Curve(EVIL, np.array([0.0, 1.0]), np.array([0.0, 1.0]))], x=EVIL, y=EVIL, diagonal=True),
        network(EVIL, EVIL, np.array([[0.0, 1.0]]), np.zeros((2, 0), dtype=int), np.array([0]), [EVIL]),
        shades(EVIL, EVIL, [EVIL], [(EVIL, [0.5], [EVIL])]),
    ],
)
def test_words_of_a_user_stay_words(figure):
    tags, _ = drawn(figure)
    assert "script" not in tags


def test_undefined_numbers_draw_nothing():
    nan = float("nan")
    for figure in (bars("t", "s", [Bar("a", nan, nan)], "x"), forest("t", "s", [Range("a", nan, nan, nan)], "x")):
        assert "nan" not in str(figure)


def test_a_bar_is_as_long_as_its_share_and_the_mark_is_at_chance():
    _, tree = drawn(bars("t", "s", [Bar("a", 0.5, 0.25), Bar("b", 1.0, 0.25)], "x"))
    wide = [float(item.get("width")) for item in tree.iter("rect")]
    assert wide[1] == pytest.approx(2 * wide[0])
    marks = [item for item in tree.iter("line") if item.get("class") == "chance"]
    start = float(next(tree.iter("rect")).get("x"))
    assert float(marks[0].get("x1")) - start == pytest.approx(wide[0] / 2)


def test_each_patient_is_one_dot_of_its_label():
    labels = np.array([0, 1, 1, -1, 0, 1])
    _, tree = drawn(
        network("t", "s", np.random.default_rng(0).random((6, 2)), np.array([[0, 1], [2, 3]]), labels, "ab")
    )
    dots = {item.get("class"): item.get("d").count("M") for item in tree.iter("path")}
    assert dots["edges"] == 2
    assert sum(count for kind, count in dots.items() if kind.startswith("node")) - dots["node c1 s1"] <= 6
    assert dots["node c0 s0"] == 2


def test_every_figure_can_be_named_by_a_screen_reader():
    _, tree = drawn(bars("Title.", "Says.", [Bar("a", 0.5, 0.25)], "x"))
    image = next(tree.iter("svg"))
    assert image.get("role") == "img"
    assert image.get("aria-label") == "Title. Says."
