"""The few pieces every chart is drawn from: a scale, its ticks, text and a figure that a screen reader can name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from markupsafe import Markup, escape

WIDTH = 640.0
"""Of a figure that takes a line of the page; half of it where two or three stand side by side."""
SERIES = 8
"""Colours c0 to c7 are in style.css (Okabe and Ito 2008: told apart by colour-blind readers, in the light and dark)."""


@dataclass(frozen=True)
class Scale:
    """A line from numbers to places on the page; what lies outside is put at its end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a number."""
        wide = self.high - self.low
        share = (min(max(value, self.low), self.high) - self.low) / wide if wide else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round numbers along the line."""
        wide = self.high - self.low
        if not wide or not isfinite(wide):
            return [self.low]
        rough = wide / most
        power = 10.0 ** floor(log10(rough))
        step = next(power * size for size in (1, 2, 5, 10) if power * size >= rough - 1e-12)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def at(number: float) -> str:
    """Write a place on the page, to a tenth."""
    return f"{number:.1f}".removesuffix(".0")


def text(x: float, y: float, said: object, kind: str = "", anchor: str = "start") -> Markup:
    """Write words; `anchor` is start, middle or end."""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        at(x), at(y), kind, anchor, escape(str(said)[:80])
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """Draw a straight line."""
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(at(x1), at(y1), at(x2), at(y2), kind)


def box(x: float, y: float, width: float, height: float, kind: str, hint: str = "") -> Markup:
    """Draw a rectangle; `hint` shows under the pointer."""
    inside = Markup("<title>{}</title>").format(hint) if hint else ""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}">{}</rect>').format(
        at(x), at(y), at(max(width, 0.0)), at(max(height, 0.0)), kind, inside
    )


def path(points: Iterable[tuple[float, float]], kind: str, *, closed: bool = False) -> Markup:
    """Draw a line through points."""
    steps = " ".join(f"{at(x)},{at(y)}" for x, y in points)
    shape = "polygon" if closed else "polyline"
    return Markup('<{} points="{}" class="{}"/>').format(Markup(shape), steps, kind)


def figure(
    width: float, height: float, title: str, says: str, body: Iterable[Markup], key: Markup | str = ""
) -> Markup:
    """Frame a drawing with its caption; `says` tells in words what it shows, for those who do not see it."""
    return Markup(
        '<figure class="{}"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
        "<figcaption><b>{}</b> {}{}</figcaption></figure>"
    ).format(
        "half" if width <= WIDTH / 2 else "full",
        at(width),
        at(height),
        f"{title} {says}",
        Markup("").join(body),
        title,
        says,
        key,
    )


def legend(names: Iterable[str], marks: Sequence[str]) -> Markup:
    """Name the series by colour and by mark."""
    items = [
        Markup('<span class="c{}"><i aria-hidden="true">{}</i> {}</span>').format(
            n % SERIES, marks[n % len(marks)], name
        )
        for n, name in enumerate(names)
    ]
    return Markup('<span class="key">{}</span>').format(Markup(" ").join(items))


def bottom_axis(scale: Scale, y: float, label: str, written: str = "g") -> list[Markup]:
    """Draw ticks and a label below a chart."""
    drawn = [line(scale.start, y, scale.end, y, "axis")]
    for tick in scale.ticks():
        drawn += [
            line(scale(tick), y, scale(tick), y + 4, "axis"),
            text(scale(tick), y + 16, f"{tick:{written}}", "tick", "middle"),
        ]
    return [*drawn, text((scale.start + scale.end) / 2, y + 32, label, "label", "middle")]


def left_axis(scale: Scale, x: float, label: str, written: str = "g") -> list[Markup]:
    """Draw ticks and a label left of a chart."""
    drawn = [line(x, scale.start, x, scale.end, "axis")]
    for tick in scale.ticks():
        drawn += [
            line(x - 4, scale(tick), x, scale(tick), "axis"),
            text(x - 7, scale(tick) + 4, f"{tick:{written}}", "tick", "end"),
        ]
    return [*drawn, text(x - 34, scale.end - 8, label, "label")]
