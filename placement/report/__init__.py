"""A plan as one HTML page: pictures first, tables below, nothing loaded from elsewhere.

::

    plan (fleet, comparison, forecast) ─▶ facts ─▶ sections (HTML, SVG) ─┐
                                      └─▶ payload (packed columns) ──────┴─▶ page

What must be there without scripts and in print (figures, charts, alerts, estimates) is made here, as HTML and SVG. The
browser draws the heat map and searches the payload.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.report.page import render_report, write_report
    from placement.report.pictures import draw_report

__all__ = ["draw_report", "render_report", "write_report"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "pictures" if name == "draw_report" else "page"
    return getattr(importlib.import_module(f"placement.report.{module}"), name)
