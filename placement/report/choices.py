"""Comparison of mixes and forecast, where their JSON is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from placement.report.markup import Html


def comparison_section(comparison: Mapping[str, Any]) -> Html | None:
    """Return the comparison's chart."""
    return None


def forecast_section(forecast: Mapping[str, Any]) -> Html | None:
    """Return the forecast's chart."""
    return None
