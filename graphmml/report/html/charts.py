"""Charts of a report: pure functions from numbers to one figure each."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from markupsafe import Markup

from graphmml.report.html.svg import WIDTH, Scale, at, bottom_axis, box, figure, left_axis, legend, line, path, text
from graphmml.report.words import short

LEFT, NOTE, ROW = 220.0, 190.0, 24.0
LONGEST = 32
LINES = ("━━", "╍╍", "┅┅", "━╍", "━━")


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart: a share, its level by chance, and words at the end of the row."""

    label: str
    value: float
    chance: float
    note: str = ""


@dataclass(frozen=True)
class Range:
    """One row of a forest plot: a number with its interval, and words at the end of the row."""

    label: str
    mean: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """A line through (x, y), with a band where `low` and `high` are given: float [point]."""

    label: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    dots: bool = False


def bars(title: str, says: str, rows: Sequence[Bar], axis: str) -> Markup:
    """Draw shares as bars, each crossed by a mark at its level by chance."""
    height = ROW * len(rows) + 44
    scale = Scale(0.0, 1.0, LEFT, WIDTH - NOTE)
    drawn = []
    for n, row in enumerate(rows):
        y = ROW * n + 6
        drawn.append(text(LEFT - 8, y + 13, short(row.label, LONGEST), "", "end"))
        if isfinite(row.value):
            hint = f"{row.value:.3f}" + (f", by chance {row.chance:.3f}" if isfinite(row.chance) else "")
            drawn.append(box(LEFT, y + 3, scale(row.value) - LEFT, ROW - 9, "bar", hint))
        if isfinite(row.value) and isfinite(row.chance):
            drawn.append(line(scale(row.chance), y, scale(row.chance), y + ROW - 3, "chance"))
        drawn.append(text(WIDTH - NOTE + 10, y + 13, row.note, "note"))
    drawn += bottom_axis(scale, ROW * len(rows) + 6, axis)
    return figure(WIDTH, height, title, says, drawn)


def forest(title: str, says: str, rows: Sequence[Range], axis: str, reference: float | None = None) -> Markup:
    """Draw numbers with their intervals below each other."""
    ends = [end for row in rows for end in (row.low, row.high, row.mean) if isfinite(end)] or [0.0, 1.0]
    ends += [] if reference is None else [reference]
    scale = Scale(*padded(min(ends), max(ends)), LEFT, WIDTH - NOTE)
    drawn = [] if reference is None else [line(scale(reference), 0, scale(reference), ROW * len(rows) + 6, "chance")]
    for n, row in enumerate(rows):
        y = ROW * n + 15
        drawn.append(text(LEFT - 8, y + 4, short(row.label, LONGEST), "", "end"))
        if isfinite(row.low) and isfinite(row.high):
            drawn.append(line(scale(row.low), y, scale(row.high), y, "interval"))
        if isfinite(row.mean):
            drawn.append(box(scale(row.mean) - 4, y - 4, 8, 8, "mean", f"{row.mean:.3f}"))
        drawn.append(text(WIDTH - NOTE + 10, y + 4, row.note, "note"))
    drawn += bottom_axis(scale, ROW * len(rows) + 6, axis)
    return figure(WIDTH, ROW * len(rows) + 44, title, says, drawn)


def effects(title: str, says: str, rows: Sequence[Range], axis: str) -> Markup:
    """Draw numbers as bars to both sides of zero, whiskers over them where they have an interval."""
    ends = [end for row in rows for end in (row.low, row.high, row.mean) if isfinite(end)]
    scale = Scale(*padded(min([*ends, 0.0]), max([*ends, 0.0])), LEFT, WIDTH - NOTE)
    drawn = []
    for n, row in enumerate(rows):
        y = ROW * n + 15
        drawn.append(text(LEFT - 8, y + 4, short(row.label, LONGEST), "", "end"))
        if isfinite(row.mean):
            start, end = sorted((scale(0.0), scale(row.mean)))
            drawn.append(box(start, y - 6, end - start, 12, "bar" if row.mean >= 0 else "bar down", f"{row.mean:.3f}"))
        if isfinite(row.low) and isfinite(row.high):
            drawn.append(line(scale(row.low), y, scale(row.high), y, "whisker"))
        drawn.append(text(WIDTH - NOTE + 10, y + 4, row.note, "note"))
    drawn.append(line(scale(0.0), 2, scale(0.0), ROW * len(rows) + 6, "axis"))
    drawn += bottom_axis(scale, ROW * len(rows) + 6, axis)
    return figure(WIDTH, ROW * len(rows) + 44, title, says, drawn)


def padded(low: float, high: float) -> tuple[float, float]:
    """Leave a little room at both ends."""
    room = 0.05 * (high - low) or 0.05
    return low - room, high + room


def histogram(
    title: str, says: str, counts: np.ndarray, edges: np.ndarray, axis: str, count: str = "patients"
) -> Markup:
    """Draw counts (int [bin]) between edges (float [bin + 1])."""
    across = Scale(float(edges[0]), float(edges[-1]), 60, WIDTH / 2 - 10)
    up = Scale(0.0, float(max(counts.max(initial=0), 1)), 190, 20)
    drawn = []
    for number, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        wide = max(across(high) - across(low) - 1, 1)
        drawn.append(box(across(low), up(number), wide, 190 - up(number), "bar", f"{low:g} to {high:g}: {number}"))
    drawn += [*bottom_axis(across, 190, axis), *left_axis(up, 60, count)]
    return figure(WIDTH / 2, 226, title, says, drawn)


def curves(
    title: str,
    says: str,
    shown: Sequence[Curve],
    *,
    x: str,
    y: str,
    low: float = 0.0,
    high: float = 1.0,
    diagonal: bool = False,
) -> Markup:
    """Draw lines over 0 to 1 on a square, bands behind them."""
    across, up = Scale(0.0, 1.0, 56, WIDTH / 2 - 12), Scale(low, high, 272, 22)
    drawn = [line(across(0), up(0), across(1), up(1), "chance")] if diagonal else []
    for n, curve in enumerate(shown):
        points = list(zip(map(across, curve.x.tolist()), map(up, curve.y.tolist()), strict=True))
        if curve.low is not None and curve.high is not None:
            upper = zip(map(across, curve.x.tolist()), map(up, curve.high.tolist()), strict=True)
            lower = zip(map(across, curve.x.tolist()), map(up, curve.low.tolist()), strict=True)
            drawn.append(path([*upper, *reversed(list(lower))], f"band c{n}", closed=True))
        drawn.append(path(points, f"curve c{n}"))
        drawn += [box(px - 3, py - 3, 6, 6, f"dot c{n}") for px, py in points] if curve.dots else []
    drawn += [*bottom_axis(across, 272, x), *left_axis(up, 56, y)]
    return figure(WIDTH / 2, 308, title, says, drawn, legend([curve.label for curve in shown], LINES))


def network(
    title: str, says: str, xy: np.ndarray, edges: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> Markup:
    """Draw patients at `xy` (float [patient, 2], 0 to 1), edges int [2, edge], coloured and shaped by label.

    `labels` is int [patient] into `names`; -1 is unknown and drawn faintly. Dots of one label are one path, so that a
    thousand patients are a few kilobytes.
    """
    size = WIDTH / 2
    place = np.round(xy * (size - 20) + 10).astype(int)
    ends = place[edges] if edges.size else np.zeros((2, 0, 2), dtype=int)
    lines = "".join(f"M{a}{' ' if b >= 0 else ''}{b}L{c} {d}" for (a, b), (c, d) in zip(*ends.tolist(), strict=True))
    faint = "edges many" if edges.shape[1] > MANY_EDGES else "edges"
    drawn = [Markup('<path d="{}" class="{}"/>').format(lines, faint)]
    for label in range(-1, len(names)):
        dots = "".join(SHAPES[label % len(SHAPES)].format(x=x, y=y) for x, y in place[labels == label].tolist())
        kind = "unknown" if label < 0 else f"c{label % 8}"
        drawn.append(Markup('<path d="{}" class="node {} s{}"/>').format(dots, kind, label % len(SHAPES)))
    return figure(size, size, title, says, drawn, legend(names, MARKS))


SHAPES = ("M{x} {y}h0", "M{x} {y}m-3 0h6m-3 -3v6", "M{x} {y}m-3 -3l6 6m-6 0l6 -6", "M{x} {y}m-2 -2h4v4h-4z")
MARKS = ("●", "+", "x", "■")
MANY_EDGES = 3_000


def shades(
    title: str, says: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float], Sequence[str]]]
) -> Markup:
    """Draw shares from 0 to 1 as a shaded table that can be read and copied: (name, shares, words) a row."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(column) for column in columns)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            name,
            Markup("").join(
                Markup('<td style="--share:{}">{}</td>').format(at(100 * value) if isfinite(value) else "0", word)
                for value, word in zip(values, words, strict=True)
            ),
        )
        for name, values, words in rows
    )
    return Markup(
        '<figure class="wide"><div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="shades">'
        "<thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table></div>"
        "<figcaption><b>{}</b> {}</figcaption></figure>"
    ).format(title, head, body, title, says)
