"""Small charts as SVG: bars, histograms and lines that stretch to their place, coloured by the page's style sheet.

Words stand in HTML around them, so that they keep their size at any width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placement.report.markup import Html, h
from placement.units import FloatArray

_WIDTH = 1000.0
_LEAST = 1.5
"""Least width of a part that is not 0, of `_WIDTH`."""


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


def _svg(css: str, title: str, height: int, shapes: Sequence[Html]) -> Html:
    return h(
        f"svg.{css}",
        shapes,
        viewBox=f"0 0 {_WIDTH:.0f} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=title,
    )
