"""Lines that are too long are broken below their own words, and nothing is lost."""

import pytest

from graphmml.report.words import broken, hanging

LINES = (
    "  outcome    adjusted 0.32 at 2 links, 0.27 at 3 · informativeness 0.12 · CCNS distance 0.39 (0.50)",
    "  own class  among neighbours: 0 66% (45% of all) · 1 74% (55% of all)",
    "  of relations one and another agree most: 2.4% of pairs, 0.7% by chance, and so on to the end",
    "graph  920 patients · 18,400 edges · 1 component · 0 isolated · and so on to the end of the line",
)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_a_line_is_broken_within_the_width_and_says_the_same(line, width):
    parts = broken(line, width)
    assert all(len(part) <= width for part in parts)
    assert " ".join(" ".join(parts).split()) == " ".join(line.split())
    assert (parts == [line]) == (len(line) <= width)


@pytest.mark.parametrize(("line", "indent"), list(zip(LINES, (13, 13, 4, 7), strict=True)))
def test_what_follows_stands_below_what_the_label_is_of(line, indent):
    for part in broken(line, 50)[1:]:
        assert len(part) - len(part.lstrip()) == indent


def test_lines_are_broken_one_by_one():
    assert hanging("\n".join(LINES), 60) == "\n".join(part for line in LINES for part in broken(line, 60))
