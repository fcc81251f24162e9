"""Small charts as SVG: bars, histograms and lines that stretch to their place, coloured by the page's style sheet.

Words stand in HTML around them, so that they keep their size at any width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from placement.report.markup import Html, h
from placement.units import FloatArray

_WIDTH = 1000.0
_LEAST = 1.5
"""Least width of a part that is not 0, of `_WIDTH`."""
_MOST_LETTERS = 24
"""Of a name beside a point."""


@dataclass(frozen=True)
class Part:
    """A part of a bar: its length in the bar's unit, its class in the style sheet, what it says when pointed at."""

    value: float
    css: str
    title: str


def bar(parts: Sequence[Part], whole: float, title: str, *, mark: float | None = None, mark_title: str = "") -> Html:
    """Return parts side by side, `whole` being the full width.

    Parameters
    ----------
    mark
        Where to draw a line across, in the bar's unit.
    """
    shapes: list[Html] = []
    at = 0.0
    for part in parts:
        width = part.value / whole * _WIDTH if whole > 0 else 0.0
        if width <= 0:
            continue
        width = min(max(width, _LEAST), _WIDTH - at)
        shapes.append(h(f"rect.{part.css}", h("title", part.title), x=at, y=0, width=width, height=10))
        at += width
    if mark is not None and whole > 0:
        x = min(mark / whole * _WIDTH, _WIDTH - 1)
        shapes.append(h("rect.mark", h("title", mark_title), x=x, y=0, width=3, height=10))
    return _svg("bar", title, 10, shapes)


def key(css: str) -> Html:
    """Return a small square of a colour, for legends."""
    return h("i.key", h("svg", h(f"rect.{css}", width=10, height=10), viewBox="0 0 10 10", aria_hidden="true"))


def histogram(values: FloatArray, title: str, unit: str, *, bins: int = 20) -> Html:
    """Return how many of the shares in `values` are in each of `bins` equal parts of 0 … 1."""
    counts, _ = np.histogram(np.clip(values, 0.0, 1.0), bins=bins, range=(0.0, 1.0))
    most = max(int(counts.max(initial=0)), 1)
    step = _WIDTH / bins
    shapes = []
    for n, found in enumerate(counts.tolist()):
        low, high = n * 100 // bins, (n + 1) * 100 // bins
        height = found / most * 100
        shapes.append(
            h(
                "rect.f1" if found else "rect.none",
                h("title", f"{low}–{high} %: {found:,} {unit}"),
                x=n * step + 2,
                y=100 - max(height, 1.0),
                width=step - 4,
                height=max(height, 1.0),
            )
        )
    return _svg("histogram", title, 100, shapes)


@dataclass(frozen=True)
class Line:
    """A line over the chart's points: y values, a class, and optionally a band between `low` and `high`."""

    values: Sequence[float]
    css: str
    title: str
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def lines(series: Sequence[Line], title: str) -> Html:
    """Return lines over equally spaced points, from 0 up to the largest value of all."""
    tops = [max((*line.values, *(line.high or ())), default=0.0) for line in series]
    most = max((*tops, 1e-12))

    def points(values: Sequence[float]) -> list[str]:
        step = _WIDTH / max(len(values) - 1, 1)
        return [f"{n * step:.1f},{(1 - value / most) * 300:.1f}" for n, value in enumerate(values)]

    shapes = []
    for line in series:
        if line.low is not None and line.high is not None:
            outline = [*points(line.high), *reversed(points(line.low))]
            shapes.append(h(f"path.band.{line.css}", h("title", line.title), d=f"M{'L'.join(outline)}Z"))
    shapes += [
        h(f"path.line.{line.css}", h("title", line.title), d=f"M{'L'.join(points(line.values))}") for line in series
    ]
    return _svg("lines", title, 300, shapes)


@dataclass(frozen=True)
class Point:
    """A point of a scatter; marked ones are named and joined by a line."""

    x: float
    y: float
    name: str
    title: str
    is_marked: bool


def scatter(
    points: Sequence[Point],
    title: str,
    axes: tuple[str, str],
    shown: tuple[Callable[[float], str], Callable[[float], str]],
) -> Html:
    """Return points over x and y, y from 0 up; those at one place share a mark.

    Parameters
    ----------
    axes
        What x and y are.
    shown
        How their numbers are written.
    """
    width, height, left, bottom = 560.0, 300.0, 64.0, 46.0
    least, most = min(point.x for point in points), max(point.x for point in points)
    top = max((*(point.y for point in points), 1e-12))

    def place(point: Point) -> tuple[float, float]:
        share = (point.x - least) / (most - least) if most > least else 0.5
        return left + 20 + share * (width - left - 60), (height - bottom) - point.y / top * (height - bottom - 44)

    places: dict[tuple[float, float], list[Point]] = {}
    for point in points:
        x, y = place(point)
        places.setdefault((round(x, 1), round(y, 1)), []).append(point)
    front = sorted(at for at, here in places.items() if any(point.is_marked for point in here))
    steps = [f"M{front[0][0]},{front[0][1]}"] if front else []
    steps += [f"H{x}V{y}" for x, y in front[1:]]
    base = height - bottom
    shapes = [
        h("path.axes", d=f"M{left},22V{base}H{width - 10}"),
        h("text", axes[0], x=(left + width) / 2, y=height - 6, text_anchor="middle"),
        h("text", axes[1], x=8, y=14),
        h("text", shown[1](top), x=left - 6, y=48, text_anchor="end"),
        h("text", "0", x=left - 6, y=base, text_anchor="end"),
        *(h("text", shown[0](x), x=at, y=base + 16, text_anchor="middle") for x, at in _ends(least, most, width, left)),
    ]
    if len(steps) > 1:
        shapes.append(h("path.front", d="".join(steps)))
    named: list[tuple[float, float]] = []
    for (x, y), here in sorted(places.items()):
        marked = [point for point in here if point.is_marked]
        told = h("title", "\n".join(point.title for point in here))
        shapes.append(h(f"circle.{'marked' if marked else 'other'}", told, cx=x, cy=y, r=5.0))
        if marked and all(abs(x - a) > 110 or abs(y - b) > 13 for a, b in named):
            more = f" (+{len(here) - 1})" if len(here) > 1 else ""
            is_right = x > width * 0.6
            at = x - 9 if is_right else x + 9
            name = _short(marked[0].name) + more
            shapes.append(h("text.name", name, x=at, y=y - 7, text_anchor="end" if is_right else "start"))
            named.append((x, y))
    return h("svg.scatter", shapes, viewBox=f"0 0 {width:.0f} {height:.0f}", role="img", aria_label=title)


def _ends(least: float, most: float, width: float, left: float) -> list[tuple[float, float]]:
    """Return the numbers that are written below the x axis, and where."""
    if most > least:
        return [(least, left + 20), (most, width - 40)]
    return [(least, left + 20 + (width - left - 60) / 2)]


def _short(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else name[: _MOST_LETTERS - 1] + "…"


def _svg(css: str, title: str, height: int, shapes: Sequence[Html]) -> Html:
    return h(
        f"svg.{css}",
        shapes,
        viewBox=f"0 0 {_WIDTH:.0f} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=title,
    )
